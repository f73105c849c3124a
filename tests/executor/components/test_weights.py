"""A row of weight 2 counts as two equal rows, in scores, calibration, losses and baselines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.linear_model import Ridge

from executor.components import metric_functions as measures
from executor.components.configuration import configuration
from executor.components.custom import _takes_weights
from executor.components.loss import create_loss, sample_weights
from executor.components.metric import Predictions, compute_metrics, create_metric
from executor.components.threshold import OBJECTIVES, Objective, tune_threshold
from executor.evaluation.baselines.constant import constant_baseline
from executor.model.calibration.conformal_intervals import conformal_intervals
from executor.model.calibration.conformal_sets import conformal_sets
from executor.model.calibration.temperature import minimize_log_loss
from executor.networks.output_layer import log_prior
from executor.networks.stacked_tabular import StackShape, initial_weights
from executor.search.runners.stacked_graph import StackedGraph
from executor.search.runners.workspace import create_workspace
from rules.vocabulary.choices import (
    Accuracy,
    CategoricalCrossentropy,
    Mae,
    Mape,
    Mse,
    Pinball,
    QuadraticKappa,
    Sgd,
    Smape,
    WeightedCrossentropy,
)
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle
    from tests.executor.conftest import MakeParts

TASKS = (Task.BINARY, Task.MULTICLASS, Task.MULTILABEL, Task.REGRESSION)


def _predictions(task: Task, rows: int, seed: int) -> Predictions:
    """Random predictions with ties, and whole weights from 1 to 4."""
    random = np.random.default_rng(seed)
    outcome = np.round(random.random((rows, 1 if task in {Task.BINARY, Task.REGRESSION} else 3)), 1)
    decided = (outcome > 0.5).astype(np.int64)
    truth: np.ndarray = random.integers(0, 2, outcome.shape)
    if task is Task.MULTICLASS:
        outcome = (outcome + 0.1) / (outcome + 0.1).sum(axis=1, keepdims=True)
        truth, decided = random.integers(0, 3, rows), outcome.argmax(axis=1)
    elif task is Task.BINARY:
        truth, decided = truth[:, 0], decided[:, 0]
    elif task is Task.REGRESSION:
        truth, decided = 1 + random.random((rows, 1)), outcome
    weight = random.integers(1, 5, rows).astype(np.float64)
    return Predictions(task=task, truth=truth, outcome=outcome, decided=decided, weight=weight)


def _repeated(predictions: Predictions) -> Predictions:
    assert predictions.weight is not None
    rows = np.repeat(np.arange(len(predictions)), predictions.weight.astype(int))
    return replace(predictions.take(rows), weight=None)


@given(task=st.sampled_from(TASKS), rows=st.integers(2, 40), seed=st.integers(0, 10_000))
@settings(max_examples=60)
def test_a_score_with_whole_weights_is_that_of_repeated_rows(task: Task, rows: int, seed: int) -> None:
    own = _predictions(task, rows, seed)
    assert own.weight is not None
    repeated = _repeated(own)
    expected = compute_metrics(repeated)
    assert compute_metrics(own) == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)
    scaled = replace(own, weight=own.weight / 3)
    assert compute_metrics(scaled) == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)
    others: list[Any] = [Mape(), Smape(), Pinball(level=0.3)] if task is Task.REGRESSION else []
    others += [QuadraticKappa()] if task is Task.MULTICLASS else []
    for metric in map(create_metric, others):
        assert metric.of_predictions(own) == pytest.approx(metric.of_predictions(repeated))


def test_scores_with_weights_are_those_of_scikit_learn() -> None:
    own = _predictions(Task.BINARY, 60, 1)
    truth, decided, share = own.truth, own.decided, own.outcome[:, 0]
    weights = {"sample_weight": own.weight}
    ours = compute_metrics(own)
    assert ours["accuracy"] == pytest.approx(metrics.accuracy_score(truth, decided, **weights))
    assert ours["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(truth, decided, **weights))
    assert ours["mcc"] == pytest.approx(metrics.matthews_corrcoef(truth, decided, **weights))
    assert ours["roc_auc"] == pytest.approx(metrics.roc_auc_score(truth, share, **weights))
    assert ours["pr_auc"] == pytest.approx(metrics.average_precision_score(truth, share, **weights))
    assert ours["log_loss"] == pytest.approx(
        metrics.log_loss(truth, np.clip(share, 1e-6, 1 - 1e-6), **weights), rel=0.1
    )
    assert ours["f1_macro"] == pytest.approx(metrics.f1_score(truth, decided, average="macro", **weights))
    number = _predictions(Task.REGRESSION, 60, 2)
    numbers, weights = (number.truth[:, 0], number.outcome[:, 0]), {"sample_weight": number.weight}
    found = compute_metrics(number)
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(*numbers, **weights))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(*numbers, **weights))
    assert found["r2"] == pytest.approx(metrics.r2_score(*numbers, **weights))
    kappa = metrics.cohen_kappa_score(truth, decided, weights="quadratic", sample_weight=own.weight)
    assert measures.quadratic_kappa(truth, decided, 2, own.weight) == pytest.approx(kappa)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_threshold_of_weighted_rows_is_that_of_repeated_rows(objective: Objective) -> None:
    own = _predictions(Task.BINARY, 80, 3)
    repeated = _repeated(own)
    found = tune_threshold(own.truth == 1, own.outcome[:, 0], objective=objective, weight=own.weight)
    expected = tune_threshold(repeated.truth == 1, repeated.outcome[:, 0], objective=objective)
    assert found.value == expected.value


def test_a_temperature_of_weighted_rows_is_that_of_repeated_rows() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 3, (2_000, 3))
    truth, weight = (logits + random.gumbel(size=logits.shape) * 2).argmax(axis=1), random.integers(1, 5, 2_000)
    rows = np.repeat(np.arange(2_000), weight)
    expected = minimize_log_loss(truth[rows], logits[rows])
    assert minimize_log_loss(truth, logits, weight) == pytest.approx(expected, rel=0.005)  # but for the smoothing
    assert minimize_log_loss(truth, logits) != pytest.approx(expected, rel=0.01)


@given(rows=st.integers(1, 60), seed=st.integers(0, 1_000), percent=st.sampled_from([20, 80, 90]))
@settings(max_examples=60)
def test_an_interval_of_weighted_rows_is_that_of_repeated_rows(rows: int, seed: int, percent: int) -> None:
    own = _predictions(Task.REGRESSION, rows, seed)
    assert own.weight is not None
    repeated = _repeated(own)
    found = conformal_intervals(own.truth, own.outcome, percent=percent, weight=own.weight)
    assert found.half_widths == conformal_intervals(repeated.truth, repeated.outcome, percent=percent).half_widths


@given(rows=st.integers(1, 60), seed=st.integers(0, 1_000))
@settings(max_examples=60)
def test_prediction_sets_of_weighted_rows_are_those_of_repeated_rows(rows: int, seed: int) -> None:
    own = _predictions(Task.MULTICLASS, rows, seed)
    repeated = _repeated(own)
    found = conformal_sets(own.truth, own.outcome, own.weight)
    expected = conformal_sets(repeated.truth, repeated.outcome)
    assert (found.marginal, found.by_class) == (expected.marginal, expected.by_class)


def _weighted(parts: Parts, weight: np.ndarray) -> tuple[Parts, Parts]:
    """Parts with weights of the training rows, and parts in which the rows are repeated."""
    rows = np.repeat(np.arange(len(parts.train)), weight)
    own = replace(parts, train=replace(parts.train, weight=weight / weight.mean()))
    return own, replace(parts, train=parts.train.take(rows))


@pytest.fixture(scope="module")
def both(make_parts: MakeParts) -> tuple[Parts, Parts]:
    """50 rows of three classes, 40 of them for training, with weights; and the same rows repeated."""
    random = np.random.default_rng(0)
    parts = make_parts(random.normal(size=(50, 4)), np.eye(3)[random.integers(0, 3, 50)], task=Task.MULTICLASS)
    return _weighted(parts, random.integers(1, 4, 40))


def test_a_training_with_weights_is_that_with_repeated_rows(
    both: tuple[Parts, Parts], make_bundle: Callable[..., Bundle], tmp_path: Path
) -> None:
    bundle = make_bundle(loss=WeightedCrossentropy(), optimizer=Sgd(learning_rate=0.1), metric=Accuracy())
    chosen = configuration(bundle, {"units": 8, "layers": 1, "dropout": 0.0})
    trained = []
    for parts in both:
        at = create_workspace(bundle, parts, metric=create_metric(Accuracy()), seed=0, directory=tmp_path)
        rows = np.arange(len(parts.train), dtype=np.int32)[None]
        graph = StackedGraph(at, StackShape.of(parts, [chosen]), batch=rows.shape[1])
        stack = graph.start([(initial_weights(parts, bundle, chosen, seed=0), chosen)])
        for step in range(3):
            stack, _ = graph.train(stack, at.train.columns, rows, np.full((1, 1), 0.1, np.float32), noise=step)
        trained.append([weight.numpy() for weight in stack.weights])
    for weighted, repeated in zip(*trained, strict=True):
        np.testing.assert_allclose(weighted, repeated, atol=2e-6)


def test_the_weights_of_a_class_add_up_to_the_same_for_each_class(both: tuple[Parts, Parts]) -> None:
    parts, _ = both
    weights = sample_weights(WeightedCrossentropy(), parts)
    assert weights is not None
    totals = np.bincount(parts.train.raw_target, weights)
    np.testing.assert_allclose(totals, 40 / 3, rtol=1e-5)
    own = sample_weights(CategoricalCrossentropy(), parts)
    np.testing.assert_allclose(own, parts.train.weight, rtol=1e-6)  # type: ignore[arg-type]  # both are arrays


def test_validation_loss_class_shares_and_start_follow_the_weights(both: tuple[Parts, Parts]) -> None:
    weighted, repeated = both
    total = repeated.train.total / weighted.train.total  # half a row is added to each class
    scaled = replace(weighted.train, weight=weighted.train.weight * total)  # type: ignore[operator]  # an array
    np.testing.assert_allclose(log_prior(replace(weighted, train=scaled)), log_prior(repeated), rtol=1e-5)
    metric = create_metric(Accuracy())
    own, other = (constant_baseline(metric, parts, parts.validation, ["a", "b", "c"]) for parts in both)
    assert own.says == other.says
    np.testing.assert_allclose(own.predictions.outcome, other.predictions.outcome)
    loss = create_loss(CategoricalCrossentropy(), weighted)
    outputs = np.random.default_rng(0).normal(size=(len(weighted.train), 3)).astype(np.float32)
    rows = np.repeat(np.arange(len(outputs)), np.rint(scaled.weight).astype(int))  # type: ignore[union-attr]
    with_weights = loss(weighted.train.target, tf.constant(outputs), weighted.train.weight)
    assert float(with_weights) == pytest.approx(float(loss(repeated.train.target, outputs[rows])), rel=1e-5)


@pytest.mark.parametrize("metric", [Mse(), Mae(), Pinball(level=0.2)])
def test_the_constant_of_a_number_follows_the_weights(make_parts: MakeParts, metric: Any) -> None:
    random = np.random.default_rng(0)
    parts = make_parts(np.zeros((50, 1)), random.normal(size=(50, 1)).round(2), task=Task.REGRESSION)
    own, repeated = _weighted(parts, random.integers(1, 4, 40))
    found, expected = (
        constant_baseline(create_metric(metric), one, parts.validation, []).predictions.outcome[0, 0]
        for one in (own, repeated)
    )
    assert found == pytest.approx(expected, abs=0.1 if isinstance(metric, Pinball) else 0.05)


def test_a_linear_start_with_weights_is_scikit_learns_ridge_regression(make_parts: MakeParts) -> None:
    random = np.random.default_rng(0)
    parts = make_parts(random.normal(1, 1, (50, 60)), random.normal(size=(50, 2)), task=Task.MULTIOUTPUT_REGRESSION)
    weight = random.integers(1, 5, 40).astype(np.float64)
    (start,) = replace(parts, train=replace(parts.train, weight=weight)).linear_starts
    expected = Ridge(alpha=start.penalty).fit(parts.train.dense, parts.train.target, weight)
    np.testing.assert_allclose(start.kernel, expected.coef_.T, atol=1e-3)
    np.testing.assert_allclose(start.bias, expected.intercept_, atol=1e-2)


def test_weights_reach_a_metric_that_takes_them() -> None:
    assert _takes_weights(metrics.fbeta_score)
    assert not _takes_weights(lambda truth, predicted: truth[0] + predicted[0])
    assert not _takes_weights(dict.fromkeys)


def test_differing_weights_make_a_score_less_certain() -> None:
    assert measures.effective_share(None) == measures.effective_share(np.full(7, 3.0)) == 1
    assert measures.effective_share(np.array([1.0, 1, 1, 9])) == pytest.approx(144 / 4 / 84)
