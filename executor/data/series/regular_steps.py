"""Missing steps of a series, filled with empty rows so that lags are regular."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.data.series.lag_table import series_starts, sort_rows

if TYPE_CHECKING:
    from executor.data.raw_table import RawTable
    from executor.data.series.lag_table import Step

MAX_FILLED: Final = 1.0
"""Empty rows per row; a series with more missing steps is left as it is."""


def fill_missing_steps(table: RawTable, step: Step | None) -> RawTable:
    """Sort rows, and insert an empty row for each missing step of an entity.

    An empty row has no target, no features, the row number -1, and a time between its neighbours.
    """
    if step is None or table.time is None or not len(table):
        return table
    ordered = sort_rows(table)
    missing = _missing_steps(ordered, step)
    total = int(missing.sum())
    if not 0 < total <= MAX_FILLED * len(ordered):
        return table
    source = np.repeat(np.arange(len(ordered)), missing + 1)
    # Steps after the known row before.
    first = np.repeat(np.cumsum(missing + 1) - (missing + 1), missing + 1)
    after = np.arange(len(source)) - first
    return _blank_rows(ordered.take(source), after, ordered, missing, source)


def _blank_rows(
    made: RawTable, after: np.ndarray, ordered: RawTable, missing: np.ndarray, source: np.ndarray
) -> RawTable:
    """Blank repeated rows, except for their time and entity."""
    empty = after > 0
    if ordered.time is None or made.time is None:
        raise ValueError("only rows with a time have gaps")
    wide = np.append(np.diff(ordered.time), 0.0) / (missing + 1)
    features = {}
    for name, values in made.features.items():
        blank = values.copy()
        blank[empty] = "" if values.dtype == object else np.nan
        features[name] = blank
    truth = None if made.truth is None else np.where(empty[:, None], np.nan, made.truth)
    return replace(
        made,
        features=features,
        truth=truth,
        rows=np.where(empty, -1, made.rows),
        time=made.time + after * wide[source],
    )


def _missing_steps(ordered: RawTable, step: Step) -> np.ndarray:
    """Count missing steps after each row, (rows,) int64; 0 after the last row of an entity."""
    time = ordered.time
    if time is None:
        raise ValueError("only rows with a time have gaps")
    before, after = time[:-1], time[1:]
    if step.unit in {"seconds", ""}:
        steps = (after - before) / step.size
    else:
        days = [each.astype("M8[s]").astype("M8[D]") for each in (before, after)]
        if step.unit == "months":
            months = [each.astype("M8[M]").astype(np.int64) for each in days]
            steps = (months[1] - months[0]) / step.size
        else:
            steps = np.busday_count(days[0], days[1]) / step.size
    missing = np.maximum(np.rint(steps).astype(np.int64) - 1, 0)
    return np.append(np.where(series_starts(ordered)[1:], 0, missing), 0)
