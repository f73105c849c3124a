"""Theta baseline: fitted before the hold-out, then filtered along the series."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.signal import lfilter

from executor.data.series.lag_table import series_starts
from executor.evaluation.baselines.baseline import forecast_baseline
from executor.evaluation.baselines.rolling_origins import MAX_FITTED, SEASONS_NEEDED, forecast_origins
from executor.evaluation.scores import THETA

if TYPE_CHECKING:
    from executor.data.raw_table import RawTable
    from executor.data.series.lag_table import Windows
    from executor.evaluation.baselines.baseline import Baseline
    from executor.preprocessing.examples import Examples, Parts
    from executor.runtime.clock import Clock

THETA_SECONDS: Final = 4.0  # time limit; a series of 2,000 steps takes 0.05 s
MAX_TAUGHT: Final = 20  # series times targets whose forecasts networks start at: a second
TREND_WEIGHT: Final = 0.5  # (θ - 1) / θ of the standard method, θ = 2 (Assimakopoulos and Nikolopoulos 2000)


@dataclass(frozen=True, kw_only=True)
class FittedTheta:
    """A fitted Theta model; steps are counted from the first fitted one."""

    level: np.ndarray
    """Level of simple exponential smoothing after each step, (steps,), of the series without season."""
    slope: float
    smoothing: float
    season: np.ndarray
    """Seasonal factors or terms of one season, (period,)."""
    is_multiplicative: bool
    first: int
    """Index of the first fitted step."""

    def forecast(self, at: np.ndarray, horizon: int) -> np.ndarray:
        """Compute point forecasts after some steps, (len(at), horizon); NaN before the first fitted one.

        ŷ(t+h) = l(t) + b / 2 · (h - 1 + (1 - (1 - s)^t) / s) with slope b and smoothing s, and the season of step t + h
        (Hyndman and Billah 2003, as in statsmodels).
        """
        steps = np.arange(1, horizon + 1)
        is_fitted = at[:, None] >= self.first
        known = np.where(is_fitted, at[:, None] + 1 - self.first, 1)
        ahead = np.broadcast_to(steps - 1.0, (len(at), horizon))
        if self.smoothing > 0:
            ahead = ahead + (1 - (1 - self.smoothing) ** known) / self.smoothing
        forecast = np.where(is_fitted, self.level[known - 1], np.nan) + TREND_WEIGHT * self.slope * ahead
        season = self.season[(known + steps - 1) % len(self.season)]
        return np.asarray(forecast * season if self.is_multiplicative else forecast + season)


def theta_baseline(
    parts: Parts,
    hold_out: Examples,
    rows: RawTable,
    series: RawTable,
    windows: Windows,
    *,
    clock: Clock,
) -> Baseline | None:
    """Fit the Theta model of statsmodels to each series and target, and forecast from every origin of the hold-out.

    rows, series: as in `forecast_origins`. Slope, smoothing and season are estimated before the hold-out; the level
    then follows the series without refitting.
    None where there are too many series, one of them is too short, or the clock is over before all are fitted.
    """

    def fit(values: np.ndarray, until: int) -> tuple[FittedTheta, str] | None:
        return None if clock.is_over else _fit(values, until, windows.season)

    found = forecast_origins(rows, series, windows, fit)
    if found is None:
        return None
    outcome, names = found
    return forecast_baseline(THETA, f"Theta model, {names}", parts, hold_out, outcome)


def theta_forecasts(table: RawTable, series: RawTable, windows: Windows, validation: np.ndarray) -> np.ndarray | None:
    """Forecast every row of a lag table by models that were fitted before the validation rows, (rows, outputs).

    series: the rows that the table was made of. validation: indices in the table. NaN before the first fitted step.
    None where there are too many series, or one of them is too short.
    """
    if int(series_starts(series).sum()) * len(windows.targets) > MAX_TAUGHT:
        return None
    found = forecast_origins(
        table, series, windows, lambda values, until: _fit(values, until, windows.season), before=table.take(validation)
    )
    return None if found is None else found[0]


def _fit(values: np.ndarray, until: int, season: int | None) -> tuple[FittedTheta, str] | None:
    """Fit the model on the values before an index, and filter all values."""
    from statsmodels.tsa.forecasting.theta import ThetaModel  # noqa: PLC0415  a second to import

    first = max(0, until - MAX_FITTED)
    past = values[first:until]
    is_seasonal = season is not None and len(past) >= SEASONS_NEEDED * season + 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a constant series has no autocorrelation
        try:
            model = ThetaModel(past, period=season if is_seasonal else None, deseasonalize=is_seasonal)
            found = model.fit()
        except (ValueError, np.linalg.LinAlgError):
            return None
    slope, smoothing = (float(value) for value in found.params)
    factors = found.forecast_components(season).seasonal.to_numpy() if is_seasonal else np.empty(0)
    has_season = len(factors) > 0 and bool(np.ptp(factors) > 0)
    is_multiplicative = has_season and str(model.method).startswith("mul")
    # The components are those of the steps after the fitted ones.
    own = np.roll(factors, len(past)) if has_season else np.array([float(is_multiplicative)])
    along = own[np.arange(len(values) - first) % len(own)]
    plain = values[first:] / along if is_multiplicative else values[first:] - along
    level, _ = lfilter([smoothing], [1, smoothing - 1], plain, zi=[(1 - smoothing) * plain[0]])
    kind = "no season" if not has_season else "multiplicative season" if is_multiplicative else "additive season"
    return (
        FittedTheta(
            level=level,
            slope=slope,
            smoothing=smoothing,
            season=own,
            is_multiplicative=is_multiplicative,
            first=first,
        ),
        kind,
    )
