"""A rulebook with its proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules.proof.proof import Proof, prove, require
from rules.rulebook.rulebook import SHIPPED_LAYERS, Rulebook, read_layers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from rules.vocabulary.choices import Slot


@dataclass(frozen=True, kw_only=True)
class ProvedBook:
    """A rulebook that is known to decide for every dataset."""

    book: Rulebook
    proof: Proof

    @property
    def beaten_by(self) -> dict[Slot, Mapping[str, frozenset[str]]]:
        """For each slot and rule, the rules that beat it wherever they fire."""
        return {slot: proof.beaten_by for slot, proof in self.proof.slots.items()}


def load_book(layers: Iterable[str | Path] = SHIPPED_LAYERS) -> ProvedBook:
    """Read, merge and prove the layers. Raises BookError or ProofError."""
    book = read_layers(layers)
    proof = prove(book)
    require(proof)
    return ProvedBook(book=book, proof=proof)
