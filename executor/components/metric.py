"""Metric: the bundle's choice, on outputs of a network after each epoch and on final predictions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import expit, softmax

from executor.components import metric_functions as measures
from executor.components.custom import CustomFunction
from executor.components.threshold import (
    DEFAULT_THRESHOLD,
    Objective,
    Threshold,
    best_score,
    cost_threshold,
    score_at,
    tune_threshold,
)
from executor.preprocessing.target_scale import from_learning_scale
from rules.errors import ChoiceError
from rules.vocabulary.choices import (
    F1,
    R2,
    Accuracy,
    BalancedAccuracy,
    CustomMetric,
    LogLoss,
    Mae,
    Mape,
    Mcc,
    Mse,
    Pinball,
    PrAuc,
    QuadraticKappa,
    Rmse,
    RocAuc,
    Slot,
    Smape,
    names,
)
from rules.vocabulary.direction import Direction
from rules.vocabulary.facts import NUMERIC_TARGET, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from executor.preprocessing.examples import Examples, Parts
    from rules.vocabulary.choices import Choice


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Predictions of a model for some rows, and their true targets.

    truth: as Examples.raw_target.
    outcome: probabilities, (rows, 1) of class 1 for binary, (rows, classes), or (rows, labels); values (rows, targets).
    decided: predicted classes, labels or values, like truth.
    naive_error: (targets,) mean absolute error of the naive forecast on training rows; None unless a forecast.
    weight: (rows,) weights of the rows; None where each counts once.
    """

    task: Task
    truth: np.ndarray
    outcome: np.ndarray
    decided: np.ndarray
    rare_class: int | None = None
    naive_error: np.ndarray | None = None
    weight: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def classes(self) -> int:
        """Number of exclusive classes."""
        return max(2, int(self.outcome.shape[1]))

    def take(self, rows: np.ndarray) -> Predictions:
        """Select rows; rows: (n,) indices."""
        weight = None if self.weight is None else self.weight[rows]
        own = {"truth": self.truth[rows], "outcome": self.outcome[rows], "decided": self.decided[rows]}
        return replace(self, **own, weight=weight)


@dataclass(frozen=True, kw_only=True)
class PerformanceMetric:
    """A metric, its direction, and the decision thresholds that it needs."""

    name: str
    direction: Direction
    of_predictions: Callable[[Predictions], float]
    """Score of final predictions; NaN where it is undefined."""
    tunes: Objective | None = None
    """What decision thresholds are tuned for; None for a threshold of 0.5."""
    level: float | None = None
    """Level of the quantile whose error it is; None for other metrics."""
    reads_probabilities: bool = False
    """Whether the score depends on probabilities, not only on their order or on predicted classes."""
    takes_weights: bool = True
    """Whether rows with a larger weight count more; a function that is not shipped may lack weights."""

    def score(self, outputs: np.ndarray, examples: Examples, parts: Parts) -> float:
        """Score outputs of a network; NaN if an output is not finite.

        outputs: (rows, outputs) logits, or standardized values, offsets of a forecast included.

        Thresholds are tuned on the same rows, as a run tunes them on validation rows.
        """
        if not np.isfinite(outputs).all():
            return float("nan")
        outcome, costs = outcome_of(outputs, parts), parts.network_costs
        if self.tunes is not None and parts.task is Task.BINARY and costs is None:
            rare = 1 if parts.rare_class is None else parts.rare_class
            probability = class_probability(outcome, rare)
            return best_score(examples.raw_target == rare, probability, objective=self.tunes, weight=examples.weight)
        if self.tunes is not None and parts.task is Task.MULTILABEL:
            columns, weight = range(parts.outputs), examples.weight
            own = [best_score(examples.raw_target[:, at] == 1, outcome[:, at], weight=weight) for at in columns]
            return float(np.mean(own))
        decided = apply_thresholds(outcome, parts.task, rare_class=parts.rare_class, costs=costs)
        return self.of_predictions(
            Predictions(
                task=parts.task,
                truth=examples.raw_target,
                outcome=outcome,
                decided=decided,
                rare_class=parts.rare_class,
                weight=examples.weight,
            )
        )

    def thresholds(
        self, outcome: np.ndarray, examples: Examples, parts: Parts, *, costs: np.ndarray | None = None
    ) -> tuple[Threshold, ...]:
        """Tune decision thresholds: one for binary (on the rare class), one per label, none for other tasks.

        outcome: probabilities of the validation examples. costs: (classes, classes), from which the threshold of a
        binary task follows; by default those of the parts.
        """
        costs = parts.costs if costs is None else costs
        if parts.task is Task.BINARY:
            rare = 1 if parts.rare_class is None else parts.rare_class
            if costs is not None:
                return (Threshold(value=cost_threshold(costs, rare), why="least expected cost"),)
            columns = [(examples.raw_target == rare, class_probability(outcome, rare))]
        elif parts.task is Task.MULTILABEL:
            columns = [(examples.raw_target[:, at] == 1, outcome[:, at]) for at in range(parts.outputs)]
        else:
            return ()
        if self.tunes is None:
            return tuple(Threshold(value=DEFAULT_THRESHOLD, why=f"not tuned for {self.name}") for _ in columns)
        objective = self.tunes if parts.task is Task.BINARY else "f1_positive"
        return tuple(
            tune_threshold(positive, probability, objective=objective, weight=examples.weight)
            for positive, probability in columns
        )


