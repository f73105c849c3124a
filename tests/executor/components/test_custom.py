"""Metrics and losses that are not shipped: what their functions get, and what they must return."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, zero_one_loss

from executor.components import custom
from executor.components.loss import create_loss, predicts_numbers
from executor.components.metric import check_metric, create_metric
from executor.model.compile import loss_on_predictions
from rules.errors import TrainingError
from rules.vocabulary.choices import CustomLoss, LossFunction, MetricFunction, MseLoss, register_loss, register_metric
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.preprocessing.examples import Parts
    from tests.executor.conftest import MakeParts

LOGITS = np.linspace(-2, 3, 10)[:, None]


@pytest.fixture
def binary(make_parts: MakeParts) -> Parts:
    parts = make_parts(np.zeros((50, 1)), (np.arange(50) % 3 == 0)[:, None], task=Task.BINARY)
    return replace(parts, rare_class=1)


@pytest.fixture
def numbers(make_parts: MakeParts) -> Parts:
    return make_parts(np.zeros((50, 1)), np.arange(50.0)[:, None], task=Task.REGRESSION)


def score(function: Callable[..., Any], parts: Parts, **settings: Any) -> float:
    choice = register_metric("under_test", MetricFunction(function, direction="min", **settings))
    metric = check_metric(create_metric(choice), parts)
    assert (metric.name, metric.direction) == ("under_test", "min")
    return metric.score(LOGITS, parts.validation, parts)


def test_a_metric_gets_classes_or_probabilities_as_scikit_learns_metrics_do(binary: Parts) -> None:
    truth, probability = binary.validation.raw_target, 1 / (1 + np.exp(-LOGITS[:, 0]))
    assert score(zero_one_loss, binary) == pytest.approx(zero_one_loss(truth, probability >= 0.5))
    found = score(brier_score_loss, binary, reads="probabilities")
    assert found == pytest.approx(brier_score_loss(truth, probability))


def test_a_metric_of_several_classes_gets_a_column_for_each(make_parts: MakeParts) -> None:
    parts = make_parts(np.zeros((50, 1)), np.eye(3)[np.arange(50) % 3], task=Task.MULTICLASS)
    shapes: list[tuple[Any, ...]] = []

    def log(true: np.ndarray, predicted: np.ndarray) -> float:
        shapes.append((true.shape, predicted.shape))
        return float(np.abs(predicted.sum(axis=1) - 1).max())

    choice = register_metric("under_test", MetricFunction(log, direction="min", reads="probabilities"))
    metric = check_metric(create_metric(choice), parts)
    assert metric.score(np.zeros((10, 3)), parts.validation, parts) == pytest.approx(0)
    assert shapes == [((10,), (10, 3))] * 2


def test_a_metric_of_numbers_gets_values_in_the_unit_of_the_target(numbers: Parts) -> None:
    def bias(true: np.ndarray, predicted: np.ndarray) -> float:
        assert true.shape == predicted.shape == (10,)
        return float(np.mean(predicted - true))

    assert score(bias, numbers) == pytest.approx(LOGITS.mean() - np.arange(40, 50).mean())


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda _true, _predicted: 1 / 0, "raised ZeroDivisionError for 10 rows: division by zero"),
        (
            lambda _true, _predicted: math.nan,
            "must return a finite number, but returned nan for random predictions of 10",
        ),
        (lambda _true, _predicted: None, "must return a number, but returned NoneType for 10 rows"),
        (lambda true, predicted: true - predicted, "must return a number, but returned ndarray for 10 rows"),
    ],
)
def test_a_metric_that_raises_or_returns_no_number_ends_before_a_training(
    binary: Parts, function: Callable[..., Any], message: str
) -> None:
    with pytest.raises(TrainingError, match=message):
        score(function, binary)


def test_a_metric_that_fails_later_is_undefined_there_and_that_is_logged_once(
    numbers: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[str] = []
    monkeypatch.setattr(custom.LOG, "warning", lambda text, *values: messages.append(text % values))

    def ratio(true: np.ndarray, _predicted: np.ndarray) -> float:
        return 1 / int(len(true) == 10)

    metric = create_metric(register_metric("under_test", MetricFunction(ratio, direction="min")))
    assert metric.score(LOGITS, numbers.validation, numbers) == 1
    few = numbers.validation.take(np.arange(4))
    assert all(math.isnan(metric.score(LOGITS[:4], few, numbers)) for _ in range(2))
    assert len(messages) == 1
    assert "raised ZeroDivisionError for 4 rows" in messages[0]


def squared(true: Any, outputs: Any) -> Any:
    return keras.ops.mean(keras.ops.square(true - outputs), axis=-1)


def test_a_loss_is_that_of_its_function_and_a_saved_one_opens_without_it(numbers: Parts) -> None:
    choice = register_loss("my_loss", LossFunction(squared, tasks=["regression"]))
    assert predicts_numbers(choice)
    loss, plain = create_loss(choice, numbers), create_loss(MseLoss(), numbers)
    values = np.ones((4, 1), np.float32), np.linspace(0, 2, 4, dtype=np.float32)[:, None]
    assert float(loss(*values)) == float(plain(*values))
    assert float(loss_on_predictions(choice, numbers)(*values)) == float(plain(*values))
    gone = CustomLoss(function="gone", tasks=(Task.REGRESSION,), distribution="my-package", version="1.2")
    stored = keras.losses.serialize(loss)
    stored["config"]["choice"] = gone.model_dump(mode="json")
    assert keras.losses.deserialize(stored).choice == gone


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda true, outputs: keras.ops.mean(true - outputs), r"returned \(\). Reduce the last axis only"),
        (lambda true, outputs: true - outputs, r"returned \(2, 3, 1\). Reduce the last axis only, with axis=-1"),
        (lambda _true, _outputs: 1 / 0, r"raised ZeroDivisionError for tensors of the shape \(2, 3, 1\)"),
        (lambda true, _outputs: squared(true, 1.0), "has no gradient. Compute it from the outputs"),
        (lambda true, outputs: keras.ops.log(-squared(true, outputs)), "must be finite, but is nan for zeros and ones"),
    ],
)
def test_a_loss_without_a_gradient_or_of_another_shape_ends_before_a_training(
    numbers: Parts, function: Callable[..., Any], message: str
) -> None:
    choice = register_loss("my_loss", LossFunction(function, tasks=["regression"]))
    with pytest.raises(TrainingError, match=message):
        create_loss(choice, numbers)
