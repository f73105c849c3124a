"""Speed of this machine relative to the cost model, measured by trainings and kept in the user's cache directory."""

from __future__ import annotations

import json
import os
import platform
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

CACHE: Final = "pcwat"
FILE: Final = "speed.json"
MEMORY: Final = 0.5  # weight of the known value against a new one: single measurements depend on other programs
BOUNDS: Final = (0.05, 100.0)  # a value outside is not plausible
MAX_BYTES: Final = 1 << 16


def known_slowdown() -> float | None:
    """Seconds of a training step on this machine, relative to those of the cost model; None before the first training.

    Machines that share a home directory, and numbers of usable cores, have values of their own.
    """
    value = _read().get(machine())
    return value if value is not None and BOUNDS[0] <= value <= BOUNDS[1] else None


def remember_slowdown(measured: float) -> None:
    """Keep a measured slowdown for later estimates; without a writable cache directory nothing is kept."""
    if not BOUNDS[0] <= measured <= BOUNDS[1]:
        return
    before = known_slowdown()
    value = measured if before is None else before**MEMORY * measured ** (1 - MEMORY)
    write_cache(FILE, json.dumps(_read() | {machine(): round(value, 3)}, indent=2))


def write_cache(name: str, content: str) -> None:
    """Write a file of the cache directory; without a writable one nothing is written."""
    with suppress(OSError):
        path = cache_directory() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.with_suffix(f".{os.getpid()}")
        written.write_text(content, encoding="utf-8")
        written.replace(path)


def usable_cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def machine() -> str:
    """Name of this machine and of its cores, of which each has measurements of its own."""
    return f"{platform.node()}, {platform.machine()}, cores: {usable_cores()}"


def cache_directory() -> Path:
    """The directory that PCWAT_CACHE names, or that of pcwat in the user's cache directory (XDG Base Directory)."""
    own, given = os.environ.get("PCWAT_CACHE", ""), os.environ.get("XDG_CACHE_HOME", "")
    if own:
        return Path(own)
    return (Path(given) if given else Path("~/.cache").expanduser()) / CACHE


def _read() -> dict[str, float]:
    """Known values by machine; none where the file is missing or damaged."""
    try:
        with (cache_directory() / FILE).open("rb") as file:
            found = json.loads(file.read(MAX_BYTES))
    except (OSError, ValueError, RuntimeError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        str(name): float(value)
        for name, value in found.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
