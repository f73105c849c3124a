"""Exponential smoothing baseline: fitted before the hold-out, then filtered along the series."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.evaluation.baselines.baseline import forecast_baseline
from executor.evaluation.baselines.rolling_origins import MAX_FITTED, SEASONS_NEEDED, forecast_origins
from executor.evaluation.scores import EXPONENTIAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from executor.data.raw_table import RawTable
    from executor.data.series.lag_table import Windows
    from executor.evaluation.baselines.baseline import Baseline
    from executor.preprocessing.examples import Examples, Parts
    from executor.runtime.clock import Clock

EXPONENTIAL_SECONDS: Final = 10.0  # time limit
MAX_SEASON: Final = 60  # steps; hundreds of seasonal states take minutes (statsmodels 0.15)
MODELS: Final = (("add", "add"), ("add", None), (None, "add"), (None, None), ("add", "mul"), (None, "mul"))
"""Trend (damped) and season of candidate models, selected by the corrected AIC as in ets() (Hyndman and Khandakar
2008), the largest first: additive errors; a multiplicative season only for positive values."""


@dataclass(frozen=True, kw_only=True)
class FittedSmoothing:
    """States of a fitted model after each step, (steps,) each."""

    level: np.ndarray
    trend: np.ndarray | None
    season: np.ndarray | None
    damping: float
    seasonal: str | None
    period: int

    def forecast(self, at: np.ndarray, horizon: int) -> np.ndarray:
        """Compute point forecasts after some steps, (len(at), horizon).

        ŷ(t+h) = l(t) + (φ + … + φ^h) b(t), plus or times s(t + h - m ⌈h / m⌉). Hyndman et al. 2008, table 2.1.
        """
        steps = np.arange(1, horizon + 1)
        forecast = np.repeat(self.level[at][:, None], horizon, axis=1)
        if self.trend is not None:
            forecast = forecast + self.trend[at][:, None] * np.cumsum(self.damping**steps)
        if self.season is None:
            return forecast
        last = at[:, None] + steps - self.period * -(-steps // self.period)
        season = self.season[np.maximum(last, 0)]
        return np.asarray(forecast * season if self.seasonal == "mul" else forecast + season)


def exponential_baseline(
    parts: Parts,
    hold_out: Examples,
    rows: RawTable,
    series: RawTable,
    windows: Windows,
    *,
    clock: Clock,
) -> Baseline | None:
    """Fit ETS of statsmodels to each series and target, and forecast from every origin of the hold-out.

    rows, series: as in `forecast_origins`. The parameters are estimated before the hold-out; the states then follow the
    series without refitting.
    clock: after its deadline no further model is tried.
    None where there are too many series, one of them is too short, or the clock is over before all are fitted.
    """
    found = forecast_origins(rows, series, windows, lambda values, until: _fit(values, until, windows.season, clock))
    if found is None:
        return None
    outcome, names = found
    return forecast_baseline(EXPONENTIAL, f"ETS model {names}", parts, hold_out, outcome)


def _fit(values: np.ndarray, until_row: int, season: int | None, clock: Clock) -> tuple[FittedSmoothing, str] | None:
    """Fit the model with the lowest corrected AIC before a row, and filter all values."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel  # noqa: PLC0415  a second to import

    past = values[max(0, until_row - MAX_FITTED) : until_row]
    best: tuple[float, str, str | None, str | None, np.ndarray] | None = None
    for trend, seasonal in _models(past, season):
        if clock.is_over:
            break
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a model that does not converge has a high AIC
            try:
                model = ETSModel(past, **_choices(trend, seasonal, season))
                found = model.fit(disp=False, maxiter=200)
            except (ValueError, np.linalg.LinAlgError):
                continue
        if np.isfinite(found.aicc) and (best is None or found.aicc < best[0]):
            best = float(found.aicc), found.short_name, trend, seasonal, np.asarray(found.params)
    if best is None:
        return None
    _, name, trend, seasonal, params = best
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        states = ETSModel(values, **_choices(trend, seasonal, season)).smooth(params)
    return (
        FittedSmoothing(
            level=np.asarray(states.level),
            trend=None if trend is None else np.asarray(states.slope),
            season=None if seasonal is None else np.asarray(states.season),
            damping=float(getattr(states, "damping_trend", 1.0)) if trend else 1.0,
            seasonal=seasonal,
            period=season or 1,
        ),
        name,
    )


def _choices(trend: str | None, seasonal: str | None, season: int | None) -> dict[str, object]:
    return {
        "error": "add",
        "trend": trend,
        "damped_trend": trend is not None,
        "seasonal": seasonal,
        "seasonal_periods": season if seasonal else None,
        "initialization_method": "heuristic",
    }


def _models(past: np.ndarray, season: int | None) -> Iterator[tuple[str | None, str | None]]:
    """Iterate over candidate models: seasonal ones for short seasons, multiplicative ones for positive values."""
    seasonal_too = season is not None and season <= MAX_SEASON and len(past) > SEASONS_NEEDED * season + 1
    for trend, seasonal in MODELS:
        if seasonal is None or (seasonal_too and (seasonal == "add" or past.min() > 0)):
            yield trend, seasonal
