"""The exact semantic difference of two books: every dataset whose bundle changes, as regions in words."""

from __future__ import annotations

import functools
import math
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from rules.cells import Box, Space, meet, remainder, size
from rules.choices import Slot
from rules.condition import interval_of, levels_of
from rules.facts import NotApplicable, exact
from rules.territory import Way, base_tests, upstream, ways

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rules.cells import Piece
    from rules.engine import ProvedBook


class Difference(BaseModel):
    """One change of one slot's choice, and where it happens.

    where: regions of datasets, in words; they do not overlap, and outside all of them the slot is decided as before.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slot: Slot
    old: str
    new: str
    old_rules: tuple[str, ...]
    new_rules: tuple[str, ...]
    where: tuple[str, ...]
    example: dict[str, str | float | int]
    """Facts of one dataset that changes so."""


@dataclass
class _Changed:
    old_rules: dict[str, None]
    new_rules: dict[str, None]
    boxes: list[Box]


def difference(old: ProvedBook, new: ProvedBook) -> tuple[Difference, ...]:
    """Every change of a choice between two proved books, over the union of their thresholds."""
    found: list[Difference] = []
    for slot in Slot:
        needed = {*upstream(old.book, [slot]), *upstream(new.book, [slot])}
        space = Space.over([*base_tests(old.book, needed), *base_tests(new.book, needed)])
        before = list(ways(old.book, old.beaten_by, (slot,), space=space))
        after = list(ways(new.book, new.beaten_by, (slot,), space=space))
        changes: dict[tuple[str, str], _Changed] = {}
        for was in before:
            for becomes in after:
                if was.choices[slot] == becomes.choices[slot]:
                    continue
                boxes = _shared(was, becomes)
                if boxes:
                    key = (str(was.choices[slot]), str(becomes.choices[slot]))
                    change = changes.setdefault(key, _Changed({}, {}, []))
                    change.old_rules[was.rules[slot].id] = change.new_rules[becomes.rules[slot].id] = None
                    change.boxes += [part for box in boxes for part in remainder(box, change.boxes)]
        for (was_choice, new_choice), change in changes.items():
            merged = merge(change.boxes)
            found.append(
                Difference(
                    slot=slot,
                    old=was_choice,
                    new=new_choice,
                    old_rules=tuple(change.old_rules),
                    new_rules=tuple(change.new_rules),
                    where=tuple(region_in_words(space, box) for box in merged),
                    example=example(space, merged[0]),
                )
            )
    return tuple(found)


def _shared(was: Way, becomes: Way) -> list[Box]:
    return [both for one in was.boxes for other in becomes.boxes if (both := meet(one, other)) is not None]


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


def region_in_words(space: Space, box: Box) -> str:
    """A box as conditions on the facts that it limits.

    >>> from rules.condition import Test
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
