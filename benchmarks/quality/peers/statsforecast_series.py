"""Seasonal naive and the ensemble of statsforecast, for one exchange file of benchmarks/quality/series.py.

    python statsforecast_series.py series.npz answers.npz

The ensemble is that of fev-bench: for each quantile, and for the point forecast, the median of AutoARIMA, AutoETS,
AutoCES and DynamicOptimizedTheta, with their own prediction levels, on the last 1,000 steps. Each model is fitted once
on the steps before the first forecast origin, then filtered to each origin. Seasons above 24, which AutoETS does not
support, are removed by MSTL first, at each origin again, because MSTL has no filter.

For each name the answers hold `NAME` (origins, targets, horizon) and `NAME quantiles` (origins, targets, horizon, 9).
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from statsforecast.models import MSTL, AutoARIMA, AutoCES, AutoETS, DynamicOptimizedTheta, SeasonalNaive

MAX_SEASON = 24  # of AutoETS
MAX_FITTED = 1_000  # steps
SEASONS_FITTED = 4  # seasons at least
LEVELS = [20, 40, 60, 80]
COLUMNS = ("lo-80", "lo-60", "lo-40", "lo-20", "mean", "hi-20", "hi-40", "hi-60", "hi-80")  # quantiles .1 to .9


def main() -> None:
    warnings.simplefilter("ignore")
    work = np.load(Path(sys.argv[1]))
    values, first = work["values"], work["first"]
    horizon, season = int(work["horizon"]), int(work["season"])
    answers = {}
    for name, make in (("seasonal naive", seasonal_naive), ("statsforecast", ensemble)):
        found = [forecast_series(make(season), own, first, horizon, season) for own in values.T]
        answers[name] = np.stack([point for point, _ in found], axis=1)
        answers[f"{name} quantiles"] = np.stack([quantiles for _, quantiles in found], axis=1)
    np.savez(Path(sys.argv[2]), **answers)


def seasonal_naive(season: int) -> list[Any]:
    return [SeasonalNaive(season_length=season)]


def ensemble(season: int) -> list[Any]:
    own = season if season <= MAX_SEASON else 1
    models = [
        AutoARIMA(season_length=own, approximation=True),
        AutoETS(season_length=own, model="ZZZ" if own > 1 else "ZZN"),
        AutoCES(season_length=own),
        DynamicOptimizedTheta(season_length=own),
    ]
    return models if own == season else [MSTL(season_length=season, trend_forecaster=model) for model in models]


def forecast_series(
    models: list[Any], values: np.ndarray, first: np.ndarray, horizon: int, season: int
) -> tuple[np.ndarray, np.ndarray]:
    """Point forecasts (origins, horizon) and quantiles (origins, horizon, 9). first: the first step ahead of each."""
    found = [each for model in models if (each := rolled(model, values, first, horizon, season)) is not None]
    point, quantiles = (np.median(np.stack(part), axis=0) for part in zip(*found, strict=True))
    return point, np.sort(quantiles, axis=2)


def rolled(
    model: Any,  # noqa: ANN401  the library has no types
    values: np.ndarray,
    first: np.ndarray,
    horizon: int,
    season: int,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Point forecasts and quantiles of one model; None where it fails on the series."""
    most = max(MAX_FITTED, SEASONS_FITTED * season)
    start = max(0, int(first.min()) - most)
    ahead = []
    try:
        model.fit(values[start : first.min()])
        for begin in first:
            past = values[max(start, begin - most) : begin]
            if isinstance(model, (MSTL, SeasonalNaive)):
                ahead.append(model.forecast(past, h=horizon, level=LEVELS))
            else:
                ahead.append(model.forward(past, h=horizon, level=LEVELS))
    except Exception as error:  # noqa: BLE001  any failure of a peer's model leaves it out
        print(f"{model} failed: {error}", file=sys.stderr)
        return None
    point = np.array([each["mean"] for each in ahead])
    return point, np.array([np.stack([each[name] for name in COLUMNS], axis=1) for each in ahead])


if __name__ == "__main__":
    main()
