"""AutoETS and AutoARIMA of statsforecast, for one exchange file of benchmarks/quality/series.py.

    python statsforecast_series.py series.npz answers.npz

Environment: `pip install statsforecast`. Each model is fitted once on the steps before the first forecast origin, then
filtered to each origin. Seasons above 24, which AutoETS does not support, are removed by MSTL first. The last 1,000
steps before the first origin are fitted, because seasonal ARIMA takes minutes on more.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from statsforecast.models import MSTL, AutoARIMA, AutoETS

MAX_SEASON = 24  # of AutoETS
MAX_FITTED = 1_000  # steps
SEASONS_FITTED = 4  # seasons at least


def main() -> None:
    warnings.simplefilter("ignore")
    work = np.load(Path(sys.argv[1]))
    values, first = work["values"], work["first"]
    horizon, season = int(work["horizon"]), int(work["season"])
    said = {}
    for name, make in (("AutoETS", auto_ets), ("AutoARIMA", auto_arima)):
        columns = [rolled(make(season), own, first, horizon, season) for own in values.T]
        said[name] = np.stack(columns, axis=1)
    np.savez(Path(sys.argv[2]), **said)


def auto_ets(season: int) -> Any:  # noqa: ANN401  the library has no types
    if season > MAX_SEASON:
        return MSTL(season_length=season, trend_forecaster=AutoETS(model="ZZN"))
    return AutoETS(season_length=season, damped=None)


def auto_arima(season: int) -> Any:  # noqa: ANN401  the library has no types
    if season > MAX_SEASON:
        return MSTL(season_length=season, trend_forecaster=AutoARIMA(seasonal=False))
    return AutoARIMA(season_length=season, approximation=True)


def rolled(model: Any, values: np.ndarray, first: np.ndarray, horizon: int, season: int) -> np.ndarray:  # noqa: ANN401
    """Forecasts from each beginning, (beginnings, horizon). first: the first step ahead of each."""
    most = max(MAX_FITTED, SEASONS_FITTED * season)
    start = max(0, int(first.min()) - most)
    model.fit(values[start : first.min()])
    ahead = []
    for begin in first:
        past = values[max(start, begin - most) : begin]
        if isinstance(model, MSTL):  # it has no filter of its own: it is decomposed again at each beginning
            ahead.append(model.forecast(past, h=horizon)["mean"])
        else:
            ahead.append(model.forward(past, h=horizon)["mean"])
    return np.array(ahead)


if __name__ == "__main__":
    main()
