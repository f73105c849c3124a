"""The season of a series: natural ones by its clock, others by its autocorrelation, and how strong they are."""

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
SEASONS_SEEN: Final = 3  # times that a series must span a season before it is believed
MAX_FOUND_SEASON: Final = 400  # steps of a season that only the autocorrelation tells: a year of days and some
CLEAR: Final = 0.3  # autocorrelation of a peak that may be a season, as of persistence (docs/evidence.md, section 1)
TRAINING_SHARE: Final = 0.64  # of a series, its beginning, which is certain to train: 0.8 · 0.8
STEPS_OF_TREND: Final = 10  # parts of a series without a season over which its trend is averaged
CLEARER: Final = 0.05  # of autocorrelation, by which a multiple must be above a season that it only repeats
MAX_FOUND: Final = 3  # peaks that are held against each other


def natural_seasons(seconds: float, length: int) -> tuple[int, ...]:
    """Steps of a day, a week and a year, of those that the series spans often enough; seconds: of a step.

    >>> natural_seasons(3_600, 10_000)
    (24, 168)
    """
    steps = {round(period / seconds) for period in NATURAL_SEASONS}
    return tuple(sorted(each for each in steps if each > 1 and each * SEASONS_SEEN <= length))


def found_seasons(values: np.ndarray) -> tuple[int, ...]:
    """Lags at which a series (rows,) resembles itself most once its straight trend is taken off: peaks above CLEAR.

    NaN counts as the mean. The highest peak comes first; a multiple of a lower one is left out unless it is clearly
    higher, as a week of hours is among days.

    >>> found_seasons(np.tile([0.0, 1, 5, 1], 30))[0]
    4
    """
    length = len(values)
    known = np.isfinite(values)
    if known.sum() < 2 * SEASONS_SEEN:
        return ()
    at = np.arange(length)
    line = np.polyval(np.polyfit(at[known], values[known], 1), at)
    rest = np.where(known, values - line, 0.0)
    spectrum = np.fft.rfft(rest, 2 * length)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[:length]
    if correlation[0] <= 0:
        return ()
    # Each lag by the number of its pairs, or long seasons would look weaker than they are.
    correlation = correlation / correlation[0] * length / np.arange(length, 0, -1)
    longest = min(MAX_FOUND_SEASON, length // SEASONS_SEEN)
    inner = correlation[1 : longest + 2]
    peaks = [lag for lag in range(2, len(inner)) if inner[lag - 1] > CLEAR and _is_peak(inner, lag)]
    kept: list[int] = []
    for lag in peaks:
        shorter = [each for each in kept if abs(lag - each * round(lag / each)) <= 1]
        if all(inner[lag - 1] > inner[each - 1] + CLEARER for each in shorter):
            kept.append(lag)
    return tuple(sorted(kept, key=lambda lag: -inner[lag - 1])[:MAX_FOUND])


def _is_peak(inner: np.ndarray, lag: int) -> bool:
    """inner: correlation from lag 1 on."""
    return bool(inner[lag - 1] > inner[lag - 2] and inner[lag - 1] >= inner[lag])


def seasonal_error(series: Sequence[np.ndarray], season: int, horizon: int) -> float:
    """Mean absolute error of repeating the last season over the next steps; NaN where no series is long enough.

    series: (rows, targets) each; each target's errors are in its own mean absolute change, so that targets are alike.
    season: 1 for the last value.
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
    """The season whose repetition errs least, (rows, targets) each series; None where the last value errs less."""
    errors = {season: seasonal_error(series, season, horizon) for season in (1, *candidates)}
    defined = {season: error for season, error in errors.items() if np.isfinite(error)}
    best = min(defined, key=lambda season: defined[season], default=1)
    return None if best == 1 else best


@dataclass(frozen=True, kw_only=True)
class View:
    """How far a forecast looks and what season it sees.

    candidates: steps of every season that may be one.
    """

    horizon: int
    season: int | None
    candidates: tuple[int, ...]


def view(series: Sequence[np.ndarray], request: Request, *, seconds: float | None) -> View:
    """Horizon and season of series, (rows, targets) each, as requested or by the first rows.

    seconds: of a step; None or 0 where no clock gives it.
    """
    if seconds is not None and seconds <= 0:  # most rows repeat the time of the row before
        seconds = None
    longest = max(len(values) for values in series)
    early = [values[: max(1, int(TRAINING_SHARE * len(values)))] for values in series]
    natural = () if seconds is None else natural_seasons(seconds, longest)
    candidates = natural or found_seasons(max(early, key=len)[:, 0])
    ahead = request.horizon or horizon_of(seconds=seconds, season=min(candidates, default=None), length=longest)
    season = request.season if request.season is not None else best_season(early, candidates, ahead)
    if request.horizon is None:
        ahead = horizon_of(seconds=seconds, season=season, length=longest)
    return View(horizon=ahead, season=None if season == 1 else season, candidates=candidates)


def strengths(values: np.ndarray, season: int | None) -> tuple[float, float | None]:
    """Strength of trend and of season of a series (rows,), in [0, 1]; NaN counts as the mean; None without a season.

    1 - var(rest) / var(component + rest), after Wang, Smith and Hyndman 2006, with a moving average as the trend and
    the mean of each place in the season instead of STL's.

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
