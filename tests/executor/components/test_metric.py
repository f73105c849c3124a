"""P on raw outputs and on final predictions."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn import metrics

from executor.components.metric import (
    Predictions,
    all_metrics,
    apply_thresholds,
    compute_metrics,
    create_metric,
    outcome_of,
)
from executor.preprocessing.examples import Examples, Parts
from rules.errors import ChoiceError
from rules.vocabulary.choices import (
    F1,
    R2,
    Accuracy,
    Adam,
    BalancedAccuracy,
    LogLoss,
    Mae,
    Mape,
    Mcc,
    Metric,
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
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable

RANDOM = np.random.default_rng(3)
ROWS = 120
LOGITS = RANDOM.normal(size=(ROWS, 3)).astype(np.float32)
CLASSES = RANDOM.integers(0, 3, ROWS)
YES = (RANDOM.random((ROWS, 3)) < (0.2, 0.5, 0.7)).astype(np.int64)


def _parts(task: Task, raw: np.ndarray, outputs: int, *, rare: int | None = None) -> Parts:
    rows = len(raw)
    examples = Examples(
        dense=np.zeros((rows, 1), np.float32),
        codes=np.zeros((rows, 0), np.int32),
        target=np.zeros((rows, outputs), np.float32),
        offset=np.zeros((rows, outputs), np.float32),
        raw_target=raw,
    )
    return Parts(
        task=task,
        train=examples,
        validation=examples,
        vocabulary=0,
        outputs=outputs,
        rare_class=rare,
        target_mean=np.zeros(outputs),
        target_scale=np.ones(outputs),
    )


def _score(metric: Metric, outputs: np.ndarray, parts: Parts) -> float:
    return create_metric(metric).score(outputs, parts.validation, parts)


def test_accuracy_of_two_classes_takes_positive_logits_as_class_1() -> None:
    parts = _parts(Task.BINARY, np.array([1, 0, 1, 0]), 1)
    assert _score(Accuracy(), np.array([[2.0], [-1.0], [-3.0], [-0.1]]), parts) == 0.75


def test_accuracy_of_several_classes_takes_the_largest_logit() -> None:
    parts = _parts(Task.MULTICLASS, CLASSES, 3)
    assert _score(Accuracy(), LOGITS, parts) == pytest.approx(np.mean(LOGITS.argmax(axis=1) == CLASSES))


def test_accuracy_of_several_labels_counts_cells() -> None:
    parts = _parts(Task.MULTILABEL, np.array([[1, 0], [1, 1]]), 2)
    assert _score(Accuracy(), np.array([[1.0, 1.0], [1.0, -1.0]]), parts) == 0.5


@pytest.mark.parametrize(
    ("task", "raw", "theirs"),
    [
        (Task.BINARY, YES[:, 0], metrics.roc_auc_score(YES[:, 0], LOGITS[:, 0])),
        (Task.MULTILABEL, YES, metrics.roc_auc_score(YES, LOGITS)),
        (
            Task.MULTICLASS,
            CLASSES,
            metrics.roc_auc_score(
                CLASSES,
                np.exp(LOGITS.astype(float)) / np.exp(LOGITS.astype(float)).sum(axis=1, keepdims=True),
                multi_class="ovr",
            ),
        ),
    ],
)
def test_roc_auc_equals_scikit_learns(task: Task, raw: np.ndarray, theirs: float) -> None:
    outputs = LOGITS[:, :1] if task is Task.BINARY else LOGITS
    assert _score(RocAuc(), outputs, _parts(task, raw, outputs.shape[1])) == pytest.approx(theirs)


def test_f1_of_the_rare_class_follows_the_rare_class_when_that_is_class_0() -> None:
    raw = np.array([0, 1, 1, 1])
    parts = _parts(Task.BINARY, raw, 1, rare=0)
    outputs = np.array([[-1.0], [-1.0], [1.0], [1.0]])
    # One hit and one false alarm for class 0: 2·1 / (2·1 + 1).
    assert _score(F1(average="binary", threshold="fixed"), outputs, parts) == pytest.approx(2 / 3)


def test_tuned_f1_does_not_depend_on_where_the_logits_lie() -> None:
    raw = (np.arange(ROWS) < 12).astype(np.int64)
    outputs = np.where(raw == 1, 1.0, -1.0)[:, None] - 5
    assert _score(F1(average="binary"), outputs, _parts(Task.BINARY, raw, 1, rare=1)) == 1
    assert _score(F1(average="binary", threshold="fixed"), outputs, _parts(Task.BINARY, raw, 1, rare=1)) == 0


def test_macro_f1_of_several_labels_tunes_each_label() -> None:
    parts = _parts(Task.MULTILABEL, YES, 3)
    outcome = outcome_of(LOGITS, parts)
    best = [max(metrics.f1_score(YES[:, at], outcome[:, at] >= cut) for cut in outcome[:, at]) for at in range(3)]
    assert _score(F1(), LOGITS, parts) == pytest.approx(np.mean(best))


def test_errors_are_in_the_targets_own_unit() -> None:
    parts = replace(
        _parts(Task.MULTIOUTPUT_REGRESSION, np.array([[10.0, 1.0], [30.0, 3.0]]), 2),
        target_mean=np.array([20.0, 2.0]),
        target_scale=np.array([10.0, 1.0]),
    )
    outputs = np.zeros((2, 2))
    # Each prediction is the mean: errors of 10 and of 1 everywhere.
    assert _score(Rmse(), outputs, parts) == pytest.approx((10 + 1) / 2)
    assert _score(Mae(), outputs, parts) == pytest.approx((10 + 1) / 2)
    assert _score(Mse(), outputs, parts) == pytest.approx((100 + 1) / 2)


SCORED = {
    LogLoss(): metrics.log_loss,
    Mcc(threshold="fixed"): lambda truth, shares: metrics.matthews_corrcoef(truth, shares.argmax(axis=1)),
    BalancedAccuracy(threshold="fixed"): lambda truth, shares: metrics.balanced_accuracy_score(
        truth, shares.argmax(axis=1)
    ),
    QuadraticKappa(threshold="fixed"): lambda truth, shares: metrics.cohen_kappa_score(
        truth, shares.argmax(axis=1), weights="quadratic"
    ),
}


@pytest.mark.parametrize("metric", SCORED, ids=str)
def test_metrics_of_classes_are_scikit_learns_for_two_and_for_several_classes(metric: Metric) -> None:
    several = _parts(Task.MULTICLASS, CLASSES, 3)
    assert _score(metric, LOGITS, several) == pytest.approx(SCORED[metric](CLASSES, outcome_of(LOGITS, several)))
    two = _parts(Task.BINARY, YES[:, 0], 1, rare=1)
    positive = outcome_of(LOGITS[:, :1], two)
    theirs = SCORED[metric](YES[:, 0], np.hstack([1 - positive, positive]))
    assert _score(metric, LOGITS[:, :1], two) == pytest.approx(theirs)


def test_average_precision_is_that_of_the_rare_class() -> None:
    parts = _parts(Task.BINARY, YES[:, 2], 1, rare=0)
    theirs = metrics.average_precision_score(1 - YES[:, 2], -LOGITS[:, 0])
    assert _score(PrAuc(), LOGITS[:, :1], parts) == pytest.approx(theirs)


@pytest.mark.parametrize(
    ("metric", "theirs"),
    [
        (Mcc(), metrics.matthews_corrcoef),
        (BalancedAccuracy(), metrics.balanced_accuracy_score),
        (QuadraticKappa(), metrics.cohen_kappa_score),
    ],
    ids=["mcc", "balanced_accuracy", "quadratic_kappa"],
)
def test_a_tuned_metric_of_two_classes_has_the_best_of_all_thresholds(
    metric: Metric, theirs: Callable[..., float]
) -> None:
    parts = _parts(Task.BINARY, YES[:, 0], 1, rare=1)
    outcome = outcome_of(LOGITS[:, :1], parts)
    best = max(theirs(YES[:, 0], outcome[:, 0] >= cut) for cut in outcome[:, 0])
    assert _score(metric, LOGITS[:, :1], parts) == pytest.approx(best)
    (tuned,) = create_metric(metric).thresholds(outcome, parts.validation, parts)
    assert theirs(YES[:, 0], outcome[:, 0] >= tuned.value) == pytest.approx(best)
    assert f"tuned for {str(metric).replace('_', ' ').replace('mcc', 'MCC').replace('quadratic ', '')}" in tuned.why


def test_relative_errors_and_quantiles_are_in_the_targets_own_unit() -> None:
    truth = np.array([[10.0], [30.0]])
    parts = replace(_parts(Task.REGRESSION, truth, 1), target_mean=np.array([20.0]), target_scale=np.array([10.0]))
    outputs = np.zeros((2, 1))  # 20 for both rows
    assert _score(Mape(), outputs, parts) == pytest.approx((10 / 10 + 10 / 30) / 2)
    assert _score(Smape(), outputs, parts) == pytest.approx((2 * 10 / 30 + 2 * 10 / 50) / 2)
    assert _score(R2(), outputs, parts) == pytest.approx(0)
    # The first row is 10 below its quantile, the second 10 above it.
    assert _score(Pinball(level=0.9), outputs, parts) == pytest.approx((0.1 * 10 + 0.9 * 10) / 2)


def test_an_output_that_is_not_finite_has_no_score() -> None:
    parts = _parts(Task.BINARY, np.array([0, 1]), 1)
    assert math.isnan(_score(Accuracy(), np.array([[np.nan], [1.0]]), parts))
    assert math.isnan(_score(RocAuc(), np.array([[np.inf], [1.0]]), parts))


def test_errors_are_minimised_and_all_else_is_maximised() -> None:
    directions = {name: create_metric(choice()).direction for name, choice in names(Slot.METRIC).items()}
    errors = {"log_loss", "mse", "rmse", "mae", "mape", "smape", "pinball"}
    assert {name for name, direction in directions.items() if direction == "min"} == errors


def test_a_choice_that_is_not_a_metric_is_refused() -> None:
    with pytest.raises(ChoiceError, match="must be one of accuracy"):
        create_metric(Adam())


def test_f1_of_the_rare_class_is_refused_for_several_classes() -> None:
    parts = _parts(Task.MULTICLASS, CLASSES, 3)
    with pytest.raises(ChoiceError, match="average: macro"):
        _score(F1(average="binary", threshold="fixed"), LOGITS, parts)


def test_a_threshold_is_tuned_only_where_p_asks_for_it() -> None:
    parts = _parts(Task.BINARY, (np.arange(ROWS) < 12).astype(np.int64), 1, rare=1)
    outcome = np.where(np.arange(ROWS) < 12, 0.3, 0.1)[:, None]
    (tuned,) = create_metric(F1(average="binary")).thresholds(outcome, parts.validation, parts)
    (half,) = create_metric(RocAuc()).thresholds(outcome, parts.validation, parts)
    assert (tuned.value, half.value) == (pytest.approx(0.2), 0.5)
    assert create_metric(F1()).thresholds(LOGITS, parts.validation, _parts(Task.MULTICLASS, CLASSES, 3)) == ()


def test_a_threshold_of_the_rare_class_decides_for_that_class() -> None:
    outcome = np.array([[0.95], [0.85], [0.2]])
    # Probability of class 0: 0.05, 0.15, 0.8.
    assert apply_thresholds(outcome, Task.BINARY, thresholds=(0.1,), rare_class=0).tolist() == [1, 0, 0]
    assert apply_thresholds(outcome, Task.BINARY, thresholds=(0.9,), rare_class=1).tolist() == [1, 0, 0]
    assert apply_thresholds(outcome, Task.MULTILABEL, thresholds=(0.9,)).tolist() == [[1], [0], [0]]


@pytest.mark.parametrize("task", list(Task))
def test_every_metric_of_a_task_is_reported(task: Task) -> None:
    outcome = {Task.BINARY: np.full((ROWS, 1), 0.4), Task.MULTICLASS: np.full((ROWS, 3), 1 / 3)}.get(
        task, np.full((ROWS, 3), 0.4)
    )
    truth = {Task.BINARY: YES[:, 0], Task.MULTICLASS: CLASSES, Task.MULTILABEL: YES}.get(task, LOGITS.astype(float))
    scores = compute_metrics(
        Predictions(
            task=task,
            truth=truth,
            outcome=outcome,
            decided=apply_thresholds(outcome, task),
            rare_class=1,
            naive_error=np.ones(3),
        )
    )
    assert tuple(scores) == all_metrics(task)
    assert all(math.isfinite(score) for score in scores.values())
