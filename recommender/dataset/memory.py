"""Memory that DuckDB may use for tables, and a training for its rows; larger ones are on disk."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from rules.errors import DatasetError

VARIABLE: Final = "PCWAT_MEMORY"
"""Environment variable with the limit, such as 2GB. Its temporary files are in the folder that TMPDIR names."""
DEFAULT: Final = 700_000_000
"""Bytes, so that the whole process stays below 1 GiB."""
MIN_LIMIT: Final = 64_000_000  # bytes with which DuckDB works
MAX_SHARE: Final = 0.5  # of the memory of a small machine or container
UNITS: Final = {"MB": 10**6, "GB": 10**9, "MIB": 2**20, "GIB": 2**30}
TRAINING_SHARE: Final = 0.5  # of the free memory, for the rows of a training
FREE: Final = "/proc/meminfo"
CGROUPS: Final = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Files with the limit of a container, of versions 2 and 1."""
CGROUPS_USED: Final = ("/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory/memory.usage_in_bytes")
"""Files with what it uses of its limit."""


def memory_limit() -> int:
    """Bytes for DuckDB's tables: those of the environment variable, else DEFAULT or half of a smaller memory.

    With less than MIN_LIMIT, DuckDB does not work. Raises DatasetError if the variable is not a size.
    """
    given = _given_limit()
    return min(DEFAULT, int(MAX_SHARE * available_memory())) if given is None else max(MIN_LIMIT, given)


def training_limit() -> int:
    """Bytes for the rows of a training: those of the environment variable, else half of the free memory.

    Raises DatasetError if the variable is not a size.
    """
    given = _given_limit()
    return int(TRAINING_SHARE * free_memory()) if given is None else given


def _given_limit() -> int | None:
    """Bytes of the environment variable; None where it is not set."""
    given = os.environ.get(VARIABLE, "")
    if not given:
        return None
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Z]+)", given.strip().upper())
    if found is None or found[2] not in UNITS or not float(found[1]):
        raise DatasetError(
            f"{VARIABLE} must be a size such as 500MB or 2GB, but is {given!r}. Correct it, or unset it."
        )
    return int(float(found[1]) * UNITS[found[2]])


def available_memory() -> int:
    """Bytes of memory of this machine, or of its container if that has less."""
    limits = []
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for path in CGROUPS:
        try:
            limits.append(int(Path(path).read_text()))
        except (OSError, ValueError):  # no container, or no limit
            continue
    return min(limits, default=2 * DEFAULT)


def free_memory() -> int:
    """Bytes of memory that this machine, or its container if that has less, has left."""
    left = [available_memory()]
    with suppress(OSError, StopIteration):  # another system
        lines = Path(FREE).read_text().splitlines()
        left.append(1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")))
    for limit, used in zip(CGROUPS, CGROUPS_USED, strict=True):
        with suppress(OSError, ValueError):  # no container, or no limit
            left.append(int(Path(limit).read_text()) - int(Path(used).read_text()))
    return max(0, min(left))
