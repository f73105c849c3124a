"""Baselines without a fit: most frequent class, mean or median, last value, last season."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from executor.components.metric import apply_thresholds
from executor.components.metric_functions import column_means
from executor.evaluation.baselines.baseline import Baseline, _offset, create_predictions, forecast_baseline
from executor.evaluation.scores import SEASONAL
from rules.text.numbers import number
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.components.metric import PerformanceMetric
    from executor.data.raw_table import RawTable
    from executor.preprocessing.examples import Examples, Parts


def constant_baseline(
    metric: PerformanceMetric,
    parts: Parts,
    hold_out: Examples,
    labels: Sequence[str],
    *,
    last: np.ndarray | None = None,
) -> Baseline:
    """Predict the constant with the best score: most frequent class (rare class for its F1), mean, median or quantile.

    Probabilities are the class shares of the training rows. A forecast predicts the last value; last: (rows, outputs)
    last values, where they differ from the offsets.
    """
    rows, train = len(hold_out), parts.train
    if parts.task is Task.FORECASTING:
        return last_value_baseline(parts, hold_out, last)
    if parts.task.is_classification:
        shares = train.target_totals() / train.total
        outcome = np.tile(shares, (rows, 1))
        says = "the class shares of the training rows"
    else:
        average, middle = _best_value(metric, parts)
        says = f"always {average} ({', '.join(number(float(value)) for value in middle)})"
        outcome = np.tile(middle, (rows, 1))
    decided = apply_thresholds(outcome, parts.task, costs=parts.costs)
    if parts.task in {Task.BINARY, Task.MULTICLASS} and not metric.reads_probabilities:
        constant = _best_class(metric, parts)
        if parts.costs is not None:
            of_classes = np.append(1 - shares, shares) if parts.task is Task.BINARY else shares
            constant = int((of_classes @ parts.costs).argmin())
        decided = np.full(rows, constant)
        says = f"always {labels[constant]!r}"
    elif parts.task is Task.MULTILABEL and metric.name == "f1":
        decided = np.ones_like(decided)
        says = "every label positive"
    return Baseline(
        name="constant",
        says=says,
        predictions=create_predictions(parts, hold_out, outcome, decided),
    )


def last_value_baseline(parts: Parts, hold_out: Examples, last: np.ndarray | None) -> Baseline:
    """Predict the last value of a forecast. last: (rows, outputs), where it differs from the offset."""
    outcome = _offset(parts, hold_out) if last is None else last
    return forecast_baseline("constant", "the last value", parts, hold_out, outcome)


def seasonal_baseline(parts: Parts, hold_out: Examples, table: RawTable) -> Baseline | None:
    """Predict the value one season before; None for a series without a season. table: rows of the hold-out."""
    if table.season_before is None:
        return None
    outcome = np.where(np.isnan(table.season_before), _offset(parts, hold_out), table.season_before)
    return forecast_baseline(SEASONAL, "the value one season before", parts, hold_out, outcome)


MEDIAN: Final = np.array([0.5])
LEVELS: Final = np.linspace(0.0, 1.0, 101)
"""Levels of the quantiles among which the best constant of other metrics than squared and absolute errors is chosen."""

MAX_SCORED: Final = 10_000  # training rows on which each of these quantiles is scored


def _best_value(metric: PerformanceMetric, parts: Parts) -> tuple[str, np.ndarray]:
    """Value of each target with the best score on the training rows, if always predicted, with its name."""
    some = parts.train.evenly_spaced(MAX_SCORED)
    truth, weight = parts.train.raw_target, parts.train.weight
    if metric.name in {"mse", "rmse", "r2"}:
        return "the mean", column_means(truth, weight)
    if metric.name == "mae":
        return "the median", np.median(truth, axis=0) if weight is None else _quantiles(truth, MEDIAN, weight)[0]

    def score(values: np.ndarray) -> float:
        outcome = np.tile(values, (len(some), 1))
        return metric.of_predictions(create_predictions(parts, some, outcome, outcome))

    quantiles = np.quantile(truth, LEVELS, axis=0) if weight is None else _quantiles(truth, LEVELS, weight)
    best = metric.direction.best(range(len(LEVELS)), key=lambda at: score(quantiles[at]))
    return f"the {LEVELS[best]:.0%} quantile", quantiles[best]


def _quantiles(truth: np.ndarray, levels: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Quantiles of weighted rows, (levels, targets): the smallest value up to which a level of the weight lies."""
    found = np.quantile(truth, levels, axis=0, weights=weight, method="inverted_cdf")
    return np.asarray(found)


def _best_class(metric: PerformanceMetric, parts: Parts) -> int:
    """Class with the best score on the training rows, if always predicted; of ties the most frequent."""
    truth = parts.train.raw_target
    classes = max(2, parts.outputs)
    shares = np.bincount(truth, parts.train.weight, minlength=classes) / parts.train.total
    outcome = np.tile(shares[-parts.outputs :], (len(truth), 1))
    scores = [
        metric.of_predictions(create_predictions(parts, parts.train, outcome, np.full(len(truth), constant)))
        for constant in range(classes)
    ]
    return max(range(classes), key=lambda constant: (metric.direction.utility(scores[constant]), shares[constant]))
