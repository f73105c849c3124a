"""Text of boxes in fact space, as conditions on facts."""

from __future__ import annotations

import functools
import math
import operator
from typing import TYPE_CHECKING

from rules.vocabulary.condition import categories_of, interval_of
from rules.vocabulary.facts import NotApplicable, exact_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules.proof.fact_space import Box, Piece, Space


def region_in_words(space: Space, box: Box) -> str:
    """Text of a box: conditions on the facts that it restricts.

    >>> from rules.proof.fact_space import Space
    >>> from rules.vocabulary.condition import Test
    >>> space = Space.over([Test(fact="rows", op="ge", constant=50)])
    >>> region_in_words(space, space.where([Test(fact="rows", op="ge", constant=50)]))
    'rows ≥ 50'
    """
    found = space.pieces_of(box)
    tasks = [str(piece.value) for piece in found.get("task", ())]
    possible = space.pieces_of(_all_of(space, tasks))
    # The other facts are compared with what is possible for these tasks, but the task itself with all tasks.
    possible["task"] = list(space.axes.get("task", ()))
    parts = [words for fact in found if (words := _limits(fact, possible[fact], found[fact]))]
    return ", ".join(parts) or "any dataset"


def _all_of(space: Space, tasks: Sequence[str]) -> Box:
    """Smallest box with all possible cells of some tasks."""
    worlds = [world for world in space.worlds if not tasks or space.first(world)["task"].value in tasks]
    return tuple(functools.reduce(operator.or_, masks) for masks in zip(*worlds, strict=True))


def _limits(fact: str, possible: Sequence[Piece], belonging: Sequence[Piece]) -> str:
    """Condition of a box on one fact; empty if it has none."""
    real = [piece for piece in belonging if not isinstance(piece.value, NotApplicable)]
    every = [piece for piece in possible if not isinstance(piece.value, NotApplicable)]
    if len(real) == len(every):
        return ""
    if not real:
        return f"{fact} n/a"
    if categories_of(fact) is None:
        return " or ".join(_stretch(fact, run) for run in runs(every, real))
    others = [str(piece.value) for piece in every if piece not in real]
    if len(others) == 1 and len(real) > 1:
        return f"{fact} is not {others[0]}"
    return f"{fact} is {' or '.join(str(piece.value) for piece in real)}"


def runs(axis: Sequence[Piece], belonging: Sequence[Piece]) -> list[list[Piece]]:
    """Runs of consecutive pieces."""
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
    """Consecutive pieces as one interval."""
    first, last = run[0], run[-1]
    low, high = first.low, last.high
    if low is None or high is None:
        return fact
    domain = interval_of(fact)
    if low == high:
        return f"{fact} = {exact_text(low)}"
    left = f"{exact_text(low)} {'≤' if first.low == first.high else '<'} "
    right = f" {'≤' if last.low == last.high else '<'} {exact_text(high)}"
    if low == domain.low and (first.low == first.high or math.isinf(low)):
        return f"{fact}{right}"
    if high == domain.high and (last.low == last.high or math.isinf(high)):
        return f"{fact} {'≥' if first.low == first.high else '>'} {exact_text(low)}"
    return f"{left}{fact}{right}"


def example(space: Space, box: Box) -> dict[str, str | float | int]:
    """Facts of one dataset in a box, without inapplicable ones."""
    return {fact: piece.value for fact, piece in space.first(box).items() if not isinstance(piece.value, NotApplicable)}
