"""Regular files, opened without waiting: named pipes, devices and sockets are refused, as reading them may not end."""

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
    """The path names something other than a regular file; `strerror` says what."""

    def __init__(self, path: Path, kind: str) -> None:
        super().__init__(errno.EINVAL, f"it is {kind}, not a regular file", str(path))


def special_kind(mode: int) -> str | None:
    """What a file's mode says that it is, in words; None for a regular file.

    >>> special_kind(0o010600), special_kind(0o100644)
    ('a named pipe', None)
    """
    if stat.S_ISREG(mode):
        return None
    return next((kind for is_one, kind in KINDS if is_one(mode)), "a special file")


def is_there(path: Path) -> bool:
    """Whether a path names something that can be looked at; False also for a name that is too long to be one."""
    return os.path.exists(path)  # noqa: PTH110  Path.exists raises OSError on such names


def open_regular(path: Path) -> BufferedReader:
    """Open a file for reading bytes; never waits.

    Raises NotRegularError if the path names no regular file, and OSError as `open` does.
    """
    if kind := special_kind(path.stat().st_mode):  # before it is opened: some devices act on that
        raise NotRegularError(path, kind)
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if kind := special_kind(os.fstat(descriptor).st_mode):  # in case it was replaced meanwhile
        os.close(descriptor)
        raise NotRegularError(path, kind)
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path) -> bytes:
    """The bytes of a file. Raises as `open_regular` does."""
    with open_regular(path) as file:
        return file.read()
