"""Every measured number of a dataset with unit and interval, every check of it, and the facts for rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recommender.dataset.column_summary import summarise
from recommender.profile.characteristic import Characteristic, by_name, labelled
from recommender.profile.characteristics.comparing import feature_drift
from recommender.profile.characteristics.entity import find_entity
from recommender.profile.characteristics.steps import of_steps
from recommender.profile.guardrails import (
    check_columns,
    check_drift,
    check_entity,
    check_leakage,
    check_names,
    check_order,
    check_pictures,
    check_readings,
    check_rows,
    check_targets,
    check_times,
)
from recommender.profile.guardrails.status import in_order
from recommender.profile.known_split import known_division
from recommender.profile.measurements import of_features, of_rows, of_sequence, of_targets
from recommender.profile.profile import ColumnProfile, Profile
from rules.vocabulary.facts import Modality, Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recommender.dataset.dataset import Dataset
    from recommender.profile.characteristic import Labelled
    from recommender.roles.roles import Roles
    from rules.decision.record import Guardrail


def measure(dataset: Dataset, roles: Roles) -> Profile:
    """Measure a dataset in its roles: a few queries, none of them over all rows but for counts and moments.

    Rows in which a target is empty are left out of everything. What needs order or pairs is measured on at most 20,000
    rows, evenly spread over the file, and says so.
    """
    table = labelled(dataset, roles)
    summaries = (
        dataset.summaries
        if table.rows == dataset.row_count
        else summarise(dataset.connection, dataset.storage, where=table.where)
    )
    features = of_features(dataset, roles, table, summaries)
    targets = {target: of_targets(dataset, roles, table, target, summaries[target]) for target in roles.targets}
    is_folder = dataset.format in {"folder", "archive"}  # whose images lie in the order of their names
    sequence = () if is_folder else of_sequence(dataset, roles)
    parts = _parts(roles)
    pictures: Sequence[Characteristic] = ()
    if roles.has_images:
        from recommender.profile.characteristics.pictures import of_pictures  # noqa: PLC0415  NumPy is for images only

        pictures = of_pictures(dataset, roles, table)
    if roles.has_sequences:
        sequence = of_steps(dataset, roles, table)
    characteristics = (*of_rows(dataset, roles, table), *features.characteristics, *pictures, *sequence)
    measured = by_name(characteristics)
    return Profile(
        dataset=dataset.name,
        task=roles.task,
        modality=modality_of(roles),
        characteristics=characteristics,
        targets=targets,
        columns=tuple(
            ColumnProfile(
                column=name,
                part=parts[name],
                kind=role.kind,
                reason=role.reason,
                missing_share=summaries[name].missing_share,
                distinct=summaries[name].distinct,
                distinct_is_exact=summaries[name].exact,
            )
            for name, role in roles.columns.items()
        ),
        guardrails=in_order(
            (
                *check_leakage(roles, features.hints),
                *check_names(dataset),
                *check_times(dataset, roles),
                *check_readings(dataset, roles),
                *check_rows(roles, measured),
                *check_targets(roles, {target: by_name(found) for target, found in targets.items()}),
                *check_order(roles, measured),
                *check_entity(roles, find_entity(dataset, roles, table, summaries)),
                *check_columns(roles, summaries, dataset.notes),
                *check_pictures(dataset, roles, measured),
                _drift(dataset, roles, table),
            )
        ),
    )


def _drift(dataset: Dataset, roles: Roles, table: Labelled) -> Guardrail:
    """Whether hold-out rows differ from training rows, measured where it is known which ones they will be."""
    division = known_division(dataset, roles, table)
    if division is None:
        return check_drift(roles, (), None)
    found = feature_drift(dataset, roles, training=division.training, hold_out=division.hold_out)
    return check_drift(roles, found, division.words)


def modality_of(roles: Roles) -> Modality:
    """What one row of the dataset mainly holds."""
    if roles.task is Task.FORECASTING:
        return Modality.SEQUENCE
    if roles.has_sequences:
        return Modality.SEQUENCE
    if roles.has_images:
        return Modality.IMAGE
    return Modality.TEXT if roles.has_texts_alone else Modality.TABULAR


def _parts(roles: Roles) -> dict[str, str]:
    """The part that each column plays, by name."""
    parts = dict.fromkeys(roles.columns, "unused") | dict.fromkeys(roles.features, "feature")
    apart = {"time": roles.time_column, "entity": roles.entity_column, "split": roles.split_column}
    parts |= {name: part for part, name in apart.items() if name is not None}
    return parts | dict.fromkeys(roles.targets, "target")
