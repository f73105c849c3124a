"""Trains a network on the device by compiled steps, and keeps the weights of the best epoch by P."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import tensorflow as tf

from executor.catalog.hyperparameters import configuration
from executor.catalog.optimization import learning_rates, take_step
from executor.trials.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras

    from executor.catalog.tuning import Proposal
    from executor.trials.workplace import Rows, Workplace

BATCH_SIZES: Final = ((1_000, 64), (8_000, 128), (30_000, 256))  # most training rows, rows a batch (RealMLP-TD)
LARGEST_BATCH: Final = 512  # rows, above the last of them
PATIENCE: Final = 16  # epochs without a score as good as the best before a trial ends
DIVERGED: Final = 3  # epochs in a row without a finite score before a trial ends
ROWS_PER_CALL: Final = 8_192  # rows whose outputs are computed at once

Ending = Literal["planned", "patience", "diverged", "deadline", "interrupt"]


@dataclass
class Training:
    """A training as far as it has come."""

    scores: list[float | None] = field(default_factory=list)
    """P on the validation rows after each epoch; None where it is not finite."""
    best: float | None = None
    best_cost: float = math.inf
    """C on the validation rows at the best epoch."""
    best_epoch: int | None = None
    """Counted from 1; of those with the best score the one with the lowest cost."""
    best_weights: list[np.ndarray] | None = None
    ending: Ending | None = None
    """None while it goes on."""

    def note(self, score: float | None, cost: float, network: keras.Model, *, direction: str) -> None:
        """Note P and C of the epoch that has just ended, and the weights where it is the best.

        Few validation rows give many epochs the same P; then C tells them apart, and of equals the later one counts.
        """
        self.scores.append(score)
        if score is not None and self._is_best(score, cost, direction):
            self.best, self.best_cost = score, cost
            self.best_epoch, self.best_weights = len(self.scores), network.get_weights()
        if len(self.scores) >= DIVERGED and all(score is None for score in self.scores[-DIVERGED:]):
            self.ending = "diverged"
        elif self.best_epoch is not None and len(self.scores) - self.best_epoch >= PATIENCE:
            self.ending = "patience"

    def _is_best(self, score: float, cost: float, direction: str) -> bool:
        if self.best is None or score == self.best:
            return cost <= self.best_cost
        return score > self.best if direction == "max" else score < self.best


def train(
    network: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    proposal: Proposal,
    at: Workplace,
    *,
    on_epoch: Callable[[Training], None],
) -> Training:
    """Train in place until the planned epochs, the patience, the deadline or Ctrl-C end it.

    The deadline cuts an epoch short; it is scored only if none before it was. The schedule spans the planned epochs,
    or the time that is left where that is shorter.
    """
    chosen = configuration(at.bundle, proposal.hyperparameters)
    random = np.random.default_rng([at.seed, proposal.number])
    batch = batch_size(len(at.train))
    step, outputs = _compiled_step(network, optimizer, at, batch=batch), compiled_outputs(network)
    pace = Pace(at.budget, steps=proposal.epochs * _steps(len(at.train), batch))
    training = Training()
    try:
        while training.ending is None:
            rows = _shuffled(random, len(at.train), batch)
            while len(rows) and not pace.is_over and not at.interrupt.requested:
                now, rows = np.split(rows, [pace.steps(len(rows))])
                step(
                    now, learning_rates(chosen.schedule, highest=chosen.learning_rate, progress=pace.advance(len(now)))
                )
            if at.interrupt.requested:
                training.ending = "interrupt"
                break
            if pace.is_over:
                training.ending = "deadline"
            if not pace.is_over or not training.scores:
                answers = outputs(at.validation)
                training.note(_score(answers, at), _cost(answers, at), network, direction=at.metric.direction)
                on_epoch(training)
            if training.ending is None and len(training.scores) == proposal.epochs:
                training.ending = "planned"
    except KeyboardInterrupt:
        at.interrupt.requested = True
        training.ending = "interrupt"
    return training


def batch_size(rows: int) -> int:
    """Rows a batch for so many training rows, never more than there are."""
    return min(rows, next((size for most, size in BATCH_SIZES if rows <= most), LARGEST_BATCH))


def compiled_outputs(network: keras.Model) -> Callable[[Rows], np.ndarray]:
    """A function from rows on the device to the network's outputs, (rows, outputs) float32, offsets added."""
    signature = {name: tf.TensorSpec(spec.shape, spec.dtype) for name, spec in network.input.items()}

    def some(inputs: dict[str, tf.Tensor], offset: tf.Tensor) -> tf.Tensor:
        return network(inputs, training=False) + offset

    compiled = _compiled(some, signature, tf.TensorSpec(network.output.shape, tf.float32))

    def compute(rows: Rows) -> np.ndarray:
        answers = []
        for start in range(0, len(rows), ROWS_PER_CALL):
            here = slice(start, start + ROWS_PER_CALL)
            answers.append(compiled({name: values[here] for name, values in rows.inputs.items()}, rows.offset[here]))
        return np.concatenate([answer.numpy() for answer in answers])

    return compute


def _compiled_step(
    network: keras.Model, optimizer: keras.optimizers.Optimizer, at: Workplace, *, batch: int
) -> Callable[[np.ndarray, np.ndarray], None]:
    """A function that takes training steps; rows: (steps, batch) int32 indices, rates: (steps,) float32.

    The loop over steps runs inside the graph: at 2,000 rows an epoch takes 24 ms against 88 ms of model.fit.
    """
    weights = network.trainable_variables

    def steps(rows: tf.Tensor, rates: tf.Tensor) -> None:
        for index in tf.range(tf.shape(rates)[0]):
            chosen = rows[index]
            inputs = {name: tf.gather(values, chosen) for name, values in at.train.inputs.items()}
            with tf.GradientTape() as tape:
                answer = network(inputs, training=True) + tf.gather(at.train.offset, chosen)
                target, weight = tf.gather(at.train.target, chosen), tf.gather(at.train.weight, chosen)
                cost = at.loss(target, answer, sample_weight=weight)
            take_step(optimizer, tape.gradient(cost, weights), weights, rate=rates[index])

    compiled = _compiled(steps, tf.TensorSpec([None, batch], tf.int32), tf.TensorSpec([None], tf.float32))
    return lambda rows, rates: compiled(tf.constant(rows), tf.constant(rates))


def _compiled(function: Callable[..., Any], *signature: Any) -> Callable[..., Any]:  # noqa: ANN401 - nested specs
    """The function's graph; unlike tf.function's own call, it does not warn that each trial compiles anew."""
    compiled: Callable[..., Any] = tf.function(function, input_signature=signature).get_concrete_function()
    return compiled


def _score(outputs: np.ndarray, at: Workplace) -> float | None:
    """P of the outputs; None where they or it are not finite."""
    if not np.isfinite(outputs).all():
        return None
    score = float(at.metric.score(outputs, at.parts.validation, at.parts))
    return score if np.isfinite(score) else None


def _cost(outputs: np.ndarray, at: Workplace) -> float:
    """C of the outputs; inf where it is not finite."""
    cost = float(at.loss(at.validation.target, outputs))
    return cost if np.isfinite(cost) else math.inf


def _steps(rows: int, batch: int) -> int:
    return -(-rows // batch)


def _shuffled(random: np.random.Generator, rows: int, batch: int) -> np.ndarray:
    """An epoch's rows in random order, (steps, batch) int32; the last batch is filled up from the first."""
    return np.resize(random.permutation(rows).astype(np.int32), (_steps(rows, batch), batch))
