"""What is learned of the training rows' texts before a network is trained: which terms there are, how many a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from executor.layers.terms import TermBag, TextLayer, WordSequence, fit_vocabulary
from executor.parts import Architecture
from executor.signature import PREFIX
from recommender.speed import MOST_TERMS
from rules.choices import BagOfTerms, TextCnn
from rules.errors import ColumnError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rules.choices import Choice

MOST_WORDS: Final = 20_000  # of a sequence, as many as Kim 2014's largest set has
BAG_COVERED, LONGEST_BAG = 0.995, 1_024  # share of the training rows that lose no term, and most terms of any
SEQUENCE_COVERED, LONGEST_SEQUENCE = 0.95, 256
"""The same of words in order; each costs a convolution's step. The first 256 words of a post or a review tell most."""
MOST_CELLS: Final = 2**25  # ids of all rows together, which with their weights take 256 MiB
SHORTEST: Final = 8  # ids a row, so that the widest convolution has steps to look at


def is_text_network(choice: Choice) -> bool:
    """Whether an architecture reads texts and nothing else."""
    return isinstance(choice, BagOfTerms | TextCnn)


def architecture_of(layer: TextLayer) -> Architecture:
    """Which network reads what a layer gives."""
    return Architecture.TERM_BAG if isinstance(layer, TermBag) else Architecture.TEXT_CNN


def text_layer(runs: Callable[[], Iterable[np.ndarray]], choice: Choice) -> TextLayer:
    """The layer that reads the texts of rows for a network, fitted on training rows.

    runs: gives their texts in parts, (rows, columns) str objects each.
    Raises ColumnError where no term stands in two rows.
    """
    in_order = isinstance(choice, TextCnn)
    known = fit_vocabulary(runs(), pairs=not in_order, most=MOST_WORDS if in_order else MOST_TERMS)
    if not len(known):
        raise ColumnError(
            "A network for texts needs words that stand in two training rows at least, but there are none. Say the "
            "column's kind (--kind COLUMN=categorical), or choose the network for tables (--pin architecture=standard)."
        )
    covered, longest = (SEQUENCE_COVERED, LONGEST_SEQUENCE) if in_order else (BAG_COVERED, LONGEST_BAG)
    length = int(np.quantile(known.lengths, covered, method="higher"))
    length = max(SHORTEST, min(length, longest, MOST_CELLS // len(known.lengths)))
    name = f"{PREFIX}texts"
    if in_order:
        return WordSequence(hashes=[*known.hashes], length=length, name=name)
    weighting = choice.weighting if isinstance(choice, BagOfTerms) else "tf_idf"
    rarity = [*known.rarity] if weighting == "tf_idf" else []
    return TermBag(hashes=[*known.hashes], rarity=rarity, length=length, name=name)
