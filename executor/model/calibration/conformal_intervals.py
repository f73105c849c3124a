"""How far from the truth a predicted number lies: split-conformal intervals from residuals of validation rows."""

from __future__ import annotations

from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from executor.preprocessing.target_scale import from_learning_scale, to_learning_scale
from rules.vocabulary.choices import TargetScale

PERCENT: Final = 90  # of new rows that an interval is to hold; the level of MAPIE's default and of most of its papers


class Intervals(BaseModel):
    """Prediction intervals of one half-width a target, each target by itself.

    They hold `percent` of the rows that are drawn as the validation rows were, whatever the model (Vovk et al. 2005;
    Lei et al. 2018, theorem 2); a little fewer where those rows also chose the model: the hold-out measures how many.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    percent: int
    rows: int
    """Validation rows that they were measured on."""
    half_widths: tuple[float, ...]
    """One a target, on the scale on which it is learned; none where the rows are too few."""
    on: TargetScale = "as_is"
    """On log1p an interval is wider around a greater value, as errors there are."""

    @property
    def lacking(self) -> str:
        """Why there are no intervals, in words; "" where there are some."""
        if self.half_widths:
            return ""
        return f"{self.rows} validation rows are too few, {self.percent} % takes {fewest_rows(self.percent)}"

    def bounds(self, outcome: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The lower and the upper end for each predicted value, (rows, targets) each."""
        half = np.array(self.half_widths)
        if self.on == "as_is":
            return outcome - half, outcome + half
        middle = to_learning_scale(outcome, self.on)
        # A target on log1p is never below 0.
        return np.maximum(from_learning_scale(middle - half, self.on), 0), from_learning_scale(middle + half, self.on)


def conformal_intervals(
    truth: np.ndarray, outcome: np.ndarray, *, on: TargetScale = "as_is", percent: int = PERCENT
) -> Intervals:
    """Intervals whose half-width is the ⌈(n + 1) · level⌉-th smallest absolute residual of n rows.

    truth, outcome: (rows, targets) of rows that did not train, in the target's own unit. on: where residuals are taken.

    >>> said = np.zeros((9, 1))
    >>> conformal_intervals(said + np.arange(9.0)[:, None], said).half_widths
    (8.0,)
    """
    rows = len(truth)
    rank = _rank(rows, percent)
    if rank > rows:
        return Intervals(percent=percent, rows=rows, half_widths=(), on=on)
    residuals = np.sort(np.abs(to_learning_scale(truth, on) - to_learning_scale(outcome, on)), axis=0)
    return Intervals(percent=percent, rows=rows, half_widths=tuple(residuals[rank - 1].tolist()), on=on)


def fewest_rows(percent: int = PERCENT) -> int:
    """The fewest rows among which the wanted residual exists.

    >>> fewest_rows(90), fewest_rows(95)
    (9, 19)
    """
    return -(-percent // (100 - percent))


def _rank(rows: int, percent: int) -> int:
    """⌈(n + 1) · level⌉, in whole numbers: 0.9 · 10 may be more than 9 in floats."""
    return -(-(rows + 1) * percent // 100)
