"""Package versions recorded with a run."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Final

PACKAGES: Final = (
    "tensorflow",
    "keras",
    "keras-tuner",
    "numpy",
    "scikit-learn",
    "duckdb",
)  # packages that affect results


def versions() -> dict[str, str]:
    """Versions of Python and of PACKAGES."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
