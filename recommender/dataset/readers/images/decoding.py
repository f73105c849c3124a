"""Decoding of image files to pixels of one size, in two passes with bounded memory."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from recommender.dataset.readers.bounds import max_pixels
from recommender.dataset.readers.files import BROKEN
from recommender.dataset.readers.formats.arrays import Images, ImageSource
from recommender.dataset.readers.images.pixels import (
    BYTE_RANGE,
    UnreadableImageError,
    common_range,
    header_of,
    pixels_of,
    value_range_of,
)
from recommender.dataset.readers.unchanged import changed_error
from rules.errors import DatasetError
from rules.text.wording import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import duckdb

    from recommender.dataset.readers.files import Files
    from recommender.dataset.readers.images.pixels import Header, Size
    from rules.decision.request import ImageReading

MAX_SIDE: Final = 64
"""Default pixels of the longer side: a trial on 1,000 images of 64 x 64 takes about 25 s on two cores, and on images of
224 x 224 nearly eight times as long."""
BYTES_AT_ONCE: Final = 2**24  # bytes of decoded pixels (16 MiB), which bounds the memory of a pass
MAX_KEPT: Final = 2**27  # bytes of files (128 MiB) that are kept for the second pass
MAX_NAMED: Final = 5  # files in an error message


def decode(
    connection: duckdb.DuckDBPyConnection,
    files: Files,
    names: Sequence[str | None],
    *,
    name: str,
    reading: ImageReading,
    where: str,
) -> Images:
    """Decode files into the table `pixels`, one cell each, NULL for an unreadable file.

    The first pass reads headers, which determine size and channels, and the value range of images with more than 8
    bits, which is common to all images. The second pass decodes the pixels.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's warnings about metadata; decoding errors are raised
        return _read_quietly(connection, files, names, name=name, reading=reading, where=where)


def _read_quietly(
    connection: duckdb.DuckDBPyConnection,
    files: Files,
    names: Sequence[str | None],
    *,
    name: str,
    reading: ImageReading,
    where: str,
) -> Images:
    wrong: dict[int, str] = {}
    kept: dict[int, bytes] = {}
    seen: dict[int, bytes] = {}
    headers: dict[int, Header] = {}
    left, size_of_all, digest = MAX_KEPT, 0, hashlib.sha256()
    for row, path in enumerate(names):
        try:
            data = _bytes(files, path)
            own = hashlib.sha256(data)
            digest.update(f"{path} {own.hexdigest()}\n".encode())
            headers[row] = header_of(data)
        except UnreadableImageError as error:
            wrong[row] = str(error)
            continue
        left -= len(data)
        size_of_all += len(data)
        if left > 0:
            kept[row] = data
        else:
            seen[row] = own.digest()
    _check_pixels(headers.values(), size_of_all if files.packed is None else min(size_of_all, files.packed), where)
    deep = [row for row, header in headers.items() if header.is_deep]
    ranges = _value_ranges(files, names, wrong, kept, seen, rows=deep)
    fine = [header for row, header in headers.items() if row not in wrong]
    if not fine:
        _refuse(wrong, names, reading, where, rows=len(names))
    sizes = Counter(header.size for header in fine)
    height, width = reading.size or common_size(sizes)
    channels = reading.channels or (1 if all(header.is_grey for header in fine) else 3)
    value_range = None
    if ranges:
        value_range = reading.value_range or common_range(
            min(low for low, _ in ranges), max(high for _, high in ranges)
        )
    connection.execute("CREATE OR REPLACE TABLE pixels (cell BLOB)")
    settled = reading.model_copy(update={"value_range": value_range})
    for start, cells in _decoded(files, names, wrong, kept, seen, shape=(height, width, channels), reading=settled):
        none = np.fromiter((row in wrong for row in range(start, start + len(cells))), bool, len(cells))
        connection.register("cells", pa.table({"cell": pa.array([*map(np.ndarray.tobytes, cells)], mask=none)}))
        connection.execute("INSERT INTO pixels FROM cells")
        connection.unregister("cells")
    _refuse(wrong, names, reading, where, rows=len(names))
    return Images(
        name=name,
        height=height,
        width=width,
        channels=channels,
        source=ImageSource(
            files=tuple(path or "" for row, path in enumerate(names) if row not in wrong),
            left_out={names[row] or f"row {row + 1:,}": reason for row, reason in sorted(wrong.items())},
            sizes=dict(sizes),
            fit=reading.fit,
            is_size_given=reading.size is not None,
            digest=digest.hexdigest(),
        ),
        value_range=value_range,
    )


