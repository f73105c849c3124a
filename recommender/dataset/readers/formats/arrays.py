"""NumPy archives (.npz): one array of images or sequences, and a column for each array of one value a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import duckdb
import numpy as np
import pyarrow as pa

from recommender.dataset.readers.bounds import too_large
from recommender.dataset.readers.formats.npz import arrays_of, texts_of, times_of
from recommender.dataset.readers.formats.sequences import LENGTHS, Sequences, cells_of, may_be_sequences
from recommender.dataset.sql import stored_name
from rules.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CHANNELS: Final = (1, 3)  # grey, and red, green and blue
VALUES_AT_ONCE: Final = 2**22  # of an array that is converted
BRIGHTEST: Final = 255  # of a byte
PLAIN_TYPES: Final = "biufUM"  # NumPy's kinds of type that hold one plain value: numbers, texts and times
IMAGE_DIMENSIONS: Final = (3, 4)  # rows, height, width, and the channels where they are told apart
SHAPE: Final = "(rows, height, width), or with 1 or 3 channels after the width"


@dataclass(frozen=True, kw_only=True)
class ImageSource:
    """Where images come from that were read from files of their own.

    files: the file of each row, in the rows' order. left_out: files that could not be read → why.
    sizes: height and width of the files → how many have it. fit: how others were brought to the common size.
    digest: SHA-256 of the files' names and bytes, in hexadecimal digits.
    other: files of the folder or archive that are in no format that is read. outside: files that a table of paths names
    and that lie outside its folder.
    """

    files: tuple[str, ...]
    left_out: Mapping[str, str]
    sizes: Mapping[tuple[int, int], int]
    fit: str
    is_size_given: bool
    digest: str
    other: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Images:
    """The column that holds images: each cell is the bytes of its pixels, row by row, the channels of a pixel together.

    height, width: pixels. channels: 1 or 3. source: None where they were an array.
    value_range: the values that became 0 and 255, one range for all images; None where every image had 8 bits.
    """

    name: str
    height: int
    width: int
    channels: int
    source: ImageSource | None = None
    value_range: tuple[float, float] | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.height, self.width, self.channels

    def __str__(self) -> str:
        return f"{self.height} x {self.width} pixels, {'grey' if self.channels == 1 else 'in colour'}"


def read_arrays(
    connection: duckdb.DuckDBPyConnection, path: Path, *, value_range: tuple[float, float] | None = None
) -> Images | Sequences:
    """Read an archive into the table `dataset`, in the order of its arrays; returns which column holds no plain values.

    Images are bytes, floats between 0 and 1, or numbers between 0 and 255; what is not a byte is rounded to one. An
    array of three dimensions that can be none, or has an array `lengths` beside it, is one of sequences, and with such
    lengths also one of two dimensions.
    value_range: the values of floats that become 0 and 255; None for (0, 1) where all lie in it, else (0, 255).
    Raises DatasetError unless the arrays are one of these, and others of one plain value a row.
    """
    arrays = arrays_of(path)
    pixels = {name: array for name, array in arrays.items() if array.ndim in IMAGE_DIMENSIONS}
    rows_of_steps = {name: array for name, array in arrays.items() if _are_steps(array, arrays)}
    if not pixels and not rows_of_steps:
        found = ", ".join(f"{name!r} {array.shape}" for name, array in arrays.items())
        raise DatasetError(
            f"An .npz must hold an array of images, {SHAPE}, or of sequences, (rows, steps, channels), but {path} "
            f"holds {found or 'no array'}. Reshape the one with them (X[..., None] makes sequences of one channel), or "
            "write a table as CSV or Parquet."
        )
    arrayed = pixels or rows_of_steps
    if len(arrayed) > 1:
        raise DatasetError(
            f"An .npz must hold one array of images or sequences, but {path} holds {len(arrayed)}: "
            f"{', '.join(map(repr, arrayed))}. Join them to one, and name the part of each row ('train', 'test') in an "
            "array 'split'."
        )
    ((name, array),) = arrayed.items()
    if array.ndim < min(IMAGE_DIMENSIONS) or (array.ndim == min(IMAGE_DIMENSIONS) and may_be_sequences(array, arrays)):
        lengths = next(((own, one) for own, one in arrays.items() if own.lower() == LENGTHS), None)
        seen: Images | Sequences
        seen, cells = cells_of(path, name, array, lengths)
        arrays = {own: one for own, one in arrays.items() if lengths is None or own != lengths[0]}
    else:
        seen, values = _images(path, name, array, value_range)
        cells = _bytes_of_each(values)
    columns = {
        other: cells if other == name else _column(path, other, one, name, len(cells)) for other, one in arrays.items()
    }
    connection.register("arrays", pa.table({stored_name(own): one for own, one in columns.items()}))
    try:
        connection.execute("CREATE OR REPLACE TABLE dataset AS FROM arrays")
    except duckdb.OutOfMemoryException:
        raise too_large(str(path)) from None
    except duckdb.Error as error:  # a time beyond the years that DuckDB knows
        raise DatasetError(
            f"Arrays must hold values that a table can hold, but {path} has others: {str(error).splitlines()[0]}. "
            "Correct them, or write NaN or NaT."
        ) from None
    connection.unregister("arrays")
    return seen


def _are_steps(array: np.ndarray, arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether an array of two dimensions, with lengths beside it, holds a sequence of one channel a row."""
    has_lengths = any(name.lower() == LENGTHS for name in arrays)
    return has_lengths and array.ndim == 2 and array.shape[1] > 1 and array.dtype.kind in "iuf"  # noqa: PLR2004


