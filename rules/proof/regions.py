"""Boxes of fact space in words: conditions on the facts that they limit."""

from __future__ import annotations

import functools
import math
import operator
from typing import TYPE_CHECKING

from rules.vocabulary.condition import interval_of, levels_of
from rules.vocabulary.facts import NotApplicable, exact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules.proof.fact_space import Box, Piece, Space


def region_in_words(space: Space, box: Box) -> str:
    """A box as conditions on the facts that it limits.

    >>> from rules.proof.fact_space import Space
    >>> from rules.vocabulary.condition import Test
    >>> space = Space.over([Test(fact="rows", op="ge", constant=50)])
    >>> region_in_words(space, space.where([Test(fact="rows", op="ge", constant=50)]))
    'rows ≥ 50'
    """
    found = space.pieces_of(box)
    tasks = [str(piece.value) for piece in found.get("task", ())]
    possible = space.pieces_of(_all_of(space, tasks))
    # Which tasks are possible is what the others are held against, so it is held against all of them.
    possible["task"] = list(space.axes.get("task", ()))
    parts = [words for fact in found if (words := _limits(fact, possible[fact], found[fact]))]
    return ", ".join(parts) or "any dataset"


def _all_of(space: Space, tasks: Sequence[str]) -> Box:
    """The smallest box around everything that can be for some tasks."""
    worlds = [world for world in space.worlds if not tasks or space.first(world)["task"].value in tasks]
    return tuple(functools.reduce(operator.or_, masks) for masks in zip(*worlds, strict=True))


def _limits(fact: str, possible: Sequence[Piece], belonging: Sequence[Piece]) -> str:
    """How a box limits one fact; nothing where it does not."""
    real = [piece for piece in belonging if not isinstance(piece.value, NotApplicable)]
    every = [piece for piece in possible if not isinstance(piece.value, NotApplicable)]
    if len(real) == len(every):
        return ""
    if not real:
        return f"{fact} n/a"
    if levels_of(fact) is None:
        return " or ".join(_stretch(fact, run) for run in _runs(every, real))
    others = [str(piece.value) for piece in every if piece not in real]
    if len(others) == 1 and len(real) > 1:
        return f"{fact} is not {others[0]}"
    return f"{fact} is {' or '.join(str(piece.value) for piece in real)}"


def _runs(axis: Sequence[Piece], belonging: Sequence[Piece]) -> list[list[Piece]]:
    """The pieces that belong, in stretches without a hole."""
    runs: list[list[Piece]] = []
    previous = None
    for index, piece in enumerate(axis):
        if piece not in belonging:
            continue
        if previous is not None and index == previous + 1:
            runs[-1].append(piece)
        else:
            runs.append([piece])
        previous = index
    return runs


def _stretch(fact: str, run: Sequence[Piece]) -> str:
    """Neighbouring pieces as one interval."""
    first, last = run[0], run[-1]
    low, high = first.low, last.high
    if low is None or high is None:
        return fact
    domain = interval_of(fact)
    if low == high:
        return f"{fact} = {exact(low)}"
    left = f"{exact(low)} {'≤' if first.low == first.high else '<'} "
    right = f" {'≤' if last.low == last.high else '<'} {exact(high)}"
    if low == domain.low and (first.low == first.high or math.isinf(low)):
        return f"{fact}{right}"
    if high == domain.high and (last.low == last.high or math.isinf(high)):
        return f"{fact} {'≥' if first.low == first.high else '>'} {exact(low)}"
    return f"{left}{fact}{right}"


def example(space: Space, box: Box) -> dict[str, str | float | int]:
    """Facts of one dataset in a box; those that do not apply are left out."""
    return {fact: piece.value for fact, piece in space.first(box).items() if not isinstance(piece.value, NotApplicable)}
