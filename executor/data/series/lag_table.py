"""Lag table: each row of a series has the last value, lags relative to it, and the next steps as targets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from executor.data.raw_table import Form, Lagged, RawTable
from executor.data.row_arrays import join_rows
from recommender.roles.time_order import Unit
from rules.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable

MIN_LAGS: Final = 3  # minimum number of steps in a window


class Step(BaseModel):
    """The regular step of a series; without a unit it is in numbers of the time column."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: Unit
    size: float


class Windows(BaseModel):
    """Windows of the lag table: targets, lags, season and horizon."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    targets: tuple[str, ...]
    lags: tuple[int, ...]
    """Lags from 2; a feature is the difference to the last value."""
    season: int | None
    """Steps of the season; None without one."""
    step: float
    """Mean distance of rows in time, in the unit of the time column (seconds for time stamps)."""
    regular: Step | None = None
    """The regular step; None without one, and then the time of a forecast is unknown."""
    horizon: int = 1
    """Steps ahead of a forecast."""
    known: tuple[str, ...] = ()
    """Columns whose future values are known."""
    trending: tuple[str, ...] = ()
    """Numeric columns with a trend; only their changes are read, because later values are out of range."""
    least_spread: tuple[float, ...] = ()
    """Minimum spread of a window, (targets,); empty where windows are not scaled by their spread."""

    @property
    def lookback(self) -> int:
        """Rows of history that a forecast reads, if available."""
        return max(self.lags)


def lag_table(table: RawTable, windows: Windows) -> RawTable:
    """Create a row for each forecast origin whose last value and horizon are known, by entity and time.

    Features: for each target the lagged values minus the last value, divided by the spread of the window where windows
    have one; for each other column its lag 1 (not for trends), for numbers its last change, for columns known in
    advance the values at the steps ahead; the time stamp of the first step. Missing values of a target are forward
    filled, but are never targets. Rows with an incomplete window are dropped where most rows have a complete one.

    truth, offset, last, season_before, spread: (rows, targets · horizon), target by target; the offset is the value one
    season before where there is one and windows have a spread.
    """
    made = _windows(sort_rows(table), windows)
    known = ~np.isnan(require_values(made.offset)).any(axis=1) & ~np.isnan(require_values(made.truth)).any(axis=1)
    if windows.least_spread:
        deepest = Lagged(column=windows.targets[0], lag=windows.lookback, minus=1)
        (name,) = (name for name, lagged in made.lagged.items() if lagged == deepest)
        whole = known & ~np.isnan(made.features[name])
        known = whole if 2 * whole.sum() >= known.sum() else known
    return made.take(known)


def future_rows(table: RawTable, windows: Windows) -> RawTable:
    """Create the row of each entity that forecasts the steps after its last known one; `rows` are -1, `truth` is None.

    Final rows without any target are steps ahead, of which only the columns known in advance are read.
    Raises DatasetError if there is no row, or an entity has no known value.
    """
    if not len(table):
        raise DatasetError("A forecast needs history, but no row has a time. Give rows with their time.")
    ordered = sort_rows(table)
    if windows.known:
        return _first_unknown(ordered, windows)
    last = np.flatnonzero(np.append(series_starts(ordered)[1:], [True]))
    after = ordered.take(last)
    time = None if after.time is None or ordered.time is None else next_times(after.time, ordered.time, windows)
    # The largest row number keeps the step last where rows are in file order.
    beyond = int(ordered.rows.max()) + 1
    unknown = np.full_like(require_values(after.truth), np.nan)
    after = replace(after, rows=np.full(len(last), beyond), time=time, truth=unknown)
    made = _windows(sort_rows(join_rows(ordered, after)), windows)
    return _as_prediction_rows(made.take(made.rows == beyond), windows)


def _first_unknown(ordered: RawTable, windows: Windows) -> RawTable:
    """Row of each entity after its last known target. Raises DatasetError where there is none."""
    return _as_prediction_rows(_windows(ordered, windows).take(_first_ahead(ordered, windows)), windows)


def _first_ahead(ordered: RawTable, windows: Windows) -> np.ndarray:
    """Index of the first row of each entity after its last known target, (entities,).

    Raises DatasetError where fewer rows follow than there are steps ahead.
    """
    missing = np.isnan(require_values(ordered.truth)).all(axis=1)
    places = []
    for rows in np.split(np.arange(len(ordered)), np.flatnonzero(series_starts(ordered))[1:]):
        known = np.flatnonzero(~missing[rows])
        after = known[-1] + 1 if len(known) else 0
        if len(rows) - after < windows.horizon:
            raise DatasetError(
                f"A forecast with columns known in advance ({', '.join(map(repr, windows.known))}) needs their values "
                f"for {windows.horizon} steps after the last known target, but there are {len(rows) - after} such "
                "rows. Add rows with the time, these values, and an empty target."
            )
        places.append(rows[after])
    return np.array(places)


def _as_prediction_rows(steps: RawTable, windows: Windows) -> RawTable:
    """Turn rows into rows to predict. Raises DatasetError where one has no last value."""
    if np.isnan(require_values(steps.offset)).any():
        raise DatasetError(
            f"A forecast needs the last known value, but {', '.join(map(repr, windows.targets))} has none. Give rows "
            "of the history with known values."
        )
    return replace(steps, truth=None, rows=np.full(len(steps), -1))


def empty_ahead(table: RawTable, windows: Windows) -> dict[str, np.ndarray]:
    """Find the rows at the steps ahead in which a column known in advance is empty, by column.

    table: at regular steps. Rows are numbers in the dataset, from 0, or -1 where the dataset lacks the step.
    """
    if not windows.known:
        return {}
    ordered = sort_rows(table)
    ahead = (_first_ahead(ordered, windows)[:, None] + np.arange(windows.horizon)).ravel()
    found = {}
    for name in windows.known:
        values = ordered.features[name][ahead]
        empty = values == "" if values.dtype == object else np.isnan(values)
        if empty.any():
            found[name] = ordered.rows[ahead][empty]
    return found


def rows_of_shortest(table: RawTable) -> int:
    """Number of rows of the shortest series."""
    return int(np.bincount(np.cumsum(series_starts(sort_rows(table))) - 1).min())


def next_times(last: np.ndarray, history: np.ndarray, windows: Windows) -> np.ndarray:
    """Time one step later, (entities,); history: all times, from which the day of the month is taken.

    >>> step = Step(unit="months", size=1)
    >>> month_ends = np.array(["2023-01-31", "2023-02-28"], "M8[s]").astype(float)
    >>> windows = Windows(targets=("y",), lags=(2,), season=None, step=1, regular=step)
    >>> str(next_times(month_ends[1:], month_ends, windows).astype("M8[s]")[0])
    '2023-03-31T00:00:00'
    """
    step = windows.regular
    if step is None or step.unit in {"seconds", ""}:
        return last + (windows.step if step is None else step.size)
    stamps = last.astype("M8[s]")
    days = stamps.astype("M8[D]")
    if step.unit == "business days":
        new = np.busday_offset(days, int(step.size), roll="forward")
    else:
        every = history.astype("M8[s]").astype("M8[D]")
        latest = (every - every.astype("M8[M]").astype("M8[D]")).max()
        month = stamps.astype("M8[M]") + int(step.size)
        start, end = month.astype("M8[D]"), (month + 1).astype("M8[D]") - 1
        new = np.minimum(start + latest, end)
    return np.asarray((new + (stamps - days)).astype(np.float64))


def _windows(ordered: RawTable, windows: Windows) -> RawTable:
    """Compute the features of every row, complete or not."""
    starts = series_starts(ordered)
    begin = np.maximum.accumulate(np.where(starts, np.arange(len(ordered)), 0))
    filled = forward_fill(require_values(ordered.truth), starts)
    last = _lag(filled, 1, begin)
    columns: dict[Lagged, tuple[Form, np.ndarray]] = {}
    changes = {lag: _lag(filled, lag, begin) - last for lag in windows.lags}
    spread = _spread(changes, windows)
    for lag, change in changes.items():
        for number, target in enumerate(windows.targets):
            columns[Lagged(column=target, lag=lag, minus=1)] = Form.NUMBER, (change / spread)[:, number]
    for name, values in ordered.features.items():
        form, before = ordered.forms[name], _lag(values, 1, begin)
        if name not in windows.trending:
            columns[Lagged(column=name, lag=1)] = form, before
        if form is Form.NUMBER:
            columns[Lagged(column=name, lag=1, minus=2)] = form, before - _lag(values, 2, begin)
        if name in windows.known:
            for step in range(windows.horizon):
                columns[Lagged(column=name, lag=-step)] = form, _lag(values, -step, begin)
    time = {"time": ordered.time} if ordered.has_clock and ordered.time is not None else {}
    names = _unique_names(columns)
    season = None if windows.season is None else _lead(filled, begin, windows, season=windows.season)
    last = np.repeat(last, windows.horizon, axis=1)
    return replace(
        ordered,
        features=time | {name: columns[lagged][1] for name, lagged in names.items()},
        forms=dict.fromkeys(time, Form.TIME) | {name: columns[lagged][0] for name, lagged in names.items()},
        lagged=names,
        truth=_lead(require_values(ordered.truth), begin, windows),
        offset=last if season is None or not windows.least_spread else np.where(np.isnan(season), last, season),
        last=last,
        season_before=season,
        spread=np.repeat(spread, windows.horizon, axis=1) if windows.least_spread else None,
        window=(len(windows.lags), len(windows.targets)) if windows.least_spread else None,
    )


def _lead(values: np.ndarray, begin: np.ndarray, windows: Windows, *, season: int | None = None) -> np.ndarray:
    """Values at the steps ahead, or those whole seasons before them, (rows, targets · horizon)."""
    lags = [-step if season is None else season * (step // season + 1) - step for step in range(windows.horizon)]
    every = np.stack([_lag(values, lag, begin) for lag in lags], axis=2)
    return every.reshape(len(values), -1)


def _spread(changes: dict[int, np.ndarray], windows: Windows) -> np.ndarray:
    """Standard deviation of each row's window, (rows, targets), at least the minimum spread; 1 where it is not used.

    The scale of reversible instance normalization (Kim et al. 2022, ICLR).
    """
    (first, *_) = changes.values()
    if not windows.least_spread:
        return np.ones_like(first)
    every = np.stack([np.zeros_like(first), *changes.values()])
    count = (~np.isnan(every)).sum(axis=0)
    mean = np.nansum(every, axis=0) / np.maximum(count, 1)
    square = np.nansum((every - mean) ** 2, axis=0) / np.maximum(count, 1)
    least = np.array([value if value > 0 else 1.0 for value in windows.least_spread])
    return np.asarray(np.maximum(np.sqrt(square), least))


def _unique_names(columns: Iterable[Lagged]) -> dict[str, Lagged]:
    """Features by name; a name is marked until no other feature has it, for columns may be called anything."""
    found: dict[str, Lagged] = {}
    for lagged in columns:
        name = str(lagged)
        while name in found:
            name += "'"
        found[name] = lagged
    return found


def sort_rows(table: RawTable) -> RawTable:
    """Sort rows by entity and time; ties stay in file order."""
    time = table.rows if table.time is None else table.time
    entity = np.zeros(len(table)) if table.entity is None else np.unique(table.entity, return_inverse=True)[1]
    return table.take(np.lexsort((time, entity)))


def series_starts(ordered: RawTable) -> np.ndarray:
    """Mark the first row of each entity, (rows,) boolean."""
    starts = np.zeros(len(ordered), bool)
    starts[:1] = True
    if ordered.entity is not None:
        starts[1:] = ordered.entity[1:] != ordered.entity[:-1]
    return starts


def _lag(values: np.ndarray, lag: int, begin: np.ndarray) -> np.ndarray:
    """Shift values by `lag` rows within each entity; NaN, or "" for words, where there is none.

    begin: index of the first row of each row's entity.
    """
    source = np.arange(len(values)) - lag
    inside = np.clip(source, 0, len(values) - 1)
    shifted = values[inside].copy()
    shifted[(source != inside) | (begin[inside] != begin)] = "" if values.dtype == object else np.nan
    return shifted


def forward_fill(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Replace missing values by the last known one of the entity; (rows, targets)."""
    fixed = ~np.isnan(values) | starts[:, None]
    place = np.maximum.accumulate(np.where(fixed, np.arange(len(values))[:, None], 0), axis=0)
    return np.take_along_axis(values, place, axis=0)


def require_values(values: np.ndarray | None) -> np.ndarray:
    if values is None:
        raise DatasetError("A forecast needs past values of its target, but the rows have none. Add the column.")
    return values
