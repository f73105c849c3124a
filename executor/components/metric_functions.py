"""Metrics as pure functions of arrays; undefined values are NaN.

weight: (rows,) weights of the rows; None where each counts once. A row of weight 2 counts as two equal rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import xlogy

if TYPE_CHECKING:
    Weight = np.ndarray | None

MIN_PROBABILITY: Final = float(np.finfo(np.float32).eps)  # smallest probability; zeros of a float32 model are rounding

DECIMALS: Final = 12  # of a score of weighted rows
CALIBRATION_BINS: Final = 15  # of equal width over [0, 1] (Guo et al. 2017, section 5)


def weighted_mean(values: np.ndarray, weight: Weight = None) -> float:
    """Mean over rows, and over the columns of a row.

    >>> weighted_mean(np.array([1.0, 4.0]), np.array([2.0, 1.0]))
    2.0
    """
    if weight is None:
        return float(np.mean(values))
    return float(np.average(values.reshape(len(values), -1).mean(axis=1), weights=weight))


def column_means(values: np.ndarray, weight: Weight = None) -> np.ndarray:
    """Mean of each column over rows, (columns,)."""
    return np.asarray(np.mean(values, axis=0) if weight is None else np.average(values, axis=0, weights=weight))


def total_weight(rows: np.ndarray, weight: Weight = None) -> float:
    """Number of the chosen rows, or the sum of their weights; rows: (rows,) boolean."""
    return int(np.count_nonzero(rows)) if weight is None else float(weight[rows].sum())


def effective_share(weight: Weight) -> float:
    """Effective sample size relative to the rows, (Σw)² / (n · Σw²) (Kish 1965); 1 for equal weights.

    >>> effective_share(np.array([1.0, 3.0]))
    0.8
    """
    return 1.0 if weight is None else float(weight.sum() ** 2 / (len(weight) * np.square(weight).sum()))


def _rounded(value: float, weight: Weight) -> float:
    """Round off the errors of products of weights, so that equal ranks have equal scores; for scores of at most 1."""
    return float(value if weight is None else round(value, DECIMALS))


def accuracy(truth: np.ndarray, decided: np.ndarray, weight: Weight = None) -> float:
    """Accuracy; both (rows,) classes or (rows, labels) of 0 and 1."""
    return weighted_mean(truth == decided, weight)


def exact_match(truth: np.ndarray, decided: np.ndarray, weight: Weight = None) -> float:
    """Share of rows whose labels are all correct; both (rows, labels)."""
    return weighted_mean(np.all(truth == decided, axis=1), weight)


def confusion_counts(truth: np.ndarray, decided: np.ndarray, classes: int, weight: Weight = None) -> np.ndarray:
    """Confusion matrix: rows by true (first axis) and predicted class, (classes, classes) float64."""
    counts = np.bincount(truth * classes + decided, weight, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.float64)


def balanced_accuracy(truth: np.ndarray, decided: np.ndarray, classes: int, weight: Weight = None) -> float:
    """Mean recall over the classes in truth."""
    table = confusion_counts(truth, decided, classes, weight)
    rows = table.sum(axis=1)
    return float(np.mean(np.diagonal(table)[rows > 0] / rows[rows > 0]))


def f1_of_class(truth: np.ndarray, decided: np.ndarray, wanted: int) -> float:
    """F1 of one class, 2·tp / (2·tp + fp + fn); 0 where it is neither true nor predicted."""
    is_wanted, predicts_wanted = truth == wanted, decided == wanted
    either = np.count_nonzero(is_wanted) + np.count_nonzero(predicts_wanted)
    return 2.0 * np.count_nonzero(is_wanted & predicts_wanted) / either if either else 0.0


def macro_f1(truth: np.ndarray, decided: np.ndarray, classes: int, weight: Weight = None) -> float:
    """Macro F1 over the classes that are true or predicted, as in scikit-learn."""
    table = confusion_counts(truth, decided, classes, weight)
    either = table.sum(axis=0) + table.sum(axis=1)
    return float(np.mean(2 * np.diagonal(table)[either > 0] / either[either > 0]))


def label_f1(truth: np.ndarray, decided: np.ndarray, weight: Weight = None) -> float:
    """Macro F1 over labels, (rows, labels) each; 0 for a label without true or predicted positives."""
    each = 1 if weight is None else weight[:, None]
    either = (truth * each).sum(axis=0) + (decided * each).sum(axis=0)
    hits = np.sum(((truth == 1) & (decided == 1)) * each, axis=0)
    return float(np.mean(np.divide(2.0 * hits, either, out=np.zeros(len(either)), where=either > 0)))


def matthews(truth: np.ndarray, decided: np.ndarray, classes: int, weight: Weight = None) -> float:
    """Matthews correlation coefficient for any number of classes; 0 where one side is constant (Gorodkin 2004)."""
    table = confusion_counts(truth, decided, classes, weight)
    true, predicted, rows = table.sum(axis=1), table.sum(axis=0), table.sum()
    spread = np.sqrt(rows**2 - predicted @ predicted) * np.sqrt(rows**2 - true @ true)
    return _rounded((np.trace(table) * rows - true @ predicted) / spread, weight) if spread > 0 else 0.0


def quadratic_kappa(truth: np.ndarray, decided: np.ndarray, classes: int, weight: Weight = None) -> float:
    """Cohen's kappa with quadratic weights (Cohen 1968); 0 where both sides are the same constant."""
    table = confusion_counts(truth, decided, classes, weight)
    distances = np.square(np.arange(classes)[:, None] - np.arange(classes))
    by_chance = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    expected = float(np.sum(distances * by_chance))
    return _rounded(1 - float(np.sum(distances * table)) / expected, weight) if expected > 0 else 0.0


