"""Initial weights of the linear layer of a forecaster: the solution of ridge regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from executor.preprocessing.inputs import WindowInputs

if TYPE_CHECKING:
    from executor.preprocessing.examples import Examples, Parts

PENALTIES: Final = (1.0, 10.0, 100.0, 1_000.0)  # selected on validation rows, as for the linear baseline
MAX_CELLS: Final = 4_000_000  # training cells; larger tables are fitted on evenly spaced rows: 10,000 rows of 400 lags


def linear_start(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    """Fit kernel (width, outputs) and bias (outputs,) of ridge regression on the targets of the network, float32.

    The penalty is that of the parts, or the one with the lowest squared error on validation rows.
    """
    chosen = parts.inputs_as(WindowInputs).penalty
    penalty = best_penalty(parts) if chosen is None else chosen
    fitted = _fit_ridge(parts.train, penalty)
    # scikit-learn drops the axis of a single output.
    kernel = np.asarray(fitted.coef_, np.float32).reshape(parts.outputs, -1).T
    return kernel, np.asarray(fitted.intercept_, np.float32).reshape(parts.outputs)


def best_penalty(parts: Parts) -> float:
    """Select the penalty with the lowest squared error on validation rows, in standardized values."""

    def error(penalty: float) -> float:
        predicted = _fit_ridge(parts.train, penalty).predict(parts.validation.dense)
        predicted = predicted.reshape(len(parts.validation), parts.outputs)
        return float(np.mean((parts.validation.restored(predicted) - parts.validation.target) ** 2))

    return min(PENALTIES, key=error)


def _fit_ridge(examples: Examples, penalty: float) -> Ridge:
    width = examples.dense.shape[1]
    some = examples.evenly_spaced(max(1, MAX_CELLS // width))
    with threadpool_limits(1):
        return Ridge(alpha=penalty).fit(np.asarray(some.dense, np.float64), some.change.astype(np.float64))
