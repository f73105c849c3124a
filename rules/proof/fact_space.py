"""Partition of fact space into finitely many cells, and sets of cells as disjoint boxes.

The thresholds of the rules cut each numeric fact into points and open intervals (pieces) on which every test has a
constant result. A cell is one piece per fact, so a statement about all cells is a statement about all datasets. A box
is a set of pieces per fact, which is what a conjunction of unary tests covers.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

from rules.vocabulary.facts import (
    FACTS,
    IMPOSSIBLE,
    NOT_APPLICABLE,
    Categories,
    Interval,
    NotApplicable,
    Task,
    exact_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rules.vocabulary.condition import Test
    from rules.vocabulary.facts import Value

Box = tuple[int, ...]
"""Bit mask of pieces per fact of a space: bit i stands for piece i. No mask is zero."""
Region = tuple[Box | None, ...]
"""A box per world of a space (see `Space.worlds`); None if the region has no cell in that world."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Part of a fact's domain on which every test has a constant result.

    value: a member. words: text. low, high: bounds, equal for a point, otherwise both excluded; None for a name and
    for "n/a".
    """

    value: str | float | int | NotApplicable
    words: str
    low: float | None = None
    high: float | None = None


def pieces(fact: str, thresholds: Iterable[float]) -> tuple[Piece, ...]:
    """Pieces of a fact's domain, cut at the thresholds; with "n/a" if the fact does not apply to all tasks.

    >>> [piece.words for piece in pieces("outlier_share", [0.01])]
    ['outlier_share = 0', '0 < outlier_share < 0.01', 'outlier_share = 0.01', '0.01 < outlier_share < 1', \
'outlier_share = 1', 'outlier_share n/a']
    """
    domain = FACTS[fact].domain
    if isinstance(domain, Categories):
        found = [Piece(value=name, words=f"{fact} = {name}") for name in domain.values]
    else:
        found = list(_stretches(fact, domain, thresholds))
    if FACTS[fact].tasks != frozenset(Task):
        found.append(Piece(value=NOT_APPLICABLE, words=f"{fact} n/a"))
    return tuple(found)


def _stretches(fact: str, domain: Interval, thresholds: Iterable[float]) -> Iterator[Piece]:
    ends = sorted({domain.low, *thresholds, domain.high})
    if not domain.whole:
        ends = [float(end) for end in ends]
    for low, high in itertools.pairwise([*ends, ends[-1]]):
        if math.isfinite(low):
            yield Piece(value=int(low) if domain.whole else low, words=f"{fact} = {exact_text(low)}", low=low, high=low)
        inside = _between(low, high, whole=domain.whole)
        if inside is not None:
            left = f"{exact_text(low)} < " if math.isfinite(low) else ""
            right = f" < {exact_text(high)}" if math.isfinite(high) else ""
            words = f"{left}{fact}{right}" if left or right else f"any {fact}"
            yield Piece(value=inside, words=words, low=low, high=high)


def _between(low: float, high: float, *, whole: bool) -> float | int | None:
    """A number strictly between two bounds, or None if there is none."""
    if low == high:
        return None
    if math.isinf(low) and math.isinf(high):
        return 0 if whole else 0.0
    if whole:
        inside = int(low) + 1 if math.isfinite(low) else int(high) - 1
        return inside if inside < high else None
    if math.isinf(high):
        return low + 1
    return high - 1 if math.isinf(low) else (low + high) / 2


@dataclass(frozen=True)
class Space:
    """Product of the pieces of some facts."""

    axes: Mapping[str, tuple[Piece, ...]]

    @classmethod
    def over(cls, tests: Iterable[Test]) -> Space:
        """Smallest space in which each test has a constant result on each piece."""
        thresholds: dict[str, set[float]] = {}
        for test in tests:
            cuts = thresholds.setdefault(test.fact, set())
            if not isinstance(test.constant, tuple):
                cuts.add(test.constant)
        if any(FACTS[fact].tasks != frozenset(Task) for fact in thresholds):
            thresholds.setdefault("task", set())
        for combination in IMPOSSIBLE:
            # Identifying impossible cells takes all of these facts.
            if thresholds.keys() & combination.keys():
                thresholds |= {fact: thresholds.get(fact, set()) for fact in combination}
        return cls({fact: pieces(fact, thresholds[fact]) for fact in FACTS if fact in thresholds})

    @cached_property
    def everything(self) -> Box:
        return tuple((1 << len(axis)) - 1 for axis in self.axes.values())

    @cached_property
    def worlds(self) -> tuple[Box, ...]:
        """The possible cells, one box per task: a fact applies exactly to its tasks."""
        if "task" not in self.axes:
            return (self.everything,)
        return tuple(self._world(task) for task in Task)

    def _world(self, task: Task) -> Box:
        excluded = {
            fact: names
            for combination in IMPOSSIBLE
            if task in combination["task"]
            for fact, names in combination.items()
            if fact != "task"
        }

        def possible(fact: str, value: Value) -> bool:
            if fact == "task":
                return value == task
            applies = FACTS[fact].applies_to(task)
            return isinstance(value, NotApplicable) is not applies and value not in excluded.get(fact, ())

        return tuple(_mask(axis, partial(possible, fact)) for fact, axis in self.axes.items())

    @cached_property
    def _index(self) -> dict[str, int]:
        return {fact: index for index, fact in enumerate(self.axes)}

    def where(self, tests: Iterable[Test]) -> Box | None:
        """Cells in which all tests pass, including impossible ones; None if there are none."""
        masks = list(self.everything)
        for test in tests:
            masks[self._index[test.fact]] &= _mask(self.axes[test.fact], test.holds)
        return tuple(masks) if all(masks) else None

    def region(self, tests: Iterable[Test]) -> Region:
        """Possible cells in which all tests pass."""
        box = self.where(tests)
        return tuple(None if box is None else meet(box, world) for world in self.worlds)

    def first(self, box: Box) -> dict[str, Piece]:
        """First cell of a box: one piece per fact."""
        return {
            fact: axis[(mask & -mask).bit_length() - 1]
            for (fact, axis), mask in zip(self.axes.items(), box, strict=True)
        }

    def words(self, box: Box) -> str:
        """Text of the first cell of a box."""
        return ", ".join(piece.words for piece in self.first(box).values()) or "any dataset"

    def pieces_of(self, box: Box) -> dict[str, list[Piece]]:
        """Pieces of a box by fact."""
        return {
            fact: [piece for index, piece in enumerate(axis) if mask >> index & 1]
            for (fact, axis), mask in zip(self.axes.items(), box, strict=True)
        }


def _mask(axis: Sequence[Piece], accepts: Callable[[Value], bool]) -> int:
    return sum(1 << index for index, piece in enumerate(axis) if accepts(piece.value))


# Boxes ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def meet(first: Box, second: Box) -> Box | None:
    """Intersection of two boxes, or None if it is empty."""
    shared = tuple(map(int.__and__, first, second))
    return shared if all(shared) else None


def is_inside(inner: Box, outer: Box) -> bool:
    """Whether a box is a subset of another."""
    return not any(mine & ~theirs for mine, theirs in zip(inner, outer, strict=True))


def minus(box: Box, cut: Box) -> list[Box]:
    """Difference of two boxes, as disjoint boxes."""
    if meet(box, cut) is None:
        return [box]
    left, outside = box, []
    for axis, (mine, theirs) in enumerate(zip(box, cut, strict=True)):
        if mine & ~theirs:
            outside.append((*left[:axis], mine & ~theirs, *left[axis + 1 :]))
            left = (*left[:axis], mine & theirs, *left[axis + 1 :])
    return outside


def remainder(box: Box, cuts: Iterable[Box]) -> list[Box]:
    """Difference of a box and several others, as disjoint boxes."""
    left = [box]
    for cut in cuts:
        left = [part for whole in left for part in minus(whole, cut)]
    return left


def uncovered(box: Box, covers: Sequence[Box]) -> Box | None:
    """First part of a box that none of the others covers, or None if they cover it."""
    for index, cover in enumerate(covers):
        if meet(box, cover) is None:
            continue
        rest = covers[index + 1 :]
        return next((found for part in minus(box, cover) if (found := uncovered(part, rest)) is not None), None)
    return box


def size(box: Box) -> int:
    """Number of cells in a box."""
    return math.prod(mask.bit_count() for mask in box)


def merge(boxes: Iterable[Box]) -> list[Box]:
    """The same cells in fewer boxes: boxes that differ on only one fact are merged."""
    left = list(dict.fromkeys(boxes))
    index = 0
    while index < len(left):
        partner = next((i for i in range(index) if _differ_once(left[i], left[index])), None)
        if partner is None:
            index += 1
            continue
        left[partner] = tuple(a | b for a, b in zip(left[partner], left[index], strict=True))
        del left[index]
        index = 0
    return sorted(left, key=size, reverse=True)


def _differ_once(first: Box, second: Box) -> bool:
    return sum(a != b for a, b in zip(first, second, strict=True)) <= 1