def _images(
    path: Path, name: str, array: np.ndarray, value_range: tuple[float, float] | None
) -> tuple[Images, np.ndarray]:
    """The images' shape, and their pixels, (rows, height, width, channels) uint8."""
    shape = array.shape if array.ndim == max(IMAGE_DIMENSIONS) else (*array.shape, 1)
    if 0 in shape:
        raise DatasetError(
            f"The images must have rows and pixels, but {name!r} of {path} is empty: its shape is {array.shape}. "
            "Write some images."
        )
    if shape[-1] not in CHANNELS:
        raise DatasetError(
            f"Images must be {SHAPE}, but {name!r} of {path} is {array.shape}. "
            "numpy.moveaxis(images, 1, -1) puts channels last; leave a channel of transparency out."
        )
    if array.dtype.kind not in "biuf":
        raise DatasetError(
            f"Pixels must be numbers, but {name!r} of {path} is of type {array.dtype}. Write them as uint8."
        )
    if array.dtype != np.uint8:
        low, high = array.min(), array.max()
        if not (low >= 0 and high <= BRIGHTEST):  # a NaN is neither
            raise DatasetError(
                f"Pixels must be bytes, floats between 0 and 1, or numbers between 0 and {BRIGHTEST}, but {name!r} of "
                f"{path} goes from {low} to {high}. Scale it, and write it as uint8."
            )
    if array.dtype.kind == "f":
        value_range = value_range or ((0.0, 1.0) if high <= 1 else (0.0, float(BRIGHTEST)))
        array = _as_bytes(array, BRIGHTEST / value_range[1])
    else:
        value_range = None
    _, height, width, channels = shape
    images = Images(name=name, height=height, width=width, channels=channels, value_range=value_range)
    array = array.astype(np.uint8, copy=False)
    return images, np.ascontiguousarray(array).reshape(shape)


def _as_bytes(array: np.ndarray, factor: float) -> np.ndarray:
    """Floats times a factor, rounded to bytes, some rows at a time: a large array is copied only once."""
    found = np.empty(array.shape, np.uint8)
    at_once = max(1, VALUES_AT_ONCE // max(1, array[0].size))
    for start in range(0, len(array), at_once):
        rows = slice(start, start + at_once)
        found[rows] = np.clip(np.rint(array[rows] * factor), 0, BRIGHTEST)
    return found


def _bytes_of_each(values: np.ndarray) -> pa.Array:
    """A cell of bytes for each image, without a copy."""
    size = values[0].size
    buffers = [None, pa.py_buffer(values.reshape(-1))]
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(size), len(values), buffers)


def _column(path: Path, name: str, array: np.ndarray, images: str, rows: int) -> pa.Array:
    """An array of one value a row as a column. images: the name of the array of images; rows: how many it has."""
    if array.ndim == 2 and array.shape[1] == 1:  # noqa: PLR2004  (rows, 1), as some archives write their classes
        array = array[:, 0]
    if array.ndim != 1 or len(array) != rows:
        raise DatasetError(
            f"Each array beside {images!r} must hold one value for each of its rows, so have the shape ({rows},) as "
            f"{images!r} has {rows} rows, but {name!r} of {path} has the shape {array.shape}. Mend it or leave it out."
        )
    if array.dtype.kind in "SU":
        array = texts_of(array, name, path)
    if array.dtype.kind == "M":
        array = times_of(array, name, path)
    if array.dtype.kind not in PLAIN_TYPES:
        raise DatasetError(
            f"Arrays must hold plain values, but {name!r} of {path} is of type {array.dtype}. "
            "Write it as numbers or text, or leave it out."
        )
    if array.dtype.kind == "f":
        array = array.astype(np.float64)  # neither halves nor long doubles are known to DuckDB
    return pa.array(array)
