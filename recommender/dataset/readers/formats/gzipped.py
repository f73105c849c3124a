"""Compressed files, unpacked to a temporary copy of bounded size."""

from __future__ import annotations

import gzip
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Protocol

from recommender.dataset.readers.bounds import BLOCK, max_unpacked
from rules.errors import DatasetError
from rules.text.regular_file import open_regular
from rules.text.temporary import working_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


@contextmanager
def uncompressed(path: Path) -> Iterator[Path]:
    """Yield the file itself, or an unpacked copy of a .gz file; errors name the original file.

    Raises DatasetError if the file is not a gzip file, is truncated, or unpacks to more than `max_unpacked`.
    """
    if path.suffix.lower() != ".gz":
        yield path
        return
    with working_folder() as folder:
        copy = folder / path.stem
        _unpack(path, copy)
        with named_in_errors(copy, str(path)):
            yield copy


@contextmanager
def named_in_errors(copy: Path, name: str) -> Iterator[None]:
    """Replace a temporary copy's path by a name in errors."""
    try:
        yield
    except DatasetError as error:
        raise type(error)(str(error).replace(str(copy), name)) from None


def _unpack(path: Path, copy: Path) -> None:
    try:
        with open_regular(path) as packed, gzip.GzipFile(fileobj=packed) as inside, copy.open("wb") as target:
            copy_bounded(inside, target, path, most=max_unpacked(path.stat().st_size))
    except gzip.BadGzipFile:
        raise DatasetError(
            f"A file with the extension .gz must be compressed with gzip, but {path} is not. "
            "Remove the extension, or compress the file with gzip."
        ) from None
    except (EOFError, zlib.error):
        raise DatasetError(
            f"{path} is truncated or damaged: its gzip stream is incomplete. Copy or download it again."
        ) from None
    except OSError as error:
        raise DatasetError(
            f"The dataset must be a readable file, but {path} cannot be unpacked: {error.strerror}."
        ) from None


def copy_bounded(inside: _Reader, target: IO[bytes], path: Path, *, most: int) -> None:
    """Copy the content of a compressed file. Raises DatasetError if it has more than `most` bytes."""
    copied = 0
    while block := inside.read(BLOCK):
        copied += len(block)
        if copied > most:
            raise DatasetError(
                f"A compressed dataset of this size may unpack to at most {most:,} bytes, but {path} has more. "
                "If you trust it, unpack it and give the unpacked file."
            )
        target.write(block)
