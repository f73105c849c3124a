"""Images and sequences of a request: base64 and lists in JSON, files of a form, and .npz.

They become cells of bytes, as the readers of files write them. Images are resized as those of the training.
"""

from __future__ import annotations

import base64
import binascii
import io
import zipfile
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from executor.data.raw_table import ARRAYS, Form
from executor.runs.serving.json_rows import BODY, to_arrow
from executor.runs.serving.limits import CSV, FORM, JSON, NPZ
from recommender.dataset.readers.formats.arrays import Images, ImageSource
from recommender.dataset.readers.formats.sequences import Sequences
from recommender.dataset.readers.images.pixels import (
    BYTE_RANGE,
    UnreadableImageError,
    common_range,
    header_of,
    pixels_of,
    value_range_of,
)
from rules.errors import ColumnError, ServingError
from rules.text.wording import counted, excerpt, listed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from starlette.datastructures import Headers

    from executor.model.signature import Column, Signature
    from executor.runs.serving.json_rows import JsonRows

    File = tuple[str, bytes]
    """Name and content of a file of a form."""

BASE64_KEY: Final = "b64"  # of {"b64": "…"}, the form of binary values in TensorFlow Serving
NUMBERS: Final = frozenset({int, float})
MAX_NAMED: Final = 3  # columns in a message


def array_column(signature: Signature) -> Column | None:
    """The column of images, or of sequences that are arrays; None where rows are those of a table."""
    arrays = [column for column in signature.columns if column.form in ARRAYS]
    return arrays[0] if arrays and signature.sequences is None else None


def contents_of(signature: Signature) -> tuple[str, ...]:
    """Media types of the bodies that a model can read."""
    column = array_column(signature)
    if column is None:
        return JSON, CSV
    return (JSON, FORM, NPZ) if column.form is Form.IMAGE else (JSON, NPZ)


def read_json_arrays(rows: JsonRows, column: Column, *, max_values: int) -> tuple[pa.Table, Images | Sequences | None]:
    """Table of JSON rows, with the bytes of images or sequences, and the description of their column.

    Without the column there is no description; reading the table then reports that it is missing. Raises ColumnError
    on a value that is not an image or a sequence, ServingError if there are too many values.
    """
    values = rows.columns.get(column.name)
    if values is None:
        return to_arrow(rows), None
    seen: Images | Sequences
    if column.form is Form.IMAGE:
        files = [_bytes_of(value, column.name, row) for row, value in enumerate(values, start=1)]
        places = [f"row {row:,} of column {column.name!r}" for row in range(1, rows.count + 1)]
        seen, cells = _read_images(files, places, column, max_values=max_values)
    else:
        seen, cells = _read_sequences(values, column, max_values=max_values)
    others = {name: own for name, own in rows.columns.items() if name != column.name}
    table = to_arrow(replace(rows, columns=others))
    cells_of = dict(zip(others, table.columns, strict=True)) | {column.name: cells}
    return pa.table({name: cells_of[name] for name in rows.columns}), seen


def read_image_files(files: Sequence[File], signature: Signature, *, max_values: int) -> tuple[pa.Table, Images]:
    """Table of the images of a form, with the bytes of pixels, and the description of their column.

    Raises ServingError if a file is not an image, if there are too many pixels, or if the model reads other columns.
    """
    column = array_column(signature)
    if column is None or column.form is not Form.IMAGE:
        raise ValueError("only models of images read image files")
    if others := [repr(own.name) for own in signature.columns if own.name != column.name]:
        raise ServingError(
            f"A form has images only, but the model also reads {listed(others, most=MAX_NAMED)}. Send JSON rows with "
            f"the image in base64: [{{{column.name!r}: …}}]."
        )
    names = [name for name, _ in files]
    places = [f"file {number:,}, {excerpt(name)}," for number, name in enumerate(names, start=1)]
    images, cells = _read_images([data for _, data in files], places, column, max_values=max_values, names=names)
    return pa.table({column.name: cells}), images


async def parse_form(headers: Headers, body: bytes, *, max_rows: int) -> list[File]:
    """Files of a multipart body, in their order. Raises ServingError if it has none, too many, or other fields."""

    async def parts() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        form = await MultiPartParser(headers, parts(), max_files=max_rows, max_fields=0).parse()
    except (MultiPartException, KeyError, ValueError) as error:  # the latter of a header without a valid boundary
        reason = error.message if isinstance(error, MultiPartException) else "the header has no valid boundary"
        raise ServingError(
            f"The body must be a form of at most {counted(max_rows, 'image file')}, but it cannot be read: "
            f"{reason.rstrip('.')}. Send files only, as 'curl -F file=@image.png' does."
        ) from None
    try:
        files = [(one.filename or "", await one.read()) for _, one in form.multi_items() if isinstance(one, UploadFile)]
    finally:
        await form.close()
    if not files:
        raise ServingError("A form must have image files, but it has none. Send some: 'curl -F file=@image.png'.")
    return files


