"""Numeric sequences: from an array in an .npz, or gathered from the rows of a long table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from recommender.dataset.readers.distinct_names import lower_ascii
from recommender.dataset.sql import columns_of, is_number, quoted
from rules.errors import ColumnError, DatasetError, did_you_mean
from rules.text.wording import listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import duckdb

    from rules.decision.request import SequenceReading

SEQUENCE: Final = "sequence"  # name of the column of sequences gathered from a long table
LENGTHS: Final = "lengths"  # name of the array of sequence lengths
MAX_LISTED: Final = 20  # columns in an error message
MAX_CHANNELS_OF_BYTES: Final = 3  # channels of sequences of bytes; wider arrays are grey images
MAX_CELLS: Final = 2**29  # numbers of all sequences, padded to the longest: 2 GiB


@dataclass(frozen=True, kw_only=True)
class Sequences:
    """Column of sequences; each cell has the bytes of its steps as float32.

    steps: length of the longest sequence. shortest: length of the shortest. channels: numbers per step. names: of the
    channels, if they were columns. by: column that identifies the sequences of a long table; None for an array.
    """

    name: str
    steps: int
    shortest: int
    channels: int
    names: tuple[str, ...] = ()
    by: str | None = None

    def __str__(self) -> str:
        length = f"{self.steps:,}" if self.shortest == self.steps else f"{self.shortest:,} to {self.steps:,}"
        channels = "1 channel" if self.channels == 1 else f"{self.channels:,} channels"
        return f"{length} steps with {channels}"


def numbers_of(cells: Sequence[bytes], channels: int, steps: int | None = None) -> np.ndarray:
    """Numbers of cells, (rows, steps, channels) float32, padded with NaN; steps: by default the longest length."""
    rows = [np.frombuffer(cell, np.float32).reshape(-1, channels) for cell in cells]
    most = max((len(row) for row in rows), default=0) if steps is None else steps
    found = np.full((len(rows), most, channels), np.nan, np.float32)
    for row, own in zip(found, rows, strict=True):
        row[: len(own)] = own
    return found


def may_be_sequences(array: np.ndarray, arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether a three-dimensional array contains sequences rather than grey images.

    It does if there is an array `lengths`, or if it is not square and has values outside the range of bytes or at most
    three channels.
    """
    if any(name.lower() == LENGTHS for name in arrays):
        return True
    is_square = array.shape[1] == array.shape[2]
    if array.dtype.kind not in "iuf" or array.dtype == np.uint8 or array.size == 0 or is_square:
        return False
    low, high = array.min(), array.max()
    is_byte = low >= 0 and high <= np.iinfo(np.uint8).max  # a NaN is neither
    return not is_byte or array.shape[-1] <= MAX_CHANNELS_OF_BYTES


def cells_of(
    path: Path, name: str, array: np.ndarray, lengths: tuple[str, np.ndarray] | None
) -> tuple[Sequences, pa.Array]:
    """Column of an array (rows, steps, channels) or (rows, steps). lengths: name and values of the array of lengths.

    Without lengths, a sequence ends with its last step that is not NaN. Raises DatasetError on an empty sequence,
    invalid lengths, or an infinite value.
    """
    values = array.astype(np.float32) if array.ndim == 3 else array.astype(np.float32)[..., None]  # noqa: PLR2004
    rows, most, channels = values.shape
    if 0 in values.shape:
        raise DatasetError(f"Sequences must have steps, but {name!r} of {path} is empty, with shape {array.shape}.")
    if np.isinf(values).any():
        row, step, _ = np.argwhere(np.isinf(values))[0].tolist()
        raise DatasetError(
            f"Sequences must be finite, but {name!r} of {path} is infinite in row {row + 1}, step {step + 1}. "
            "Correct the value, or use NaN if it is missing."
        )
    if lengths is None:
        known = np.asarray(~np.isnan(values).all(axis=2))
        ends = most - known[:, ::-1].argmax(axis=1)
        ends = np.where(known.any(axis=1), ends, 0)
    else:
        own, given = lengths
        ends = np.asarray(given).reshape(-1)
        if ends.shape != (rows,) or ends.dtype.kind not in "iu" or ends.min() < 0 or ends.max() > most:
            raise DatasetError(
                f"Lengths must be integers from 0 to {most:,}, one for each of {rows:,} sequences, but {own!r} of "
                f"{path} is {ends.dtype} with shape {ends.shape}. Correct or remove it."
            )
    if ends.min() == 0:
        row = int((ends == 0).argmax())
        raise DatasetError(
            f"Each sequence must have at least one step, but row {row + 1} of {name!r} in {path} has none. Remove the "
            "row."
        )
    cells = pa.array([one[:end].tobytes() for one, end in zip(values, ends, strict=True)], pa.binary())
    found = Sequences(name=name, steps=int(ends.max()), shortest=int(ends.min()), channels=channels)
    return found, cells


