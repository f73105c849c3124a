"""The rows that trained the delivered model: those of the evaluated model, or all rows."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Delivery(BaseModel):
    """How the delivered model was made from the evaluated one."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    is_refitted: bool
    """Whether the delivered model was trained again, on all rows."""
    rows: int
    """Rows that trained the delivered model."""
    evaluated_rows: int
    """Rows that trained the evaluated model; with cross-validation those of all its networks together."""
    seeds: int = 0
    """Networks of each selected trial, from different initial weights; 0 unless refitted."""
    is_averaged: bool = False
    """Whether the evaluated network has half of the weight in the delivered model."""
    epochs: dict[int, int] = Field(default_factory=dict)
    """Trial → epochs on all rows: those of its best validation score."""
    seconds: float = 0.0
    """Seconds of training and saving, also where they were in vain."""
    why: str = ""
    """Why the evaluated model is delivered; empty where it is not."""

    @property
    def sentence(self) -> str:
        """Which model is delivered, and which one the scores are of."""
        if not self.is_refitted:
            return f"The model is the evaluated one: {self.why}."
        count = self.seeds * len(self.epochs)
        networks = "1 network" if count == 1 else f"{count} networks"
        half = f"; the other half of its mean is the evaluated one, trained on {self.evaluated_rows:,} rows"
        return (
            f"The model has {networks} trained again on all {self.rows:,} rows, including the hold-out"
            f"{half if self.is_averaged else ''}. The scores are those of the evaluated model; --keep-evaluated keeps "
            "that one."
        )