def outcome_of(outputs: np.ndarray, parts: Parts) -> np.ndarray:
    """Convert outputs to probabilities, or to values in the target's unit, (rows, outputs) float64.

    outputs: (rows, outputs) logits, or standardized values, offsets of a forecast included.
    """
    wide = outputs.astype(np.float64)
    if parts.task is Task.MULTICLASS:
        return np.asarray(softmax(wide, axis=1))
    if parts.task.is_classification:
        return np.asarray(expit(wide))
    values = wide * parts.target_scale + parts.target_mean
    return from_learning_scale(
        values if parts.target_range is None else np.clip(values, *parts.target_range), parts.target_on
    )


def class_probability(outcome: np.ndarray, index: int) -> np.ndarray:
    """Probability of class 0 or 1 of a binary task, (rows,); outcome: (rows, 1), of class 1."""
    return np.asarray(outcome[:, 0] if index == 1 else 1 - outcome[:, 0])


def apply_thresholds(
    outcome: np.ndarray,
    task: Task,
    *,
    thresholds: tuple[float, ...] = (),
    rare_class: int | None = None,
    costs: np.ndarray | None = None,
) -> np.ndarray:
    """Predict class indices (rows,), labels (rows, labels) of 0 and 1, or the values themselves.

    thresholds: one for binary, on the probability of rare_class (of class 1 if that is None); one per label; by default
    0.5. costs: (classes, classes) by actual and predicted class: the class with the least expected cost is predicted,
    with two classes unless there is a threshold.
    """
    if task is Task.BINARY:
        rare = 1 if rare_class is None else rare_class
        if costs is not None and not thresholds:
            thresholds = (cost_threshold(costs, rare),)
        is_rare = class_probability(outcome, rare) >= (thresholds[0] if thresholds else DEFAULT_THRESHOLD)
        return np.where(is_rare, rare, 1 - rare).astype(np.int64)
    if task is Task.MULTICLASS:
        best = outcome.argmax(axis=1) if costs is None else (outcome @ costs).argmin(axis=1)
        return np.asarray(best, np.int64)
    if task is Task.MULTILABEL:
        return np.asarray(outcome >= (np.asarray(thresholds) if thresholds else DEFAULT_THRESHOLD), np.int64)
    return outcome


def expected_cost(costs: np.ndarray) -> PerformanceMetric:
    """Mean cost of a row as a metric. costs: (classes, classes) by actual and predicted class."""

    def cost(rows: Predictions) -> float:
        return measures.weighted_mean(costs[rows.truth, rows.decided], rows.weight)

    return PerformanceMetric(name="expected_cost", direction=Direction.MIN, of_predictions=cost)


def check_metric(metric: PerformanceMetric, parts: Parts) -> PerformanceMetric:
    """Return a metric; one that is not shipped is called with random predictions of the validation rows.

    Raises TrainingError if the score is not a finite number.
    """
    if not isinstance(metric.of_predictions, partial) or metric.of_predictions.func is not _custom:
        return metric
    function: CustomFunction = metric.of_predictions.keywords["function"]
    random, truth = np.random.default_rng(0), parts.validation.raw_target
    outcome = truth[random.permutation(len(truth))]
    if parts.task.is_classification:
        outcome = random.random((len(truth), parts.outputs))
    if parts.task is Task.MULTICLASS:
        outcome /= outcome.sum(axis=1, keepdims=True)
    decided = apply_thresholds(outcome, parts.task, rare_class=parts.rare_class)
    function.check(truth, outcome if function.choice.reads == "probabilities" else decided)
    return metric


