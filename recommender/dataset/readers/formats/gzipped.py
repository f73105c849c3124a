"""Compressed files, unpacked once into a temporary copy, within bounds."""

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
    """The file itself, or for a name that ends in .gz a copy that is unpacked; errors name the file that was given.

    Raises DatasetError where the file is no gzip file, is cut off, or unpacks to more than `max_unpacked`.
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
    """Put a name in the place of a temporary copy's path in errors about it."""
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
            f"A file that ends in .gz must be compressed with gzip, but {path} is not. "
            "Take .gz off its name, or compress it with gzip."
        ) from None
    except (EOFError, zlib.error):
        raise DatasetError(
            f"The dataset must be a readable file, but {path} is cut off or damaged: its gzip stream does not reach "
            "its end. Copy or download it again."
        ) from None
    except OSError as error:
        raise DatasetError(
            f"The dataset must be a readable file, but {path} cannot be unpacked: {error.strerror}."
        ) from None


def copy_bounded(inside: _Reader, target: IO[bytes], path: Path, *, most: int) -> None:
    """Copy what a compressed file holds. Raises DatasetError as soon as it is more than `most` bytes."""
    copied = 0
    while block := inside.read(BLOCK):
        copied += len(block)
        if copied > most:
            raise DatasetError(
                f"A compressed dataset may unpack to at most {most:,} bytes for its size, but {path} holds more. "
                "If it is to be trusted, unpack it, and give what it holds."
            )
        target.write(block)
