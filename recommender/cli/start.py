"""Entry point of `recommend`."""

from __future__ import annotations

import gc
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Final

OWN_MODULES: Final = {"rules": "vocabulary/facts.py", "executor": "pipeline/train.py"}
"""A module in pcwat's package of that name, since other distributions use these names too."""


def main() -> None:
    """Import and run the command line.

    The garbage collector is disabled during imports, and imported objects are excluded from later collections, which
    would take 6 % of the time of a recommendation.
    """
    if conflict := name_conflict():
        print(f"Error: {conflict}", file=sys.stderr)  # noqa: T201  click is not imported yet
        sys.exit(2)
    started = time.monotonic()
    gc.disable()
    from recommender.cli.main import main as run  # noqa: PLC0415  after the collector is off

    gc.freeze()
    gc.enable()
    run(started)


def name_conflict() -> str:
    """Message about a package `rules` or `executor` of another distribution; "" if both are pcwat's.

    The packages are located but not imported, so that code of another distribution does not run.
    """
    for name, module in OWN_MODULES.items():
        spec = find_spec(name)
        folders = [] if spec is None else spec.submodule_search_locations or []
        if not any((Path(folder) / module).is_file() for folder in folders):
            found = (
                "it is not installed"
                if spec is None
                else f"{spec.origin or folders[0]} belongs to another distribution"
            )
            return (
                f"The Python package '{name}' must belong to pcwat, but {found}. "
                "Install pcwat in a virtual environment of its own."
            )
    return ""
