"""A series at regular steps: an empty row stands for each missing one, so that a lag means the same everywhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.data.lag_table import series_starts, sort_rows

if TYPE_CHECKING:
    from executor.data.lag_table import Step
    from executor.data.raw_table import RawTable

MAX_FILLED: Final = 1.0
"""Empty rows for each row: a series of which more is missing is left as it is, its rows taken one after the other."""


def fill_missing_steps(table: RawTable, step: Step | None) -> RawTable:
    """The rows in order, an empty one for each step that is missing between two of an entity.

    An empty row has no target, no features, the row number -1, and a time between its neighbours.
    """
    if step is None or table.time is None or not len(table):
        return table
    ordered = sort_rows(table)
    lacking = _missing_steps(ordered, step)
    total = int(lacking.sum())
    if not 0 < total <= MAX_FILLED * len(ordered):
        return table
    source = np.repeat(np.arange(len(ordered)), lacking + 1)
    # How many steps a row lies after the known one that it follows.
    first = np.repeat(np.cumsum(lacking + 1) - (lacking + 1), lacking + 1)
    after = np.arange(len(source)) - first
    return _blank_rows(ordered.take(source), after, ordered, lacking, source)


def _blank_rows(
    made: RawTable, after: np.ndarray, ordered: RawTable, lacking: np.ndarray, source: np.ndarray
) -> RawTable:
    """The repeated rows with nothing in them but their time and entity."""
    empty = after > 0
    if ordered.time is None or made.time is None:
        raise ValueError("only rows with a time have gaps")
    wide = np.append(np.diff(ordered.time), 0.0) / (lacking + 1)
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
    """Steps that are missing after each row, (rows,) int64; none after the last one of an entity."""
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
    lacking = np.maximum(np.rint(steps).astype(np.int64) - 1, 0)
    return np.append(np.where(series_starts(ordered)[1:], 0, lacking), 0)
