"""Time order of rows: spacing of a time column, and autocorrelation of a target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from recommender.dataset.sql import is_number, quoted, time_stamp
from recommender.dataset.statistics import ljung_box
from recommender.dataset.time_steps import calendar_steps, summary_of_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recommender.dataset.dataset import Dataset

Unit = Literal["seconds", "months", "business days", ""]
"""Unit of a step; empty for a numeric time column."""
REGULAR_SHARE: Final = 0.9
"""Share of equal steps from which rows are a series (docs/evidence.md 1, sequence structure)."""
PERSISTENCE: Final = 0.3
"""Autocorrelation at lag 1 above which rows are a series (docs/evidence.md 1)."""
CHANCE: Final = 0.01
"""P-value of the Ljung-Box test below which a series is not white noise (docs/evidence.md 1)."""
MAX_LAGS: Final = 10
ROWS_A_LAG: Final = 5
"""Lags of the test are min(10, rows / 5) (docs/evidence.md 1; Hyndman's rule of thumb)."""
MAX_SERIES_ROWS: Final = 20_000
"""Last rows on which time order is measured; more rows do not make autocorrelation more precise."""
MIN_STEPS: Final = 10
CALENDAR_YEARS: Final = (1000.0, 3000.0)
"""Range of decimal years, for numbers with steps of at most one half."""
DAY: Final = 86_400
"""Seconds."""
SEASONS: Final = {
    ("seconds", DAY): 7,
    ("seconds", 7 * DAY): 52,
    ("business days", 1): 5,
    ("months", 1): 12,
    ("months", 3): 4,
}
"""Steps per season for common step lengths: a week of days, a year of weeks, months and quarters."""


@dataclass(frozen=True, kw_only=True)
class Spacing:
    """Spacing of a time column, sorted within each entity.

    unit, step: the most frequent step ("months", 1). regular_share: share of steps equal to it. rising_share: share of
    steps in file order that do not decrease. gaps: number of longer steps. repeats: rows with the same time as the
    previous row. steps: number of steps. season: steps per season, if the step indicates one.
    """

    column: str
    entity: str | None
    unit: Unit
    step: float
    steps: int
    regular_share: float
    rising_share: float
    gaps: int
    repeats: int
    entities: int
    season: int | None

    @property
    def step_text(self) -> str:
        for name, seconds in (("days", DAY), ("hours", 3600), ("minutes", 60)):
            if self.unit == "seconds" and self.step and self.step % seconds == 0:
                return f"{self.step / seconds:g} {name}"
        return f"{self.step:g} {self.unit}".strip()


@dataclass(frozen=True, kw_only=True)
class Persistence:
    """Autocorrelation of a numeric column in the order of rows.

    lag_1, lag_season: autocorrelation, in [-1, 1]; p_value: of the Ljung-Box test at lags 1 to `lags`.
    """

    length: int
    lags: int
    lag_1: float
    lag_season: float | None
    p_value: float

    @property
    def is_strong(self) -> bool:
        return self.lag_1 > PERSISTENCE and self.p_value < CHANCE


def spacing(dataset: Dataset, column: str, *, entity: str | None = None) -> Spacing | None:
    """Spacing of a time column, over the last rows; None if it has too few.

    The unit is the one of seconds, calendar months and business days in which most steps are equal. The step of a
    numeric column is its median difference.
    """
    numeric = is_number(dataset.storage[column])
    time = f"CAST({quoted(column)} AS DOUBLE)" if numeric else time_stamp(column, dataset.storage[column])
    who = quoted(entity) if entity else "0"
    differences = _number_steps() if numeric else calendar_steps()
    first = max(0, dataset.row_count - MAX_SERIES_ROWS)
    found = dataset.connection.execute(
        f"""
        WITH times AS (SELECT rowid AS position, {time} AS t, {who} AS entity FROM dataset WHERE rowid >= {first}),
        known AS (
            SELECT t, entity, lag(t) OVER (PARTITION BY entity ORDER BY t, position) AS before,
                t >= lag(t) OVER (PARTITION BY entity ORDER BY position) AS rises
            FROM times WHERE t IS NOT NULL
        ),
        steps AS MATERIALIZED (SELECT {differences}, rises, t = before AS repeats FROM known WHERE before IS NOT NULL)
        {summary_of_steps(numeric=numeric)}
        """
    ).fetchall()
    best = max(found, key=lambda row: row[2] or 0)
    unit, step, equal, gaps, steps, rising, repeats = best
    if steps < MIN_STEPS or step is None:
        return None
    entities = dataset.summaries[entity].distinct if entity else 1
    return Spacing(
        column=column,
        entity=entity,
        unit=unit,
        step=step,
        steps=steps,
        regular_share=equal / steps,
        rising_share=rising / steps,
        gaps=gaps,
        repeats=repeats,
        entities=entities,
        season=_season(dataset, column, unit, step),
    )


def _number_steps() -> str:
    return "t - before AS number"


def _season(dataset: Dataset, column: str, unit: str, step: float) -> int | None:
    if (unit, step) in SEASONS:
        return SEASONS[unit, int(step)]
    if unit == "seconds" and 0 < step < DAY and DAY % step == 0:
        return int(DAY // step)
    summary = dataset.summaries[column]
    if unit == "" and summary.minimum is not None and summary.maximum is not None:
        low, high = CALENDAR_YEARS
        if low <= summary.minimum and summary.maximum <= high and 0 < step <= 1 / 2:
            return round(1 / step)
    return None


def persistence(
    dataset: Dataset, target: str, *, order: str | None = None, entity: str | None = None, season: int | None = None
) -> Persistence | None:
    """Autocorrelation of a column in the order of a time column, or of the file; None if it has too few rows.

    Uses the last rows with a value, and deviations from the mean of each entity. Text is converted to 1 for the first
    class and 0 for others. r_k = Σ (y_t - m)(y_(t-k) - m) / Σ (y_t - m)² (Box and Jenkins).
    """
    storage = dataset.storage[target]
    column = quoted(target)
    value = (
        f"CAST({column} AS DOUBLE)"
        if is_number(storage) or storage == "BOOLEAN"
        else f"({column} = (SELECT min({column}) FROM dataset))::DOUBLE"
    )
    time = "rowid"
    if order is not None:
        time = quoted(order) if is_number(dataset.storage[order]) else time_stamp(order, dataset.storage[order])
    who = quoted(entity) if entity else "0"
    lags = [*range(1, MAX_LAGS + 1), *([season] if season and season > MAX_LAGS else [])]
    products = ", ".join(f"coalesce(sum(d * b{lag}), 0)" for lag in lags)
    before = ", ".join(f"lag(d, {lag}) OVER (PARTITION BY entity ORDER BY t, position) AS b{lag}" for lag in lags)
    found = dataset.connection.execute(
        f"""
        WITH last AS (
            SELECT rowid AS position, {time} AS t, {who} AS entity, {value} AS y FROM dataset
            WHERE {column} IS NOT NULL AND rowid >= {max(0, dataset.row_count - MAX_SERIES_ROWS)}
        ),
        deviations AS (SELECT position, t, entity, y - avg(y) OVER (PARTITION BY entity) AS d FROM last),
        lagged AS (SELECT d, {before} FROM deviations)
        SELECT count(*), coalesce(sum(d * d), 0), {products} FROM lagged
        """
    ).fetchall()
    length, square, *sums = found[0]
    tested = min(MAX_LAGS, length // ROWS_A_LAG)
    if tested < 1 or square <= 0:
        return None
    correlations = dict(zip(lags, (total / square for total in sums), strict=True))
    return Persistence(
        length=length,
        lags=tested,
        lag_1=correlations[1],
        lag_season=correlations.get(season) if season and season < length else None,
        p_value=ljung_box([correlations[lag] for lag in range(1, tested + 1)], length),
    )


def find_time(dataset: Dataset, stamps: Sequence[str], numbers: Sequence[str]) -> Spacing | None:
    """Spacing of the first column that is a time at regular steps; None if there is none.

    stamps: columns of times; if they repeat, a column that identifies the series is searched for. numbers: columns of
    numbers that may be times; they must increase from row to row in the file.
    """
    for column in stamps:
        found = spacing(dataset, column)
        if found is not None and found.repeats:
            found = _with_entity(dataset, found)
        if found is not None and not found.repeats and found.regular_share >= REGULAR_SHARE:
            return found
    for column in _rising(dataset, numbers):
        found = spacing(dataset, column)
        strictly = found is not None and found.rising_share == 1 and not found.repeats
        if found is not None and strictly and found.step > 0 and found.regular_share >= REGULAR_SHARE:
            return found
    return None


def _rising(dataset: Dataset, numbers: Sequence[str]) -> Sequence[str]:
    """Columns without missing values that start at their minimum and end at their maximum."""
    whole = [name for name in numbers if not dataset.summaries[name].missing]
    if not whole:
        return ()
    listed = ", ".join(quoted(name) for name in whole)
    ends = dataset.connection.execute(
        f"SELECT {listed} FROM dataset WHERE rowid IN (0, {dataset.row_count - 1}) ORDER BY rowid"
    ).fetchall()
    return [
        name
        for name, first, last in zip(whole, ends[0], ends[-1], strict=True)
        if first < last and (first, last) == (dataset.summaries[name].minimum, dataset.summaries[name].maximum)
    ]


def _with_entity(dataset: Dataset, repeated: Spacing) -> Spacing | None:
    """Spacing within the values of the first column that distinguishes rows of the same time."""
    entity = entity_by_time(dataset, repeated.column)
    return repeated if entity is None else spacing(dataset, repeated.column, entity=entity)


def entity_by_time(dataset: Dataset, column: str) -> str | None:
    """First column that is unique in combination with a time column; None if there is none."""
    storage = dataset.storage[column]
    stamp = quoted(column) if is_number(storage) else time_stamp(column, storage)
    for name, summary in dataset.summaries.items():
        few = 1 < summary.distinct <= summary.rows // MIN_STEPS
        if name == column or not few or summary.missing:
            continue
        distinct = dataset.connection.execute(
            f"SELECT count(*) FROM (SELECT DISTINCT {quoted(name)}, {stamp} FROM dataset)"
        ).fetchall()[0][0]
        if distinct == dataset.row_count:
            return name
    return None
