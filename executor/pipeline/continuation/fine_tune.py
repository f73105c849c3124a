"""Training of a saved model on new rows, at a low learning rate."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.components.optimizer import learning_rates
from executor.model.assemble import model_inputs
from executor.preprocessing.sequence_encoder import pad_steps, rows_by_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import keras

    from executor.data.raw_table import RawTable
    from executor.model.signature import Signature
    from executor.runtime.clock import Clock
    from executor.runtime.interrupt import Interrupt
    from executor.search.records.outcome import EndedBy
    from rules.vocabulary.direction import Direction

RATE_SHARE: Final = 0.1
"""Highest rate, as a share of the best trial's: the weights start at a solution."""
EPOCHS_SHARE: Final = 0.25  # of the epochs of a full trial
PATIENCE_SHARE: Final = 0.25  # of the planned epochs without a better validation score before the training stops


@dataclass
class FineTuning:
    """The course of a training."""

    rate: float
    planned: int
    start_score: float | None
    """Validation score of the initial weights."""
    scores: list[float | None] = field(default_factory=list)
    losses: list[float | None] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    best: float | None = None
    best_epoch: int = 0
    ended_by: EndedBy = "completed"


def fine_tune(
    model: keras.Model,
    signature: Signature,
    rows: RawTable,
    target: np.ndarray,
    *,
    validate: Callable[[], tuple[float, float]],
    direction: Direction,
    rate: float,
    batch: int,
    epochs: int,
    clock: Clock,
    interrupt: Interrupt,
    seed: int,
) -> FineTuning:
    """Train a compiled model on raw rows, and leave it with the weights of the best epoch, which may be the first ones.

    target: (rows, outputs), as the loss of the model reads it. validate: score and loss of the model on validation
    rows; of equal scores the lower loss is better. The learning rate decays from `rate` to 0. The training stops early,
    at the deadline, or on Ctrl-C.
    """
    first, lowest = validate()
    course = FineTuning(rate=rate, planned=epochs, start_score=_finite(first))
    course.best, best = course.start_score, model.get_weights()
    patience = max(1, round(PATIENCE_SHARE * epochs))
    steps = sum(1 for _ in _batches(rows, batch, seed=[seed, 0]))
    for epoch in range(epochs):
        losses = []
        for step, some in enumerate(_batches(rows, batch, seed=[seed, epoch])):
            if clock.is_over or interrupt.requested:
                course.ended_by = "interrupt" if interrupt.requested else "deadline"
                break
            progress = np.array([(epoch * steps + step) / (epochs * steps)])
            (now,) = learning_rates("cosine", highest=rate, progress=progress)
            model.optimizer.learning_rate.assign(now)
            inputs = model_inputs(signature, some.table)
            found = model.train_on_batch(inputs, target[some.places], sample_weight=some.table.weight)
            losses.append(float(np.ravel(found)[0]))
        if not losses:
            break
        value, loss = validate()
        score = _finite(value)
        course.scores.append(score)
        course.losses.append(_finite(float(np.mean(losses))))
        course.rates.append(float(now))
        is_tie = score == course.best and loss < lowest
        if score is not None and (course.best is None or is_tie or direction.better(score, course.best)):
            course.best, course.best_epoch, lowest, best = score, epoch + 1, loss, model.get_weights()
        if course.ended_by != "completed":
            break
        if epoch + 1 - course.best_epoch >= patience:
            course.ended_by = "early_stopping"
            break
    model.set_weights(best)
    return course


@dataclass(frozen=True, kw_only=True)
class _Batch:
    table: RawTable
    places: np.ndarray
    """Positions of the rows in the training table."""


def _batches(rows: RawTable, batch: int, *, seed: list[int]) -> Iterator[_Batch]:
    """Batches of one size in a random order; sequences in a batch have the same length."""
    random = np.random.default_rng(seed)
    found = []
    for length, own in rows_by_steps(rows).items():
        order = np.resize(random.permutation(own), math.ceil(len(own) / batch) * batch)
        found += [(length, places) for places in order.reshape(-1, batch)]
    for index in random.permutation(len(found)):
        length, places = found[index]
        yield _Batch(table=pad_steps(rows.take(places), length), places=places)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
