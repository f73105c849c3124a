"""What a model must beat: a constant, the last value, the last season, and a linear model on the same features."""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from executor.components.metric import Predictions, decide, outcome_of
from recommender.recommendation.render import number
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from executor.components.metric import PerformanceMetric
    from executor.data.raw_table import RawTable
    from executor.preprocessing.examples import Examples, Parts

LINEAR_SECONDS: Final = 3.0  # what the linear model may take: of the time that a budget keeps back, the larger half
MOST_CELLS: Final = 20_000_000  # filled training cells times outputs; 3 s of 100 steps at 2 ns a cell and a half more
FEWEST_FITTED: Final = 500  # training rows, however wide the table
MOST_STEPS: Final = 100  # of L-BFGS, scikit-learn's default
STEPS_A_LOOK: Final = 20  # of L-BFGS between two looks at the clock
PENALTIES: Final = (1.0, 10.0, 100.0, 1_000.0)  # of ridge regression, of which validation chooses
CELLS_FOR_RESIDUALS: Final = 1_000_000  # filled training cells; a scale of residuals needs no more: 10,000 rows of 100
PENALTY_FOR_RESIDUALS: Final = 10.0  # in the middle of PENALTIES, for nothing is chosen by these residuals
SPARSE: Final = 0.25  # share of filled cells below which sparse arithmetic is the faster one


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A simple answer to the hold-out."""

    name: str
    says: str
    """What it answers, in words."""
    predictions: Predictions


def constant_baseline(
    metric: PerformanceMetric,
    parts: Parts,
    hold_out: Examples,
    labels: Sequence[str],
    *,
    last: np.ndarray | None = None,
) -> Baseline:
    """The one answer that suits P best: the most frequent class (of a rare-class F1, the rare one), mean or median.

    Probabilities are the class shares of the training rows. Of a forecast it is the last value; last: where the offset
    of the hold-out is another one, (rows, outputs).
    """
    rows, train = len(hold_out), parts.train
    if parts.task is Task.FORECASTING:
        says, outcome = "the last value", _offset(parts, hold_out) if last is None else last
    elif parts.task.is_classification:
        shares = train.target.mean(axis=0, dtype=np.float64)
        outcome = np.tile(shares, (rows, 1))
        says = "the class shares of the training rows"
    else:
        average = "median" if metric.name == "mae" else "mean"
        middle = np.median(train.raw_target, axis=0) if average == "median" else train.raw_target.mean(axis=0)
        says = f"always the {average} ({', '.join(number(float(value)) for value in middle)})"
        outcome = np.tile(middle, (rows, 1))
    decided = decide(outcome, parts.task)
    if parts.task in {Task.BINARY, Task.MULTICLASS}:
        answer = _best_class(metric, parts)
        decided = np.full(rows, answer)
        says = f"always {labels[answer]!r}"
    elif parts.task is Task.MULTILABEL and metric.name == "f1":
        decided = np.ones_like(decided)
        says = "yes to every label"
    return Baseline(
        name="constant",
        says=says,
        predictions=predictions_of(parts, hold_out, outcome, decided),
    )


def seasonal_baseline(parts: Parts, hold_out: Examples, table: RawTable) -> Baseline | None:
    """The value one season before; None for a series without a season. table: the hold-out's rows."""
    if table.season_before is None:
        return None
    outcome = np.where(np.isnan(table.season_before), _offset(parts, hold_out), table.season_before)
    return Baseline(
        name="seasonal naive",
        says="the value one season before",
        predictions=predictions_of(parts, hold_out, outcome, outcome),
    )


