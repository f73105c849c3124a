"""Batch size and number of epochs of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recommender.training_cost import STARTED_EPOCHS, steps_of
from rules.vocabulary.choices import MiniRocket

if TYPE_CHECKING:
    from executor.components.network_kind import NetworkKind
    from rules.vocabulary.bundle import Bundle


def choose_batch_size(kind: NetworkKind, rows: int, wanted: int | None = None) -> int:
    """Rows of a step, never more than there are.

    rows: that train. wanted: what the bundle or a trial sets; None chooses it by the kind of network and the rows.
    """
    return kind.batch_size(rows) if wanted is None else min(wanted, rows)


def whole_epochs(bundle: Bundle, kind: NetworkKind, *, rows: int) -> int:
    """Epochs of a full trial on a number of training rows, at the bundle's batch size."""
    batch = choose_batch_size(kind, rows, bundle.optimizer.batch_size)
    epochs = kind.epochs(steps_of(rows, batch))
    is_started = isinstance(bundle.architecture, MiniRocket) and bundle.architecture.ridge_start
    return min(epochs, STARTED_EPOCHS) if is_started else epochs
