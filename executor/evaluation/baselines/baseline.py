"""A baseline: its predictions and its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from executor.components.metric import Predictions
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.preprocessing.examples import Examples, Parts


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A simple answer to the hold-out."""

    name: str
    says: str
    """What it answers, in words."""
    predictions: Predictions


def has_single_class(parts: Parts) -> bool:
    """Whether a target that classes are told of has one class alone in the training rows."""
    truth = parts.train.raw_target
    return parts.task.is_classification and any(len(np.unique(each)) == 1 for each in truth.reshape(len(truth), -1).T)


def scaling_error(train: Examples, parts: Parts) -> np.ndarray | None:
    """The error by which MASE divides, (outputs,): the parts' own, or the last value's; None unless a forecast."""
    if parts.task is not Task.FORECASTING or parts.naive_error is not None:
        return parts.naive_error
    return np.asarray(np.abs(train.raw_target - _offset(parts, train)).mean(axis=0))


def _offset(parts: Parts, examples: Examples) -> np.ndarray:
    """What the change is counted from, in the target's own unit, (rows, outputs)."""
    return np.asarray(examples.offset.astype(np.float64) * parts.target_scale + parts.target_mean)


def create_predictions(parts: Parts, examples: Examples, outcome: np.ndarray, decided: np.ndarray) -> Predictions:
    return Predictions(
        task=parts.task,
        truth=examples.raw_target,
        outcome=outcome,
        decided=decided,
        rare_class=parts.rare_class,
        naive_error=scaling_error(parts.train, parts),
    )
