"""Where the linear layer of a forecaster starts: at the solution of ridge regression, which is known in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from executor.preprocessing.inputs import WindowInputs

if TYPE_CHECKING:
    from executor.preprocessing.examples import Examples, Parts

PENALTIES: Final = (1.0, 10.0, 100.0, 1_000.0)  # of which validation chooses, as for the linear baseline
MAX_CELLS: Final = 4_000_000  # training cells; of more rows evenly spread ones are taken: 10,000 rows of 400 lags


def linear_start(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    """Kernel (width, outputs) and bias (outputs,) of ridge regression on what the network learns, float32.

    The penalty is the parts' own, or the one with the least squared error on validation rows.
    """
    chosen = parts.inputs_as(WindowInputs).penalty
    penalty = best_penalty(parts) if chosen is None else chosen
    fitted = _fit_ridge(parts.train, penalty)
    # scikit-learn drops the axis of outputs where there is one output
    kernel = np.asarray(fitted.coef_, np.float32).reshape(parts.outputs, -1).T
    return kernel, np.asarray(fitted.intercept_, np.float32).reshape(parts.outputs)


def best_penalty(parts: Parts) -> float:
    """The penalty with the least squared error on validation rows, in standardised values."""

    def error(penalty: float) -> float:
        said = _fit_ridge(parts.train, penalty).predict(parts.validation.dense)
        said = said.reshape(len(parts.validation), parts.outputs)
        return float(np.mean((parts.validation.restored(said) - parts.validation.target) ** 2))

    return min(PENALTIES, key=error)


def _fit_ridge(examples: Examples, penalty: float) -> Ridge:
    width = examples.dense.shape[1]
    some = examples.evenly_spaced(max(1, MAX_CELLS // width))
    with threadpool_limits(1):
        return Ridge(alpha=penalty).fit(np.asarray(some.dense, np.float64), some.change.astype(np.float64))
