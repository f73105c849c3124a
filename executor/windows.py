"""A series as a table: each row asks for the next step, given the last value, changes back from it, and the season."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from executor.table import Form, RawTable
from recommender.characteristics.sequence import REGULAR_SHARE, Unit, spacing
from rules.errors import DatasetError

if TYPE_CHECKING:
    from recommender.dataset import Dataset
    from recommender.roles import Roles

FEWEST_LAGS, MOST_LAGS = 3, 14  # steps; two weeks of a daily series
STEPS_A_LAG: Final = 10  # steps of the series for each lag, so that short series get short windows
SEASONS_SEEN: Final = 3  # times that the series must span a season before its lag is used
DAY: Final = 86_400.0  # seconds
YEAR: Final = 365.2425 * DAY  # seconds, the mean Gregorian year
NATURAL_SEASONS: Final = (DAY, 7 * DAY, YEAR)  # seconds
DECIMAL_YEARS: Final = (1500.0, 2500.0)  # numbers between them that rise by at most 1 a step are read as years
TRAINING_SHARE: Final = 0.64  # of the series, its beginning, which is certain to train: 0.8 · 0.8


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

    @property
    def lookback(self) -> int:
        """Rows of the past that a forecast reads, where there are so many."""
        return max(self.lags)


def regular_step(dataset: Dataset, roles: Roles) -> Step | None:
    """The step of the time column, where nearly all rows take it."""
    if roles.time_column is None:
        return None
    found = spacing(dataset, roles.time_column, entity=roles.entity_column)
    if found is None or found.step <= 0 or found.regular_share < REGULAR_SHARE:
        return None
    return Step(unit=found.unit, size=found.step)


def plan_windows(table: RawTable, roles: Roles, *, regular: Step | None = None) -> Windows:
    """Choose the lags by the length of the series and its natural seasons: day, week, year.

    Raises DatasetError on a series that is too short to look back.
    """
    ordered = _in_order(table)
    starts = _starts(ordered)
    longest = int(np.bincount(np.cumsum(starts)).max())
    lags = max(FEWEST_LAGS, min(MOST_LAGS, longest // STEPS_A_LAG))
    if longest <= FEWEST_LAGS:
        raise DatasetError(
            f"A forecast looks back {FEWEST_LAGS} steps, but the longest series has {longest} rows. Collect more rows."
        )
    step = _step(ordered, starts)
    seasons = _seasons(step, ordered, longest)
    back = {*range(2, lags + 1), *(lag for season in seasons for lag in (season, season + 1))} - {1}
    return Windows(
        targets=roles.targets,
        lags=tuple(sorted(back)),
        season=_best_season(ordered, starts, seasons),
        step=step,
        regular=regular,
    )


def lag_table(table: RawTable, windows: Windows) -> RawTable:
    """One row for each step whose truth and last value are known, ordered by entity and time.

    Features: for each target the value `lag` steps before less the last value; for each other column its value one step
    before, and of numbers its last change; the time stamp of the step itself. A missing value of a target is bridged
    with the value before it. offset is the last value, season_before the value one season before.
    """
    made = _windows(_in_order(table), windows)
    known = ~np.isnan(_values(made.offset)).any(axis=1) & ~np.isnan(_values(made.truth)).any(axis=1)
    return made.take(known)


def next_steps(table: RawTable, windows: Windows) -> RawTable:
    """One row for each entity: the step after its last row; `rows` are -1 and `truth` is None.

    Raises DatasetError if there is no row, or an entity has no value to start from.
    """
    if not len(table):
        raise DatasetError("A forecast continues rows of the past, but none has a time. Give rows with their time.")
    ordered = _in_order(table)
    last = np.flatnonzero(np.append(_starts(ordered)[1:], [True]))
    after = ordered.take(last)
    time = None if after.time is None or ordered.time is None else _next(after.time, ordered.time, windows)
    # A number after all others keeps the step last where rows are ordered by their place in the file.
    beyond = int(ordered.rows.max()) + 1
    unknown = np.full_like(_values(after.truth), np.nan)
    after = replace(after, rows=np.full(len(last), beyond), time=time, truth=unknown)
    made = _windows(_in_order(_appended(ordered, after)), windows)
    steps = made.take(made.rows == beyond)
    if np.isnan(_values(steps.offset)).any():
        raise DatasetError(
            f"A forecast starts from the last known value, but {', '.join(map(repr, windows.targets))} has none. "
            "Give rows of the past with known values."
        )
    return replace(steps, truth=None, rows=np.full(len(steps), -1))


def rows_of_shortest(table: RawTable) -> int:
    """Rows of the shortest series, or of the only one."""
    return int(np.bincount(np.cumsum(_starts(_in_order(table))) - 1).min())


def _next(last: np.ndarray, history: np.ndarray, windows: Windows) -> np.ndarray:
    """The time one step later, (entities,); history: all times, whose latest day of a month is that of each month.

    >>> step = Step(unit="months", size=1)
    >>> month_ends = np.array(["2023-01-31", "2023-02-28"], "M8[s]").astype(float)
    >>> after = _next(month_ends[1:], month_ends, Windows(targets=("y",), lags=(2,), season=None, step=1, regular=step))
    >>> str(after.astype("M8[s]")[0])
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
    starts = _starts(ordered)
    begin = np.maximum.accumulate(np.where(starts, np.arange(len(ordered)), 0))
    filled = _bridged(_values(ordered.truth), starts)
    last = _before(filled, 1, begin)
    columns: dict[str, tuple[Form, np.ndarray]] = {}
    if ordered.has_clock and ordered.time is not None:
        columns["time"] = Form.TIME, ordered.time
    for lag in windows.lags:
        change = _before(filled, lag, begin) - last
        for number, target in enumerate(windows.targets):
            columns[f"{target} [-{lag}] - [-1]"] = Form.NUMBER, change[:, number]
    for name, values in ordered.features.items():
        form, before = ordered.forms[name], _before(values, 1, begin)
        columns[_free(f"{name} [-1]", columns)] = form, before
        if form is Form.NUMBER:
            columns[_free(f"{name} [-1] - [-2]", columns)] = form, before - _before(values, 2, begin)
    return replace(
        ordered,
        features={name: values for name, (_, values) in columns.items()},
        forms={name: form for name, (form, _) in columns.items()},
        offset=last,
        season_before=None if windows.season is None else _before(filled, windows.season, begin),
    )


