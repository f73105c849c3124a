"""One process at a time in a run directory: two would give the same numbers to different trials."""

from __future__ import annotations

import os
import platform
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rules.errors import RunError

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK: Final = "search.lock"
"""The file that is locked. It stays behind: were it removed, two processes could each lock a file of that name."""


@contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """Hold a run directory, which is made if it is missing, until the block or the process ends, even by SIGKILL.

    On Windows nothing is held. Raises RunError where another process holds it, or it cannot be written.
    """
    path = directory / LOCK
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = path.open("ab+", buffering=0)
    except OSError as error:
        raise RunError(f"Cannot write {path}: {error.strerror}. Allow writing there, or name another place.") from None
    with file:
        if sys.platform != "win32":
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                file.truncate(0)
                file.write(f"process {os.getpid()} on {platform.node()}".encode())
            except BlockingIOError:
                file.seek(0)
                holder = file.read().decode(errors="replace") or "another process"
                raise RunError(
                    f"Only one process at a time may search in a run directory, but {holder} does so in {directory}. "
                    "Wait until it has ended, or start a new run."
                ) from None
            except OSError as error:
                raise RunError(f"Cannot lock {path}: {error.strerror}. Make room, or name another place.") from None
        yield
