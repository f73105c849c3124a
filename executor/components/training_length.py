"""The length of a training in epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from executor.components.batch_size import choose_batch_size
from executor.preprocessing.network_kind import Architecture
from recommender.training_cost import TEXT_EPOCHS, steps_of, table_epochs

if TYPE_CHECKING:
    from rules.vocabulary.bundle import Bundle


FORECAST_EPOCHS: Final = 96
"""Of a forecast at most: its networks start at a linear solution, and of 100 rows an epoch is 2 steps, which take less
than judging them (248 epochs took 29 s on two busy cores)."""
IMAGE_EPOCHS: Final = 30
"""The same on images, where an epoch takes a hundred times as long: with a decaying rate 8 epochs of 4,000 digits reach
97.5 % (docs/evidence.md, section 3)."""
IMAGE_STEPS: Final = 900
"""Steps of a trial on images at least, for which small datasets get more epochs, up to MAX_IMAGE_EPOCHS."""
MAX_IMAGE_EPOCHS: Final = 100
MAX_SEQUENCE_EPOCHS: Final = 300
"""Of a network that reads sequences step by step: of 50 sequences an epoch is one step. InceptionTime's own 1,500 take
minutes on two cores."""


def epochs_of(architecture: Architecture, *, steps: int) -> int:
    """The epochs of a whole trial; steps: of an epoch."""
    if architecture is Architecture.FORECASTER:
        return min(FORECAST_EPOCHS, table_epochs(steps))
    if architecture is Architecture.TABULAR:
        return table_epochs(steps)
    if architecture.reads_steps:
        return min(MAX_SEQUENCE_EPOCHS, max(IMAGE_EPOCHS, -(-IMAGE_STEPS // steps)))
    if architecture.reads_texts:
        return TEXT_EPOCHS
    return min(MAX_IMAGE_EPOCHS, max(IMAGE_EPOCHS, -(-IMAGE_STEPS // steps)))


def whole_epochs(bundle: Bundle, architecture: Architecture, *, rows: int) -> int:
    """The epochs of a whole trial on a number of training rows, at the bundle's batch size."""
    batch = choose_batch_size(architecture, rows, bundle.optimizer.batch_size)
    return epochs_of(architecture, steps=steps_of(rows, batch))
