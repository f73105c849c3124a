"""Lock of a run directory: two processes would give the same numbers to different trials."""

from __future__ import annotations

import os
import platform
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from rules.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK: Final = "search.lock"
HOLDER: Final = "search.process"
"""File that names the holder of the lock; separate, because Windows does not permit reading a locked file."""


@contextmanager
def lock_run_directory(directory: Path) -> Iterator[None]:
    """Lock a run directory until the block or the process ends, even by SIGKILL; it is created if it is missing.

    Raises RunError if another process has the lock, or the directory is not writable.
    """
    lock, holder = FileLock(directory / LOCK, blocking=False), directory / HOLDER
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        holder.write_text(f"process {os.getpid()} on {platform.node()}", encoding="utf-8")
    except Timeout:
        who = holder.read_text(encoding="utf-8") if holder.exists() else "another process"
        raise RunError(
            f"Only one process may search in a run directory, but {who} already uses {directory}. "
            "Wait until it has ended, or start a new run."
        ) from None
    except OSError as error:
        lock.release()
        raise RunError(
            f"Cannot write {directory / LOCK}: {error.strerror}. Free disk space or allow writing, or choose another "
            "place."
        ) from None
    try:
        yield
    finally:
        lock.release()
