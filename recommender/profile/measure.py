"""Measurement of a dataset's profile: characteristics and guardrails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recommender.dataset.column_summary import summarise
from recommender.dataset.readers.row_parts import WHOLE
from recommender.dataset.sql import is_number
from recommender.profile.characteristic import Characteristic, by_name, labelled_rows
from recommender.profile.characteristics.comparing import feature_drift
from recommender.profile.characteristics.entity import find_entity
from recommender.profile.characteristics.steps import measure_sequences
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
from recommender.profile.guardrails.status import sort_by_status
from recommender.profile.known_split import known_split
from recommender.profile.measurements import measure_features, measure_order, measure_rows, measure_targets
from recommender.profile.profile import ColumnProfile, Profile
from recommender.profile.whole import check_sample, whole_rows, whole_summary
from rules.vocabulary.facts import Modality, Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recommender.dataset.column_summary import ColumnSummary
    from recommender.dataset.dataset import Dataset
    from recommender.profile.characteristic import Labelled
    from recommender.roles.roles import Roles
    from rules.decision.record import Guardrail


def measure(dataset: Dataset, roles: Roles) -> Profile:
    """Measure the profile of a dataset.

    Rows without a target are excluded. Counts and moments use all rows; other characteristics use a sample of at most
    20,000 rows, evenly spread over the file, and report it.
    """
    table = labelled_rows(dataset, roles)
    summaries = (
        dataset.summaries
        if table.rows == dataset.row_count
        else summarise(dataset.connection, dataset.storage, where=table.where)
    )
    features = measure_features(dataset, roles, table, summaries)
    whole = None if dataset.drawn is None else whole_rows(dataset, roles, table)
    if whole is None:
        targets = {own: measure_targets(dataset, roles, table, own, summaries[own]) for own in roles.targets}
    else:
        targets = {own: _whole_target(dataset, roles, whole, own, summaries[own]) for own in roles.targets}
    # Images are in the order of their names, and drawn rows have no neighbours.
    has_order = dataset.format not in {"folder", "archive"} and whole is None
    sequence = () if not has_order else measure_order(dataset, roles)
    parts = _parts(roles)
    pictures: Sequence[Characteristic] = ()
    if roles.has_images:
        from recommender.profile.characteristics.images import measure_images  # noqa: PLC0415  NumPy is for images only

        pictures = measure_images(dataset, roles, table)
    if roles.has_sequences:
        sequence = measure_sequences(dataset, roles, table)
    characteristics = (
        *measure_rows(dataset, roles, table, whole=whole),
        *features.characteristics,
        *pictures,
        *sequence,
    )
    measured = by_name(characteristics)
    profile = Profile(
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
        guardrails=sort_by_status(
            one.model_copy(update={"message": dataset.with_files(one.message)})
            for one in (
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
    return check_sample(dataset, profile)


def _whole_target(
    dataset: Dataset, roles: Roles, whole: Labelled, target: str, summary: ColumnSummary
) -> tuple[Characteristic, ...]:
    """Characteristics of a target over all rows of large files. summary: that of the sample."""
    if is_number(dataset.storage[target]):
        summary = whole_summary(dataset, summary, whole)
    return measure_targets(dataset, roles, whole, target, summary, source=WHOLE)


def _drift(dataset: Dataset, roles: Roles, table: Labelled) -> Guardrail:
    """Check for drift between training and hold-out rows, if the hold-out rows are known."""
    division = known_split(dataset, roles, table)
    if division is None:
        return check_drift(roles, (), None)
    found = feature_drift(dataset, roles, training=division.training, hold_out=division.hold_out)
    return check_drift(roles, found, division.words)


def modality_of(roles: Roles) -> Modality:
    """Main content of a row of the dataset."""
    if roles.task is Task.FORECASTING:
        return Modality.SEQUENCE
    if roles.has_sequences:
        return Modality.SEQUENCE
    if roles.has_images:
        return Modality.IMAGE
    return Modality.TEXT if roles.has_texts_alone else Modality.TABULAR


def _parts(roles: Roles) -> dict[str, str]:
    """Role of each column, by name."""
    parts = dict.fromkeys(roles.columns, "unused") | dict.fromkeys(roles.features, "feature")
    apart = {
        "time": roles.time_column,
        "entity": roles.entity_column,
        "split": roles.split_column,
        "weight": roles.weight_column,
    }
    parts |= {name: part for part, name in apart.items() if name is not None}
    return parts | dict.fromkeys(roles.targets, "target")
