"""The arrays of a NumPy archive (.npz), whose headers are compared with its bytes before memory is taken."""

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

MAX_DAYS: Final = 2**31  # from 1970 on and back: what Arrow keeps of a date
SUFFIX: Final = ".npy"  # of an array's name within the archive
HEADERS: Final = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
"""Versions of the format that hold arrays of plain values; version 3 is for records with names beyond Latin-1."""


def arrays_of(path: Path) -> Mapping[str, np.ndarray]:
    """Every array of an archive by its name, in native byte order; none is unpickled.

    Raises DatasetError where the archive is broken, or an array is none of plain values, or promises other bytes than
    the archive holds.
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
            f"An .npz must be an archive that numpy.savez wrote, but {path} is none, or was cut off. Copy it again, or "
            "write it with numpy.savez, the images and the target by name."
        )
    file.seek(0)


def _array(inside: IO[bytes], size: int, name: str, path: Path) -> np.ndarray:
    """An array out of its file. size: the file's bytes."""
    try:
        version = np.lib.format.read_magic(inside)
    except ValueError:
        raise DatasetError(f"An .npz must hold arrays alone, but {name!r} of {path} is none. Leave it out.") from None
    try:
        shape, is_fortran, dtype = HEADERS[version](inside)
    except Exception:  # noqa: BLE001  the header is parsed as a Python literal, and may be anything
        raise _broken(path, name, "its header is damaged, or describes records") from None
    if dtype.hasobject:
        raise DatasetError(
            f"Arrays must hold plain values, but {name!r} of {path} holds Python objects, which are not read for "
            f"safety. Write it as numbers or text: {name}.astype(str)."
        )
    if not all(isinstance(one, int) and one >= 0 for one in shape):
        raise _broken(path, name, f"its shape is {shape}")
    promised, held = math.prod(shape) * dtype.itemsize, size - inside.tell()
    if promised != held or not dtype.itemsize:
        raise _broken(path, name, f"its header promises {promised:,} bytes, and {held:,} follow")
    data = inside.read(held)
    if len(data) != held:
        raise _broken(path, name, "it is cut off")
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if is_fortran else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)


def _broken(path: Path, name: str, reason: str) -> DatasetError:
    where = f" in {name!r}" if name else ""
    return DatasetError(
        f"An .npz must be an archive that numpy.savez wrote, but {path} cannot be read{where}: {reason}. "
        "Copy it or write it again."
    )


def _check_names(path: Path, names: list[str]) -> None:
    folded: dict[str, str] = {}
    for name in names:
        if name.casefold() in folded:
            raise DatasetError(
                f"Arrays must differ by more than capitals, but {path} holds {folded[name.casefold()]!r} and {name!r}. "
                "Rename one of the two."
            )
        folded[name.casefold()] = name


def texts_of(array: np.ndarray, name: str, path: Path) -> np.ndarray:
    """Texts that are Unicode; bytes are read as UTF-8. Raises DatasetError on others."""
    try:
        if array.dtype.kind == "S":
            return np.asarray(np.char.decode(array, "utf-8"))
        np.char.encode(array, "utf-8")
    except UnicodeError:
        raise DatasetError(
            f"Texts must be Unicode, but {name!r} of {path} holds one that is not. Write it again from text in UTF-8."
        ) from None
    return array


def times_of(array: np.ndarray, name: str, path: Path) -> np.ndarray:
    """Times in a unit that Arrow knows: days, seconds, or their thousandths, millionths and billionths.

    Raises DatasetError where a time has no unit, or another value in each of these units.
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
            f"Times must lie within the range of {near!r} and be whole numbers of it, but {name!r} of {path} is of "
            f"type {array.dtype} and holds others. Write it as datetime64[us]."
        )
    return found