def _custom(rows: Predictions, *, function: CustomFunction) -> float:
    predicted = rows.outcome if function.choice.reads == "probabilities" else rows.decided
    return function(rows.truth, predicted, rows.weight)


def _accuracy(rows: Predictions) -> float:
    return measures.accuracy(rows.truth, rows.decided, rows.weight)


def _roc_auc(rows: Predictions) -> float:
    if rows.task is Task.BINARY:
        return measures.roc_auc(rows.truth == 1, rows.outcome[:, 0], rows.weight)
    if rows.task is Task.MULTICLASS:
        return measures.mean_roc_auc(rows.truth[:, None] == np.arange(rows.classes), rows.outcome, rows.weight)
    return measures.mean_roc_auc(rows.truth == 1, rows.outcome, rows.weight)


def _f1_rare(rows: Predictions) -> float:
    if rows.task is not Task.BINARY:
        raise ChoiceError(f"F1 of the rare class needs two classes, but the task is {rows.task}. Use average: macro.")
    rare = 1 if rows.rare_class is None else rows.rare_class
    return score_at(rows.truth == rare, rows.decided == rare, objective="f1_positive", weight=rows.weight)


def _f1_macro(rows: Predictions) -> float:
    if rows.task is Task.MULTILABEL:
        return measures.label_f1(rows.truth, rows.decided, rows.weight)
    return measures.macro_f1(rows.truth, rows.decided, rows.classes, rows.weight)


def _mse(rows: Predictions) -> float:
    return measures.mean_squared_error(rows.truth, rows.outcome, rows.weight)


def _rmse(rows: Predictions) -> float:
    return measures.root_mean_squared_error(rows.truth, rows.outcome, rows.weight)


def _mae(rows: Predictions) -> float:
    return measures.mean_absolute_error(rows.truth, rows.outcome, rows.weight)


def _balanced_accuracy(rows: Predictions) -> float:
    return measures.balanced_accuracy(rows.truth, rows.decided, rows.classes, rows.weight)


def _mcc(rows: Predictions) -> float:
    return measures.matthews(rows.truth, rows.decided, rows.classes, rows.weight)


def _quadratic_kappa(rows: Predictions) -> float:
    return measures.quadratic_kappa(rows.truth, rows.decided, rows.classes, rows.weight)


def _mape(rows: Predictions) -> float:
    return measures.percentage_error(rows.truth, rows.outcome, rows.weight)


def _smape(rows: Predictions) -> float:
    return measures.symmetric_percentage_error(rows.truth, rows.outcome, rows.weight)


def _r2(rows: Predictions) -> float:
    return measures.r_squared(rows.truth, rows.outcome, rows.weight)


def _pinball(rows: Predictions, *, level: float) -> float:
    losses = measures.pinball_loss(rows.truth, rows.outcome[..., None], np.array([level]))
    return measures.weighted_mean(losses, rows.weight)


def _log_loss(rows: Predictions) -> float:
    outcome = rows.outcome
    if rows.task is Task.BINARY:
        outcome = np.hstack([1 - outcome, outcome])
    return measures.log_loss(rows.truth, outcome, rows.weight)


def _calibration_error(rows: Predictions) -> float:
    """Calibration error of the predicted class; of a binary task of class 1, of several labels their mean."""
    if rows.task is Task.MULTICLASS:
        return measures.calibration_error(rows.truth == rows.decided, rows.outcome.max(axis=1), rows.weight)
    truth = rows.truth.reshape(rows.outcome.shape)
    columns = zip(truth.T == 1, rows.outcome.T, strict=True)
    return float(
        np.mean([measures.calibration_error(happened, probability, rows.weight) for happened, probability in columns])
    )


def _pr_auc(rows: Predictions) -> float:
    rare = 1 if rows.rare_class is None else rows.rare_class
    return measures.average_precision(rows.truth == rare, class_probability(rows.outcome, rare), rows.weight)


def _scaled_error(rows: Predictions) -> float:
    if rows.naive_error is None:
        return float("nan")
    return measures.scaled_error(rows.truth, rows.outcome, rows.naive_error)


