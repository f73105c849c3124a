"""Linear baseline: logistic or ridge regression on the features of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from executor.components.metric import apply_thresholds, outcome_of
from executor.evaluation.baselines.baseline import Baseline, create_predictions
from executor.networks.starts.logistic_start import fit_logistic
from executor.preprocessing.design_matrix import MIN_FITTED, feature_matrix, filled_share
from executor.preprocessing.inputs import TextInputs
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from scipy import sparse

    from executor.components.metric import PerformanceMetric
    from executor.preprocessing.examples import Examples, Parts
    from executor.runtime.clock import Clock

LINEAR_SECONDS: Final = 3.0  # time limit


def linear_baseline(metric: PerformanceMetric, parts: Parts, hold_out: Examples, *, clock: Clock) -> Baseline | None:
    """Logistic or ridge regression on the features of the network, thresholds tuned as the network's are.

    On a large table, and of rows on disk, it is fitted on evenly spaced training rows. clock: the fit stops at its
    deadline. None if the rows hold a single class, or if there is no time left for it.
    """
    # Of texts the linear model on TF-IDF is the same, with more time.
    if clock.is_over or isinstance(parts.inputs, TextInputs):
        return None
    parts = parts.in_memory
    cells = (filled_share(parts) * parts.train.dense.shape[1] + parts.train.codes.shape[1]) * parts.outputs
    rows = min(len(parts.train), max(MIN_FITTED, int(MAX_CELLS / max(1.0, cells))))
    some = parts.train.evenly_spaced(rows)
    # Thread overhead dominates for models this small: up to 20 times under load.
    with threadpool_limits(1):
        predict = _fit(metric, some, parts, clock=clock)
    if predict is None:
        return None
    thresholds = metric.thresholds(predict(parts.validation), parts.validation, parts)
    outcome = np.concatenate([predict(rows) for rows in hold_out.parts()])
    cuts = tuple(threshold.value for threshold in thresholds)
    decided = apply_thresholds(outcome, parts.task, thresholds=cuts, rare_class=parts.rare_class, costs=parts.costs)
    kind = "logistic" if parts.task.is_classification else "ridge"
    return Baseline(
        name="linear",
        says=f"{kind} regression on {rows:,} training rows",
        predictions=create_predictions(parts, hold_out, outcome, decided),
    )


MAX_CELLS: Final = 20_000_000  # non-zero training cells times outputs; 100 steps take about 3 s
PENALTIES: Final = (1.0, 10.0, 100.0, 1_000.0)  # of ridge regression, selected on validation rows


def _fit(
    metric: PerformanceMetric, some: Examples, parts: Parts, *, clock: Clock
) -> Callable[[Examples], np.ndarray] | None:
    """Fit a function from examples to outcomes; None where a target has a single class."""
    features = feature_matrix(some, parts)
    if not parts.task.is_classification:
        return _fit_ridge(metric, features, some, parts)
    columns = some.raw_target[:, None] if some.raw_target.ndim == 1 else some.raw_target
    if any(len(np.unique(column)) == 1 for column in columns.T):
        return None
    models = [fit_logistic(features, column, clock=clock, weights=some.weight) for column in columns.T]

    def probabilities(rows: Examples) -> np.ndarray:
        wide = feature_matrix(rows, parts)
        if parts.task is not Task.MULTICLASS:
            return np.column_stack([model.predict_proba(wide)[:, 1] for model in models])
        shares = np.zeros((len(rows), parts.outputs))
        shares[:, models[0].classes_] = models[0].predict_proba(wide)
        return shares

    return probabilities


def _fit_ridge(
    metric: PerformanceMetric, features: np.ndarray | sparse.csr_matrix, some: Examples, parts: Parts
) -> Callable[[Examples], np.ndarray]:
    """Fit ridge regression on the targets of the network, with the penalty of the best validation score."""

    def values(ridge: Ridge, rows: Examples) -> np.ndarray:
        predicted = ridge.predict(feature_matrix(rows, parts)).reshape(len(rows), parts.outputs)
        return outcome_of(rows.restored(predicted), parts)

    def score(ridge: Ridge) -> float:
        predicted = values(ridge, parts.validation)
        return metric.of_predictions(create_predictions(parts, parts.validation, predicted, predicted))

    fitted = [Ridge(alpha=penalty).fit(features, some.change, some.weight) for penalty in PENALTIES]
    best = metric.direction.best(fitted, key=score)
    return lambda rows: values(best, rows)