def roc_auc(positive: np.ndarray, score: np.ndarray, weight: Weight = None) -> float:
    """Area under the ROC curve; ties count half (Hanley and McNeil 1982).

    positive: (rows,) boolean; score: (rows,). NaN where a class is missing or a score is NaN.
    """
    if positive.all() or not positive.any() or np.isnan(score).any():
        return float("nan")
    if weight is not None:
        _, place = np.unique(score, return_inverse=True)
        true, false = (np.bincount(place, weight * own) for own in (positive, ~positive))
        below = np.cumsum(false) - false
        return _rounded(true @ (below + false / 2) / (true.sum() * false.sum()), weight)
    above, below = score[positive], np.sort(score[~positive])
    twice = below.searchsorted(above, "left").sum() + below.searchsorted(above, "right").sum()
    return float(twice / (2 * len(above) * len(below)))


def mean_roc_auc(positive: np.ndarray, score: np.ndarray, weight: Weight = None) -> float:
    """Mean area over the columns with both classes; both (rows, columns). NaN without any."""
    both = positive.any(axis=0) & ~positive.all(axis=0)
    areas = [roc_auc(positive[:, column], score[:, column], weight) for column in np.flatnonzero(both)]
    return float(np.mean(areas)) if areas else float("nan")


def average_precision(positive: np.ndarray, score: np.ndarray, weight: Weight = None) -> float:
    """Average precision without interpolation; NaN without positives."""
    positives = total_weight(positive, weight)
    if positives == 0 or np.isnan(score).any():
        return float("nan")
    order = np.argsort(-score, kind="stable")
    each = np.ones(len(order), np.int64) if weight is None else weight[order]
    last_of_tie = np.append(np.diff(score[order]) != 0, [True])
    hits, seen = (np.cumsum(one)[last_of_tie] for one in (positive[order] * each, each))
    return _rounded(np.sum(np.diff(hits, prepend=0) * hits / seen) / positives, weight)


