"""The explore page of `rules.explore`, which starts with the facts of a run, a record or a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.explore.books import shown_books
from rules.explore.page import explore_page
from rules.explore.presets import Preset

if TYPE_CHECKING:
    from recommender.audit.subject import Subject
    from rules.decision.record import Record

NAME: Final = "dataset"
"""The starting point in links."""


def explore(subject: Subject) -> str:
    """The page with the subject's facts, intervals and pins, and its book selected first."""
    title = f"Explore the decision on {subject.record.dataset.name}"
    return explore_page(shown_books(subject.layers, subject.book()), start=starting_point(subject.record), title=title)


def starting_point(record: Record) -> Preset:
    """The facts and pins of a record."""
    targets = ", ".join(record.dataset.targets)
    return Preset(
        name=NAME,
        title=f"{record.dataset.name}, {targets}",
        group="dataset",
        facts=record.measurements(),
        pins=record.pins,
        rare_class=record.dataset.rare_class,
    )
