"""Small datasets to try things on; see README.md beside this file for where they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent


def example(name: str) -> Path:
    """The path of a shipped example: breast_cancer, diabetes or wine.

    >>> example("wine").name
    'wine.csv'
    """
    return FOLDER / f"{name}.csv"
