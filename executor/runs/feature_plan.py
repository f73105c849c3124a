"""Number of random features of sequences in a run: how many were planned, how many are used, and why."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from rules.text.numbers import number


class FeaturePlan(BaseModel):
    """Random features of a run: how many were planned, how many are used, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    planned: int
    """Maximum number that the bundle names."""
    used: int
    """Maximum number that the run fits."""
    encodings: int
    """Rows that are fitted and encoded, repetitions included."""
    row_seconds: float | None = None
    """Measured seconds to encode a row with the planned features; None without a time limit."""
    allowed_seconds: float | None = None
    """Seconds for all encodings; None without a time limit."""

    @property
    def sentence(self) -> str:
        """The decision with its numbers."""
        if self.used == self.planned:
            return f"MiniRocket: {self.planned:,} features, as planned."
        if self.row_seconds is None or self.allowed_seconds is None:
            return f"MiniRocket: {self.used:,} instead of {self.planned:,} features, because more do not fit in memory."
        return (
            f"MiniRocket: {self.used:,} instead of {self.planned:,} features. All of them need about "
            f"{number(self.encodings * self.row_seconds)} s for {self.encodings:,} encodings of a row, but "
            f"{number(self.allowed_seconds)} s of the time limit are for encoding."
        )
