"""A series as a table: each row asks for the next steps, given the last value, changes back from it, and the season."""

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

MIN_LAGS: Final = 3  # steps that a forecast looks back at least


class Step(BaseModel):
    """The step that a series takes from row to row; without a unit it is one of the time column's numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: Unit
    size: float


class Windows(BaseModel):
    """What a row of the lag table looks back to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    targets: tuple[str, ...]
    lags: tuple[int, ...]
    """Steps back, from 2 on; a feature is the change from there to the last value."""
    season: int | None
    """Steps of the season that repeats best; None without one."""
    step: float
    """Mean distance of two rows in time, in the unit of the time column (seconds for time stamps)."""
    regular: Step | None = None
    """The step that nearly all rows take; None without one, and then the time of a forecast cannot be told."""
    horizon: int = 1
    """Steps ahead that a row asks for."""
    known: tuple[str, ...] = ()
    """Columns whose values at the steps ahead are known in advance."""
    trending: tuple[str, ...] = ()
    """Columns of numbers that grow with time: of them only changes are read, for later values lie off the scale."""
    least_spread: tuple[float, ...] = ()
    """The least spread of a window, (targets,); empty where windows are not divided by their spread."""

    @property
    def lookback(self) -> int:
        """Rows of the past that a forecast reads, where there are so many."""
        return max(self.lags)


def lag_table(table: RawTable, windows: Windows) -> RawTable:
    """One row for each step from which all steps of the horizon and the last value are known, by entity and time.

    Features: for each target the value `lag` steps before less the last value, in spreads of the window where windows
    have one; for each other column its value one step before (not of trending ones), and of numbers its last change, of
    columns known in advance the values at the steps ahead; the time stamp of the first step. A missing value of a
    target is bridged with the value before it, but never asked for. Rows without a whole window are left out where most
    rows have one.
    truth, offset, last, season_before, spread: (rows, targets · horizon), target by target; the offset is the value a
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
    """One row for each entity: the steps after its last known one; `rows` are -1 and `truth` is None.

    Rows at the end without any target are steps ahead, of which only the columns known in advance are read.
    Raises DatasetError if there is no row, or an entity has no value to start from.
    """
    if not len(table):
        raise DatasetError("A forecast continues rows of the past, but none has a time. Give rows with their time.")
    ordered = sort_rows(table)
    if windows.known:
        return _first_unknown(ordered, windows)
    last = np.flatnonzero(np.append(series_starts(ordered)[1:], [True]))
    after = ordered.take(last)
    time = None if after.time is None or ordered.time is None else next_times(after.time, ordered.time, windows)
    # A number after all others keeps the step last where rows are ordered by their place in the file.
    beyond = int(ordered.rows.max()) + 1
    unknown = np.full_like(require_values(after.truth), np.nan)
    after = replace(after, rows=np.full(len(last), beyond), time=time, truth=unknown)
    made = _windows(sort_rows(join_rows(ordered, after)), windows)
    return _as_prediction_rows(made.take(made.rows == beyond), windows)


def _first_unknown(ordered: RawTable, windows: Windows) -> RawTable:
    """The first row of each entity after its last known target. Raises DatasetError where there is none."""
    return _as_prediction_rows(_windows(ordered, windows).take(_first_ahead(ordered, windows)), windows)


def _first_ahead(ordered: RawTable, windows: Windows) -> np.ndarray:
    """The place of the first row of each entity after its last known target, (entities,).

    Raises DatasetError where fewer rows follow than there are steps ahead.
    """
    missing = np.isnan(require_values(ordered.truth)).all(axis=1)
    places = []
    for rows in np.split(np.arange(len(ordered)), np.flatnonzero(series_starts(ordered))[1:]):
        known = np.flatnonzero(~missing[rows])
        after = known[-1] + 1 if len(known) else 0
        if len(rows) - after < windows.horizon:
            raise DatasetError(
                f"A forecast with columns that are known in advance ({', '.join(map(repr, windows.known))}) must have "
                f"their values for {windows.horizon} steps after the last known target, but the rows go on for "
                f"{len(rows) - after}. Add rows with the time and these values, and with an empty target."
            )
        places.append(rows[after])
    return np.array(places)


def _as_prediction_rows(steps: RawTable, windows: Windows) -> RawTable:
    """Rows that are only to be answered. Raises DatasetError where one has no value to start from."""
    if np.isnan(require_values(steps.offset)).any():
        raise DatasetError(
            f"A forecast starts from the last known value, but {', '.join(map(repr, windows.targets))} has none. "
            "Give rows of the past with known values."
        )
    return replace(steps, truth=None, rows=np.full(len(steps), -1))


def empty_ahead(table: RawTable, windows: Windows) -> dict[str, np.ndarray]:
    """For each column known in advance the rows at the steps ahead in which it is empty; without columns of none.

    table: at regular steps. A row is its number in the dataset, from 0, or -1 where the dataset lacks that step.
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
    """Rows of the shortest series, or of the only one."""
    return int(np.bincount(np.cumsum(series_starts(sort_rows(table))) - 1).min())


def next_times(last: np.ndarray, history: np.ndarray, windows: Windows) -> np.ndarray:
    """The time one step later, (entities,); history: all times, whose latest day of a month is that of each month.

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
    """The features of every row, complete or not."""
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
    """Values at the steps ahead, or the known ones whole seasons before them, (rows, targets · horizon)."""
    lags = [-step if season is None else season * (step // season + 1) - step for step in range(windows.horizon)]
    every = np.stack([_lag(values, lag, begin) for lag in lags], axis=2)
    return every.reshape(len(values), -1)


def _spread(changes: dict[int, np.ndarray], windows: Windows) -> np.ndarray:
    """The standard deviation of each row's window, (rows, targets), at least the least spread; 1 where it is not used.

    The scale of reversible instance normalisation (Kim et al. 2022, ICLR), around the last value's subtraction.
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
    """The rows by entity and time; of equal times, in file order."""
    time = table.rows if table.time is None else table.time
    entity = np.zeros(len(table)) if table.entity is None else np.unique(table.entity, return_inverse=True)[1]
    return table.take(np.lexsort((time, entity)))


def series_starts(ordered: RawTable) -> np.ndarray:
    """Whether a row is the first of its entity, (rows,) boolean."""
    starts = np.zeros(len(ordered), bool)
    starts[:1] = True
    if ordered.entity is not None:
        starts[1:] = ordered.entity[1:] != ordered.entity[:-1]
    return starts


def _lag(values: np.ndarray, lag: int, begin: np.ndarray) -> np.ndarray:
    """Values `lag` rows before (after, where it is negative) in the same entity; NaN, or "" for words, where none is.

    begin: the first row of each row's entity.
    """
    source = np.arange(len(values)) - lag
    inside = np.clip(source, 0, len(values) - 1)
    shifted = values[inside].copy()
    shifted[(source != inside) | (begin[inside] != begin)] = "" if values.dtype == object else np.nan
    return shifted


def forward_fill(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Each missing value replaced by the last known one of its entity; (rows, targets)."""
    fixed = ~np.isnan(values) | starts[:, None]
    place = np.maximum.accumulate(np.where(fixed, np.arange(len(values))[:, None], 0), axis=0)
    return np.take_along_axis(values, place, axis=0)


def require_values(values: np.ndarray | None) -> np.ndarray:
    if values is None:
        raise DatasetError("A forecast needs the past values of its target, but the rows have none. Add the column.")
    return values
