"""Which datasets each rule decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.proof.decision_regions import base_tests, upstream, ways
from rules.proof.fact_space import Box, Space, merge

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules.proof.proved_book import ProvedBook
    from rules.rulebook.rule import Rule
    from rules.vocabulary.choices import Slot


def decided(proved: ProvedBook, slot: Slot, picked: Callable[[Rule], bool]) -> tuple[Space, list[Box]]:
    """The datasets for which some of a slot's rules decide, as few boxes as they merge to."""
    space = Space.over(base_tests(proved.book, upstream(proved.book, [slot])))
    found = [way for way in ways(proved.book, proved.beaten_by, (slot,), space=space) if picked(way.rules[slot])]
    return space, merge(box for way in found for box in way.boxes)
