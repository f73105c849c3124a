"""Characteristics of the series of a forecast: number, length, gaps, trend, season and horizon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from recommender.dataset.sql import is_number, quoted, time_stamp
from recommender.profile.characteristic import Characteristic, count
from recommender.profile.characteristics.seasons import YEAR, find_horizon_and_season, strengths
from recommender.roles.time_order import MAX_SERIES_ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recommender.dataset.dataset import Dataset
    from recommender.roles.roles import Roles
    from recommender.roles.time_order import Spacing

BUSINESS_DAY: Final = 7 / 5 * 86_400.0  # seconds: a fifth of a week


def measure_series(dataset: Dataset, roles: Roles, steps: Spacing | None) -> Sequence[Characteristic]:
    """Characteristics of the series. steps: spacing of the time column, None without one."""
    series = _series(dataset, roles)
    if not series:
        return ()
    seen = find_horizon_and_season(series, roles.request, seconds=None if steps is None else _seconds(steps))
    longest = max(series, key=len)
    trend, seasonal = strengths(longest[:, 0], seen.season)
    rows = sum(len(values) for values in series)
    how = f"the last {rows:,} rows" if rows < dataset.row_count else f"{rows:,} rows"
    first = f"moving averages of {roles.targets[0]!r} in the longest series"
    season = "given by --season" if roles.request.season else "smallest seasonal-naive error in the first 64 %"
    ahead = (
        "given by --horizon" if roles.request.horizon else "from the step as in the M4 competition, or from the season"
    )
    found = [
        count("series", len(series) * len(roles.targets), "series", f"entities times targets in {how}"),
        count("series_length", len(longest), "rows", f"the longest of {how}"),
        count("season", seen.season or 1, "steps", f"{season}; 1 for none"),
        count("horizon", seen.horizon, "steps", ahead),
        Characteristic(name="trend_strength", value=trend, unit="1", how=first),
    ]
    if seasonal is not None:
        found.append(Characteristic(name="season_strength", value=seasonal, unit="1", how=first))
    if steps is not None and steps.steps:
        share = steps.gaps / steps.steps
        found.append(
            Characteristic(
                name="gap_share", value=share, unit="fraction of steps", how="steps longer than the most frequent one"
            )
        )
    return found


def _series(dataset: Dataset, roles: Roles) -> list[np.ndarray]:
    """Last rows of each entity in time order, (rows, targets) float64 each, NaN for missing values."""
    time = "rowid"
    if roles.time_column is not None:
        storage = dataset.storage[roles.time_column]
        time = quoted(roles.time_column) if is_number(storage) else time_stamp(roles.time_column, storage)
    who = quoted(roles.entity_column) if roles.entity_column else "0"
    values = ", ".join(
        f"coalesce(TRY_CAST({quoted(name)} AS DOUBLE), 'NaN'::DOUBLE) AS v{at}" for at, name in enumerate(roles.targets)
    )
    inner = (
        f"SELECT dense_rank() OVER (ORDER BY {who}) AS entity, {time} AS t, rowid AS position, {values} FROM dataset "
        f"WHERE {time} IS NOT NULL AND rowid >= {max(0, dataset.row_count - MAX_SERIES_ROWS)}"
    )
    # Sorted in the outer query, where columns of the dataset cannot hide ours.
    found = dataset.connection.execute(f"FROM ({inner}) ORDER BY entity, t, position").fetchnumpy()
    entity = np.ma.getdata(found["entity"])
    if not len(entity):
        return []
    columns = np.column_stack([np.ma.getdata(found[f"v{at}"]) for at in range(len(roles.targets))])
    return np.split(columns, np.flatnonzero(np.diff(entity)) + 1)


def _seconds(steps: Spacing) -> float | None:
    """Length of a step in seconds; None if the time column is only a counter."""
    if steps.unit == "":
        return steps.step * YEAR if steps.season is not None else None
    return steps.step * {"seconds": 1.0, "months": YEAR / 12, "business days": BUSINESS_DAY}[steps.unit]
