"""Non-blocking reading of regular files; named pipes, devices and sockets are refused, since reading may never end."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from io import BufferedReader
    from pathlib import Path

KINDS: Final = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


class NotRegularError(OSError):
    """The path is not a regular file; `strerror` names its kind."""

    def __init__(self, path: Path, kind: str) -> None:
        super().__init__(errno.EINVAL, f"it is {kind}, not a regular file", str(path))


def special_kind(mode: int) -> str | None:
    """Kind of a special file from its mode; None for a regular file.

    >>> special_kind(0o010600), special_kind(0o100644)
    ('a named pipe', None)
    """
    if stat.S_ISREG(mode):
        return None
    return next((kind for is_one, kind in KINDS if is_one(mode)), "a special file")


def is_there(path: Path) -> bool:
    """Whether a path exists; False also for names that are too long for the file system."""
    return os.path.exists(path)  # noqa: PTH110  Path.exists raises OSError on such names


def open_regular(path: Path) -> BufferedReader:
    """Open a file for reading bytes, without blocking.

    Raises NotRegularError if the path is not a regular file, and OSError if it cannot be opened.
    """
    if kind := special_kind(path.stat().st_mode):  # before opening: opening some devices has side effects
        raise NotRegularError(path, kind)
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if kind := special_kind(os.fstat(descriptor).st_mode):  # it may have been replaced since
        os.close(descriptor)
        raise NotRegularError(path, kind)
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path) -> bytes:
    """The bytes of a file. Raises as `open_regular` does."""
    with open_regular(path) as file:
        return file.read()
