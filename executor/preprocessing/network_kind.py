"""The kinds of networks."""

from __future__ import annotations

from enum import StrEnum


class Architecture(StrEnum):
    """Which network reads the rows."""

    TABULAR = "tabular"
    CNN = "cnn"
    FORECASTER = "forecaster"
    INCEPTION = "inception"
    RECURRENT = "recurrent"
    TERM_BAG = "term_bag"
    TEXT_CNN = "text_cnn"

    @property
    def is_uniform(self) -> bool:
        """Whether all of its weights learn at one rate."""
        return self not in {Architecture.TABULAR, Architecture.FORECASTER}

    @property
    def is_stackable(self) -> bool:
        """Whether many of its networks train at once in one graph."""
        return self is Architecture.TABULAR

    @property
    def reads_steps(self) -> bool:
        """Whether it reads a sequence step by step."""
        return self in {Architecture.INCEPTION, Architecture.RECURRENT}

    @property
    def reads_texts(self) -> bool:
        """Whether its rows are ids of terms and their weights."""
        return self in {Architecture.TERM_BAG, Architecture.TEXT_CNN}
