"""A file that must not change while it is read, digested at the same time."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from contextlib import contextmanager
from threading import Event, Thread
from typing import IO, TYPE_CHECKING, Final

from rules.errors import DatasetError
from rules.text.regular_file import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

BLOCK: Final = 2**20  # bytes that are digested at a time
CLOCK_TICK: Final = 10_000_000
"""Nanoseconds between two time stamps of a file system: one tick of Linux's coarsest clock, at 100 Hz."""


class Digest:
    """The SHA-256 of a file's bytes, complete when `digested` has ended; "" of a folder and of no file."""

    def __init__(self) -> None:
        self.hexadecimal = ""


@contextmanager
def digested(path: Path) -> Iterator[Digest]:
    """Digest a file while the block reads it, and make sure that both saw the same bytes.

    Nothing is done for a folder, or where there is no file that can be opened: the reader reports those.
    Raises DatasetError if the file, or a link that leads to it, was changed or replaced before the block ended.
    """
    found = Digest()
    try:
        file = open_regular(path)
    except (OSError, ValueError):
        yield found
        return
    with file:
        _wait_a_tick(os.fstat(file.fileno()), *_links(path))
        before = _identity(path, os.fstat(file.fileno()))
        stop = Event()
        digesting = Thread(target=_digest, args=(file, found, stop), daemon=True)
        digesting.start()
        try:
            yield found
            digesting.join()
        finally:
            stop.set()
            digesting.join()
            if not _is_same(path, before):
                raise changed(path) from None


def changed(path: Path | str) -> DatasetError:
    """The error about a file that was changed during reading."""
    return DatasetError(
        f"A dataset must not change while it is read, but {path} was written to or replaced meanwhile. "
        "Run the command again when nothing writes to it, or on a copy."
    )


def _digest(file: IO[bytes], found: Digest, stop: Event) -> None:
    digest = hashlib.sha256()
    try:
        while (block := file.read(BLOCK)) and not stop.is_set():
            digest.update(block)
    except OSError:  # the reader meets it, too, and reports it
        return
    found.hexadecimal = digest.hexdigest()


def _wait_a_tick(*found: os.stat_result) -> None:
    """Wait until a later change would have another time stamp than the last one."""
    age = time.time_ns() - max(max(status.st_mtime_ns, status.st_ctime_ns) for status in found)
    if age < CLOCK_TICK:
        time.sleep(min(CLOCK_TICK, CLOCK_TICK - age) / 1e9)


def _is_same(path: Path, before: tuple[tuple[int, ...], ...]) -> bool:
    try:
        return _identity(path, path.stat()) == before
    except OSError:
        return False


def _identity(path: Path, status: os.stat_result) -> tuple[tuple[int, ...], ...]:
    """What differs after any change of a file's bytes, or of the symbolic links in its path."""
    return (
        (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns),
        *((link.st_dev, link.st_ino, link.st_ctime_ns) for link in _links(path)),
    )


def _links(path: Path) -> Sequence[os.stat_result]:
    """The symbolic links in a path."""
    found = [place.lstat() for place in (path, *path.parents)]
    return [status for status in found if stat.S_ISLNK(status.st_mode)]
