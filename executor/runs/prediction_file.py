"""predictions.csv of a run: the predictions of the hold-out, with the row, file, series or time of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import csv

from executor.data.time_zones import format_times
from executor.model.prediction_columns import FILE, ROW, SERIES, TIME
from executor.runs.files import PREDICTIONS
from rules.errors import RunError
from rules.text.files import atomic_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from executor.data.raw_table import RawTable
    from recommender.dataset.dataset import Dataset


def write_predictions(
    directory: Path, columns: Mapping[str, np.ndarray], dataset: Dataset, hold_out: RawTable, *, zone: str | None = None
) -> None:
    """Write the predictions of the hold-out into a run directory; arguments as of `add_row_locations`."""
    located = add_row_locations(columns, dataset, hold_out, zone=zone)
    with atomic_file(directory / PREDICTIONS, error=RunError) as temporary:
        csv.write_csv(pa.table(located), temporary)


def add_row_locations(
    columns: Mapping[str, np.ndarray], dataset: Dataset, hold_out: RawTable, *, zone: str | None = None
) -> dict[str, np.ndarray]:
    """Add the columns that identify a row after its number.

    hold_out: rows in the order of the columns. The time of a forecast is that of its first step. zone: time zone, or
    None.
    """
    found: dict[str, np.ndarray] = {ROW: columns[ROW]}
    if dataset.images is not None and dataset.images.source is not None:
        found[FILE] = np.array(dataset.images.source.files, dtype=object)[columns[ROW]]
    if hold_out.offset is not None:
        if hold_out.entity is not None:
            found[SERIES] = hold_out.entity
        if hold_out.time is not None:
            found[TIME] = _format(hold_out.time, zone) if hold_out.has_clock else hold_out.time
    return {**found, **columns}


def _format(time: np.ndarray, zone: str | None) -> np.ndarray:
    return time.astype("M8[s]").astype(str) if zone is None else format_times(time, zone)
