"""Times of a forecast in the time zone of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from recommender.dataset.dataset import Dataset


def zone_of(dataset: Dataset, column: str | None) -> str | None:
    """Time zone of a column: an offset such as +02:00, or a name; None without one."""
    reading = None if column is None else dataset.times.get(column)
    return None if reading is None else reading.zone


def to_zone(time: np.ndarray, zone: str) -> pa.Array:
    """Convert times to a zone. time: (rows,) seconds since 1970 in UTC.

    >>> to_zone(np.array([0.0]), "+02:00").type
    TimestampType(timestamp[s, tz=+02:00])
    """
    return pa.array(time.astype("M8[s]")).cast(pa.timestamp("s", tz=zone))


def format_times(time: np.ndarray, zone: str) -> np.ndarray:
    """Format times in a zone as ISO 8601 with the offset; time as in `to_zone`.

    >>> format_times(np.array([0.0]), "+02:00").tolist()
    ['1970-01-01T02:00:00+0200']
    """
    written = pc.strftime(to_zone(time, zone), format="%Y-%m-%dT%H:%M:%S%z")
    return np.array(written.to_pylist(), dtype=object)
