"""Rows of a training step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recommender.training_cost import batch_size

if TYPE_CHECKING:
    from executor.components.network_kind import NetworkKind

MAX_IMAGE_BATCH: Final = 128
"""Images a step. A step costs by its images: those of 512 took 14 % less processor time an image than those of 128, for
a quarter of the steps, and a budget that ends before the schedule would has too few of them."""


def choose_batch_size(kind: NetworkKind, rows: int, wanted: int | None = None) -> int:
    """Rows of a step, never more than there are.

    rows: that train. wanted: what the bundle or a trial sets; None chooses it by the kind of network and the rows.
    """
    return kind.batch_size(rows) if wanted is None else min(wanted, rows)


def small_batch_size(rows: int) -> int:
    """Rows of a step of images or sequences."""
    return min(batch_size(rows), MAX_IMAGE_BATCH)
