"""Temporary files and folders, named after the process that created them.

A killed process leaves its files behind. The next start removes them, and a folder with only such files counts as
empty.
"""

from __future__ import annotations

import os
import platform
import re
import secrets
import shutil
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_NODE: Final = 40  # characters of the host name in a file name; file names have at most 255 bytes
_NAME: Final = re.compile(r"\.?pcwat-(?P<node>[A-Za-z0-9_]*)-(?P<process>[0-9]{1,10})(?:-[0-9a-z_.-]*)?")


def process_prefix() -> str:
    """Prefix of this process's temporary files, with the host name since machines may share a folder."""
    return f"pcwat-{_node()}-{os.getpid()}"


def temporary_path_for(path: Path) -> Path:
    """An unused hidden path in the same folder and with the same suffix, named after this process."""
    return path.with_name(f".{process_prefix()}-{secrets.token_hex(4)}{path.suffix[:16].lower()}")


@contextmanager
def working_folder() -> Iterator[Path]:
    """Yield a temporary folder, which is removed when the block ends."""
    with tempfile.TemporaryDirectory(prefix=f"{process_prefix()}-") as folder:
        yield Path(folder)


def is_leftover(path: Path) -> bool:
    """Whether a path is a temporary file or folder of an ended process on this machine."""
    found = _NAME.fullmatch(path.name)
    return found is not None and found["node"] == _node() and not _is_running(int(found["process"]))


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files of ended processes; files of other users and machines are kept."""
    with suppress(OSError):
        for entry in os.scandir(folder):
            path = Path(entry.path)
            if "pcwat-" not in entry.name or not is_leftover(path):
                continue
            with suppress(OSError):
                if hasattr(os, "getuid") and entry.stat(follow_symlinks=False).st_uid != os.getuid():
                    continue
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()


def _node() -> str:
    return re.sub(r"[^A-Za-z0-9]", "_", platform.node())[:MAX_NODE]


def _is_running(process: int) -> bool:
    """Whether a process exists; True if that cannot be determined."""
    if sys.platform == "win32":  # where signal 0 would end the process
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
