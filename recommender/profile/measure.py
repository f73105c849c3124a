"""Every measured number of a dataset with unit and interval, every check of it, and the facts for rules."""

from __future__ import annotations

from operator import neg
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

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
    in_order,
    not_passed,
)
from recommender.profile.known_split import known_division
from recommender.profile.measurements import of_features, of_rows, of_sequence, of_targets
from recommender.roles.kinds import Kind
from rules.decision.record import Guardrail
from rules.vocabulary.facts import FACTS, NOT_APPLICABLE, UNKNOWN, Measurement, Modality, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from recommender.dataset.dataset import Dataset
    from recommender.profile.characteristic import Labelled
    from recommender.roles.infer import Roles


class ColumnProfile(BaseModel):
    """One column in short."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    part: str
    """feature, target, time, entity, split, or unused."""
    kind: Kind
    reason: str
    missing_share: float
    distinct: int
    distinct_is_exact: bool


class Profile(BaseModel):
    """What was measured of one dataset in its roles."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    dataset: str
    task: Task
    modality: Modality
    characteristics: tuple[Characteristic, ...]
    """Of the whole dataset: of its rows, features and their order."""
    targets: dict[str, tuple[Characteristic, ...]]
    """Of each target."""
    columns: tuple[ColumnProfile, ...]
    guardrails: tuple[Guardrail, ...]
    """Every check of the data: what a person should look at, then what was done, then what passed."""

    @property
    def findings(self) -> tuple[Guardrail, ...]:
        """The guardrails that did not pass."""
        return not_passed(self.guardrails)

    def get(self, name: str, *, target: str | None = None) -> Characteristic | None:
        """A characteristic by name, of the dataset or of one of its targets; None where it was not measured."""
        of_whom = self.characteristics if target is None else self.targets[target]
        return next((one for one in of_whom if one.name == name), None)


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


def facts(profile: Profile, *, trial_budget: Measurement) -> dict[str, Measurement]:
    """What rules may know of the dataset: a measurement for each fact that no slot reports.

    A fact that has no meaning for the task is NOT_APPLICABLE; one that could not be measured is UNKNOWN. Of several
    targets the worst counts: the greatest imbalance, the rarest class, the most outliers, the heaviest tail, the
    furthest skew.
    """
    given = {
        "task": Measurement(value=profile.task.value, source="inferred from the target, or given by --task"),
        "modality": Measurement(value=profile.modality.value, source="the kinds of the columns to learn from"),
        "trial_budget": trial_budget,
    }
    if profile.modality is not Modality.IMAGE and FACTS[MIRROR].applies_to(profile.task):
        given[MIRROR] = Measurement(value=0.0, source="the rows hold no images")
    if profile.get(TEXT_WORDS) is None:
        given[TEXT_WORDS] = Measurement(value=0.0, source="the rows hold no texts")
    return {
        name: given[name]
        if name in given
        else _measurement(profile, name)
        if fact.applies_to(profile.task)
        else Measurement(value=NOT_APPLICABLE, source=f"has no meaning for {profile.task}")
        for name, fact in FACTS.items()
        if fact.slot is None
    }


MIRROR: Final = "mirror_agreement"
TEXT_WORDS: Final = "text_words"
WORST: Final[Mapping[str, Callable[[float], float]]] = MappingProxyType(
    {
        "classes": float,
        "imbalance_ratio": float,
        "rare_class_rows": neg,
        "outlier_share": float,
        "squared_deviation_top_share": float,
        "target_skew": abs,
    }
)
"""For each fact of a target: how bad a value is. Of several targets the worst counts."""


def _measurement(profile: Profile, name: str) -> Measurement:
    whose = ""
    if name not in WORST:
        one = profile.get(name)
    else:
        every = {target: found for target in profile.targets if (found := profile.get(name, target=target)) is not None}
        worst = max(every, key=lambda target: WORST[name](float(every[target].value or 0)), default=None)
        one = None if worst is None else every[worst]
        whose = f"of {worst!r}: " if len(profile.targets) > 1 else ""
    if one is None or one.value is None:
        return Measurement(value=UNKNOWN, source="could not be measured")
    return Measurement(value=one.value, low=one.low, high=one.high, source=whose + one.how)


def rarest_class(profile: Profile) -> str:
    """What the data calls the rarest class of the least balanced target; empty where targets are numbers."""
    ratios = {
        target: float(found.value)
        for target in profile.targets
        if (found := profile.get("imbalance_ratio", target=target)) is not None and isinstance(found.value, int | float)
    }
    if not ratios:
        return ""
    rarest = profile.get("rarest_class", target=max(ratios, key=lambda target: ratios[target]))
    return "" if rarest is None else str(rarest.value)
