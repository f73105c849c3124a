"""Semantic difference of two books: the exact regions of datasets whose bundle changes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from rules.proof.decision_regions import base_tests, decision_regions, upstream
from rules.proof.fact_space import Space, meet, merge, remainder
from rules.proof.regions import example, region_in_words
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.proof.decision_regions import DecisionRegion
    from rules.proof.fact_space import Box
    from rules.proof.proved_book import ProvedBook


class Difference(BaseModel):
    """One change of a slot's choice, and for which datasets.

    where: text of disjoint regions of datasets; outside of them this change does not happen.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slot: Slot
    old: str
    new: str
    old_rules: tuple[str, ...]
    new_rules: tuple[str, ...]
    where: tuple[str, ...]
    example: dict[str, str | float | int]
    """Facts of one affected dataset."""


@dataclass(frozen=True, kw_only=True)
class ChangedChoice:
    """A region of each of two books, with different choices of a slot; the regions may be disjoint."""

    slot: Slot
    space: Space
    was: DecisionRegion
    becomes: DecisionRegion

    def shared(self) -> Iterator[Box]:
        """Boxes of the datasets in both regions; none if these are disjoint."""
        for one, other in itertools.product(self.was.boxes, self.becomes.boxes):
            if (both := meet(one, other)) is not None:
                yield both


@dataclass
class _Changed:
    space: Space
    old_rules: dict[str, None]
    new_rules: dict[str, None]
    boxes: list[Box]


def changed_choices(old: ProvedBook, new: ProvedBook) -> Iterator[ChangedChoice]:
    """All pairs of regions in which two proved books choose differently, slot by slot."""
    for slot in Slot:
        needed = {*upstream(old.book, [slot]), *upstream(new.book, [slot])}
        if all(old.book.of(one) == new.book.of(one) for one in needed):
            continue
        space = Space.over([*base_tests(old.book, needed), *base_tests(new.book, needed)])
        before, after = (
            list(decision_regions(proved.book, proved.beaten_by, (slot,), space=space)) for proved in (old, new)
        )
        for was, becomes in itertools.product(before, after):
            if was.choices[slot] != becomes.choices[slot]:
                yield ChangedChoice(slot=slot, space=space, was=was, becomes=becomes)


def difference(old: ProvedBook, new: ProvedBook) -> tuple[Difference, ...]:
    """All changes of choices between two proved books."""
    changes: dict[tuple[Slot, str, str], _Changed] = {}
    for one in changed_choices(old, new):
        boxes = list(one.shared())
        if not boxes:
            continue
        slot, was, becomes = one.slot, one.was, one.becomes
        key = (slot, str(was.choices[slot]), str(becomes.choices[slot]))
        change = changes.setdefault(key, _Changed(one.space, {}, {}, []))
        change.old_rules[was.rules[slot].id] = change.new_rules[becomes.rules[slot].id] = None
        change.boxes += [part for box in boxes for part in remainder(box, change.boxes)]
    return tuple(
        _difference(slot, was_choice, new_choice, change) for (slot, was_choice, new_choice), change in changes.items()
    )


def _difference(slot: Slot, old: str, new: str, change: _Changed) -> Difference:
    merged = merge(change.boxes)
    return Difference(
        slot=slot,
        old=old,
        new=new,
        old_rules=tuple(change.old_rules),
        new_rules=tuple(change.new_rules),
        where=tuple(region_in_words(change.space, box) for box in merged),
        example=example(change.space, merged[0]),
    )