def _value_ranges(
    files: Files,
    names: Sequence[str | None],
    wrong: dict[int, str],
    kept: Mapping[int, bytes],
    seen: Mapping[int, bytes],
    *,
    rows: Sequence[int],
) -> list[tuple[float, float]]:
    """Smallest and largest value of some images; unreadable images are added to `wrong`."""

    def value_range(row: int) -> tuple[float, float] | None:
        try:
            return value_range_of(kept[row] if row in kept else _bytes_again(files, names[row], seen[row]))
        except UnreadableImageError as error:
            wrong[row] = str(error)
            return None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [found for found in pool.map(value_range, rows) if found is not None]


def _decoded(
    files: Files,
    names: Sequence[str | None],
    wrong: dict[int, str],
    kept: dict[int, bytes],
    seen: Mapping[int, bytes],
    *,
    shape: tuple[int, int, int],
    reading: ImageReading,
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield batches of pixels, (files, height, width, channels) uint8, with the row of the first file.

    wrong: unreadable rows with the reason; further ones are added, with black pixels. kept: bytes of some rows, which
    are removed after use. seen: SHA-256 of the other rows' bytes in the first pass.
    """
    at_once = max(1, BYTES_AT_ONCE // int(np.prod(shape)))
    black = np.zeros(shape, np.uint8)

    def pixels(row: int, data: bytes | None) -> np.ndarray:
        if data is None:
            return black
        try:
            return pixels_of(
                data, size=shape[:2], channels=shape[2], fit=reading.fit, value_range=reading.value_range or BYTE_RANGE
            )
        except UnreadableImageError as error:
            wrong[row] = str(error)
            return black

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(names), at_once):
            rows = range(start, min(start + at_once, len(names)))
            data = [
                None if row in wrong else kept.pop(row, None) or _bytes_again(files, names[row], seen[row])
                for row in rows
            ]
            yield start, np.stack([*pool.map(pixels, rows, data)])


def _bytes_again(files: Files, name: str | None, seen: bytes) -> bytes:
    """Read a file's bytes in the second pass. Raises DatasetError if they differ from the first pass."""
    try:
        data = _bytes(files, name)
    except UnreadableImageError:
        raise changed_error(str(name)) from None
    if hashlib.sha256(data).digest() != seen:
        raise changed_error(str(name))
    return data


def _check_pixels(headers: Collection[Header], size: int, where: str) -> None:
    """Raise DatasetError if files declare too many pixels for their size.

    size: bytes of the files, or of the archive if it is smaller.
    """
    pixels = sum(header.size[0] * header.size[1] for header in headers)
    if pixels > (most := max_pixels(size)):
        raise DatasetError(
            f"Images in {size:,} bytes may have at most {most:,} pixels together, but those of {where} have "
            f"{pixels:,}. Scale them down, or use fewer images."
        )


def _bytes(files: Files, name: str | None) -> bytes:
    """Read a file's bytes. Raises UnreadableImageError."""
    if name is None:
        raise UnreadableImageError("no path is given")
    try:
        return files.read(name)
    except KeyError:
        raise UnreadableImageError("there is no such file") from None
    except BROKEN as error:
        raise UnreadableImageError(str(error).splitlines()[0] if str(error) else type(error).__name__) from None


def common_size(sizes: Mapping[Size, int]) -> Size:
    """Height and width to which images are resized: their own, or the median, at most MAX_SIDE each.

    sizes: number of images by size. The aspect ratio of the median image is kept.

    >>> common_size({(28, 28): 9}), common_size({(100, 200): 2, (300, 400): 1})
    ((28, 28), (32, 64))
    """
    weighted = [(size, count) for size, count in sizes.items()]
    height, width = (median([size[at] for size, count in weighted for _ in range(count)]) for at in (0, 1))
    scale = min(1.0, MAX_SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _refuse(
    wrong: Mapping[int, str], names: Sequence[str | None], reading: ImageReading, where: str, *, rows: int
) -> None:
    """Raise DatasetError with the names of unreadable files, unless they are to be skipped."""
    if not wrong or (reading.unreadable == "leave_out" and len(wrong) < rows):
        return
    shown = [f"{names[row] or f'row {row + 1:,}'!r} ({wrong[row]})" for row in sorted(wrong)[:MAX_NAMED]]
    more = f" and {len(wrong) - MAX_NAMED:,} more" if len(wrong) > MAX_NAMED else ""
    fix = "Replace or remove them, or skip them with --unreadable-images leave-out."
    if len(wrong) == rows:
        fix = "Give readable image files."
    raise DatasetError(
        f"All images must be decodable, but {counted(len(wrong), 'file')} of {where} "
        f"{'is' if len(wrong) == 1 else 'are'} "
        f"not: {', '.join(shown)}{more}. {fix}"
    )
