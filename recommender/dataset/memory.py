"""Memory that DuckDB may use for tables; larger ones spill to disk."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from rules.errors import DatasetError

VARIABLE: Final = "PCWAT_MEMORY"
"""Environment variable with the limit, such as 2GB. Its temporary files are in the folder that TMPDIR names."""
DEFAULT: Final = 700_000_000
"""Bytes, so that the whole process stays below 1 GiB."""
MAX_SHARE: Final = 0.5  # of the memory of a small machine or container
UNITS: Final = {"MB": 10**6, "GB": 10**9, "MIB": 2**20, "GIB": 2**30}
CGROUPS: Final = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Files with the limit of a container, of versions 2 and 1."""


def memory_limit() -> int:
    """Bytes for DuckDB's tables: those of the environment variable, else DEFAULT or half of a smaller memory.

    Raises DatasetError if the variable is not a size.
    """
    given = os.environ.get(VARIABLE, "")
    if not given:
        return min(DEFAULT, int(MAX_SHARE * available_memory()))
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
