"""Batch size and number of epochs of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recommender.training_cost import STARTED_EPOCHS, batch_size, steps_of
from rules.vocabulary.choices import MiniRocket

if TYPE_CHECKING:
    from executor.components.network_kind import NetworkKind
    from rules.vocabulary.bundle import Bundle


IMAGE_EPOCHS: Final = 30
"""Minimum for images: with a decaying rate 8 epochs of 4,000 digits reach 97.5 % (docs/evidence.md, section 3)."""
IMAGE_STEPS: Final = 900
"""Minimum steps of a trial on images; small datasets get more epochs, up to MAX_IMAGE_EPOCHS."""
MAX_IMAGE_EPOCHS: Final = 100
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


def image_epochs(steps: int, *, most: int | None = None) -> int:
    """Epochs of a whole trial of images, or of sequences up to another limit; steps: of an epoch."""
    return min(MAX_IMAGE_EPOCHS if most is None else most, max(IMAGE_EPOCHS, -(-IMAGE_STEPS // steps)))


def whole_epochs(bundle: Bundle, kind: NetworkKind, *, rows: int) -> int:
    """Epochs of a full trial on a number of training rows, at the bundle's batch size."""
    batch = choose_batch_size(kind, rows, bundle.optimizer.batch_size)
    epochs = kind.epochs(steps_of(rows, batch))
    is_started = isinstance(bundle.architecture, MiniRocket) and bundle.architecture.ridge_start
    return min(epochs, STARTED_EPOCHS) if is_started else epochs
