"""Features as one matrix for linear models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from executor.preprocessing.inputs import ImageInputs, TextInputs

if TYPE_CHECKING:
    from executor.preprocessing.examples import Examples, Parts


MIN_FITTED: Final = 500  # minimum number of training rows, for any width
CELLS_FOR_RESIDUALS: Final = 1_000_000  # non-zero training cells, enough for the scale of residuals: 10,000 rows of 100
PENALTY_FOR_RESIDUALS: Final = 10.0  # not tuned; in the middle of PENALTIES
SPARSE: Final = 0.25  # share of non-zero cells below which sparse arithmetic is faster


def linear_residuals(parts: Parts) -> np.ndarray:
    """Residuals of ridge regression on validation rows, (rows, targets) float64, in standardized units.

    Of rows on disk, on a sample of the validation rows.
    """
    parts = parts.in_memory
    cells = filled_share(parts) * parts.train.dense.shape[1] + parts.train.codes.shape[1]
    rows = min(len(parts.train), max(MIN_FITTED, int(CELLS_FOR_RESIDUALS / max(1.0, cells))))
    some = parts.train.evenly_spaced(rows)
    with threadpool_limits(1):
        ridge = Ridge(alpha=PENALTY_FOR_RESIDUALS).fit(feature_matrix(some, parts), some.change)
        predicted = ridge.predict(feature_matrix(parts.validation, parts)).reshape(len(parts.validation), parts.outputs)
    return np.asarray(parts.validation.target - parts.validation.restored(predicted), np.float64)


def feature_matrix(examples: Examples, parts: Parts) -> np.ndarray | sparse.csr_matrix:
    """Build a matrix of dense features and one-hot codes."""
    if examples.column_features is not None:
        dense = np.hstack([np.asarray(examples.dense), examples.column_features])
        if parts.vocabulary == 0:
            return dense
        return np.hstack([dense, _one_hot(examples, parts).toarray()])
    if isinstance(parts.inputs, TextInputs):
        weights = np.asarray(examples.dense)
        is_term = weights > 0
        ends = np.concatenate([[0], np.cumsum(np.count_nonzero(is_term, axis=1))])
        terms = (weights[is_term], examples.codes[is_term], ends)
        return sparse.csr_matrix(terms, shape=(len(weights), parts.vocabulary))
    filled = filled_share(parts)
    dense = np.asarray(examples.dense, np.float64)
    if parts.vocabulary == 0:
        return sparse.csr_matrix(dense) if filled < SPARSE else dense
    return sparse.hstack([sparse.csr_matrix(dense), _one_hot(examples, parts)], format="csr")


def _one_hot(examples: Examples, parts: Parts) -> sparse.csr_matrix:
    """One-hot encode codes, (rows, vocabulary)."""
    rows, coded = examples.codes.shape
    at = (np.repeat(np.arange(rows), coded), np.asarray(examples.codes).ravel())
    return sparse.csr_matrix((np.ones(rows * coded), at), shape=(rows, parts.vocabulary))


def filled_share(parts: Parts) -> float:
    """Share of non-zero dense features in training rows; 1 for standardized pixels."""
    if isinstance(parts.inputs, ImageInputs):
        return 1.0
    dense = np.asarray(parts.train.in_memory.dense)
    return float(np.count_nonzero(dense) / max(1, dense.size))
