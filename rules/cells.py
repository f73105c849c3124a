"""Fact space cut into finitely many cells, and sets of cells as the bits of one integer.

The thresholds that rules name cut each numeric fact into points and open intervals on which no test changes its
answer. A cell is one such piece for each fact, so a statement about all cells is a statement about all datasets.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from rules.facts import FACTS, IMPOSSIBLE, NOT_APPLICABLE, Interval, Levels, NotApplicable, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rules.condition import Test
    from rules.facts import Value


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A stretch of one fact on which every test gives one answer. value: a member of it; words: how it reads."""

    value: str | float | int | NotApplicable
    words: str


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
            yield Piece(value=int(low) if domain.whole else low, words=f"{fact} = {low:g}")
        inside = _between(low, high, whole=domain.whole)
        if inside is not None:
            left = f"{low:g} < " if math.isfinite(low) else ""
            right = f" < {high:g}" if math.isfinite(high) else ""
            yield Piece(value=inside, words=f"{left}{fact}{right}" if left or right else f"any {fact}")


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
    """The product of some facts' pieces. A set of its cells is an integer: bit i stands for cell i."""

    axes: Mapping[str, tuple[Piece, ...]]

    @classmethod
    def over(cls, tests: Iterable[Test], facts: Iterable[str] = ()) -> Space:
        """The smallest space in which some tests, and some further facts, can be told apart."""
        thresholds: dict[str, set[float]] = {fact: set() for fact in facts}
        for test in tests:
            cuts = thresholds.setdefault(test.fact, set())
            if not isinstance(test.constant, tuple):
                cuts.add(test.constant)
        if any(FACTS[fact].tasks != frozenset(Task) for fact in thresholds):
            thresholds.setdefault("task", set())
        return cls({fact: pieces(fact, thresholds[fact]) for fact in FACTS if fact in thresholds})

    @cached_property
    def size(self) -> int:
        return math.prod(len(axis) for axis in self.axes.values())

    @cached_property
    def _strides(self) -> dict[str, int]:
        """How many cells apart two neighbouring pieces of a fact lie; the last fact varies fastest."""
        strides, stride = {}, 1
        for fact in reversed(list(self.axes)):
            strides[fact] = stride
            stride *= len(self.axes[fact])
        return strides

    @cached_property
    def everything(self) -> int:
        return (1 << self.size) - 1

    @cached_property
    def feasible(self) -> int:
        """The cells that a dataset can be in: each fact applies exactly for its tasks, nothing impossible."""
        cells = self.everything
        for fact in self.axes:
            if FACTS[fact].tasks == frozenset(Task):
                continue
            applies = self.where("task", FACTS[fact].applies_to)
            measured = self.where(fact, lambda value: not isinstance(value, NotApplicable))
            cells &= ~(applies ^ measured)
        for combination in IMPOSSIBLE:
            if combination.keys() <= self.axes.keys():
                both = self.everything
                for fact, names in combination.items():
                    both &= self.where(fact, names.__contains__)
                cells &= ~both
        return cells

    def where(self, fact: str, accepts: Callable[[Value], bool]) -> int:
        """The cells whose piece of one fact is accepted."""
        stride, axis = self._strides[fact], self.axes[fact]
        block = 0
        for index, piece in enumerate(axis):
            if accepts(piece.value):
                block |= ((1 << stride) - 1) << (index * stride)
        return _repeat(block, width=stride * len(axis), times=self.size // (stride * len(axis)))

    def box(self, tests: Sequence[Test]) -> int:
        """The feasible cells in which all tests pass."""
        cells = self.feasible
        for test in tests:
            cells &= self.where(test.fact, test.holds)
        return cells

    def cell(self, cells: int) -> dict[str, Piece]:
        """The first cell of a non-empty set: one piece for each fact."""
        index = (cells & -cells).bit_length() - 1
        return {fact: axis[index // self._strides[fact] % len(axis)] for fact, axis in self.axes.items()}

    def words(self, cells: int) -> str:
        """The first cell of a non-empty set, in words."""
        return ", ".join(piece.words for piece in self.cell(cells).values()) or "any dataset"


def _repeat(block: int, *, width: int, times: int) -> int:
    """A bit pattern written several times side by side, in a logarithmic number of steps."""
    if times == 1:
        return block
    half = _repeat(block, width=width, times=times // 2)
    doubled = half | half << (width * (times // 2))
    return doubled if times % 2 == 0 else doubled << width | block
