"""Reading of the arrays of a NumPy archive (.npz), with checks before memory is allocated."""

from __future__ import annotations

import math
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Final

import numpy as np

from recommender.dataset.readers.bounds import check_columns, check_unpacked
from rules.errors import DatasetError
from rules.text.regular_file import open_regular

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_DAYS: Final = 2**31  # days before or after 1970-01-01 in Arrow dates
SUFFIX: Final = ".npy"  # of an array's file name in the archive
HEADERS: Final = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
"""Header readers by format version; version 3 is for records with names outside Latin-1, which are not supported."""


def arrays_of(path: Path) -> Mapping[str, np.ndarray]:
    """Arrays of an archive by name, in native byte order; nothing is unpickled.

    Raises DatasetError if the archive is damaged, or if an array has values that are not plain, or another size than in
    its header.
    """
    name = ""
    found: dict[str, np.ndarray] = {}
    try:
        with open_regular(path) as file:
            _check_archive(file, path)
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
                check_columns(str(path), len(members))
                check_unpacked(path, sum(one.file_size for one in members), sum(one.compress_size for one in members))
                for member in members:
                    name = member.filename.removesuffix(SUFFIX)
                    with archive.open(member) as inside:
                        found[name] = _array(inside, member.file_size, name, path)
    except DatasetError:
        raise
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise _broken(path, name, (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")) from None
    _check_names(path, [member.filename.removesuffix(SUFFIX) for member in members])
    return found


def _check_archive(file: IO[bytes], path: Path) -> None:
    if not zipfile.is_zipfile(file):
        raise DatasetError(
            f"An .npz must be an archive written by numpy.savez, but {path} is not, or is truncated. Copy it again, or "
            "write it with numpy.savez, with named arrays of the images and the target."
        )
    file.seek(0)


def _array(inside: IO[bytes], size: int, name: str, path: Path) -> np.ndarray:
    """Array of one file. size: bytes of the file."""
    try:
        version = np.lib.format.read_magic(inside)
    except ValueError:
        raise DatasetError(f"An .npz must contain only arrays, but {name!r} of {path} is not. Remove it.") from None
    try:
        shape, is_fortran, dtype = HEADERS[version](inside)
    except Exception:  # noqa: BLE001  the header is parsed as a Python literal, and may be anything
        raise _broken(path, name, "its header is damaged, or describes records") from None
    if dtype.hasobject:
        raise DatasetError(
            f"Arrays must have plain values, but {name!r} of {path} has Python objects, which are not read for "
            f"security reasons. Convert it to numbers or text, as with {name}.astype(str)."
        )
    if not all(isinstance(one, int) and one >= 0 for one in shape):
        raise _broken(path, name, f"its shape is {shape}")
    promised, held = math.prod(shape) * dtype.itemsize, size - inside.tell()
    if promised != held or not dtype.itemsize:
        raise _broken(path, name, f"its header declares {promised:,} bytes, but {held:,} follow")
    data = inside.read(held)
    if len(data) != held:
        raise _broken(path, name, "it is truncated")
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if is_fortran else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)


def _broken(path: Path, name: str, reason: str) -> DatasetError:
    where = f" in {name!r}" if name else ""
    return DatasetError(
        f"An .npz must be an archive written by numpy.savez, but {path} cannot be read{where}: {reason}. "
        "Copy it or write it again."
    )


def _check_names(path: Path, names: list[str]) -> None:
    folded: dict[str, str] = {}
    for name in names:
        if name.casefold() in folded:
            raise DatasetError(
                f"Names of arrays must differ in more than case, but {path} has {folded[name.casefold()]!r} and "
                f"{name!r}. "
                "Rename one of them."
            )
        folded[name.casefold()] = name


def texts_of(array: np.ndarray, name: str, path: Path) -> np.ndarray:
    """Unicode text; bytes are decoded as UTF-8. Raises DatasetError on invalid text."""
    try:
        if array.dtype.kind == "S":
            return np.asarray(np.char.decode(array, "utf-8"))
        np.char.encode(array, "utf-8")
    except UnicodeError:
        raise DatasetError(
            f"Text must be valid Unicode, but {name!r} of {path} has values that are not. Convert it to UTF-8."
        ) from None
    return array


def times_of(array: np.ndarray, name: str, path: Path) -> np.ndarray:
    """Times in a unit of Arrow: days, seconds, milliseconds, microseconds or nanoseconds.

    Raises DatasetError if times have no unit, or cannot be represented exactly in one of these units.
    """
    unit, count = np.datetime_data(array.dtype)
    near = "D" if unit in {"Y", "M", "W", "D"} else "s" if unit in {"h", "m", "s"} else unit
    near = near if near in {"D", "s", "ms", "us"} else "ns"
    found = array if (unit, count) == (near, 1) else array.astype(f"datetime64[{near}]")
    is_same = np.isnat(array) | (found.astype(array.dtype) == array)
    if near == "D":
        is_same &= np.isnat(array) | (np.abs(found.astype(np.int64)) < MAX_DAYS)
    if unit == "generic" or not is_same.all():
        raise DatasetError(
            f"Times must be representable in the unit {near!r}, but {name!r} of {path}, of type {array.dtype}, has "
            "others. "
            "Convert it to datetime64[us]."
        )
    return found
