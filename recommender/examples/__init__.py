"""Small datasets to try pcwat on; README.md in this folder names their sources.

- `breast_cancer.csv`: 569 tumours; binary target `diagnosis`.
- `wine.csv`: 178 wines; multiclass target `cultivar`.
- `diabetes.csv`: 442 patients; numeric target `progression`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent


def example(name: str) -> Path:
    """Path of a shipped example dataset.

    Args:
        name: "breast_cancer" (target diagnosis), "diabetes" (target progression) or "wine" (target cultivar).

    Returns:
        The path of its CSV file.

    Examples:
        >>> example("wine").name
        'wine.csv'
    """
    return FOLDER / f"{name}.csv"
