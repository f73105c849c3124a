"""Sequences of numbers: an array in an .npz, or the rows of a long table that share a name."""

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

SEQUENCE: Final = "sequence"  # the column that a long table's steps are gathered in
LENGTHS: Final = "lengths"  # the array that says how many steps of each row count
MAX_LISTED: Final = 20  # columns that an error names
NARROWEST: Final = 3  # channels that are told from the pixels of an image's row: no image is so narrow
MAX_CELLS: Final = 2**29  # numbers of all sequences, each as long as the longest: 2 GiB


@dataclass(frozen=True, kw_only=True)
class Sequences:
    """The column that holds sequences: each cell is the bytes of its steps, one after the other, as float32.

    steps: of the longest. shortest: steps of the shortest. channels: numbers of a step. names: of the channels, where
    they were columns. by: the column that names each sequence of a long table; None where they were an array.
    """

    name: str
    steps: int
    shortest: int
    channels: int
    names: tuple[str, ...] = ()
    by: str | None = None

    def __str__(self) -> str:
        length = f"{self.steps:,}" if self.shortest == self.steps else f"{self.shortest:,} to {self.steps:,}"
        channels = "a channel" if self.channels == 1 else f"{self.channels:,} channels"
        return f"{length} steps of {channels}"


def numbers_of(cells: Sequence[bytes], channels: int, steps: int | None = None) -> np.ndarray:
    """Cells as numbers, (rows, steps, channels) float32, NaN after the end of each; steps: by default the most."""
    rows = [np.frombuffer(cell, np.float32).reshape(-1, channels) for cell in cells]
    most = max((len(row) for row in rows), default=0) if steps is None else steps
    found = np.full((len(rows), most, channels), np.nan, np.float32)
    for row, own in zip(found, rows, strict=True):
        row[: len(own)] = own
    return found


def may_be_sequences(array: np.ndarray, arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether an array of three dimensions holds sequences, not grey images.

    An array `lengths` beside it says so; so do, where it is not square, values that no byte has, or a width of three
    at most.
    """
    if any(name.lower() == LENGTHS for name in arrays):
        return True
    is_square = array.shape[1] == array.shape[2]
    if array.dtype.kind not in "iuf" or array.dtype == np.uint8 or array.size == 0 or is_square:
        return False
    low, high = array.min(), array.max()
    is_byte = low >= 0 and high <= np.iinfo(np.uint8).max  # a NaN is neither
    return not is_byte or array.shape[-1] <= NARROWEST


def cells_of(
    path: Path, name: str, array: np.ndarray, lengths: tuple[str, np.ndarray] | None
) -> tuple[Sequences, pa.Array]:
    """An array (rows, steps, channels) or (rows, steps) as a column; lengths: the array of them, with its name.

    Without lengths a sequence ends with its last step that has a number. Raises DatasetError where there is no step,
    lengths are none, or a value is infinite.
    """
    values = array.astype(np.float32) if array.ndim == 3 else array.astype(np.float32)[..., None]  # noqa: PLR2004
    rows, most, channels = values.shape
    if 0 in values.shape:
        raise DatasetError(
            f"Sequences must have steps, but {name!r} of {path} is empty: its shape is {array.shape}. Write some."
        )
    if np.isinf(values).any():
        row, step, _ = np.argwhere(np.isinf(values))[0].tolist()
        raise DatasetError(
            f"Sequences must hold finite numbers, but {name!r} of {path} is infinite in row {row + 1}, step {step + 1}."
            " Correct the value, or write NaN if it is not known."
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
                f"Lengths must be a whole number from 0 to {most:,} for each of {rows:,} sequences, but {own!r} of "
                f"{path} is {ends.dtype} of shape {ends.shape}. Mend it or leave it out."
            )
    if ends.min() == 0:
        row = int((ends == 0).argmax())
        raise DatasetError(
            f"Each sequence must have a step, but {name!r} of {path} has none in row {row + 1}. Leave such rows out."
        )
    cells = pa.array([one[:end].tobytes() for one, end in zip(values, ends, strict=True)], pa.binary())
    found = Sequences(name=name, steps=int(ends.max()), shortest=int(ends.min()), channels=channels)
    return found, cells


def gather(connection: duckdb.DuckDBPyConnection, name: str, reading: SequenceReading) -> Sequences:
    """Make a row of each sequence of a long table, in the order of their first rows; returns which column holds them.

    Columns that stay the same within each sequence are columns of the new table, the other ones, which must be
    numbers, channels; where channels are named, others that change are left out. A step's missing number is NaN.
    name: of the dataset.
    Raises ColumnError on a column that is not there, or that varies within a sequence and is no number.
    """
    storage = columns_of(connection)
    for column in filter(None, (reading.by, reading.order, *reading.channels)):
        if column not in storage:
            raise ColumnError(
                f"Steps of a sequence are told by columns of {name}, but there is no {column!r}."
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
            f"A sequence must have numbers that change from step to step, but no column of {name} changes within a "
            f"value of {reading.by!r}. Name the column that tells sequences apart with --sequence, or leave it out."
        )
    words = [column for column in channels if not is_number(storage[column])]
    if words:
        raise ColumnError(
            f"What changes within a sequence must be numbers, but {words[0]!r} of {name} is stored as "
            f"{storage[words[0]]} and changes within a value of {reading.by!r}. Write it as numbers, or leave it out."
        )
    order = "rowid" if reading.order is None else f"{quoted(reading.order)}, rowid"
    lists = ", ".join(
        f"list(coalesce({quoted(column)}::FLOAT, 'NaN'::FLOAT) ORDER BY {order}) AS c{at}"
        for at, column in enumerate(channels)
    )
    same = [reading.by, *same]  # under names of our own, as a column may be called as a list
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
            f"{name} holds {len(arrays):,} sequences of up to {max(lengths):,} steps of {len(channels):,} numbers, "
            f"more than {MAX_CELLS:,} numbers. Cut long ones into pieces, or take fewer steps of each."
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
    """The table `dataset` of gathered columns, and the cells of the sequences beside them, row by row."""
    connection.register("cells", pa.table({"cell_at": np.arange(len(cells)), "cell": pa.array(cells, pa.binary())}))
    named = ", ".join(f"k{at} AS {quoted(column)}" for at, column in enumerate(columns))
    connection.execute(
        f"CREATE OR REPLACE TABLE dataset AS SELECT {named}, cell AS {quoted(own)} FROM "
        "(SELECT *, rowid AS row_at FROM gathered) JOIN cells ON row_at = cell_at ORDER BY cell_at"
    )
    connection.unregister("cells")
    connection.execute("DROP TABLE gathered")