def gather(connection: duckdb.DuckDBPyConnection, name: str, reading: SequenceReading) -> Sequences:
    """Gather the rows of a long table into one row per sequence, in the order of first rows; return their column.

    Columns that are constant within each sequence are kept. Other columns, which must be numeric, become channels; if
    channels are given, other varying columns are dropped. Missing numbers are NaN. name: name of the dataset.
    Raises ColumnError on a missing column, or a varying column that is not numeric.
    """
    storage = columns_of(connection)
    for column in filter(None, (reading.by, reading.order, *reading.channels)):
        if column not in storage:
            raise ColumnError(
                f"Columns of sequences must be in {name}, but there is no {column!r}."
                f"{did_you_mean(column, storage)} Columns: {listed(tuple(storage), most=MAX_LISTED)}."
            )
    by, rest = quoted(reading.by), [column for column in storage if column not in {reading.by, reading.order}]
    varies = ", ".join(f"coalesce(bool_or(n{at} > 1), FALSE)" for at, _ in enumerate(rest))
    counts = ", ".join(
        f"count(DISTINCT {quoted(column)}) + (count({quoted(column)}) < count(*))::INT AS n{at}"
        for at, column in enumerate(rest)
    )
    grouped = f"FROM (SELECT {counts or '1'} FROM dataset WHERE {by} IS NOT NULL GROUP BY {by})"
    flags = connection.execute(f"SELECT {varies or 'FALSE'} {grouped}").fetchall()[0]
    varying = [column for column, varies_there in zip(rest, flags, strict=False) if varies_there]
    channels = [*reading.channels] or varying
    same = [column for column in rest if column not in {*channels, *varying}]
    if not channels:
        raise ColumnError(
            f"Sequences must have a column that varies between steps, but no column of {name} varies within a value of "
            f"{reading.by!r}. Give the column that identifies the sequences with --sequence, or remove it."
        )
    words = [column for column in channels if not is_number(storage[column])]
    if words:
        raise ColumnError(
            f"Columns that vary within a sequence must be numeric, but {words[0]!r} of {name} has the type "
            f"{storage[words[0]]} and varies within a value of {reading.by!r}. Convert it to numbers, or remove it."
        )
    order = "rowid" if reading.order is None else f"{quoted(reading.order)}, rowid"
    lists = ", ".join(
        f"list(coalesce({quoted(column)}::FLOAT, 'NaN'::FLOAT) ORDER BY {order}) AS c{at}"
        for at, column in enumerate(channels)
    )
    same = [reading.by, *same]  # aliases, since columns may have the names of the lists
    kept = ", ".join(f"any_value({quoted(column)}) AS k{at}" for at, column in enumerate(same))
    connection.execute(
        f"CREATE OR REPLACE TABLE gathered AS SELECT {kept}, {lists} FROM dataset WHERE {by} IS NOT NULL "
        f"GROUP BY {by} ORDER BY min(rowid)"
    )
    taken = {lower_ascii(column) for column in same}
    own = next(f"{SEQUENCE}{'_' * extra}" for extra in range(len(taken) + 1) if f"{SEQUENCE}{'_' * extra}" not in taken)
    names = ", ".join(f"c{at}" for at, _ in enumerate(channels))
    rows = connection.execute(f"SELECT {names} FROM gathered").fetchall()
    arrays = [np.array(row, np.float32).T for row in rows]
    lengths = [len(one) for one in arrays]
    if len(arrays) * max(lengths, default=0) * len(channels) > MAX_CELLS:
        raise DatasetError(
            f"{name} has {len(arrays):,} sequences of up to {max(lengths):,} steps with {len(channels):,} numbers, "
            f"more than {MAX_CELLS:,} numbers. Split long sequences, or use fewer steps."
        )
    _with_cells(connection, same, own, [one.tobytes() for one in arrays])
    return Sequences(
        name=own,
        steps=max(lengths, default=0),
        shortest=min(lengths, default=0),
        channels=len(channels),
        names=tuple(channels),
        by=reading.by,
    )


def _with_cells(connection: duckdb.DuckDBPyConnection, columns: Sequence[str], own: str, cells: list[bytes]) -> None:
    """Create the table `dataset` of the gathered columns and the cells of the sequences."""
    connection.register("cells", pa.table({"cell_at": np.arange(len(cells)), "cell": pa.array(cells, pa.binary())}))
    named = ", ".join(f"k{at} AS {quoted(column)}" for at, column in enumerate(columns))
    connection.execute(
        f"CREATE OR REPLACE TABLE dataset AS SELECT {named}, cell AS {quoted(own)} FROM "
        "(SELECT *, rowid AS row_at FROM gathered) JOIN cells ON row_at = cell_at ORDER BY cell_at"
    )
    connection.unregister("cells")
    connection.execute("DROP TABLE gathered")
