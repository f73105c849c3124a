"""Background of explanations: random rows of the training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from executor.data.read_rows import fetch_columns
from executor.model.validate_rows import open_rows, read_new_rows
from recommender.dataset.sql import quoted
from rules.errors import RunError

if TYPE_CHECKING:
    from executor.data.raw_table import RawTable
    from executor.model.signature import Signature
    from recommender.dataset.dataset import Dataset

BACKGROUND_ROWS: Final = 100
"""Rows over which the predictions of a masked row are averaged, as many as shap's maskers take; the standard error of
the expected value is 0.1 of the standard deviation of the predictions."""
STREAM: Final = 31  # separates these rows from other random numbers of the same seed


def read_background(signature: Signature, data: object, *, seed: int) -> RawTable:
    """Draw background rows from data such as a file. Raises as `sample_background`."""
    with open_rows(signature, data) as given:
        if signature.image is not None:
            given.rename_images(signature.image.name)
        return sample_background(signature, given, hold_out=None, seed=seed)


def sample_background(signature: Signature, dataset: Dataset, *, hold_out: np.ndarray | None, seed: int) -> RawTable:
    """Draw at most BACKGROUND_ROWS rows with a known target, in random order.

    hold_out: numbers of rows that are not drawn. Raises RunError without rows, ColumnError on missing columns.
    """
    known = [f"{quoted(name)} IS NOT NULL" for name in signature.targets if name in dataset.columns]
    (rows,) = fetch_columns(dataset, ["rowid"], " AND ".join(known) or "TRUE")
    if hold_out is not None:
        rows = np.setdiff1d(rows, hold_out)
    if not len(rows):
        raise RunError(f"The background must have rows, but {dataset.name} has none. Choose another file.")
    random = np.random.default_rng([seed, STREAM])
    drawn = random.choice(rows, min(BACKGROUND_ROWS, len(rows)), replace=False)
    found = read_new_rows(
        signature, dataset, ignore_extra=True, where=f"rowid IN ({', '.join(str(int(row)) for row in drawn)})"
    )
    return found.take(random.permutation(len(found)))
