"""Ridge regression on encoded features as the start of a linear layer; its penalty has the lowest leave-one-out error.

As RidgeClassifierCV of scikit-learn, the classifier of Dempster et al. 2021 (MiniRocket): classes are targets of -1 and
1, and the intercept has no penalty. Outputs are scaled to logits, so that their cross-entropy is lowest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.linalg import eigh, solve
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits

from executor.data.row_arrays import evenly_spaced
from rules.vocabulary.facts import Task

PENALTIES: Final = tuple(np.logspace(-3, 3, 10).tolist())  # Dempster et al. 2021, section 4
LOGIT_SCALES: Final = tuple((2.0 ** np.arange(-1, 7, 0.5)).tolist())  # of outputs, from 0.5 to 91
MAX_ROWS: Final = 2_000  # training rows, evenly spaced; the products of 2,000 rows of 10,000 features take 1 s
MAX_CELLS: Final = 2_000_000_000  # rows times squared columns of a table with fewer columns than rows
MAX_PENALTY_ROWS: Final = 500  # of these the rows on which penalty and scale are chosen, evenly spaced
COLUMNS_AT_ONCE: Final = 2_048  # features that are converted to float64 at once
PSEUDO_ROWS: Final = 2.0  # of each class (Platt 1999, section 2.2)
LEAST: Final = 1e-12  # of a denominator


@dataclass(frozen=True, kw_only=True)
class LinearStart:
    """A fitted linear layer: kernel (width, outputs) and bias (outputs,) float32, and the penalty of its fit.

    The penalty of logistic regression is the inverse one of scikit-learn.
    """

    kernel: np.ndarray
    bias: np.ndarray
    penalty: float
    seconds: float = 0.0
    """Seconds that the fit took, where it is repeated on other rows."""


def fit_linear_starts(
    dense: np.ndarray,
    target: np.ndarray,
    task: Task,
    *,
    folds: np.ndarray | None = None,
    weight: np.ndarray | None = None,
) -> tuple[LinearStart, ...]:
    """Fit a linear layer on the training rows of each fold; without folds one on all training rows.

    dense: (rows, width) float32. target: (rows, outputs), classes as 0 and 1. folds: (rows, repeats), weight: (rows,),
    as in Examples.
    """
    is_narrow = 0 < dense.shape[1] < min(len(dense), MAX_ROWS)
    some = evenly_spaced(len(dense), max(MAX_ROWS, MAX_CELLS // dense.shape[1] ** 2) if is_narrow else MAX_ROWS)
    weight = np.ones(len(some)) if weight is None else weight[some]
    dense, target = (
        dense[some],
        np.asarray(2 * target[some] - 1 if task.is_classification else target[some], np.float64),
    )
    with threadpool_limits(1):
        products = None if is_narrow else _products(dense)
        if folds is None:
            return (_fit(dense, products, target, task, weight),)
        trained = [(folds[some] != fold).all(axis=1) for fold in range(int(folds.max()) + 1)]
        return tuple(
            _fit(dense[own], None if products is None else products[np.ix_(own, own)], target[own], task, weight[own])
            for own in trained
        )


def _products(dense: np.ndarray) -> np.ndarray:
    """Inner products of rows, (rows, rows) float64."""
    found = np.zeros((len(dense), len(dense)))
    for start in range(0, dense.shape[1], COLUMNS_AT_ONCE):
        some = dense[:, start : start + COLUMNS_AT_ONCE].astype(np.float64)
        found += some @ some.T
    return found


def _fit(
    dense: np.ndarray, products: np.ndarray | None, target: np.ndarray, task: Task, weight: np.ndarray
) -> LinearStart:
    """Fit one layer; penalty and scale are chosen without weights.

    products: inner products of the rows; None where there are fewer columns than rows.
    """
    some = evenly_spaced(len(dense), MAX_PENALTY_ROWS)
    chosen = _products(dense[some]) if products is None else products[np.ix_(some, some)]
    penalty, left_out = choose_penalty(chosen, target[some])
    scale = _logit_scale(left_out, target[some], task) if task.is_classification else 1.0
    if np.ptp(weight) == 0:
        weight, share = np.ones(len(weight)), None
    else:
        share = weight / weight.sum()
    mean = np.average(target, axis=0, weights=share)
    center = dense.mean(axis=0, dtype=np.float64) if share is None else share @ dense
    if products is None:
        columns = dense - center
        gram = columns.T @ (weight[:, None] * columns) + penalty * np.eye(len(center))
        kernel = scale * solve(gram, columns.T @ (weight[:, None] * (target - mean)), assume_a="pos")
    else:
        centered = _centered(products, share) + np.diag(penalty / weight)
        dual = solve(centered, target - mean, assume_a="pos")
        kernel = scale * (dense.T @ dual.astype(np.float32)).astype(np.float64)
    return LinearStart(
        kernel=kernel.astype(np.float32),
        bias=(scale * mean - center @ kernel).astype(np.float32),
        penalty=penalty,
    )


def choose_penalty(products: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
    """Choose the penalty with the lowest squared leave-one-out error; returns it and the left-out predictions.

    products: inner products of the rows, (rows, rows). target: (rows, outputs). The error of a row is its residual
    divided by one minus its leverage (Allen 1974); the intercept adds 1 / rows to the leverage.
    """
    values, vectors = eigh(_centered(products))
    values = np.maximum(values, 0)
    rows = len(target)
    rotated, squares = vectors.T @ (target - target.mean(axis=0)), vectors**2

    def errors(penalty: float) -> np.ndarray:
        inverse = 1 / (values + penalty)
        residual = vectors @ (inverse[:, None] * rotated)
        return np.asarray(residual / np.maximum(squares @ inverse - 1 / (rows * penalty), LEAST)[:, None])

    found = {penalty: errors(penalty) for penalty in PENALTIES}
    best = min(PENALTIES, key=lambda penalty: float(np.mean(found[penalty] ** 2)))
    return best, target - found[best]


def _centered(products: np.ndarray, share: np.ndarray | None = None) -> np.ndarray:
    """Inner products of rows after the mean of the rows is subtracted; share: of each row in the mean."""
    means = np.average(products, axis=0, weights=share)
    return np.asarray(products - means - means[:, None] + np.average(means, weights=share))


def _logit_scale(outputs: np.ndarray, target: np.ndarray, task: Task) -> float:
    """The scale of outputs as logits with the lowest cross-entropy; target: of -1 and 1.

    Each class has two more rows, spread over all classes, so that the scale is bounded where all rows are classified
    correctly (Platt 1999, section 2.2).
    """
    is_class = (target > 0).astype(np.float64)
    is_multiclass = task is Task.MULTICLASS
    counts = is_class.sum(axis=0)
    rows = (is_class @ counts)[:, None] if is_multiclass else np.where(is_class > 0, counts, len(target) - counts)
    smooth = (is_class * rows + PSEUDO_ROWS / (len(counts) if is_multiclass else 2)) / (rows + PSEUDO_ROWS)

    def cost(scale: float) -> float:
        logits = scale * outputs
        if is_multiclass:
            return float(np.mean(logsumexp(logits, axis=1) - (smooth * logits).sum(axis=1)))
        return float(np.mean(np.logaddexp(0, logits) - smooth * logits))

    return float(min(LOGIT_SCALES, key=cost))
