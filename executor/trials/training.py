"""A trial while it is trained: its scores so far, its best epoch, and why it ended."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from recommender.speed import steps_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from executor.catalog.hyperparameters import Configuration
    from executor.catalog.tuning import Proposal
    from executor.trials.workplace import Workplace
    from rules.choices import Choice

PATIENCE: Final = 16  # epochs without a score as good as the best before a trial ends, at least
PATIENT_SHARE: Final = 0.25
"""Of the planned epochs, for which a trial waits likewise: the best epoch comes while the rate falls, after epochs in
which the score stands still."""
FLOAT32_DIGITS: Final = 6  # significant ones
DIVERGED: Final = 3  # epochs in a row without a finite score before a trial ends

Ending = Literal["planned", "patience", "diverged", "deadline", "interrupt"]


@dataclass
class Training:
    """A training as far as it has come."""

    patience: int = PATIENCE
    """Epochs without a score as good as the best before it ends."""
    scores: list[float | None] = field(default_factory=list)
    """P on the validation rows after each epoch; None where it is not finite."""
    rate: tuple[float, float] = (0.0, 0.0)
    """Learning rate of the last step, and the share of the training that was done before it."""
    rates: list[tuple[float, float]] = field(default_factory=list)
    """The same at the end of each epoch."""
    first_weights: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Mean and standard deviation of each weight before the first step, by layer and name."""
    best: float | None = None
    best_cost: float = math.inf
    """C on the validation rows at the best epoch."""
    best_epoch: int | None = None
    """Counted from 1; of those with the best score the one with the lowest cost."""
    ending: Ending | None = None
    """None while it goes on."""
    epoch_seconds: float | None = None
    """Of an epoch, without the first steps; its share where trials run at once."""

    def note(self, score: float | None, cost: float, *, direction: str) -> bool:
        """Note P and C of the epoch that has just ended; returns whether it is the best.

        Few validation rows give many epochs the same P; then C tells them apart, and of equals the later one counts.
        """
        self.scores.append(score)
        rate, progress = self.rate
        self.rates.append((significant(rate), significant(progress)))
        is_best = score is not None and self._is_best(score, cost, direction)
        if is_best:
            self.best, self.best_cost, self.best_epoch = score, cost, len(self.scores)
        if len(self.scores) >= DIVERGED and all(score is None for score in self.scores[-DIVERGED:]):
            self.ending = "diverged"
        elif self.best_epoch is not None and len(self.scores) - self.best_epoch >= self.patience:
            self.ending = "patience"
        return is_best

    def _is_best(self, score: float, cost: float, direction: str) -> bool:
        if self.best is None or score == self.best:
            return cost <= self.best_cost
        return score > self.best if direction == "max" else score < self.best


@dataclass
class Member:
    """One of the trials that run at once, as far as it has come."""

    proposal: Proposal
    chosen: Configuration
    training: Training = field(default_factory=Training)
    best: list[np.ndarray] | None = None
    """The weights of the best epoch."""


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """Where the trials that run at once stand after an epoch. members: those that have stopped, too."""

    members: tuple[Member, ...]
    epoch: int
    epochs: int
    """Planned ones."""


def moments(weights: Iterable[tuple[str, np.ndarray]]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each weight by its name.

    >>> moments([("output/kernel", np.array([[1.0], [3.0]]))])
    {'output/kernel': (2.0, 1.0)}
    """
    return {name: (significant(weight.mean()), significant(weight.std())) for name, weight in weights}


def significant(value: float) -> float:
    """The value with as many digits as float32 has."""
    return float(f"{value:.{FLOAT32_DIGITS}g}")


def patience_of(epochs: int, validation: Choice | None = None) -> int:
    """Epochs that a trial of so many goes on without a score as good as its best.

    validation: the bundle's choice, which may rule early stopping out.
    """
    if not getattr(validation, "early_stopping", True):
        return epochs
    return max(PATIENCE, round(PATIENT_SHARE * epochs))


def shuffled(seed: list[int], rows: int, batch: int) -> np.ndarray:
    """An epoch's rows in random order, (steps, batch) int32; the last batch is filled up from the first."""
    order = np.random.default_rng(seed).permutation(rows).astype(np.int32)
    return np.resize(order, (steps_of(rows, batch), batch))


def score_of(outputs: np.ndarray, at: Workplace) -> float | None:
    """P of validation outputs; None where they or it are not finite."""
    if not np.isfinite(outputs).all():
        return None
    score = float(at.metric.score(outputs, at.parts.validation, at.parts))
    return score if np.isfinite(score) else None