def linear_baseline(
    metric: PerformanceMetric, parts: Parts, hold_out: Examples, *, seconds: float = LINEAR_SECONDS
) -> Baseline | None:
    """Logistic or ridge regression on the features of the network, thresholds tuned as the network's are.

    On a large table it is fitted on evenly spaced training rows. seconds: after them it stays as far as it came.
    None if the rows hold a single class, or if there is no time left for it.
    """
    until = time.monotonic() + seconds
    if seconds <= 0 or parts.text is not None:  # of texts the linear model on TF-IDF is the same, with more time
        return None
    cells = (_filled(parts) * parts.train.dense.shape[1] + parts.train.codes.shape[1]) * parts.outputs
    rows = min(len(parts.train), max(FEWEST_FITTED, int(MOST_CELLS / max(1.0, cells))))
    some = parts.train.take(np.linspace(0, len(parts.train) - 1, rows).astype(np.int64))
    # Threads that wait for each other cost more than they share out in models this small: measured 20-fold under load.
    with threadpool_limits(1):
        answer = _fitted(metric, some, parts, until=until)
    if answer is None:
        return None
    thresholds = metric.thresholds(answer(parts.validation), parts.validation, parts)
    outcome = answer(hold_out)
    cuts = tuple(threshold.value for threshold in thresholds)
    decided = decide(outcome, parts.task, thresholds=cuts, rare_class=parts.rare_class)
    kind = "logistic" if parts.task.is_classification else "ridge"
    return Baseline(
        name="linear",
        says=f"{kind} regression on {rows:,} training rows",
        predictions=predictions_of(parts, hold_out, outcome, decided),
    )


def linear_residuals(parts: Parts) -> np.ndarray:
    """What ridge regression leaves of the validation rows' targets, (rows, targets) float64, in standardised units."""
    cells = _filled(parts) * parts.train.dense.shape[1] + parts.train.codes.shape[1]
    rows = min(len(parts.train), max(FEWEST_FITTED, int(CELLS_FOR_RESIDUALS / max(1.0, cells))))
    some = parts.train.take(np.linspace(0, len(parts.train) - 1, rows).astype(np.int64))
    with threadpool_limits(1):
        ridge = Ridge(alpha=PENALTY_FOR_RESIDUALS).fit(_features(some, parts), some.change)
        said = ridge.predict(_features(parts.validation, parts)).reshape(len(parts.validation), parts.outputs)
    return np.asarray(parts.validation.target - parts.validation.restored(said), np.float64)


def _fitted(
    metric: PerformanceMetric, some: Examples, parts: Parts, *, until: float
) -> Callable[[Examples], np.ndarray] | None:
    """A function from examples to the outcome of a linear model; None where one side of a target does not occur."""
    features = _features(some, parts)
    if not parts.task.is_classification:
        return _fitted_ridge(metric, features, some, parts)
    columns = some.raw_target[:, None] if some.raw_target.ndim == 1 else some.raw_target
    if any(len(np.unique(column)) == 1 for column in columns.T):
        return None
    models = [fitted_logistic(features, column, until=until) for column in columns.T]

    def probabilities(rows: Examples) -> np.ndarray:
        wide = _features(rows, parts)
        if parts.task is not Task.MULTICLASS:
            return np.column_stack([model.predict_proba(wide)[:, 1] for model in models])
        shares = np.zeros((len(rows), parts.outputs))
        shares[:, models[0].classes_] = models[0].predict_proba(wide)
        return shares

    return probabilities