def log_loss(truth: np.ndarray, probabilities: np.ndarray, weight: Weight = None) -> float:
    """Mean negative log-likelihood of the true class; rows are renormalized.

    truth: (rows,) classes with probabilities (rows, classes), or both (rows, labels), then the mean over all cells.
    """
    safe = np.clip(probabilities.astype(np.float64), MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    if truth.ndim > 1:
        return -weighted_mean(xlogy(truth, safe) + xlogy(1 - truth, 1 - safe), weight)
    safe /= safe.sum(axis=1, keepdims=True)
    return -weighted_mean(np.log(safe[np.arange(len(truth)), truth]), weight)


def calibration_error(happened: np.ndarray, probability: np.ndarray, weight: Weight = None) -> float:
    """Expected calibration error in 15 bins of equal width (Naeini et al. 2015; Guo et al. 2017, section 5).

    happened: (rows,) boolean; probability: (rows,) of it.
    """
    bins = np.minimum((probability * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    each = 1.0 if weight is None else weight
    gaps = np.bincount(bins, weights=(happened - probability) * each, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / (len(probability) if weight is None else weight.sum()))


def mean_squared_error(truth: np.ndarray, predicted: np.ndarray, weight: Weight = None) -> float:
    """Mean squared error, averaged over targets; both (rows, targets)."""
    return weighted_mean(np.square(truth - predicted), weight)


def root_mean_squared_error(truth: np.ndarray, predicted: np.ndarray, weight: Weight = None) -> float:
    """Root mean squared error, averaged over targets, as in scikit-learn."""
    return float(np.mean(np.sqrt(column_means(np.square(truth - predicted), weight))))


def mean_absolute_error(truth: np.ndarray, predicted: np.ndarray, weight: Weight = None) -> float:
    """Mean absolute error, averaged over targets."""
    return weighted_mean(np.abs(truth - predicted), weight)


def percentage_error(truth: np.ndarray, predicted: np.ndarray, weight: Weight = None) -> float:
    """Mean absolute error relative to the true value, as a fraction; NaN where a true value is 0."""
    return weighted_mean(np.abs((truth - predicted) / truth), weight) if np.all(truth != 0) else float("nan")


def symmetric_percentage_error(truth: np.ndarray, predicted: np.ndarray, weight: Weight = None) -> float:
    """Mean absolute error relative to the mean of both absolute values, from 0 to 2; 0 where both are 0."""
    size = np.abs(truth) + np.abs(predicted)
    relative = np.divide(2 * np.abs(truth - predicted), size, out=np.zeros(size.shape), where=size > 0)
    return weighted_mean(relative, weight)


def r_squared(truth: np.ndarray, predicted: np.ndarray, weight: Weight = None) -> float:
    """Coefficient of determination, averaged over targets; NaN where a target is constant."""
    each = 1.0 if weight is None else weight.reshape(-1, 1)
    left = np.sum(np.square(truth - predicted) * each, axis=0)
    total = np.sum(np.square(truth - column_means(truth, weight)) * each, axis=0)
    return float(np.mean(1 - left / total)) if np.all(total > 0) else float("nan")


def scaled_error(truth: np.ndarray, predicted: np.ndarray, naive_error: np.ndarray) -> float:
    """MASE: mean absolute error relative to that of the naive forecast on training rows (Hyndman and Koehler 2006).

    naive_error: (targets,) mean absolute error of the naive forecast on training rows. NaN where it is 0.
    """
    errors = np.mean(np.abs(truth - predicted), axis=0)
    return float(np.mean(errors / naive_error)) if np.all(naive_error > 0) else float("nan")


def pinball_loss(truth: np.ndarray, quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Pinball loss of each predicted quantile (Koenker and Bassett 1978), of the shape of quantiles.

    truth: (…,); quantiles: (…, levels); levels: (levels,) probabilities.
    """
    error = truth[..., None] - quantiles
    return np.asarray(np.maximum(levels * error, (levels - 1) * error))


def scaled_quantile_loss(
    truth: np.ndarray, quantiles: np.ndarray, levels: np.ndarray, naive_error: np.ndarray
) -> float:
    """SQL: twice the mean pinball loss, relative to the error of the naive forecast (Shchur et al. 2025).

    The definition of fev-bench (arXiv 2509.26468); of the median alone it is MASE. truth: (rows, targets); naive_error:
    as in `scaled_error`.
    """
    losses = 2 * pinball_loss(truth, quantiles, levels).mean(axis=(0, 2))
    return float(np.mean(losses / naive_error)) if np.all(naive_error > 0) else float("nan")
