"""What a person could do to the data or the plan, and what the facts would be then.

Facts hang together: more rows of the rarest class change its number, the imbalance and the number of rows at once. A
move changes them together, and says so in the data's own units.
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
"""Added to a number rounded down: whole numbers around the one at which a threshold is met, on each side."""

DIGITS: Final = 6
"""Decimals of a number of rows that is a product, and of a distance; the further ones are rounding errors."""

MANY_ROWS: Final = 0.02
"""Added to the distance of a change of the most frequent class: rarer rows reach the same ratio, and are fewer."""


@dataclass(frozen=True, kw_only=True)
class Move:
    """One thing done. values: the facts that change; distance: by how much, relative to the larger of old and new."""

    words: str
    values: Mapping[str, Value]
    distance: float

    def apply(self, facts: Facts) -> Facts:
        """The facts after the move; a changed one is no estimate any more."""
        return {**facts, **{name: Measurement(value=value) for name, value in self.values.items()}}


def moves(facts: Facts, thresholds: Mapping[str, Iterable[float]], *, rare_class: str = "") -> list[Move]:
    """The moves that take a fact to a threshold or just past it, the nearest first.

    thresholds: for each fact the constants that rules name. rare_class: what the data calls it.
    """
    found = [*_rare_rows(facts, thresholds, rare_class), *_frequent_rows(facts, thresholds), *_rows(facts, thresholds)]
    found += _trials(facts, thresholds)
    return sorted(found, key=lambda move: round(move.distance, DIGITS))


def _number(facts: Facts, name: str) -> float | None:
    value = facts[name].value
    return float(value) if isinstance(value, int | float) else None


def _counts(
    now: float,
    wanted: Iterable[float],
    *,
    least: float,
    most: float,
    move: Callable[[int], tuple[str, dict[str, Value]]],
) -> Iterator[Move]:
    """The moves to the whole numbers around some wanted ones, the nearest first."""
    counts = {math.floor(one) + delta for one in wanted for delta in NEIGHBOURS}
    for count in sorted(counts, key=lambda count: abs(count - now)):
        if least <= count <= most and count != now:
            words, values = move(count)
            yield Move(words=words, values=values, distance=abs(count - now) / max(count, now))


def _rare_rows(facts: Facts, thresholds: Mapping[str, Iterable[float]], rare_class: str) -> Iterator[Move]:
    """More or fewer rows of the rarest class, the most frequent one as it is.

    Of more than two classes the next rarest may have hardly more rows, so all of them must have the wanted number.
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

    def move(count: int) -> tuple[str, dict[str, Value]]:
        then = int(rows + count - rare)
        values: dict[str, Value] = {"minority_class_rows": count, "imbalance_ratio": frequent / count, "rows": then}
        if task == Task.MULTILABEL:
            many = "at least" if count > rare else "only"
            which = "of either value of every label" if count > rare else "of one value of a label"
            return f"{many} {count:,} rows {which}, in {then:,} rows (now {rare:,.0f} in {rows:,.0f})", values
        if task == Task.MULTICLASS and count > rare:
            return f"at least {count:,} rows of every class ({whose} has {rare:,.0f})", values
        return _more(count, rare, f"rows of {whose}"), values

    # Given facts need not hang together: there may be fewer rows than rare ones, but never less than one.
    yield from _counts(rare, wanted, least=max(1, rare - rows + 1), most=frequent, move=move)


def _class_sizes(facts: Facts) -> tuple[float | None, float | None, float | None]:
    """Rows of the rarest class, how many times as many the most frequent one has, and all rows."""
    return _number(facts, "minority_class_rows"), _number(facts, "imbalance_ratio"), _number(facts, "rows")


def _frequent_rows(facts: Facts, thresholds: Mapping[str, Iterable[float]]) -> Iterator[Move]:
    """More or fewer rows of the most frequent class, the others as they are.

    Of more than two classes only more: the next frequent one may have hardly fewer.
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

    def move(count: int) -> tuple[str, dict[str, Value]]:
        values: dict[str, Value] = {"imbalance_ratio": count / rare, "rows": int(rows + count - frequent)}
        return _more(count, frequent, f"rows of the {whose} class"), values

    for found in _counts(frequent, wanted, least=least, most=math.inf, move=move):
        yield replace(found, distance=found.distance + MANY_ROWS)


def _rows(facts: Facts, thresholds: Mapping[str, Iterable[float]]) -> Iterator[Move]:
    """More or fewer rows like those that are there, every class in proportion."""
    rows, rare = _number(facts, "rows"), _number(facts, "minority_class_rows")
    if rows is None:
        return
    wanted = list(thresholds.get("rows", ()))
    if rare:
        wanted += [count * rows / rare for count in thresholds.get("minority_class_rows", ())]

    def move(count: int) -> tuple[str, dict[str, Value]]:
        values: dict[str, Value] = {"rows": count}
        if rare:
            values["minority_class_rows"] = max(1, round(rare * count / rows))
        return _more(count, rows, "rows like these"), values

    yield from _counts(rows, wanted, least=2, most=math.inf, move=move)


def _trials(facts: Facts, thresholds: Mapping[str, Iterable[float]]) -> Iterator[Move]:
    """A budget for more or fewer trials."""
    trials = _number(facts, "trial_budget")
    if trials is None:
        return

    def move(count: int) -> tuple[str, dict[str, Value]]:
        return f"a budget for {_more(count, trials, 'trials')}", {"trial_budget": count}

    yield from _counts(trials, thresholds.get("trial_budget", ()), least=1, most=math.inf, move=move)


def _more(count: float, now: float, what: str) -> str:
    """'40 more rows of class 'yes' (70 instead of 30)'."""
    more = "more" if count > now else "fewer"
    if abs(count - now) == 1:
        what = what.replace("rows", "row", 1).replace("trials", "trial", 1)
    return f"{abs(count - now):,.0f} {more} {what} ({count:,.0f} instead of {now:,.0f})"
