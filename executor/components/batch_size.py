"""Rows of a training step."""

from __future__ import annotations

from typing import Final

from executor.preprocessing.network_kind import Architecture
from recommender.training_cost import batch_size, text_batch_size

MAX_IMAGE_BATCH: Final = 128
"""Images a step. A step costs by its images: those of 512 took 14 % less processor time an image than those of 128, for
a quarter of the steps, and a budget that ends before the schedule would has too few of them."""


def choose_batch_size(architecture: Architecture, rows: int, wanted: int | None = None) -> int:
    """Rows of a step, never more than there are.

    rows: that train. wanted: what the bundle or a trial sets; None chooses it by the architecture and the rows.
    """
    if wanted is not None:
        return min(wanted, rows)
    if architecture.reads_texts:
        return text_batch_size(rows)
    is_large = architecture is Architecture.CNN or architecture.reads_steps
    return min(batch_size(rows), MAX_IMAGE_BATCH) if is_large else batch_size(rows)
