"""The predicted class has the least expected cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.components.loss import costs_of_outputs
from executor.components.metric import Predictions, apply_thresholds, create_metric, expected_cost
from executor.components.threshold import cost_threshold
from executor.evaluation.baselines.constant import constant_baseline
from rules.vocabulary.choices import F1, Accuracy, BinaryCrossentropy, WeightedCrossentropy
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.preprocessing.examples import Parts
    from tests.executor.conftest import MakeParts

THREE = np.array([[0.0, 1, 10], [1, 0, 1], [2, 1, 0]])


@given(
    costs=st.lists(st.integers(1, 50), min_size=4, max_size=4),
    probability=st.floats(0, 1),
    rare=st.sampled_from([0, 1]),
)
def test_the_threshold_of_two_classes_minimizes_the_expected_cost(
    costs: list[int], probability: float, rare: int
) -> None:
    right = [min(costs[0], costs[1]) - 1, min(costs[2], costs[3]) - 1]  # correct predictions may have a cost
    matrix = np.array([[right[0], costs[0]], [costs[2], right[1]]], float)
    outcome = np.array([[probability]])
    (decided,) = apply_thresholds(
        outcome, Task.BINARY, thresholds=(cost_threshold(matrix, rare),), rare_class=rare, costs=matrix
    )
    expected = np.array([1 - probability, probability]) @ matrix
    assert expected[decided] == pytest.approx(expected.min())


def test_of_several_classes_the_one_with_the_least_expected_cost_is_predicted() -> None:
    outcome = np.array([[0.5, 0.2, 0.3], [0.1, 0.1, 0.8], [0.0, 0.1, 0.9]])
    expected = [[0.2 + 0.6, 0.5 + 0.3, 5.0 + 0.2], [0.1 + 1.6, 0.1 + 0.8, 1.0 + 0.1], [0.1 + 1.8, 0.9, 0.1]]
    np.testing.assert_allclose(outcome @ THREE, expected)
    assert apply_thresholds(outcome[1:], Task.MULTICLASS, costs=THREE).tolist() == [1, 2]
    assert apply_thresholds(outcome[1:], Task.MULTICLASS).tolist() == [2, 2]


def test_equal_costs_predict_the_most_probable_class() -> None:
    outcome = np.random.default_rng(0).dirichlet(np.ones(4), 50)
    equal = 3.0 - 3.0 * np.eye(4)
    decided = apply_thresholds(outcome, Task.MULTICLASS, costs=equal)
    np.testing.assert_array_equal(decided, outcome.argmax(axis=1))
    assert cost_threshold(3.0 - 3.0 * np.eye(2), 1) == 0.5


def test_the_expected_cost_is_the_mean_of_the_confusion_matrix_times_costs_with_weights() -> None:
    predictions = Predictions(
        task=Task.MULTICLASS,
        truth=np.array([0, 0, 1, 2]),
        outcome=np.full((4, 3), 1 / 3),
        decided=np.array([0, 2, 0, 2]),
    )
    metric = expected_cost(THREE)
    assert metric.of_predictions(predictions) == pytest.approx((0 + 10 + 1 + 0) / 4)
    weighted = replace(predictions, weight=np.array([1.0, 2, 3, 2]))
    assert metric.of_predictions(weighted) == pytest.approx((20 + 3) / 8)


@pytest.fixture
def imbalanced(make_parts: MakeParts) -> Parts:
    """80 training rows, 20 of them of class 1."""
    target = np.array([1.0, 0, 0, 0] * 25)[:, None]
    parts = make_parts(np.arange(100.0)[:, None], target, task=Task.BINARY)
    return replace(parts, costs=np.array([[0.0, 1.0], [6.0, 0.0]]))


def test_probabilities_of_a_loss_with_class_weights_decide_as_those_without(imbalanced: Parts) -> None:
    assert costs_of_outputs(BinaryCrossentropy(), imbalanced) is imbalanced.costs
    costs = costs_of_outputs(WeightedCrossentropy(), imbalanced)
    assert costs is not None
    probability = np.linspace(0.01, 0.99, 99)
    odds = probability / (1 - probability) * 3  # class 1 has 3 times the weight
    shifted = odds / (1 + odds)
    plain = probability >= cost_threshold(imbalanced.costs, 1)  # type: ignore[arg-type]  # an array
    np.testing.assert_array_equal(shifted >= cost_threshold(costs, 1), plain)


@pytest.mark.parametrize("metric", [Accuracy(), F1(average="binary")])
def test_costs_decide_the_threshold_and_the_scores_of_trials_whatever_the_metric(
    imbalanced: Parts, metric: Any
) -> None:
    parts, validation = replace(imbalanced, network_costs=imbalanced.costs), imbalanced.validation
    (threshold,) = create_metric(metric).thresholds(np.full((20, 1), 0.5), validation, parts)
    assert (threshold.value, threshold.why) == (pytest.approx(1 / 7), "least expected cost")
    logits = np.full((20, 1), np.log(0.2 / 0.8), np.float32)  # above 1 / 7, so class 1 is predicted
    expected = {"accuracy": 0.25, "f1": 0.4}[create_metric(metric).name]
    assert create_metric(metric).score(logits, validation, parts) == pytest.approx(expected)


def test_the_constant_baseline_is_the_class_with_the_least_expected_cost(imbalanced: Parts) -> None:
    metric = create_metric(Accuracy())
    assert constant_baseline(metric, imbalanced, imbalanced.validation, ["no", "yes"]).says == "always 'yes'"
    plain = replace(imbalanced, costs=None)
    assert constant_baseline(metric, plain, imbalanced.validation, ["no", "yes"]).says == "always 'no'"
