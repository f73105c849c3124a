"""Dependent facts: class sizes that must add up, and the number of trials that the budget allows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from recommender.recommendation.training_work import Sizes
from recommender.recommendation.trial_budget import trial_budget
from rules.decision.counterfactual import substitute_facts
from rules.decision.engine import slot_choices
from rules.errors import ChoiceError
from rules.vocabulary.choices import Slot
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import CLASSIFICATION, UNKNOWN, Measurement, Modality, Task, exact_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from rules.decision.record import Record
    from rules.proof.proved_book import ProvedBook
    from rules.vocabulary.facts import Facts, Value

CLASS_SIZES: Final = ("rows", "imbalance_ratio", "minority_class_rows")
SHAPE: Final = ("outlier_share", "squared_deviation_top_share", "target_skew")
"""Facts of the target's distribution, which do not determine each other."""
TIMED: Final = frozenset({"task", "modality", "rows", "features", "text_words", "split"})
"""Facts on which the duration of a trial depends, directly or through architecture and validation."""
TOLERANCE: Final = 1.0  # rows of the rarest class, since ratios are given rounded


@dataclass(frozen=True, kw_only=True)
class DependentFacts:
    """Changed facts with their dependent facts. moved: new values of dependent facts; held: facts that were kept."""

    facts: dict[str, Measurement]
    moved: dict[str, float | int]
    held: tuple[str, ...]


def follow_settings(record: Record, proved: ProvedBook, values: Mapping[str, Value], *, source: str) -> DependentFacts:
    """The recorded facts with some values replaced, and dependent facts updated.

    The number of rows is kept unless both other class sizes are set. Raises ChoiceError if class sizes contradict each
    other.
    """
    known = record.measurements()
    moved = _class_sizes(known, values)
    facts = substitute_facts(known, values, source=source)
    facts |= {name: Measurement(value=value, source="follows from --set") for name, value in moved.items()}
    held = [name for name in SHAPE if values.keys() & set(SHAPE) and name not in values and _number(facts, name)]
    planned = TrialBudget(record, proved).at(facts, {*values, *moved})
    if planned is None:
        held += ["trial_budget"] if "trial_budget" not in values and values.keys() & TIMED else []
    elif planned["trial_budget"].value != facts["trial_budget"].value:
        value = _number(planned, "trial_budget")
        moved |= {} if value is None else {"trial_budget": int(value)}
        facts = planned
    return DependentFacts(facts=facts, moved=moved, held=tuple(held))


class TrialBudget:
    """The number of trials that the budget of a record allows, for changed facts."""

    def __init__(self, record: Record, proved: ProvedBook) -> None:
        self._record = record
        self._proved = proved
        self._known = record.measurements()

    def at(self, facts: Facts, changed: Collection[str]) -> dict[str, Measurement] | None:
        """Facts with the number of trials that the recorded budget allows; None if it cannot be estimated.

        That is the case if the number of trials was set, if another task or modality leads to another network, and for
        images, whose sizes are not in the record.
        """
        now, images = self._known["trial_budget"], self._known["modality"].value == Modality.IMAGE
        if images or not isinstance(now.value, int | float) or {"task", "modality", "trial_budget"} & set(changed):
            return None
        if not set(changed) & TIMED:
            return dict(facts)
        before, after = self._before, self._planned(facts)
        if before is None or after is None:
            return None
        factor = after / before
        low, high = (None if end is None else max(1, int(end * factor)) for end in (now.low, now.high))
        value = max(1, int(now.value * factor))
        source = f"{now.source}; scaled by the duration of a trial"
        return {**facts, "trial_budget": replace(now, value=value, low=low, high=high, source=source)}

    @cached_property
    def _before(self) -> float | None:
        return self._planned(self._known)

    def _planned(self, facts: Facts) -> float | None:
        """Estimated number of trials for facts, as in `recommender.recommendation.recommend.advise`."""
        record = self._record
        unplanned = {**facts, "trial_budget": Measurement(value=UNKNOWN)}
        chosen = slot_choices(self._proved, unplanned, pins=record.pins)
        rows, features = _number(facts, "rows"), _number(facts, "features")
        if rows is None or features is None:
            return None
        apart = {*record.dataset.targets, record.request.time, record.request.entity, record.request.split}
        numbers = sum(kind == Kind.NUMERIC for column, kind in record.dataset.kinds.items() if column not in apart)
        found = trial_budget(
            Sizes(rows=int(rows), columns=int(features), numbers=numbers, words=_number(facts, "text_words") or 0.0),
            architecture=chosen[Slot.ARCHITECTURE].choice,
            validation=chosen[Slot.VALIDATION].choice,
            budget=record.request.budget,
            trials=record.request.trials,
        ).value
        return float(found) if isinstance(found, int | float) else None


def _class_sizes(facts: Facts, values: Mapping[str, Value]) -> dict[str, float | int]:
    """Dependent values of rows, imbalance ratio and rows of the rarest class."""
    task = values.get("task", facts["task"].value)
    wanted = {name: float(value) for name in CLASS_SIZES if isinstance(value := values.get(name), int | float)}
    now = {name: _number(facts, name) for name in CLASS_SIZES}
    if task not in CLASSIFICATION or task != facts["task"].value or not wanted or None in now.values():
        return {}
    rows, ratio, rare = (float(now[name] or 1) for name in CLASS_SIZES)
    if set(wanted) == {"rows"}:
        return {"minority_class_rows": max(1, round(rare * wanted["rows"] / rows))}
    frequent = ratio * rare
    if task != Task.MULTICLASS:
        return _two_classes(wanted, rows)
    # The rows of the most frequent class and of all classes are kept; the other classes absorb the difference.
    if "imbalance_ratio" in wanted and "minority_class_rows" in wanted:
        return {}
    if "imbalance_ratio" in wanted:
        return {"minority_class_rows": max(1, round(frequent / wanted["imbalance_ratio"]))}
    if wanted["minority_class_rows"] > frequent:
        raise ChoiceError(
            f"minority_class_rows must be at most the rows of the most frequent class, {frequent:,.0f}, but got "
            f"{exact_text(wanted['minority_class_rows'])}."
        )
    return {"imbalance_ratio": frequent / wanted["minority_class_rows"]}


def _two_classes(wanted: Mapping[str, float], rows_now: float) -> dict[str, float | int]:
    """Class sizes for two classes: rows = minority_class_rows · (1 + imbalance_ratio)."""
    rows, ratio, rare = (wanted.get(name) for name in CLASS_SIZES)
    if ratio is not None and rare is not None:
        then = rare * (1 + ratio)
        if rows is None:
            return {"rows": round(then)}
        if abs(rows / (1 + ratio) - rare) > TOLERANCE:
            raise ChoiceError(
                f"rows={exact_text(rows)}, imbalance_ratio={exact_text(ratio)} and "
                f"minority_class_rows={exact_text(rare)} "
                "contradict each other: for two classes rows = minority_class_rows · (1 + imbalance_ratio) = "
                f"{then:,.0f}. Set only two of them."
            )
        return {}
    rows = rows_now if rows is None else rows
    if ratio is not None:
        return {"minority_class_rows": max(1, round(rows / (1 + ratio)))}
    if rare is None:
        return {}
    if 2 * rare > rows:
        raise ChoiceError(
            f"minority_class_rows must be at most half of the {rows:,.0f} rows, but got {exact_text(rare)}. "
            "Set rows too."
        )
    return {"imbalance_ratio": (rows - rare) / rare}


def _number(facts: Facts, name: str) -> float | None:
    value = facts[name].value
    return value if isinstance(value, int | float) else None