def _free(name: str, taken: dict[str, tuple[Form, np.ndarray]]) -> str:
    """The name, marked until no other feature has it: columns may be called anything."""
    while name in taken:
        name += "'"
    return name


def _in_order(table: RawTable) -> RawTable:
    """The rows by entity and time; of equal times, in file order."""
    time = table.rows if table.time is None else table.time
    entity = np.zeros(len(table)) if table.entity is None else np.unique(table.entity, return_inverse=True)[1]
    return table.take(np.lexsort((time, entity)))


def _starts(ordered: RawTable) -> np.ndarray:
    """Whether a row is the first of its entity, (rows,) boolean."""
    starts = np.zeros(len(ordered), bool)
    starts[:1] = True
    if ordered.entity is not None:
        starts[1:] = ordered.entity[1:] != ordered.entity[:-1]
    return starts


def _before(values: np.ndarray, lag: int, begin: np.ndarray) -> np.ndarray:
    """Values `lag` rows before within the same entity; NaN, or "" for words, where there is no such row."""
    source = np.arange(len(values)) - lag
    shifted = values[np.maximum(source, 0)].copy()
    shifted[source < begin] = "" if values.dtype == object else np.nan
    return shifted


def _bridged(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Each missing value replaced by the last known one of its entity; (rows, targets)."""
    fixed = ~np.isnan(values) | starts[:, None]
    place = np.maximum.accumulate(np.where(fixed, np.arange(len(values))[:, None], 0), axis=0)
    return np.take_along_axis(values, place, axis=0)


def _step(ordered: RawTable, starts: np.ndarray) -> float:
    """Mean distance of two neighbours in time; 1 without a time column."""
    if ordered.time is None:
        return 1.0
    steps = np.diff(ordered.time)[~starts[1:]]
    return float(steps.mean()) if len(steps) and steps.mean() > 0 else 1.0


def _seasons(step: float, ordered: RawTable, longest: int) -> tuple[int, ...]:
    """Natural seasons in steps, those that the series spans often enough."""
    if ordered.has_clock:
        seconds = step
    elif ordered.time is not None and step <= 1 and _are_years(ordered.time):
        seconds = step * YEAR
    else:
        return ()
    lengths = {round(period / seconds) for period in NATURAL_SEASONS}
    return tuple(sorted(length for length in lengths if length > 1 and length * SEASONS_SEEN <= longest))


def _are_years(time: np.ndarray) -> bool:
    low, high = DECIMAL_YEARS
    return bool(low <= time.min() and time.max() <= high and np.any(time != np.rint(time)))


def _best_season(ordered: RawTable, starts: np.ndarray, seasons: tuple[int, ...]) -> int | None:
    """The season with the least mean absolute change from one to the next, at the beginning of the series."""
    begin = np.maximum.accumulate(np.where(starts, np.arange(len(ordered)), 0))
    values = _values(ordered.truth)
    early = slice(0, max(1, int(TRAINING_SHARE * len(ordered))))
    changes = {season: np.abs(values - _before(values, season, begin))[early] for season in seasons}
    errors = {season: float(np.nanmean(change)) for season, change in changes.items() if not np.isnan(change).all()}
    return min(errors, key=lambda season: errors[season], default=None)


def _values(values: np.ndarray | None) -> np.ndarray:
    if values is None:
        raise DatasetError("A forecast needs the past values of its target, but the rows have none. Add the column.")
    return values


def _appended(first: RawTable, second: RawTable) -> RawTable:
    """Two tables with the same columns, one below the other."""

    def both(upper: np.ndarray | None, lower: np.ndarray | None) -> np.ndarray | None:
        return None if upper is None or lower is None else np.concatenate([upper, lower])

    return replace(
        first,
        features={name: np.concatenate([values, second.features[name]]) for name, values in first.features.items()},
        rows=np.concatenate([first.rows, second.rows]),
        truth=both(first.truth, second.truth),
        time=both(first.time, second.time),
        entity=both(first.entity, second.entity),
        part=None,
    )