def fitted_logistic(
    features: np.ndarray | sparse.csr_matrix,
    classes: np.ndarray,
    *,
    until: float,
    strength: float = 1.0,
    steps_a_look: int = STEPS_A_LOOK,
) -> LogisticRegression:
    """Logistic regression, as far as it comes until that time; strength: the inverse of the penalty.

    steps_a_look: of L-BFGS between two looks at the clock.
    """
    model = LogisticRegression(C=strength, max_iter=steps_a_look, warm_start=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a baseline that is nearly fitted is a baseline
        for _ in range(MOST_STEPS // steps_a_look):
            model.fit(features, classes)
            if model.n_iter_.max() < steps_a_look or time.monotonic() > until:
                break
    return model


def _fitted_ridge(
    metric: PerformanceMetric, features: np.ndarray | sparse.csr_matrix, some: Examples, parts: Parts
) -> Callable[[Examples], np.ndarray]:
    """Ridge regression on what a network would learn, with the penalty of the best P on validation rows."""

    def values(ridge: Ridge, rows: Examples) -> np.ndarray:
        said = ridge.predict(_features(rows, parts)).reshape(len(rows), parts.outputs)
        return outcome_of(rows.restored(said), parts)

    def score(ridge: Ridge) -> float:
        said = values(ridge, parts.validation)
        return metric.of_predictions(predictions_of(parts, parts.validation, said, said))

    fitted = [Ridge(alpha=penalty).fit(features, some.change) for penalty in PENALTIES]
    best = (max if metric.direction == "max" else min)(fitted, key=score)
    return lambda rows: values(best, rows)


def _features(examples: Examples, parts: Parts) -> np.ndarray | sparse.csr_matrix:
    """Dense features, and one-hot codes beside them where there are codes."""
    if examples.beside is not None:
        dense = np.hstack([np.asarray(examples.dense), examples.beside])
        if parts.vocabulary == 0:
            return dense
        return np.hstack([dense, _one_hot(examples, parts).toarray()])
    if parts.text is not None:
        rows, terms = examples.codes.shape
        at = (np.repeat(np.arange(rows), terms), examples.codes.ravel())
        return sparse.csr_matrix((np.asarray(examples.dense).ravel(), at), shape=(rows, parts.vocabulary))
    filled = _filled(parts)
    dense = np.asarray(examples.dense, np.float64)
    if parts.vocabulary == 0:
        return sparse.csr_matrix(dense) if filled < SPARSE else dense
    return sparse.hstack([sparse.csr_matrix(dense), _one_hot(examples, parts)], format="csr")


def _one_hot(examples: Examples, parts: Parts) -> sparse.csr_matrix:
    """Codes as ones, (rows, vocabulary)."""
    rows, coded = examples.codes.shape
    at = (np.repeat(np.arange(rows), coded), examples.codes.ravel())
    return sparse.csr_matrix((np.ones(rows * coded), at), shape=(rows, parts.vocabulary))


def _filled(parts: Parts) -> float:
    """Share of the training rows' dense features that are not zero; standardised pixels hardly ever are."""
    if parts.image is not None:
        return 1.0
    return float(np.count_nonzero(parts.train.dense) / max(1, math.prod(parts.train.dense.shape)))


def has_single_class(parts: Parts) -> bool:
    """Whether a target that classes are told of has one class alone in the training rows."""
    truth = parts.train.raw_target
    return parts.task.is_classification and any(len(np.unique(each)) == 1 for each in truth.reshape(len(truth), -1).T)


def _best_class(metric: PerformanceMetric, parts: Parts) -> int:
    """The class that, answered always, gives the best P on the training rows; the most frequent of equally good."""
    truth = parts.train.raw_target
    classes = max(2, parts.outputs)
    shares = np.bincount(truth, minlength=classes) / len(truth)
    outcome = np.tile(shares[-parts.outputs :], (len(truth), 1))
    scores = [
        metric.of_predictions(predictions_of(parts, parts.train, outcome, np.full(len(truth), answer)))
        for answer in range(classes)
    ]
    return max(range(classes), key=lambda answer: (scores[answer], shares[answer]))


def naive_error(train: Examples, parts: Parts) -> np.ndarray | None:
    """The error by which MASE divides, (outputs,): the parts' own, or the last value's; None unless a forecast."""
    if parts.task is not Task.FORECASTING or parts.naive_error is not None:
        return parts.naive_error
    return np.asarray(np.abs(train.raw_target - _offset(parts, train)).mean(axis=0))


def _offset(parts: Parts, examples: Examples) -> np.ndarray:
    """What the change is counted from, in the target's own unit, (rows, outputs)."""
    return np.asarray(examples.offset.astype(np.float64) * parts.target_scale + parts.target_mean)


def predictions_of(parts: Parts, examples: Examples, outcome: np.ndarray, decided: np.ndarray) -> Predictions:
    return Predictions(
        task=parts.task,
        truth=examples.raw_target,
        outcome=outcome,
        decided=decided,
        rare_class=parts.rare_class,
        naive_error=naive_error(parts.train, parts),
    )
