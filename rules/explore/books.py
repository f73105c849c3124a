"""Rulebooks that the page offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.explore.content import ShownBook
from rules.proof.proved_book import ProvedBook, load_book
from rules.rulebook.rulebook import SHIPPED, SHIPPED_LAYERS

if TYPE_CHECKING:
    from collections.abc import Sequence

HANDBOOK: Final = SHIPPED_LAYERS[:1]


def shown_books(layers: Sequence[str] = SHIPPED_LAYERS, proved: ProvedBook | None = None) -> list[ShownBook]:
    """The book of some layers first, then the shipped one and the handbook alone. Raises BookError or ProofError.

    proved: the book of these layers, if it has been proved already.
    """
    offered = {SHIPPED_LAYERS: (SHIPPED, "Handbook and evidence rules"), HANDBOOK: ("handbook", "Handbook alone")}
    first = tuple(layers)
    own = offered.get(first, ("own", " + ".join(first)))
    found = [ShownBook(name=own[0], title=own[1], proved=proved or load_book(first))]
    for shipped, (name, title) in offered.items():
        if shipped != first:
            found.append(ShownBook(name=name, title=title, proved=load_book(shipped)))
    return found
