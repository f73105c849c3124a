"""Vocabulary of texts: the known terms and the number of terms per row, fitted on training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from executor.layers.names import PREFIX
from executor.layers.terms import (
    TermBag,
    TextLayer,
    Vocabulary,
    WordSequence,
    fit_vocabulary,
    hash_terms,
    letter_hashes,
    term_hashes,
)
from recommender.training_cost import MAX_NGRAMS, max_terms
from rules.errors import ColumnError
from rules.vocabulary.choices import BagOfNgrams, TextCnn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rules.vocabulary.choices import Choice

MAX_WORDS: Final = 20_000  # words of a sequence: the largest vocabulary in Kim 2014
BAG_COVERED, MAX_BAG = 0.995, 1_024  # share of training rows without truncation, and maximum number of terms
SEQUENCE_COVERED, MAX_SEQUENCE = 0.95, 256
"""The same for sequences of words, where each word is a step of a convolution."""
MAX_CELLS: Final = 2**25  # ids of all rows; with their weights 256 MiB
LAYER: Final = f"{PREFIX}texts"
SHORTEST: Final = 8  # ids per row, so that the widest convolution fits


def is_text_network(choice: Choice) -> bool:
    """Whether an architecture reads texts only."""
    return isinstance(choice, BagOfNgrams | TextCnn)


def text_layer(runs: Callable[[], Iterable[np.ndarray]], choice: Choice, *, rows: int) -> TextLayer:
    """Fit the layer that encodes texts for a network.

    runs: returns the texts in chunks, (rows, columns) str objects each. rows: of all chunks.
    Raises ColumnError if no term occurs in two rows.
    """
    if isinstance(choice, BagOfNgrams):
        known = fit_vocabulary(runs(), term_hashes, most=max_terms(rows))
        if choice.character_ngrams:
            known = _joined(known, fit_vocabulary(runs(), letter_hashes, most=MAX_NGRAMS))
        length = _length(known, share=BAG_COVERED, longest=MAX_BAG)
        rarity = [*known.rarity] if choice.weighting == "tf_idf" else []
        return TermBag(
            hashes=[*known.hashes], rarity=rarity, letters=choice.character_ngrams, length=length, name=LAYER
        )
    known = fit_vocabulary(runs(), hash_terms, most=MAX_WORDS, in_order=True)
    length = _length(known, share=SEQUENCE_COVERED, longest=MAX_SEQUENCE)
    return WordSequence(hashes=[*known.hashes], length=length, name=LAYER)


def _joined(words: Vocabulary, letters: Vocabulary) -> Vocabulary:
    """Merge two vocabularies without common terms, fitted on the same rows, the most frequent terms first."""
    hashes, rarity = np.array(words.hashes + letters.hashes, np.int64), np.array(words.rarity + letters.rarity)
    rising = np.lexsort((hashes, rarity))
    return Vocabulary(
        hashes=tuple(hashes[rising].tolist()),
        rarity=tuple(rarity[rising].tolist()),
        lengths=tuple((np.array(words.lengths) + np.array(letters.lengths)).tolist()),
    )


def _length(known: Vocabulary, *, share: float, longest: int) -> int:
    """Choose ids per row so that a share of the rows is not truncated. Raises ColumnError where no term is known."""
    if not len(known):
        raise ColumnError(
            "A network for texts needs words that occur in two training rows, but there are none. Set the kind of the "
            "column (--kind COLUMN=categorical), or choose the network for tables (--pin architecture=standard)."
        )
    length = int(np.quantile(known.lengths, share, method="higher"))
    return max(SHORTEST, min(length, longest, MAX_CELLS // len(known.lengths)))
