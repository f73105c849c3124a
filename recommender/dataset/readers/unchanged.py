"""Detection of changes of a file while it is read, and its digest."""

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

BLOCK: Final = 2**20  # bytes digested at a time
CLOCK_TICK: Final = 10_000_000
"""Resolution of a file system's time stamps in nanoseconds: one tick of Linux's coarsest clock, at 100 Hz."""


class Digest:
    """SHA-256 of a file, set when `digest_while_reading` ends; "" for a folder or a missing file."""

    def __init__(self) -> None:
        self.hexadecimal = ""


@contextmanager
def digest_while_reading(path: Path) -> Iterator[Digest]:
    """Digest a file while the block reads it, and check that it does not change meanwhile.

    Does nothing for a folder or an unreadable file, which the reader reports.
    Raises DatasetError if the file, or a symbolic link to it, is changed or replaced before the block ends.
    """
    found = Digest()
    with check_unchanged(path) as file:
        if file is None:
            yield found
            return
        stop = Event()
        digesting = Thread(target=_digest, args=(file, found, stop), daemon=True)
        digesting.start()
        try:
            yield found
            digesting.join()
        finally:
            stop.set()
            digesting.join()


@contextmanager
def check_unchanged(path: Path) -> Iterator[IO[bytes] | None]:
    """Open a file while the block reads it, and check as `digest_while_reading` that it does not change meanwhile.

    Yields None for a folder or an unreadable file. Raises DatasetError.
    """
    try:
        file = open_regular(path)
    except (OSError, ValueError):
        yield None
        return
    with file:
        _wait_a_tick(os.fstat(file.fileno()), *_links(path))
        before = _identity(path, os.fstat(file.fileno()))
        try:
            yield file
        finally:
            if not _is_same(path, before):
                raise changed_error(path) from None


def changed_error(path: Path | str) -> DatasetError:
    """Error about a file that changed while it was read."""
    return DatasetError(
        f"{path} was modified or replaced while it was read. Run the command again when nothing writes to it, or on a "
        "copy."
    )


def _digest(file: IO[bytes], found: Digest, stop: Event) -> None:
    digest = hashlib.sha256()
    try:
        while (block := file.read(BLOCK)) and not stop.is_set():
            digest.update(block)
    except OSError:  # the reader reports it
        return
    found.hexadecimal = digest.hexdigest()


def _wait_a_tick(*found: os.stat_result) -> None:
    """Wait until later changes have another time stamp than the last change."""
    age = time.time_ns() - max(max(status.st_mtime_ns, status.st_ctime_ns) for status in found)
    if age < CLOCK_TICK:
        time.sleep(min(CLOCK_TICK, CLOCK_TICK - age) / 1e9)


def _is_same(path: Path, before: tuple[tuple[int, ...], ...]) -> bool:
    try:
        return _identity(path, path.stat()) == before
    except OSError:
        return False


def _identity(path: Path, status: os.stat_result) -> tuple[tuple[int, ...], ...]:
    """Values that differ after any change of a file, or of the symbolic links in its path."""
    return (
        (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns),
        *((link.st_dev, link.st_ino, link.st_ctime_ns) for link in _links(path)),
    )


def _links(path: Path) -> Sequence[os.stat_result]:
    """Symbolic links in a path."""
    found = [place.lstat() for place in (path, *path.parents)]
    return [status for status in found if stat.S_ISLNK(status.st_mode)]
