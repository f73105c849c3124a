"""LightGBM on lags by mlforecast, for one exchange file of benchmarks/quality/series.py.

    python mlforecast_series.py series.npz answers.npz

As in fev-bench: LightGBM with the absolute error on lags, rolling means and the calendar, predicted recursively; the
differences of the target and the rolling means are selected by cross-validation on three windows before the first
forecast origin. Quantiles are mlforecast's conformal prediction intervals. The model is fitted once, and predicts from
the values up to each origin.

The answers hold `LightGBM` (origins, targets, horizon) and `LightGBM quantiles` (origins, targets, horizon, 9).
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor
from mlforecast import MLForecast
from mlforecast.lag_transforms import RollingMean
from mlforecast.target_transforms import Differences, LocalStandardScaler
from mlforecast.utils import PredictionIntervals

NAME = "LightGBM"
LEVELS = [20, 40, 60, 80]
COLUMNS = ("lo-80", "lo-60", "lo-40", "lo-20", "", "hi-20", "hi-40", "hi-60", "hi-80")  # quantiles .1 to .9
MAX_LAGS = 100  # all of the last steps; of longer seasons the seasonal ones
MAX_WINDOWS = 5  # of the conformal intervals; each forecast predicts them again
WINDOWS_SELECTED = 3


def main() -> None:
    warnings.simplefilter("ignore")
    work = np.load(Path(sys.argv[1]))
    values, first = work["values"], work["first"]
    times, frequency = time_axis(work["stamps"], len(values))
    horizon, season = int(work["horizon"]), int(work["season"])
    begin = int(first.min())
    past, axis = frame(values[:begin], times), Axis(frequency=frequency, horizon=horizon, season=season)
    settings = select(past, begin, axis)
    model = forecaster(begin, axis, *settings)
    windows = max(2, min(MAX_WINDOWS, begin // (3 * horizon)))
    model.fit(past, static_features=[], prediction_intervals=PredictionIntervals(n_windows=windows, h=horizon))
    names = [NAME + (column and f"-{column}") for column in COLUMNS]
    quantiles = []
    for origin in first:
        found = model.predict(h=horizon, new_df=frame(values[:origin], times), level=LEVELS)
        quantiles.append(found.sort_values(["unique_id", "ds"])[names].to_numpy().reshape(-1, horizon, len(names)))
    every = np.array(quantiles)
    np.savez(Path(sys.argv[2]), **{NAME: every[..., COLUMNS.index("")], f"{NAME} quantiles": np.sort(every, axis=3)})


@dataclass(frozen=True)
class Axis:
    """Frequency of the times, steps ahead, and steps of the season."""

    frequency: str | int
    horizon: int
    season: int


def time_axis(stamps: np.ndarray, steps: int) -> tuple[Any, str | int]:
    """Times of the steps and their frequency; numbers where the series has no clock or no regular step."""
    if len(stamps):
        times = pd.DatetimeIndex(stamps.astype("M8[s]").astype("M8[ns]"))
        frequency = pd.infer_freq(times)
        if frequency is not None:
            return times, frequency
    return np.arange(steps), 1


def frame(values: np.ndarray, times: Any) -> pd.DataFrame:  # noqa: ANN401
    """One series per target, in long format."""
    steps, targets = values.shape
    return pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(targets), steps),
            "ds": np.tile(np.asarray(times[:steps]), targets),
            "y": values.T.ravel(),
        }
    )


def select(past: pd.DataFrame, steps: int, axis: Axis) -> tuple[Any, Any]:
    """Differences and rolling means with the lowest absolute error on the last windows."""
    horizon, season = axis.horizon, axis.season
    differences: list[list[int]] = [[], [1]]
    if season > 1 and steps > 4 * season:
        differences += [[season], [1, season]]
    rolling: list[dict[int, list[Any]]] = [{}]
    if season > 1:
        rolling.append({season: [RollingMean(window_size=season, min_samples=1)]})
    best: tuple[float, tuple[Any, Any]] = (np.inf, ([], {}))
    for own in product(differences, rolling):
        try:
            model = forecaster(steps - WINDOWS_SELECTED * horizon, axis, *own)
            found = model.cross_validation(past, n_windows=WINDOWS_SELECTED, h=horizon, static_features=[], refit=False)
        except Exception as error:  # noqa: BLE001  too short a series for these differences
            print(f"{own} failed: {error}", file=sys.stderr)
            continue
        error = float((found["y"] - found[NAME]).abs().mean())
        best = min(best, (error, own), key=lambda pair: pair[0])
    return best[1]


def forecaster(steps: int, axis: Axis, differences: list[int], rolling: Any) -> MLForecast:  # noqa: ANN401
    horizon, season = axis.horizon, axis.season
    most = max(3, (steps - sum(differences)) // 3)
    lags = {*range(1, min(max(2 * horizon, season + 1, 12), MAX_LAGS) + 1), season - 1, season, season + 1, 2 * season}
    transforms: list[Any] = [Differences(differences)] if differences else []
    return MLForecast(
        models={NAME: LGBMRegressor(objective="mae", random_state=42, verbose=-1, n_jobs=1)},
        freq=axis.frequency,
        date_features=None if axis.frequency == 1 else ["month", "dayofyear", "dayofweek", "hour"],
        lags=sorted(lag for lag in lags if 1 <= lag <= most),
        lag_transforms=rolling or None,
        target_transforms=[*transforms, LocalStandardScaler()],
    )


if __name__ == "__main__":
    main()
