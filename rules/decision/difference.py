"""Semantic difference of two books: the exact regions of datasets whose bundle changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from rules.proof.decision_regions import base_tests, decision_regions, upstream
from rules.proof.fact_space import Space, meet, merge, remainder
from rules.proof.regions import example, region_in_words
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
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


@dataclass
class _Changed:
    old_rules: dict[str, None]
    new_rules: dict[str, None]
    boxes: list[Box]


def difference(old: ProvedBook, new: ProvedBook) -> tuple[Difference, ...]:
    """All changes of choices between two proved books."""
    found: list[Difference] = []
    for slot in Slot:
        needed = {*upstream(old.book, [slot]), *upstream(new.book, [slot])}
        if all(old.book.of(one) == new.book.of(one) for one in needed):
            continue
        space = Space.over([*base_tests(old.book, needed), *base_tests(new.book, needed)])
        before = list(decision_regions(old.book, old.beaten_by, (slot,), space=space))
        after = list(decision_regions(new.book, new.beaten_by, (slot,), space=space))
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


def _shared(was: DecisionRegion, becomes: DecisionRegion) -> list[Box]:
    return [both for one in was.boxes for other in becomes.boxes if (both := meet(one, other)) is not None]