def check_npz(body: bytes, *, max_values: int) -> None:
    """Raise ServingError if an archive unpacks to too much. What else is wrong is left to its reader."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            unpacked = sum(one.file_size for one in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return
    if unpacked > max_values:
        raise _too_many(max_values, f"an .npz unpacks to {unpacked:,} bytes")


def _bytes_of(value: object, name: str, row: int) -> bytes:
    """Content of an image file in base64."""
    text = value.get(BASE64_KEY) if isinstance(value, dict) and value.keys() == {BASE64_KEY} else value
    if isinstance(text, str):
        if text.startswith("data:"):  # a data URL, as browsers make them
            text = text.partition(",")[2]
        try:
            return base64.b64decode("".join(text.split()), validate=True)  # encoders may break lines
        except (binascii.Error, ValueError):  # the latter of characters outside of ASCII
            pass
    raise ColumnError(
        f"Column {name!r} must hold the content of image files in base64, but {BODY} has {excerpt(value)} in row "
        f'{row:,}. Encode a PNG or JPEG file: "iVBORw0KG…", or {{"{BASE64_KEY}": "iVBORw0KG…"}}.'
    )


def _read_images(
    files: Sequence[bytes], places: Sequence[str], column: Column, *, max_values: int, names: Sequence[str] = ()
) -> tuple[Images, pa.Array]:
    """Pixels of image files, as the reader of a folder decodes them. places: of the files in messages."""
    height, width, channels = column.shape
    pixels, sizes, deep = 0, Counter[tuple[int, int]](), list[tuple[float, float]]()
    at = 0
    try:
        for at, data in enumerate(files):
            header = header_of(data)
            sizes[header.size] += 1
            pixels += max(header.size[0] * header.size[1], height * width)
            if pixels > max_values:
                raise _too_many(max_values, f"the images up to {places[at].rstrip(',')} have {pixels:,} pixels")
            if header.is_deep:
                deep.append(value_range_of(data))
        value_range = None
        if deep:
            low, high = min(low for low, _ in deep), max(high for _, high in deep)
            value_range = column.value_range or common_range(low, high)
        found = np.empty((len(files), height, width, channels), np.uint8)
        for at, data in enumerate(files):
            found[at] = pixels_of(
                data, size=(height, width), channels=channels, fit=column.fit, value_range=value_range or BYTE_RANGE
            )
    except UnreadableImageError as error:
        raise ServingError(
            f"Images must be decodable, but {places[at]} of {BODY} is not: {error}. Give a readable PNG or JPEG file."
        ) from None
    source = ImageSource(files=tuple(names), left_out={}, sizes=sizes, fit=column.fit, is_size_given=True, digest="")
    images = Images(
        name=column.name,
        height=height,
        width=width,
        channels=channels,
        value_range=value_range,
        source=source if names else None,
    )
    return images, pa.array([own.tobytes() for own in found], pa.binary())


def _read_sequences(values: Sequence[object], column: Column, *, max_values: int) -> tuple[Sequences, pa.Array]:
    """Steps of sequences, without those at the end that have no number, as the reader of an .npz reads them."""
    channels = column.shape[-1]
    found = [_steps_of(value, column, row) for row, value in enumerate(values, start=1)]
    longest = max(len(own) for own in found)
    if (numbers := len(found) * longest * channels) > max_values:
        raise _too_many(max_values, f"{len(found):,} sequences, padded to {longest:,} steps, have {numbers:,} numbers")
    shortest = min(len(own) for own in found)
    seen = Sequences(name=column.name, steps=longest, shortest=shortest, channels=channels)
    return seen, pa.array([own.tobytes() for own in found], pa.binary())


def _steps_of(value: object, column: Column, row: int) -> np.ndarray:
    """Steps of a sequence, (steps, channels) float32."""
    channels = column.shape[-1]
    if not isinstance(value, list) or not value:
        raise _not_steps(value, column, f"row {row:,}")
    flat: list[float] = []
    for at, step in enumerate(value, start=1):
        own = step if isinstance(step, list) else [step]
        if len(own) != channels or not all(one is None or type(one) in NUMBERS for one in own):
            raise _not_steps(step, column, f"row {row:,}, step {at:,}")
        flat += [np.nan if one is None else one for one in own]
    try:
        with np.errstate(over="ignore"):
            steps = np.array(flat, np.float64).astype(np.float32).reshape(-1, channels)
    except OverflowError:  # an integer beyond the range of a double
        raise _not_steps(value, column, f"row {row:,}, which has a number that is too large") from None
    if np.isinf(steps).any():
        at = int(np.isinf(steps).any(axis=1).argmax())
        raise _not_steps(value[at], column, f"row {row:,}, step {at + 1:,}, which is not finite in 32 bits")
    known = np.flatnonzero(~np.isnan(steps).all(axis=1))
    if not len(known):
        raise _not_steps(value, column, f"row {row:,}, which has no number")
    return steps[: known[-1] + 1]


def _not_steps(value: object, column: Column, where: str) -> ColumnError:
    channels = column.shape[-1]
    step = "numbers" if channels == 1 else f"lists of {channels:,} numbers"
    return ColumnError(
        f"Column {column.name!r} must hold sequences of {counted(channels, 'channel')}, as it did in training, but "
        f"{BODY} has {excerpt(value)} in {where}. Give a list of steps, which are {step}, or null where one is unknown."
    )


def _too_many(most: int, found: str) -> ServingError:
    return ServingError(
        f"The images and sequences of a request may have at most {most:,} pixels, numbers or bytes, but {found}. Send "
        "several requests, use smaller images, or start the server with a larger --max-values."
    )