_LARGER: Final[Mapping[type[Choice], Callable[[Predictions], float]]] = MappingProxyType(
    {
        Accuracy: _accuracy,
        RocAuc: _roc_auc,
        PrAuc: _pr_auc,
        Mcc: _mcc,
        BalancedAccuracy: _balanced_accuracy,
        QuadraticKappa: _quadratic_kappa,
        R2: _r2,
    }
)
"""Metrics that are maximized, without those whose function depends on parameters."""
_SMALLER: Final[Mapping[type[Choice], Callable[[Predictions], float]]] = MappingProxyType(
    {LogLoss: _log_loss, Mse: _mse, Rmse: _rmse, Mae: _mae, Mape: _mape, Smape: _smape}
)
"""Metrics that are minimized, likewise."""
_TUNED: Final[Mapping[type[Choice], Objective]] = MappingProxyType(
    {Mcc: "mcc", BalancedAccuracy: "balanced_accuracy", QuadraticKappa: "kappa"}
)


def create_metric(metric: Choice) -> PerformanceMetric:
    """Create the metric of a bundle. Raises ChoiceError on a choice that is not a metric."""
    of_predictions: Callable[[Predictions], float]
    direction, tunes = Direction.MAX, _TUNED.get(type(metric))
    if isinstance(metric, CustomMetric):
        function = CustomFunction(metric)
        return PerformanceMetric(
            name=metric.function,
            direction=metric.direction,
            of_predictions=partial(_custom, function=function),
            takes_weights=function.takes_weights,
        )
    if isinstance(metric, F1):
        is_binary = metric.average == "binary"
        of_predictions, tunes = (_f1_rare, "f1_positive") if is_binary else (_f1_macro, "f1_macro")
    elif isinstance(metric, Pinball):
        direction, of_predictions = Direction.MIN, partial(_pinball, level=metric.level)
    elif type(metric) in _SMALLER:
        direction, of_predictions = Direction.MIN, _SMALLER[type(metric)]
    elif type(metric) in _LARGER:
        of_predictions = _LARGER[type(metric)]
    else:
        raise ChoiceError(f"The performance metric must be one of {', '.join(names(Slot.METRIC))}, but got {metric}.")
    return PerformanceMetric(
        name=metric.name,  # type: ignore[attr-defined]  # every member of a union has it
        direction=direction,
        of_predictions=of_predictions,
        tunes=tunes if getattr(metric, "threshold", "fixed") == "tuned" else None,
        level=getattr(metric, "level", None),
        reads_probabilities=isinstance(metric, LogLoss),
    )


_CLASSES: Final[Mapping[str, Callable[[Predictions], float]]] = MappingProxyType(
    {
        "accuracy": _accuracy,
        "balanced_accuracy": _balanced_accuracy,
        "roc_auc": _roc_auc,
        "mcc": _mcc,
        "log_loss": _log_loss,
        "calibration_error": _calibration_error,
        "f1_macro": _f1_macro,
    }
)
_NUMBERS: Final[Mapping[str, Callable[[Predictions], float]]] = MappingProxyType(
    {
        "rmse": _rmse,
        "mae": _mae,
        "mse": _mse,
        "r2": _r2,
    }
)
_REPORTED: Final[Mapping[Task, Mapping[str, Callable[[Predictions], float]]]] = MappingProxyType(
    {
        Task.BINARY: {**_CLASSES, "f1_rare": _f1_rare, "pr_auc": _pr_auc},
        Task.MULTICLASS: _CLASSES,
        Task.MULTILABEL: {
            "accuracy": _accuracy,
            "exact_match": lambda rows: measures.exact_match(rows.truth, rows.decided, rows.weight),
            "roc_auc": _roc_auc,
            "log_loss": _log_loss,
            "calibration_error": _calibration_error,
            "f1_macro": _f1_macro,
        },
        Task.FORECASTING: {**_NUMBERS, "mase": _scaled_error},
        **dict.fromkeys(NUMERIC_TARGET - {Task.FORECASTING}, _NUMBERS),
    }
)


def all_metrics(task: Task) -> tuple[str, ...]:
    """Names of the metrics that are reported for a task."""
    return tuple(_REPORTED[task])


def compute_metrics(predictions: Predictions) -> dict[str, float]:
    """Compute each of all_metrics; NaN where it is undefined."""
    return {name: measure(predictions) for name, measure in _REPORTED[predictions.task].items()}
