"""Which versions of what a run was made with."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Final

PACKAGES: Final = ("tensorflow", "keras", "keras-tuner", "numpy", "scikit-learn", "duckdb")  # those that make numbers


def versions() -> dict[str, str]:
    """The version of Python and of each of PACKAGES."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
