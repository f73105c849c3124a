"""Batch size of training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recommender.training_cost import batch_size

if TYPE_CHECKING:
    from executor.components.network_kind import NetworkKind

MAX_IMAGE_BATCH: Final = 128
"""Images per step; larger batches are hardly faster per image: docs/evidence.md#image-batches."""


def choose_batch_size(kind: NetworkKind, rows: int, wanted: int | None = None) -> int:
    """Rows of a step, never more than there are.

    rows: that train. wanted: what the bundle or a trial sets; None chooses it by the kind of network and the rows.
    """
    return kind.batch_size(rows) if wanted is None else min(wanted, rows)


def small_batch_size(rows: int) -> int:
    """Rows of a step of images or sequences."""
    return min(batch_size(rows), MAX_IMAGE_BATCH)
