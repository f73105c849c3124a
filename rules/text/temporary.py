"""Temporary files and folders named after the process that made them, so that those of ended processes are removed.

Of a process that was killed they stay behind: the next start removes them, and a folder that holds nothing else counts
as empty.
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

MAX_NODE: Final = 40  # characters of the machine's name within a file name, which may have 255 bytes
_NAME: Final = re.compile(r"\.?pcwat-(?P<node>[A-Za-z0-9_]*)-(?P<process>[0-9]{1,10})(?:-[0-9a-z_.-]*)?")


def process_prefix() -> str:
    """What the names of this process's temporary files begin with: machines may share a folder."""
    return f"pcwat-{_node()}-{os.getpid()}"


def path_beside(path: Path) -> Path:
    """A free path in the folder of another one, with its suffix; hidden, and named after this process."""
    return path.with_name(f".{process_prefix()}-{secrets.token_hex(4)}{path.suffix[:16].lower()}")


@contextmanager
def working_folder() -> Iterator[Path]:
    """A temporary folder of this process, which is removed when the block ends."""
    with tempfile.TemporaryDirectory(prefix=f"{process_prefix()}-") as folder:
        yield Path(folder)


def is_left_over(path: Path) -> bool:
    """Whether a file or folder is a temporary one of a process of this machine that has ended."""
    found = _NAME.fullmatch(path.name)
    return found is not None and found["node"] == _node() and not _is_running(int(found["process"]))


def remove_left_over(folder: Path) -> None:
    """Remove the temporary files of processes that have ended; those of other users and other machines stay."""
    with suppress(OSError):
        for entry in os.scandir(folder):
            path = Path(entry.path)
            if "pcwat-" not in entry.name or not is_left_over(path):
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
    """Whether a process exists; True where that cannot be known."""
    if sys.platform == "win32":  # there, signal 0 would end it
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
