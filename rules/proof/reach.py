"""Datasets for which given rules decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.proof.decision_regions import base_tests, decision_regions, upstream
from rules.proof.fact_space import Box, Space, merge

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules.proof.proved_book import ProvedBook
    from rules.rulebook.rule import Rule
    from rules.vocabulary.choices import Slot


def boxes_decided_by(proved: ProvedBook, slot: Slot, selected: Callable[[Rule], bool]) -> tuple[Space, list[Box]]:
    """Boxes of the datasets for which the selected rules of a slot decide."""
    space = Space.over(base_tests(proved.book, upstream(proved.book, [slot])))
    regions = decision_regions(proved.book, proved.beaten_by, (slot,), space=space)
    return space, merge(box for region in regions if selected(region.rules[slot]) for box in region.boxes)
