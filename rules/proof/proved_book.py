"""A rulebook with its proof."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from rules.proof.proof import Proof, check_proof, prove
from rules.rulebook.rulebook import SHIPPED_LAYERS, Rulebook, read_layers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from rules.vocabulary.choices import Slot


@dataclass(frozen=True, kw_only=True)
class ProvedBook:
    """A rulebook whose proof has no findings, so that it decides for every dataset."""

    book: Rulebook
    proof: Proof

    @property
    def beaten_by(self) -> dict[Slot, Mapping[str, frozenset[str]]]:
        """For each slot and rule, the rules that beat it."""
        return {slot: proof.beaten_by for slot, proof in self.proof.slots.items()}


def load_book(layers: Iterable[str | Path] = SHIPPED_LAYERS) -> ProvedBook:
    """Read, merge and prove the layers; shipped ones once in a process. Raises BookError or ProofError."""
    names = tuple(layers)
    return _load_once(names) if {*names} <= {*SHIPPED_LAYERS} else _load(names)


def _load(layers: tuple[str | Path, ...]) -> ProvedBook:
    book = read_layers(layers)
    proof = prove(book)
    check_proof(proof)
    return ProvedBook(book=book, proof=proof)


_load_once = cache(_load)
