"""Temperature scaling of logits, fitted on validation rows (Guo et al. 2017)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, logit, logsumexp, softmax

from executor.components.metric_functions import MIN_PROBABILITY, weighted_mean
from rules.vocabulary.facts import Task

IDENTITY_TEMPERATURE: Final = 1.0
MIN_ROWS: Final = 50
"""Validation rows; with fewer a temperature may increase the log-loss: docs/evidence.md#temperature-rows."""
MIN_EVENTS: Final = 5  # validation rows outside the most frequent class, as for a threshold
FOLDS: Final = 5  # of the validation rows; a temperature is one number, so four fifths suffice
RANGE: Final = (0.2, 5.0)  # bounds of the search
SMOOTHED_ROWS: Final = 2.0
"""Rows of another class added to the targets, as in Platt 1999. Without smoothing, perfectly classified rows require a
temperature of 0: docs/evidence.md#temperature-rows."""


@dataclass(frozen=True, kw_only=True)
class Temperature:
    """Divisor of logits; why: how it was found."""

    value: float
    why: str


def fit_temperatures(
    truth: np.ndarray, logits: np.ndarray, task: Task, *, tuned: bool = True, weight: np.ndarray | None = None
) -> tuple[Temperature, ...]:
    """Fit one temperature for all classes, or one per label; none for a task without classes.

    truth, logits: of validation rows, (rows,) with (rows, 1) or (rows, classes), or both (rows, labels).
    tuned: whether the bundle calibrates probabilities; else each temperature is 1. weight: (rows,), or None.
    """
    if not task.is_classification:
        return ()
    if not tuned:
        one = Temperature(value=IDENTITY_TEMPERATURE, why="the bundle does not calibrate probabilities")
        return (one,) * (logits.shape[1] if task is Task.MULTILABEL else 1)
    if task is not Task.MULTILABEL:
        return (tune_temperature(truth, logits, weight),)
    return tuple(tune_temperature(truth[:, at], logits[:, at : at + 1], weight) for at in range(logits.shape[1]))


def apply_temperatures(logits: np.ndarray, found: tuple[Temperature, ...]) -> np.ndarray:
    """Divide logits (rows, outputs) by their temperatures; without temperatures they are returned as they are."""
    return logits / np.array([one.value for one in found]) if found else logits


def tune_temperature(truth: np.ndarray, logits: np.ndarray, weight: np.ndarray | None = None) -> Temperature:
    """Fit the temperature with the lowest log-loss, or 1 where the rows are too few or cross-validation shows no gain.

    truth: (rows,) classes. logits: (rows, 1) of class 1, or (rows, classes). weight: (rows,), or None.
    """
    rows = len(truth)
    events = rows - int(np.bincount(truth).max())
    if rows < MIN_ROWS or events < MIN_EVENTS:
        why = f"{rows} validation rows with {events} outside the most frequent class are too few for a temperature"
        return Temperature(value=IDENTITY_TEMPERATURE, why=why)
    folds = np.arange(rows) % FOLDS
    losses = _losses(truth, logits, IDENTITY_TEMPERATURE)
    others = np.empty(rows)
    for fold in range(FOLDS):
        own = folds == fold
        weight_of_others = None if weight is None else weight[~own]
        others[own] = _losses(truth[own], logits[own], minimize_log_loss(truth[~own], logits[~own], weight_of_others))
    before, after = weighted_mean(losses, weight), weighted_mean(others, weight)
    if not after < before:
        why = f"a temperature does not lower the log-loss of {rows} validation rows, {before:.4g}"
        return Temperature(value=IDENTITY_TEMPERATURE, why=why)
    why = f"lowers the log-loss of {rows} validation rows from {before:.4g} to {after:.4g}"
    return Temperature(value=minimize_log_loss(truth, logits, weight), why=why)


def rescale_probabilities(outcome: np.ndarray, values: np.ndarray, task: Task) -> np.ndarray:
    """Rescale probabilities (rows, outputs) by further temperatures, (1,) for all or (labels,).

    >>> rescale_probabilities(np.array([[0.2], [0.5]]), np.array([0.5]), Task.BINARY).round(4).tolist()
    [[0.0588], [0.5]]
    """
    safe = np.clip(outcome, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    if task is Task.MULTICLASS:
        return np.asarray(softmax(np.log(safe) / values, axis=1))
    return np.asarray(expit(logit(safe) / values))


def _losses(truth: np.ndarray, logits: np.ndarray, temperature: float) -> np.ndarray:
    """Log-loss of each row, (rows,)."""
    divided = logits / temperature
    if logits.shape[1] == 1:
        return np.asarray(np.logaddexp(0, np.where(truth == 1, -divided[:, 0], divided[:, 0])))
    return np.asarray(-log_softmax(divided, axis=1)[np.arange(len(truth)), truth])


def minimize_log_loss(truth: np.ndarray, logits: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Find the temperature with the lowest log-loss of smoothed targets, which is convex in 1 / temperature."""
    both = np.hstack([np.zeros_like(logits), logits]) if logits.shape[1] == 1 else logits
    own = both[np.arange(len(truth)), truth]
    # With two classes the smoothing goes to the other one, with several to all of them.
    others = both.sum(axis=1) - own if both.shape[1] == 2 else both.mean(axis=1)  # noqa: PLR2004  two classes
    share = SMOOTHED_ROWS / len(truth)
    wanted = (1 - share) * own + share * others

    def loss(log: float) -> float:
        cooling = math.exp(-log)
        return weighted_mean(logsumexp(both * cooling, axis=1) - wanted * cooling, weight)

    low, high = (math.log(end) for end in RANGE)
    return math.exp(minimize_scalar(loss, bounds=(low, high), method="bounded").x)
