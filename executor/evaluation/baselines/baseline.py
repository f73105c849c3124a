"""Baselines: name, description and predictions."""

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
    """Predictions of a baseline for the hold-out."""

    name: str
    says: str
    """Description of the baseline."""
    predictions: Predictions


def forecast_baseline(name: str, says: str, parts: Parts, hold_out: Examples, outcome: np.ndarray) -> Baseline:
    """A baseline of a forecast, from its values for the hold-out, (rows, outputs)."""
    return Baseline(name=name, says=says, predictions=create_predictions(parts, hold_out, outcome, outcome))


def has_single_class(parts: Parts) -> bool:
    """Whether a target of a classification has a single class in the training rows."""
    truth = parts.train.raw_target
    return parts.task.is_classification and any(len(np.unique(each)) == 1 for each in truth.reshape(len(truth), -1).T)


def scaling_error(train: Examples, parts: Parts) -> np.ndarray | None:
    """Denominator of MASE, (outputs,): error of the naive forecast on training rows; None unless a forecast."""
    if parts.task is not Task.FORECASTING or parts.naive_error is not None:
        return parts.naive_error
    return np.asarray(np.abs(train.raw_target - _offset(parts, train)).mean(axis=0))


def _offset(parts: Parts, examples: Examples) -> np.ndarray:
    """Offset of a forecast in the target's unit, (rows, outputs)."""
    return np.asarray(examples.offset.astype(np.float64) * parts.target_scale + parts.target_mean)


def create_predictions(parts: Parts, examples: Examples, outcome: np.ndarray, decided: np.ndarray) -> Predictions:
    return Predictions(
        task=parts.task,
        truth=examples.raw_target,
        outcome=outcome,
        decided=decided,
        rare_class=parts.rare_class,
        naive_error=scaling_error(parts.train, parts),
        weight=examples.weight,
    )
