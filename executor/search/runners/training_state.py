"""A trial while it is trained: its scores so far, its best epoch, and why it ended."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from recommender.training_cost import steps_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from executor.components.configuration import Configuration
    from executor.search.records.outcome import EndedBy
    from executor.search.records.proposal import Proposal
    from executor.search.runners.workspace import Workspace
    from rules.vocabulary.choices import Choice
    from rules.vocabulary.direction import Direction

PATIENCE: Final = 16  # epochs without a score as good as the best before a trial ends, at least
PATIENT_SHARE: Final = 0.25
"""Of the planned epochs, for which a trial waits likewise: the best epoch comes while the rate falls, after epochs in
which the score stands still."""
NORM_EVERY: Final = 8
"""Steps of which the gradient norm of the first is taken: in each of them it would take a seventh of the time of a step
(8 networks of 3 layers of 256 units)."""
FLOAT32_DIGITS: Final = 6  # significant ones
DIVERGED: Final = 3  # epochs in a row without a finite score before a trial ends


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
    losses: list[float | None] = field(default_factory=list)
    """C on the training rows in each epoch, the mean over its steps; None where it is not finite."""
    gradient_norms: list[float | None] = field(default_factory=list)
    """Norm of the gradient of all weights in each epoch, the mean over every NORM_EVERYth step; None if not finite."""
    best: float | None = None
    best_cost: float = math.inf
    """C on the validation rows at the best epoch."""
    best_epoch: int | None = None
    """Counted from 1; of those with the best score the one with the lowest cost."""
    ended_by: EndedBy | None = None
    """None while it goes on."""
    epoch_seconds: float | None = None
    """Of an epoch, without the first steps; its share where trials run at once."""

    def note(
        self, score: float | None, cost: float, *, direction: Direction, means: Sequence[float] = (math.nan, math.nan)
    ) -> bool:
        """Note P and C of the epoch that has just ended; returns whether it is the best.

        means: training loss and gradient norm of its steps.
        Few validation rows give many epochs the same P; then C tells them apart, and of equals the later one counts.
        """
        self.scores.append(score)
        rate, progress = self.rate
        self.rates.append((round_to_float32(rate), round_to_float32(progress)))
        for kept, value in zip((self.losses, self.gradient_norms), means, strict=True):
            kept.append(round_to_float32(value) if math.isfinite(value) else None)
        is_best = score is not None and self._is_best(score, cost, direction)
        if is_best:
            self.best, self.best_cost, self.best_epoch = score, cost, len(self.scores)
        if len(self.scores) >= DIVERGED and all(score is None for score in self.scores[-DIVERGED:]):
            self.ended_by = "diverged"
        elif self.best_epoch is not None and len(self.scores) - self.best_epoch >= self.patience:
            self.ended_by = "early_stopping"
        return is_best

    def _is_best(self, score: float, cost: float, direction: Direction) -> bool:
        if self.best is None or score == self.best:
            return cost <= self.best_cost
        return direction.better(score, self.best)


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


@dataclass
class StepMeans:
    """Means of training loss and gradient norm over the steps of an epoch, of each of some networks."""

    sums: np.ndarray | float = 0.0
    counts: np.ndarray = field(default_factory=lambda: np.zeros(2))

    @property
    def steps(self) -> int:
        """The steps that were added."""
        return int(self.counts[0])

    def add(self, sums: np.ndarray, *, steps: int) -> None:
        """Add what some steps give at once: losses and gradient norms added up, (2, networks).

        The first step of the epoch has a norm, and each NORM_EVERYth after it.
        """
        self.sums = self.sums + sums
        done = self.steps + steps
        self.counts[:] = done, math.ceil(done / NORM_EVERY)

    def of(self, networks: slice) -> tuple[float, float]:
        """Loss and norm on average over some of the networks; NaN before the first step."""
        if not self.counts.all():
            return math.nan, math.nan
        loss, norm = np.asarray(self.sums)[:, networks].mean(axis=1) / self.counts
        return float(loss), float(norm)


def moments(weights: Iterable[tuple[str, np.ndarray]]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each weight by its name.

    >>> moments([("output/kernel", np.array([[1.0], [3.0]]))])
    {'output/kernel': (2.0, 1.0)}
    """
    return {name: (round_to_float32(weight.mean()), round_to_float32(weight.std())) for name, weight in weights}


def round_to_float32(value: float) -> float:
    """The value with as many digits as float32 has."""
    return float(f"{value:.{FLOAT32_DIGITS}g}")


def patience_of(epochs: int, validation: Choice | None = None) -> int:
    """Epochs that a trial of so many goes on without a score as good as its best.

    validation: the bundle's choice, which may rule early stopping out.
    """
    if not getattr(validation, "early_stopping", True):
        return epochs
    return max(PATIENCE, round(PATIENT_SHARE * epochs))


def shuffle_rows(seed: list[int], rows: int, batch: int) -> np.ndarray:
    """An epoch's rows in random order, (steps, batch) int32; the last batch is filled up from the first."""
    order = np.random.default_rng(seed).permutation(rows).astype(np.int32)
    return np.resize(order, (steps_of(rows, batch), batch))


def validation_score(outputs: np.ndarray, at: Workspace) -> float | None:
    """P of validation outputs; None where they or it are not finite."""
    if not np.isfinite(outputs).all():
        return None
    score = float(at.metric.score(outputs, at.parts.validation, at.parts))
    return score if np.isfinite(score) else None
