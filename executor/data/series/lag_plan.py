"""Lags, season and horizon of a forecast, by the length of the series, its step and its seasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from executor.data.raw_table import Form
from executor.data.series.lag_table import (
    MIN_LAGS,
    Step,
    Windows,
    require_values,
    series_starts,
    sort_rows,
)
from recommender.profile.characteristics.seasons import TRAINING_SHARE, YEAR, find_horizon_and_season
from recommender.roles.time_order import REGULAR_SHARE, spacing
from rules.errors import DatasetError

if TYPE_CHECKING:
    from executor.data.raw_table import RawTable
    from recommender.dataset.dataset import Dataset
    from recommender.roles.roles import Roles

DECIMAL_YEARS: Final = (1500.0, 2500.0)  # numbers in this range that rise by at most 1 per step are read as years
HORIZONS_BACK: Final = 2  # minimum window, in horizons (docs/evidence.md, section 3: 2 to 5)
SEASONS_BACK: Final = 2  # window, in seasons; the same source
MAX_DENSE_SEASON: Final = 120
"""Steps of a season up to which windows contain all of its lags; of longer seasons only the seasonal lags. Two years of
weeks are 104 steps."""
SERIES_A_WINDOW: Final = 5  # windows in the longest series, so that most rows have a complete one
TREND_CORRELATION: Final = 0.9
"""Correlation with time from which a column is a trend, such as prices or population, and only its changes are read:
docs/evidence.md#trending-columns."""
MIN_SPREAD: Final = 0.1
"""Minimum spread of a window, in standard deviations of the target: division by the spread of a flat window would
amplify noise."""


def regular_step(dataset: Dataset, roles: Roles) -> Step | None:
    """Find the regular step of the time column; None where rows are irregular."""
    if roles.time_column is None:
        return None
    found = spacing(dataset, roles.time_column, entity=roles.entity_column)
    if found is None or found.step <= 0 or found.regular_share < REGULAR_SHARE:
        return None
    return Step(unit=found.unit, size=found.step)


def plan_windows(table: RawTable, roles: Roles, *, regular: Step | None = None) -> Windows:
    """Choose lags, season and horizon, unless roles.request gives them. table: at regular steps where it has such.

    Raises DatasetError on a series that is too short to look back and ahead.
    """
    ordered = sort_rows(table)
    starts = series_starts(ordered)
    longest = int(np.bincount(np.cumsum(starts)).max())
    step = _mean_step(ordered, starts)
    seconds = _seconds(step, ordered)
    series = np.split(require_values(ordered.truth), np.flatnonzero(starts)[1:])
    early = [values[: max(1, int(TRAINING_SHARE * len(values)))] for values in series]
    seen = find_horizon_and_season(series, roles.request, seconds=seconds)
    ahead = seen.horizon
    if longest <= MIN_LAGS + ahead:
        raise DatasetError(
            f"A forecast of {ahead} steps needs more than {MIN_LAGS + ahead} rows, but the longest series has "
            f"{longest}. Collect more rows, or reduce --horizon."
        )
    lags = _lags({*seen.candidates, *([seen.season] if seen.season else [])}, ahead, longest)
    return Windows(
        targets=roles.targets,
        lags=lags,
        season=seen.season,
        step=step,
        regular=regular,
        horizon=ahead,
        known=roles.request.known,
        trending=_trending_columns(ordered, roles.request.known),
        least_spread=tuple((MIN_SPREAD * np.nanstd(np.concatenate(early), axis=0)).tolist()),
    )


def _trending_columns(ordered: RawTable, known: tuple[str, ...]) -> tuple[str, ...]:
    """Numeric columns that correlate with time in the training part of the series."""
    begin = series_starts(ordered)
    place = np.arange(len(ordered)) - np.maximum.accumulate(np.where(begin, np.arange(len(ordered)), 0))
    early = slice(0, max(2, int(TRAINING_SHARE * len(ordered))))
    found = []
    for name in ordered.of_form(Form.NUMBER):
        values, at = ordered.features[name][early], place[early]
        finite = np.isfinite(values)
        if name in known or finite.sum() < MIN_LAGS or values[finite].std() == 0 or at[finite].std() == 0:
            continue
        if abs(np.corrcoef(at[finite], values[finite])[0, 1]) > TREND_CORRELATION:
            found.append(name)
    return tuple(found)


def _lags(seasons: set[int], ahead: int, longest: int) -> tuple[int, ...]:
    """All lags of the last horizons and seasons, and the seasonal lags of long seasons."""
    whole = [season for season in seasons if season <= MAX_DENSE_SEASON]
    wanted = max(HORIZONS_BACK * ahead, SEASONS_BACK * max(whole, default=1), MIN_LAGS)
    dense = max(MIN_LAGS, min(wanted, longest // SERIES_A_WINDOW))
    back = {*range(2, dense + 1)}
    for season in seasons:
        if season + 1 <= longest // SERIES_A_WINDOW:
            back |= {*range(max(2, season - ahead + 1), season + 2)}
    return tuple(sorted(back))


def _mean_step(ordered: RawTable, starts: np.ndarray) -> float:
    """Mean distance of consecutive times; 1 without a time column."""
    if ordered.time is None:
        return 1.0
    steps = np.diff(ordered.time)[~starts[1:]]
    return float(steps.mean()) if len(steps) and steps.mean() > 0 else 1.0


def _seconds(step: float, ordered: RawTable) -> float | None:
    """Seconds of a step; None where the time column has no unit."""
    if ordered.has_clock:
        return step
    if ordered.time is not None and step <= 1 and _are_years(ordered.time):
        return step * YEAR
    return None


def _are_years(time: np.ndarray) -> bool:
    low, high = DECIMAL_YEARS
    return bool(low <= time.min() and time.max() <= high and np.any(time != np.rint(time)))
