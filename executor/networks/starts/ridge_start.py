"""Initial weights of the linear layer of a forecaster: ridge regression, averaged with the Theta model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from executor.data.row_arrays import evenly_spaced
from executor.preprocessing.inputs import WindowInputs

if TYPE_CHECKING:
    from executor.preprocessing.examples import Examples, Parts

PENALTIES: Final = (1.0, 10.0, 100.0, 1_000.0)  # selected on validation rows, as for the linear baseline
THETA_WEIGHTS: Final = (0.0, 0.25, 0.5)  # selected on validation rows: docs/evidence.md#theta-start
THETA_PENALTY: Final = 1.0  # of the ridge regression that imitates the Theta model, whose forecasts have no noise
MAX_CELLS: Final = 4_000_000  # training cells; larger tables are fitted on evenly spaced rows: 10,000 rows of 400 lags


def linear_start(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    """Fit kernel (width, outputs) and bias (outputs,) of ridge regression on the targets of the network, float32.

    The penalty and the weight of the Theta model are those of the parts; without a penalty it is selected.
    """
    inputs = parts.inputs_as(WindowInputs)
    penalty = best_penalty(parts) if inputs.penalty is None else inputs.penalty
    kernel, bias = _solve(parts.train, parts.train.change, penalty)
    if inputs.theta_weight > 0 and parts.train.theta_change is not None:
        of_theta = _solve(parts.train, parts.train.theta_change, THETA_PENALTY)
        kernel, bias = (
            (1 - inputs.theta_weight) * own + inputs.theta_weight * other
            for own, other in zip((kernel, bias), of_theta, strict=True)
        )
    return kernel.astype(np.float32), bias.astype(np.float32)


def best_penalty(parts: Parts) -> float:
    """Select the penalty with the lowest squared error on validation rows, in standardized values."""
    return min(
        PENALTIES, key=lambda penalty: _error(_predict(parts, _solve(parts.train, parts.train.change, penalty)), parts)
    )


def best_theta_weight(parts: Parts, penalty: float) -> float:
    """Select the weight of the Theta model with the lowest squared error on validation rows, in standardized values.

    The mean of a regression and a statistical forecast often has a lower error than both (Bates and Granger 1969).
    Window networks read a fixed number of lags, so that a ridge regression on the forecasts of the model imitates it.
    0 where it has no forecasts.
    """
    if parts.train.theta_change is None or not np.isfinite(parts.train.theta_change).any():
        return THETA_WEIGHTS[0]
    own = _predict(parts, _solve(parts.train, parts.train.change, penalty))
    theta = _predict(parts, _solve(parts.train, parts.train.theta_change, THETA_PENALTY))
    return min(THETA_WEIGHTS, key=lambda weight: _error((1 - weight) * own + weight * theta, parts))


def _solve(examples: Examples, change: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """Kernel (width, outputs) and bias (outputs,) of ridge regression on changes, without rows that have none."""
    known = np.flatnonzero(np.isfinite(change).all(axis=1))
    at = known[evenly_spaced(len(known), max(1, MAX_CELLS // examples.dense.shape[1]))]
    with threadpool_limits(1):
        fitted = Ridge(alpha=penalty).fit(np.asarray(examples.dense[at], np.float64), change[at].astype(np.float64))
    # scikit-learn drops the axis of a single output.
    outputs = change.shape[1]
    return np.asarray(fitted.coef_).reshape(outputs, -1).T, np.asarray(fitted.intercept_).reshape(outputs)


def _predict(parts: Parts, solution: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Standardized values for the validation rows, (rows, outputs)."""
    kernel, bias = solution
    return parts.validation.restored(np.asarray(parts.validation.dense, np.float64) @ kernel + bias)


def _error(predicted: np.ndarray, parts: Parts) -> float:
    return float(np.mean((predicted - parts.validation.target) ** 2))
