"""Quantiles of forecasts: the ends of nested conformal intervals around the prediction."""

from __future__ import annotations

from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from executor.model.calibration.conformal_intervals import Intervals, conformal_intervals

PERCENTS: Final = (20, 40, 60, 80)
"""Coverage of the intervals whose ends are the quantiles 0.1 to 0.9 of fev-bench (arXiv 2509.26468)."""


class Quantiles(BaseModel):
    """Quantiles of a forecast: the prediction is the median, the others are the ends of intervals.

    Intervals of absolute errors have a lower pinball loss on later rows than quantiles of signed errors, whose mean
    changes along a series: docs/evidence.md#quantiles-of-forecasts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    intervals: tuple[Intervals, ...]
    """The narrowest first."""

    @property
    def levels(self) -> tuple[float, ...]:
        """Probability of each quantile, rising."""
        tails = [(100 - one.percent) / 200 for one in self.intervals]
        return (*sorted(tails), 0.5, *(1 - tail for tail in tails))

    @property
    def is_measured(self) -> bool:
        """Whether there were enough validation rows."""
        return all(one.half_widths for one in self.intervals)

    @property
    def reason_missing(self) -> str:
        """Why there are no quantiles; empty where there are some."""
        return next((one.reason_missing for one in reversed(self.intervals) if one.reason_missing), "")

    def values(self, outcome: np.ndarray, spread: np.ndarray | None) -> np.ndarray:
        """Compute quantiles for predicted values, (rows, outputs, levels), rising.

        outcome, spread: (rows, outputs), as in `Intervals.bounds`.
        """
        bounds = [one.bounds(outcome, spread) for one in self.intervals]
        return np.stack([*(low for low, _ in reversed(bounds)), outcome, *(high for _, high in bounds)], axis=2)


def conformal_quantiles(truth: np.ndarray, outcome: np.ndarray, *, spread: np.ndarray | None = None) -> Quantiles:
    """Measure quantiles on rows that were not trained on; arguments as of `conformal_intervals`.

    >>> predicted = np.zeros((9, 1))
    >>> found = conformal_quantiles(predicted + np.arange(9.0)[:, None], predicted)
    >>> found.values(np.array([[5.0]]), None).tolist()
    [[[-2.0, 0.0, 2.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0]]]
    """
    return Quantiles(
        intervals=tuple(conformal_intervals(truth, outcome, percent=percent, spread=spread) for percent in PERCENTS)
    )
