"""State of a trial in training: scores, best epoch, and what ended it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from executor.components.configuration import Configuration
    from executor.search.records.outcome import EndedBy
    from executor.search.records.proposal import Proposal
    from executor.search.runners.workspace import Workspace
    from rules.vocabulary.choices import Choice
    from rules.vocabulary.direction import Direction

PATIENCE: Final = 16  # minimum epochs without improvement before a trial stops
PATIENT_SHARE: Final = 0.25
"""Share of the planned epochs without improvement before a trial stops: scores improve again as the rate decays."""
NORM_EVERY: Final = 8
"""Steps per gradient norm, which takes a seventh of the time of a step (8 networks of 3 layers of 256 units)."""
MEASUREMENTS: Final = 4  # of an epoch: training loss, gradient norm, weight norm, share of the first hidden layer
NOT_MEASURED: Final = (math.nan,) * MEASUREMENTS
FLOAT32_DIGITS: Final = 6  # significant ones
DIVERGED: Final = 3  # consecutive epochs without a finite score before a trial stops


@dataclass
class Training:
    """Progress of a training."""

    patience: int = PATIENCE
    """Epochs without improvement before it stops."""
    scores: list[float | None] = field(default_factory=list)
    """Validation score of each epoch; None where it is not finite."""
    rate: tuple[float, float] = (0.0, 0.0)
    """Learning rate of the last step, and share of the training before it."""
    rates: list[tuple[float, float]] = field(default_factory=list)
    """The same at the end of each epoch."""
    first_weights: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Mean and standard deviation of each initial weight, by layer and name."""
    losses: list[float | None] = field(default_factory=list)
    """Training loss of each epoch, averaged over its steps; None where it is not finite."""
    gradient_norms: list[float | None] = field(default_factory=list)
    """Gradient norm of each epoch, averaged over every NORM_EVERYth step; None where it is not finite."""
    weight_norms: list[float | None] = field(default_factory=list)
    """Norm of all weights in each epoch, likewise."""
    first_layer_shares: list[float | None] = field(default_factory=list)
    """Gradient norm of the kernel of the first hidden layer as a share of the gradient norm in each epoch, likewise."""
    best: float | None = None
    best_cost: float = math.inf
    """Validation loss of the best epoch."""
    best_epoch: int | None = None
    """From 1; the best score, of ties the lowest loss. 0 for the initial weights, where they are a solution."""
    start_score: float | None = None
    """Validation score of the initial weights, where they are a solution."""
    ended_by: EndedBy | None = None
    """None while training."""
    epoch_seconds: float | None = None
    """Seconds per epoch without the first steps; the share of a trial in a stack."""

    def note_start(self, score: float | None, cost: float) -> bool:
        """Record score and loss of the initial weights, which are epoch 0; returns whether there is a score."""
        self.start_score = score
        if score is not None:
            self.best, self.best_cost, self.best_epoch = score, cost, 0
        return score is not None

    def note(
        self, score: float | None, cost: float, *, direction: Direction, means: Sequence[float] = NOT_MEASURED
    ) -> bool:
        """Record score and loss of an epoch; returns whether it is the best.

        means: the measurements of its steps. The loss breaks ties of scores, which are frequent with few
        validation rows; of equal epochs the later one is the best.
        """
        self.scores.append(score)
        rate, progress = self.rate
        self.rates.append((round_to_float32(rate), round_to_float32(progress)))
        measured = (self.losses, self.gradient_norms, self.weight_norms, self.first_layer_shares)
        for kept, value in zip(measured, means, strict=True):
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
    """A trial in training."""

    proposal: Proposal
    chosen: Configuration
    training: Training = field(default_factory=Training)
    best: list[np.ndarray] | None = None
    """Weights of the best epoch."""


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """An epoch of trials in parallel. members: including stopped ones."""

    members: tuple[Member, ...]
    epoch: int
    epochs: int
    """Planned ones."""


@dataclass
class StepMeans:
    """Means over the steps of an epoch, per network.

    Of training loss, gradient norm, weight norm, and the share of the first hidden layer in the gradient norm.
    """

    sums: np.ndarray | float = 0.0
    counts: np.ndarray = field(default_factory=lambda: np.zeros(MEASUREMENTS))

    @property
    def steps(self) -> int:
        """Number of steps."""
        return int(self.counts[0])

    def add(self, sums: np.ndarray, *, steps: int) -> None:
        """Add sums over some steps, (4, networks).

        The first step of the epoch has norms, and every NORM_EVERYth after it.
        """
        self.sums = self.sums + sums
        done = self.steps + steps
        self.counts[:] = math.ceil(done / NORM_EVERY)
        self.counts[0] = done

    def of(self, networks: slice) -> tuple[float, ...]:
        """Means over some networks; NaN before the first step."""
        if not self.counts.all():
            return NOT_MEASURED
        return tuple((np.asarray(self.sums)[:, networks].mean(axis=1) / self.counts).tolist())


def moments(weights: Iterable[tuple[str, np.ndarray]]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each weight by name.

    >>> moments([("output/kernel", np.array([[1.0], [3.0]]))])
    {'output/kernel': (2.0, 1.0)}
    """
    return {name: (round_to_float32(weight.mean()), round_to_float32(weight.std())) for name, weight in weights}


def round_to_float32(value: float) -> float:
    """Round a value to the precision of float32."""
    return float(f"{value:.{FLOAT32_DIGITS}g}")


def patience_of(epochs: int, validation: Choice | None = None) -> int:
    """Epochs without improvement before a trial stops.

    epochs: of the trial. validation: the bundle's choice, which may disable early stopping.
    """
    if not getattr(validation, "early_stopping", True):
        return epochs
    return max(PATIENCE, round(PATIENT_SHARE * epochs))


def validation_score(outputs: np.ndarray, at: Workspace) -> float | None:
    """Score validation outputs; None where outputs or score are not finite."""
    if not np.isfinite(outputs).all():
        return None
    score = float(at.metric.score(outputs, at.parts.validation, at.parts))
    return score if np.isfinite(score) else None
