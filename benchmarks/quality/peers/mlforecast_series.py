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
MAX_WINDOWS = 20  # of the conformal intervals
WINDOWS_SELECTED = 3


def main() -> None:
    warnings.simplefilter("ignore")
    work = np.load(Path(sys.argv[1]))
    values, first, calendar = work["values"], work["first"], work["calendar"]
    horizon, season = int(work["horizon"]), int(work["season"])
    begin = int(first.min())
    past = frame(values[:begin], calendar)
    settings = select(past, begin, horizon, season)
    model = forecaster(begin, horizon, season, *settings)
    windows = max(2, min(MAX_WINDOWS, begin // (3 * horizon)))
    model.fit(past, static_features=[], prediction_intervals=PredictionIntervals(n_windows=windows, h=horizon))
    names = [NAME + (column and f"-{column}") for column in COLUMNS]
    quantiles = []
    for origin in first:
        ahead = future(origin, horizon, values.shape[1], calendar)
        found = model.predict(h=horizon, new_df=frame(values[:origin], calendar), level=LEVELS, X_df=ahead)
        quantiles.append(found.sort_values(["unique_id", "ds"])[names].to_numpy().reshape(-1, horizon, len(names)))
    every = np.array(quantiles)
    np.savez(Path(sys.argv[2]), **{NAME: every[..., COLUMNS.index("")], f"{NAME} quantiles": np.sort(every, axis=3)})


def frame(values: np.ndarray, calendar: np.ndarray) -> pd.DataFrame:
    """One series per target, in long format, with the calendar."""
    steps, targets = values.shape
    columns = {f"calendar_{at}": np.tile(own[:steps], targets) for at, own in enumerate(calendar.T)}
    return pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(targets), steps),
            "ds": np.tile(np.arange(steps), targets),
            "y": values.T.ravel(),
        }
        | columns
    )


def future(origin: int, horizon: int, targets: int, calendar: np.ndarray) -> pd.DataFrame | None:
    if not calendar.shape[1]:
        return None
    steps = np.arange(origin, origin + horizon)
    columns = {f"calendar_{at}": np.tile(own[steps], targets) for at, own in enumerate(calendar.T)}
    return pd.DataFrame({"unique_id": np.repeat(np.arange(targets), horizon), "ds": np.tile(steps, targets)} | columns)


def select(past: pd.DataFrame, steps: int, horizon: int, season: int) -> tuple[Any, Any]:
    """Differences and rolling means with the lowest absolute error on the last windows."""
    differences: list[list[int]] = [[], [1]]
    if season > 1 and steps > 4 * season:
        differences += [[season], [1, season]]
    rolling: list[dict[int, list[Any]]] = [{}]
    if season > 1:
        rolling.append({season: [RollingMean(window_size=season, min_samples=1)]})
    best: tuple[float, tuple[Any, Any]] = (np.inf, ([], {}))
    for own in product(differences, rolling):
        try:
            model = forecaster(steps - WINDOWS_SELECTED * horizon, horizon, season, *own)
            found = model.cross_validation(past, n_windows=WINDOWS_SELECTED, h=horizon, static_features=[], refit=False)
        except Exception as error:  # noqa: BLE001  too short a series for these differences
            print(f"{own} failed: {error}", file=sys.stderr)
            continue
        error = float((found["y"] - found[NAME]).abs().mean())
        best = min(best, (error, own), key=lambda pair: pair[0])
    return best[1]


def forecaster(steps: int, horizon: int, season: int, differences: list[int], rolling: Any) -> MLForecast:  # noqa: ANN401
    most = max(3, (steps - sum(differences)) // 3)
    lags = {*range(1, min(max(2 * horizon, season + 1, 12), MAX_LAGS) + 1), season - 1, season, season + 1, 2 * season}
    transforms: list[Any] = [Differences(differences)] if differences else []
    return MLForecast(
        models={NAME: LGBMRegressor(objective="mae", random_state=42, verbose=-1, n_jobs=1)},
        freq=1,
        lags=sorted(lag for lag in lags if 1 <= lag <= most),
        lag_transforms=rolling or None,
        target_transforms=[*transforms, LocalStandardScaler()],
    )


if __name__ == "__main__":
    main()
