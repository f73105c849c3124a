"""Mean of statistical forecasts as a baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from executor.evaluation.baselines.baseline import forecast_baseline
from executor.evaluation.scores import MEAN_FORECAST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.evaluation.baselines.baseline import Baseline
    from executor.preprocessing.examples import Examples, Parts


def mean_baseline(parts: Parts, hold_out: Examples, forecasts: Sequence[Baseline | None]) -> Baseline | None:
    """Average Theta, exponential smoothing and seasonal naive with equal weights; None where one of them is missing.

    The mean of simple forecasts has a lower error than most of them (Bates and Granger 1969; second finding of the M4
    competition, Makridakis et al. 2020).
    """
    members = [one for one in forecasts if one is not None]
    if len(members) < len(forecasts):
        return None
    outcome = np.mean([one.predictions.outcome for one in members], axis=0)
    says = "the mean of Theta, exponential smoothing and seasonal naive"
    return forecast_baseline(MEAN_FORECAST, says, parts, hold_out, outcome)
