"""P on raw outputs and on final predictions."""

from __future__ import annotations

import math
from dataclasses import replace

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
from rules.vocabulary.choices import F1, Accuracy, Adam, Mae, Metric, Mse, Rmse, RocAuc
from rules.vocabulary.facts import Task

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


def test_an_output_that_is_not_finite_has_no_score() -> None:
    parts = _parts(Task.BINARY, np.array([0, 1]), 1)
    assert math.isnan(_score(Accuracy(), np.array([[np.nan], [1.0]]), parts))
    assert math.isnan(_score(RocAuc(), np.array([[np.inf], [1.0]]), parts))


def test_errors_are_minimised_and_all_else_is_maximised() -> None:
    directions = {metric.name: create_metric(metric).direction for metric in (Accuracy(), RocAuc(), F1())}
    assert set(directions.values()) == {"max"}
    assert {create_metric(metric).direction for metric in (Mse(), Rmse(), Mae())} == {"min"}


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
