"""NumPy archives (.npz) as tables: one array of images or sequences, and a column per array of one value per row."""

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

CHANNELS: Final = (1, 3)  # grey; red, green and blue
VALUES_AT_ONCE: Final = 2**22  # values of an array that are converted at a time
MAX_PIXEL_VALUE: Final = 255  # of a byte
PLAIN_TYPES: Final = "biufUM"  # NumPy's kinds of types with one plain value: numbers, text and times
IMAGE_DIMENSIONS: Final = (3, 4)  # rows, height, width, and optionally channels
SHAPE: Final = "(rows, height, width), or with 1 or 3 channels after the width"


@dataclass(frozen=True, kw_only=True)
class ImageSource:
    """Source of images that were read from separate files.

    files: file of each row. left_out: unreadable files with the reason. sizes: number of files by height and width.
    fit: how images of another shape were resized. digest: SHA-256 of the files' names and contents in hexadecimal.
    other: files of the folder or archive in unsupported formats. outside: files of a table of paths outside its folder.
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
    """Column of images; each cell has the bytes of the pixels, row by row, with interleaved channels.

    height, width: pixels. channels: 1 or 3. source: None for an array.
    value_range: values scaled to 0 and 255 in all images; None if all images had 8 bits.
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
        return f"{self.height} x {self.width} pixels, {'grey' if self.channels == 1 else 'colour'}"


def read_arrays(
    connection: duckdb.DuckDBPyConnection, path: Path, *, value_range: tuple[float, float] | None = None
) -> Images | Sequences:
    """Read an archive into the table `dataset`; return its column of images or sequences.

    Images are bytes, floats between 0 and 1, or numbers between 0 and 255, which are rounded to bytes. A
    three-dimensional array that cannot be images contains sequences; with an array `lengths`, a two- or
    three-dimensional array does.
    value_range: values of floats scaled to 0 and 255; None for (0, 1) if all are in it, otherwise (0, 255).
    Raises DatasetError unless there is one such array, and all other arrays have one plain value per row.
    """
    arrays = arrays_of(path)
    pixels = {name: array for name, array in arrays.items() if array.ndim in IMAGE_DIMENSIONS}
    rows_of_steps = {name: array for name, array in arrays.items() if _are_steps(array, arrays)}
    if not pixels and not rows_of_steps:
        found = ", ".join(f"{name!r} {array.shape}" for name, array in arrays.items())
        raise DatasetError(
            f"An .npz must contain an array of images, {SHAPE}, or of sequences, (rows, steps, channels), but {path} "
            f"contains {found or 'no arrays'}. Reshape the array (X[..., None] makes sequences of one channel), or "
            "save a table as CSV or Parquet."
        )
    arrayed = pixels or rows_of_steps
    if len(arrayed) > 1:
        raise DatasetError(
            f"An .npz must contain one array of images or sequences, but {path} contains {len(arrayed)}: "
            f"{', '.join(map(repr, arrayed))}. Concatenate them, and add an array 'split' with 'train' or 'test' for "
            "each row."
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
    except duckdb.Error as error:  # a time outside the range of DuckDB
        raise DatasetError(
            f"{path} has values that cannot be converted to a table: {str(error).splitlines()[0]}. "
            "Correct them, or use NaN or NaT."
        ) from None
    connection.unregister("arrays")
    return seen


def _are_steps(array: np.ndarray, arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether a two-dimensional array contains sequences of one channel, given an array of lengths."""
    has_lengths = any(name.lower() == LENGTHS for name in arrays)
    return has_lengths and array.ndim == 2 and array.shape[1] > 1 and array.dtype.kind in "iuf"  # noqa: PLR2004


def _images(
    path: Path, name: str, array: np.ndarray, value_range: tuple[float, float] | None
) -> tuple[Images, np.ndarray]:
    """Images, and their pixels, (rows, height, width, channels) uint8."""
    shape = array.shape if array.ndim == max(IMAGE_DIMENSIONS) else (*array.shape, 1)
    if 0 in shape:
        raise DatasetError(
            f"Images must have rows and pixels, but {name!r} of {path} is empty, with shape {array.shape}."
        )
    if shape[-1] not in CHANNELS:
        raise DatasetError(
            f"Images must be {SHAPE}, but {name!r} of {path} is {array.shape}. "
            "Use numpy.moveaxis(images, 1, -1) to move channels last, and remove an alpha channel."
        )
    if array.dtype.kind not in "biuf":
        raise DatasetError(
            f"Pixels must be numbers, but {name!r} of {path} is of type {array.dtype}. Convert them to uint8."
        )
    if array.dtype != np.uint8:
        low, high = array.min(), array.max()
        if not (low >= 0 and high <= MAX_PIXEL_VALUE):  # a NaN is neither
            raise DatasetError(
                f"Pixels must be bytes, floats between 0 and 1, or numbers between 0 and {MAX_PIXEL_VALUE}, but "
                f"{name!r} of "
                f"{path} has values from {low} to {high}. Scale them and convert them to uint8."
            )
    if array.dtype.kind == "f":
        value_range = value_range or ((0.0, 1.0) if high <= 1 else (0.0, float(MAX_PIXEL_VALUE)))
        array = _as_bytes(array, MAX_PIXEL_VALUE / value_range[1])
    else:
        value_range = None
    _, height, width, channels = shape
    images = Images(name=name, height=height, width=width, channels=channels, value_range=value_range)
    array = array.astype(np.uint8, copy=False)
    return images, np.ascontiguousarray(array).reshape(shape)


def _as_bytes(array: np.ndarray, factor: float) -> np.ndarray:
    """Floats times a factor, rounded to bytes, some rows at a time to save memory."""
    found = np.empty(array.shape, np.uint8)
    at_once = max(1, VALUES_AT_ONCE // max(1, array[0].size))
    for start in range(0, len(array), at_once):
        rows = slice(start, start + at_once)
        found[rows] = np.clip(np.rint(array[rows] * factor), 0, MAX_PIXEL_VALUE)
    return found


def _bytes_of_each(values: np.ndarray) -> pa.Array:
    """Cells of bytes, one per image, without a copy."""
    size = values[0].size
    buffers = [None, pa.py_buffer(values.reshape(-1))]
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(size), len(values), buffers)


def _column(path: Path, name: str, array: np.ndarray, images: str, rows: int) -> pa.Array:
    """Column from an array of one value per row. images: name of the array of images; rows: number of its rows."""
    if array.ndim == 2 and array.shape[1] == 1:  # noqa: PLR2004  (rows, 1), as some archives write their classes
        array = array[:, 0]
    if array.ndim != 1 or len(array) != rows:
        raise DatasetError(
            f"All arrays other than {images!r} must have one value per row, with the shape ({rows},), but {name!r} of "
            f"{path} has the shape {array.shape}. Correct or remove it."
        )
    if array.dtype.kind in "SU":
        array = texts_of(array, name, path)
    if array.dtype.kind == "M":
        array = times_of(array, name, path)
    if array.dtype.kind not in PLAIN_TYPES:
        raise DatasetError(
            f"Arrays must have plain values, but {name!r} of {path} is of type {array.dtype}. "
            "Convert it to numbers or text, or remove it."
        )
    if array.dtype.kind == "f":
        array = array.astype(np.float64)  # DuckDB has no half or long double
    return pa.array(array)
