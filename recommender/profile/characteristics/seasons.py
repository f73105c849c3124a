"""Seasons of a series: natural ones by the length of its step, others by autocorrelation; and their strength."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from recommender.roles.horizon import horizon_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules.decision.request import Request

DAY: Final = 86_400.0  # seconds
YEAR: Final = 365.2425 * DAY  # seconds, the mean Gregorian year
NATURAL_SEASONS: Final = (DAY, 7 * DAY, YEAR)  # seconds
MIN_SEASONS: Final = 3  # seasons that a series must span
MAX_FOUND_SEASON: Final = 400  # steps of a season found by autocorrelation: slightly more than a year of days
MIN_PEAK_AUTOCORRELATION: Final = 0.3  # of a season, as of persistence (docs/evidence.md, section 1)
TRAINING_SHARE: Final = 0.64  # share of a series, from its start, that is always training data: 0.8 · 0.8
STEPS_OF_TREND: Final = 10  # parts of a series without a season over which its trend is averaged
MIN_PEAK_DIFFERENCE: Final = 0.05  # autocorrelation of a multiple of a season above that of the season
MAX_FOUND: Final = 3  # seasons that are compared


def natural_seasons(seconds: float, length: int) -> tuple[int, ...]:
    """Steps of a day, a week and a year, if the series spans enough of them. seconds: length of a step.

    >>> natural_seasons(3_600, 10_000)
    (24, 168)
    """
    steps = {round(period / seconds) for period in NATURAL_SEASONS}
    return tuple(sorted(each for each in steps if each > 1 and each * MIN_SEASONS <= length))


def found_seasons(values: np.ndarray) -> tuple[int, ...]:
    """Lags with the highest autocorrelation of a series (rows,) after removal of its linear trend.

    NaN counts as the mean. Returned are peaks above MIN_PEAK_AUTOCORRELATION, the highest first. A multiple of a
    shorter season is excluded unless it is clearly higher, such as a week of hourly data with daily seasons.

    >>> found_seasons(np.tile([0.0, 1, 5, 1], 30))[0]
    4
    """
    length = len(values)
    known = np.isfinite(values)
    if known.sum() < 2 * MIN_SEASONS:
        return ()
    at = np.arange(length)
    line = np.polyval(np.polyfit(at[known], values[known], 1), at)
    rest = np.where(known, values - line, 0.0)
    spectrum = np.fft.rfft(rest, 2 * length)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[:length]
    if correlation[0] <= 0:
        return ()
    # Each lag is normalised by its number of pairs; otherwise long seasons would look too weak.
    correlation = correlation / correlation[0] * length / np.arange(length, 0, -1)
    longest = min(MAX_FOUND_SEASON, length // MIN_SEASONS)
    inner = correlation[1 : longest + 2]
    peaks = [lag for lag in range(2, len(inner)) if inner[lag - 1] > MIN_PEAK_AUTOCORRELATION and _is_peak(inner, lag)]
    kept: list[int] = []
    for lag in peaks:
        shorter = [each for each in kept if abs(lag - each * round(lag / each)) <= 1]
        if all(inner[lag - 1] > inner[each - 1] + MIN_PEAK_DIFFERENCE for each in shorter):
            kept.append(lag)
    return tuple(sorted(kept, key=lambda lag: -inner[lag - 1])[:MAX_FOUND])


def _is_peak(inner: np.ndarray, lag: int) -> bool:
    """Whether a lag is a local maximum. inner: autocorrelation from lag 1 on."""
    return bool(inner[lag - 1] > inner[lag - 2] and inner[lag - 1] >= inner[lag])


def seasonal_error(series: Sequence[np.ndarray], season: int, horizon: int) -> float:
    """Mean absolute error of the seasonal-naive forecast; NaN if no series is long enough.

    series: (rows, targets) each; errors are scaled by each target's mean absolute change, so that targets are
    comparable. season: 1 for the last value.
    """
    lags = [season * -(-step // season) for step in range(1, horizon + 1)]
    errors = [
        np.nanmean(np.abs(values[lag:] - values[:-lag]), axis=0) / _size(values)
        for values in series
        for lag in lags
        if len(values) > lag
    ]
    return float(np.nanmean(errors)) if errors else float("nan")


def _size(values: np.ndarray) -> np.ndarray:
    change = np.nanmean(np.abs(np.diff(values, axis=0)), axis=0)
    return np.where(change > 0, change, 1.0)


def best_season(series: Sequence[np.ndarray], candidates: Sequence[int], horizon: int) -> int | None:
    """Season with the smallest seasonal-naive error, None if that of the last value is smaller.

    series: (rows, targets) each.
    """
    errors = {season: seasonal_error(series, season, horizon) for season in (1, *candidates)}
    defined = {season: error for season, error in errors.items() if np.isfinite(error)}
    best = min(defined, key=lambda season: defined[season], default=1)
    return None if best == 1 else best


@dataclass(frozen=True, kw_only=True)
class HorizonAndSeason:
    """Horizon and season of a forecast, in steps. candidates: all possible seasons."""

    horizon: int
    season: int | None
    candidates: tuple[int, ...]


def find_horizon_and_season(
    series: Sequence[np.ndarray], request: Request, *, seconds: float | None
) -> HorizonAndSeason:
    """Horizon and season of series, (rows, targets) each, as requested or inferred from the start of the series.

    seconds: length of a step; None or 0 if unknown.
    """
    if seconds is not None and seconds <= 0:  # most rows have the same time as the previous row
        seconds = None
    longest = max(len(values) for values in series)
    early = [values[: max(1, int(TRAINING_SHARE * len(values)))] for values in series]
    natural = () if seconds is None else natural_seasons(seconds, longest)
    candidates = natural or found_seasons(max(early, key=len)[:, 0])
    ahead = request.horizon or horizon_of(seconds=seconds, season=min(candidates, default=None), length=longest)
    season = request.season if request.season is not None else best_season(early, candidates, ahead)
    if request.horizon is None:
        ahead = horizon_of(seconds=seconds, season=season, length=longest)
    return HorizonAndSeason(horizon=ahead, season=None if season == 1 else season, candidates=candidates)


def strengths(values: np.ndarray, season: int | None) -> tuple[float, float | None]:
    """Strength of trend and season of a series (rows,), in [0, 1]; NaN counts as the mean; None without a season.

    1 - var(rest) / var(component + rest), after Wang, Smith and Hyndman 2006, with a moving average as trend and the
    mean per position in the season instead of STL.

    >>> trend, seasonal = strengths(np.tile([0.0, 1, 5, 1], 30), 4)
    >>> round(trend, 6), seasonal
    (0.0, 1.0)
    """
    known = np.where(np.isfinite(values), values, np.nanmean(values))
    width = season or max(3, len(known) // STEPS_OF_TREND)
    window = np.ones(width) / width if width % 2 else np.convolve(np.ones(width) / width, [0.5, 0.5])
    if len(window) + 2 > len(known):
        return 0.0, None
    trend = np.convolve(known, window, "valid")
    start = (len(window) - 1) // 2
    detrended = known[start : start + len(trend)] - trend
    if season is None:
        return _strength(trend, detrended), None
    place = np.arange(len(trend)) % season
    means = np.bincount(place, detrended) / np.bincount(place)
    rest = detrended - means[place]
    return _strength(trend, rest), _strength(means[place], rest)


def _strength(component: np.ndarray, rest: np.ndarray) -> float:
    whole = float(np.var(component + rest))
    return max(0.0, 1 - float(np.var(rest)) / whole) if whole > 0 else 0.0
