"""Changes that a user could make to the data or the budget, and the resulting facts.

Facts depend on each other: more rows of the rarest class change its row count, the imbalance ratio and the number of
rows. A change updates them together and describes itself in the units of the data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from rules.vocabulary.facts import CLASSIFICATION, Facts, Measurement, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from rules.vocabulary.facts import Value

NEIGHBOURS: Final = (-1, 0, 1, 2)
"""Offsets from the rounded-down count at which a threshold is met, to try integers on both sides."""

DIGITS: Final = 6
"""Decimals of computed row counts and distances; further digits are rounding errors."""

FREQUENT_CLASS_PENALTY: Final = 0.02
"""Added to the distance of a change of the most frequent class, since fewer rows of the rarest reach the same ratio."""


@dataclass(frozen=True, kw_only=True)
class DataChange:
    """One change. words: its text; values: the changed facts; distance: relative to the larger of old and new count."""

    words: str
    values: Mapping[str, Value]
    distance: float

    def apply(self, facts: Facts) -> Facts:
        """Facts after the change; changed facts have no confidence interval."""
        return {**facts, **{name: Measurement(value=value) for name, value in self.values.items()}}


def data_changes(facts: Facts, thresholds: Mapping[str, Iterable[float]], *, rare_class: str = "") -> list[DataChange]:
    """Changes that take a fact to a threshold or just past it, the nearest first.

    thresholds: constants of the rules, by fact. rare_class: name of the rarest class.
    """
    found = [*_rare_rows(facts, thresholds, rare_class), *_frequent_rows(facts, thresholds), *_rows(facts, thresholds)]
    found += _trials(facts, thresholds)
    return sorted(found, key=lambda change: round(change.distance, DIGITS))


def _number(facts: Facts, name: str) -> float | None:
    value = facts[name].value
    return float(value) if isinstance(value, int | float) else None


def _counts(
    now: float,
    wanted: Iterable[float],
    *,
    least: float,
    most: float,
    change: Callable[[int], tuple[str, dict[str, Value]]],
) -> Iterator[DataChange]:
    """Changes to the integers around some wanted counts, the nearest first."""
    counts = {math.floor(one) + delta for one in wanted for delta in NEIGHBOURS}
    for count in sorted(counts, key=lambda count: (abs(count - now), count)):
        if least <= count <= most and count != now:
            words, values = change(count)
            yield DataChange(words=words, values=values, distance=abs(count - now) / max(count, now))


def _rare_rows(facts: Facts, thresholds: Mapping[str, Iterable[float]], rare_class: str) -> Iterator[DataChange]:
    """More or fewer rows of the rarest class, with the most frequent class unchanged.

    With more than two classes, the next rarest may have hardly more rows, so all classes need the wanted count.
    """
    task, rare, ratio, rows = facts["task"].value, *_class_sizes(facts)
    if task not in CLASSIFICATION or rare is None or ratio is None or rows is None:
        return
    frequent = round(ratio * rare, DIGITS)
    wanted = [
        *(frequent / ratio for ratio in thresholds.get("imbalance_ratio", ()) if ratio > 0),
        *thresholds.get("minority_class_rows", ()),
    ]
    if task == Task.BINARY:
        wanted += [rows_wanted - rows + rare for rows_wanted in thresholds.get("rows", ())]
    whose = f"class {rare_class!r}" if rare_class else "the rarest class"

    def change(count: int) -> tuple[str, dict[str, Value]]:
        then = int(rows + count - rare)
        values: dict[str, Value] = {"minority_class_rows": count, "imbalance_ratio": frequent / count, "rows": then}
        if task == Task.MULTILABEL:
            many = "at least" if count > rare else "only"
            which = "with and without every label" if count > rare else "with or without one of the labels"
            return f"{many} {count:,} rows {which}, out of {then:,} rows (now {rare:,.0f} of {rows:,.0f})", values
        if task == Task.MULTICLASS and count > rare:
            return f"at least {count:,} rows of every class ({whose} has {rare:,.0f})", values
        return _more(count, rare, f"rows of {whose}"), values

    # Facts given by the user may be inconsistent, with fewer rows than rare rows.
    yield from _counts(rare, wanted, least=max(1, rare - rows + 1), most=frequent, change=change)


def _class_sizes(facts: Facts) -> tuple[float | None, float | None, float | None]:
    """Rows of the rarest class, ratio of the most frequent class to it, and all rows."""
    return _number(facts, "minority_class_rows"), _number(facts, "imbalance_ratio"), _number(facts, "rows")


def _frequent_rows(facts: Facts, thresholds: Mapping[str, Iterable[float]]) -> Iterator[DataChange]:
    """More or fewer rows of the most frequent class, with the other classes unchanged.

    With more than two classes only more rows, since the second most frequent class may have hardly fewer.
    """
    task, rare, ratio, rows = facts["task"].value, *_class_sizes(facts)
    if task not in {Task.BINARY, Task.MULTICLASS} or rare is None or ratio is None or rows is None:
        return
    frequent = round(ratio * rare)
    wanted = [
        *(ratio * rare for ratio in thresholds.get("imbalance_ratio", ())),
        *(rows_wanted - rows + frequent for rows_wanted in thresholds.get("rows", ())),
    ]
    whose, least = ("larger", max(rare, frequent - rows + 1)) if task == Task.BINARY else ("largest", frequent)

    def change(count: int) -> tuple[str, dict[str, Value]]:
        values: dict[str, Value] = {"imbalance_ratio": count / rare, "rows": int(rows + count - frequent)}
        return _more(count, frequent, f"rows of the {whose} class"), values

    for found in _counts(frequent, wanted, least=least, most=math.inf, change=change):
        yield replace(found, distance=found.distance + FREQUENT_CLASS_PENALTY)


def _rows(facts: Facts, thresholds: Mapping[str, Iterable[float]]) -> Iterator[DataChange]:
    """More or fewer rows with the same class proportions."""
    rows, rare = _number(facts, "rows"), _number(facts, "minority_class_rows")
    if rows is None:
        return
    wanted = list(thresholds.get("rows", ()))
    if rare:
        wanted += [count * rows / rare for count in thresholds.get("minority_class_rows", ())]

    def change(count: int) -> tuple[str, dict[str, Value]]:
        values: dict[str, Value] = {"rows": count}
        if rare:
            values["minority_class_rows"] = max(1, round(rare * count / rows))
        return _more(count, rows, "rows of the same kind"), values

    yield from _counts(rows, wanted, least=2, most=math.inf, change=change)


def _trials(facts: Facts, thresholds: Mapping[str, Iterable[float]]) -> Iterator[DataChange]:
    """Larger or smaller trial budget."""
    trials = _number(facts, "trial_budget")
    if trials is None:
        return

    def change(count: int) -> tuple[str, dict[str, Value]]:
        return f"a budget for {_more(count, trials, 'trials')}", {"trial_budget": count}

    yield from _counts(trials, thresholds.get("trial_budget", ()), least=1, most=math.inf, change=change)


def _more(count: float, now: float, what: str) -> str:
    """'40 more rows of class 'yes' (70 instead of 30)'."""
    more = "more" if count > now else "fewer"
    if abs(count - now) == 1:
        what = what.replace("rows", "row", 1).replace("trials", "trial", 1)
    return f"{abs(count - now):,.0f} {more} {what} ({count:,.0f} instead of {now:,.0f})"
