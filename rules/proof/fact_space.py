"""Fact space cut into finitely many cells, and sets of cells as disjoint boxes.

The thresholds that rules name cut each numeric fact into points and open intervals on which no test changes its
answer. A cell is one such piece for each fact, so a statement about all cells is a statement about all datasets. A box
is a set of pieces for each fact: what a conjunction of unary tests covers.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

from rules.vocabulary.facts import FACTS, IMPOSSIBLE, NOT_APPLICABLE, Interval, Levels, NotApplicable, Task, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rules.vocabulary.condition import Test
    from rules.vocabulary.facts import Value

Box = tuple[int, ...]
"""For each fact of a space the pieces that belong, as bits: bit i stands for piece i. Never empty on a fact."""
Region = tuple[Box | None, ...]
"""A box for each world of a space; None where nothing of that world belongs."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A stretch of one fact on which every test gives one answer.

    value: a member of it. words: how it reads. low, high: its ends, equal for a point, else both excluded; None for a
    name and for "n/a".
    """

    value: str | float | int | NotApplicable
    words: str
    low: float | None = None
    high: float | None = None


def pieces(fact: str, thresholds: Iterable[float]) -> tuple[Piece, ...]:
    """Cut a fact's domain at the thresholds; a fact that some task lacks has a piece "n/a" besides.

    >>> [piece.words for piece in pieces("outlier_share", [0.01])]
    ['outlier_share = 0', '0 < outlier_share < 0.01', 'outlier_share = 0.01', '0.01 < outlier_share < 1', \
'outlier_share = 1', 'outlier_share n/a']
    """
    domain = FACTS[fact].domain
    if isinstance(domain, Levels):
        found = [Piece(value=name, words=f"{fact} = {name}") for name in domain.values]
    else:
        found = list(_stretches(fact, domain, thresholds))
    if FACTS[fact].tasks != frozenset(Task):
        found.append(Piece(value=NOT_APPLICABLE, words=f"{fact} n/a"))
    return tuple(found)


def _stretches(fact: str, domain: Interval, thresholds: Iterable[float]) -> Iterator[Piece]:
    ends = sorted({domain.low, *thresholds, domain.high})
    for low, high in itertools.pairwise([*ends, domain.high]):
        if math.isfinite(low):
            yield Piece(value=int(low) if domain.whole else low, words=f"{fact} = {exact(low)}", low=low, high=low)
        inside = _between(low, high, whole=domain.whole)
        if inside is not None:
            left = f"{exact(low)} < " if math.isfinite(low) else ""
            right = f" < {exact(high)}" if math.isfinite(high) else ""
            words = f"{left}{fact}{right}" if left or right else f"any {fact}"
            yield Piece(value=inside, words=words, low=low, high=high)


def _between(low: float, high: float, *, whole: bool) -> float | int | None:
    """A number strictly between two ends, or None if there is none."""
    if low == high:
        return None
    if math.isinf(low) and math.isinf(high):
        return 0
    if whole:
        inside = int(low) + 1 if math.isfinite(low) else int(high) - 1
        return inside if inside < high else None
    if math.isinf(high):
        return low + 1
    return high - 1 if math.isinf(low) else (low + high) / 2


@dataclass(frozen=True)
class Space:
    """The product of some facts' pieces."""

    axes: Mapping[str, tuple[Piece, ...]]

    @classmethod
    def over(cls, tests: Iterable[Test]) -> Space:
        """The smallest space in which some tests can be told apart."""
        thresholds: dict[str, set[float]] = {}
        for test in tests:
            cuts = thresholds.setdefault(test.fact, set())
            if not isinstance(test.constant, tuple):
                cuts.add(test.constant)
        if any(FACTS[fact].tasks != frozenset(Task) for fact in thresholds):
            thresholds.setdefault("task", set())
        for combination in IMPOSSIBLE:
            # Cells that no dataset can be in are told from the others by all of these facts.
            if thresholds.keys() & combination.keys():
                thresholds |= {fact: thresholds.get(fact, set()) for fact in combination}
        return cls({fact: pieces(fact, thresholds[fact]) for fact in FACTS if fact in thresholds})

    @cached_property
    def everything(self) -> Box:
        return tuple((1 << len(axis)) - 1 for axis in self.axes.values())

    @cached_property
    def worlds(self) -> tuple[Box, ...]:
        """The cells that a dataset can be in, one box a task: each fact applies exactly for its tasks."""
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
        """The cells in which all tests pass, impossible ones included; None where there is none."""
        masks = list(self.everything)
        for test in tests:
            masks[self._index[test.fact]] &= _mask(self.axes[test.fact], test.holds)
        return tuple(masks) if all(masks) else None

    def region(self, tests: Iterable[Test]) -> Region:
        """The possible cells in which all tests pass."""
        box = self.where(tests)
        return tuple(None if box is None else meet(box, world) for world in self.worlds)

    def first(self, box: Box) -> dict[str, Piece]:
        """The first cell of a box: one piece for each fact."""
        return {
            fact: axis[(mask & -mask).bit_length() - 1]
            for (fact, axis), mask in zip(self.axes.items(), box, strict=True)
        }

    def words(self, box: Box) -> str:
        """The first cell of a box, in words."""
        return ", ".join(piece.words for piece in self.first(box).values()) or "any dataset"

    def pieces_of(self, box: Box) -> dict[str, list[Piece]]:
        """For each fact the pieces that belong to a box."""
        return {
            fact: [piece for index, piece in enumerate(axis) if mask >> index & 1]
            for (fact, axis), mask in zip(self.axes.items(), box, strict=True)
        }


def _mask(axis: Sequence[Piece], accepts: Callable[[Value], bool]) -> int:
    return sum(1 << index for index, piece in enumerate(axis) if accepts(piece.value))


# Boxes ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def meet(first: Box, second: Box) -> Box | None:
    """What two boxes share, or None."""
    shared = tuple(map(int.__and__, first, second))
    return shared if all(shared) else None


def is_inside(inner: Box, outer: Box) -> bool:
    """Whether every cell of a box is one of another box too."""
    return not any(mine & ~theirs for mine, theirs in zip(inner, outer, strict=True))


def minus(box: Box, cut: Box) -> list[Box]:
    """Disjoint boxes that together hold what of a box lies outside another."""
    if meet(box, cut) is None:
        return [box]
    left, outside = box, []
    for axis, (mine, theirs) in enumerate(zip(box, cut, strict=True)):
        if mine & ~theirs:
            outside.append((*left[:axis], mine & ~theirs, *left[axis + 1 :]))
            left = (*left[:axis], mine & theirs, *left[axis + 1 :])
    return outside


def remainder(box: Box, cuts: Iterable[Box]) -> list[Box]:
    """Disjoint boxes that together hold what of a box lies in none of the others."""
    left = [box]
    for cut in cuts:
        left = [part for whole in left for part in minus(whole, cut)]
    return left


def uncovered(box: Box, covers: Sequence[Box]) -> Box | None:
    """A part of a box that lies in none of the others, or None if they cover it. Stops at the first one found."""
    for index, cover in enumerate(covers):
        if meet(box, cover) is None:
            continue
        rest = covers[index + 1 :]
        return next((found for part in minus(box, cover) if (found := uncovered(part, rest)) is not None), None)
    return box


def size(box: Box) -> int:
    """Cells in a box."""
    return math.prod(mask.bit_count() for mask in box)


def merge(boxes: Iterable[Box]) -> list[Box]:
    """The same cells in fewer boxes: two that differ on one fact only become one, until none do."""
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
