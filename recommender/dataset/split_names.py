"""Names of the parts of a split."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

TRAINING, VALIDATION, HOLD_OUT = "train", "validation", "hold_out"
PARTS: Final = MappingProxyType(
    {
        TRAINING: ("train", "training", "fit", "learn"),
        VALIDATION: ("validation", "valid", "val", "dev", "eval"),
        HOLD_OUT: ("test", "testing", "hold-out", "holdout", "hold_out"),
    }
)
"""Names of the parts in a split column of a dataset, in lower case."""
PART_WORDS: Final = frozenset(word for words in PARTS.values() for word in words)
TRAINING_WORDS: Final = frozenset(PARTS[TRAINING])
