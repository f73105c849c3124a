"""Losses against values worked by hand and against scikit-learn's weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from executor.components.loss import create_loss, huber_delta, sample_weights
from rules.errors import ChoiceError
from rules.vocabulary.choices import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Choice,
    Huber,
    MaeLoss,
    MseLoss,
    WeightedCrossentropy,
)
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.preprocessing.examples import Parts
    from tests.executor.conftest import MakeParts


@pytest.fixture
def parts_of(make_parts: MakeParts):  # noqa: ANN201 - a function of a task
    def make(task: Task, target: np.ndarray) -> Parts:
        # The last fifth is validation; it repeats the start.
        rows = np.concatenate([target, target[: max(1, len(target) // 4)]])
        return make_parts(np.zeros((len(rows), 1)), rows, task=task)

    return make


BINARY = np.array([[0], [0], [0], [1]])
CLASSES = np.eye(3)[[0, 0, 0, 0, 1, 1, 2, 2]]
LABELS = np.array([[1, 0], [0, 0], [0, 1], [0, 1]])
VALUES = np.array([[0.0], [1.0], [2.0], [3.0]])


def value(loss: keras.losses.Loss, target: list[list[float]], output: list[list[float]]) -> float:
    return float(loss(np.array(target, np.float32), np.array(output, np.float32)))


def test_binary_crossentropy_reads_logits(parts_of) -> None:
    loss = create_loss(BinaryCrossentropy(), parts_of(Task.BINARY, BINARY))
    assert value(loss, [[1.0]], [[0.0]]) == pytest.approx(math.log(2))
    assert value(loss, [[1.0], [0.0]], [[2.0], [2.0]]) == pytest.approx((math.log1p(math.exp(-2)) * 2 + 2) / 2)


def test_label_smoothing_moves_the_target_towards_one_half(parts_of) -> None:
    loss = create_loss(BinaryCrossentropy(label_smoothing=0.2), parts_of(Task.BINARY, BINARY))
    # Target 0.9 at logit 2: 0.9 log(1 + e^-2) + 0.1 log(1 + e^2)
    assert value(loss, [[1.0]], [[2.0]]) == pytest.approx(
        0.9 * math.log1p(math.exp(-2)) + 0.1 * math.log1p(math.exp(2))
    )


def test_categorical_crossentropy_is_the_negative_log_softmax(parts_of) -> None:
    loss = create_loss(CategoricalCrossentropy(), parts_of(Task.MULTICLASS, CLASSES))
    assert value(loss, [[0.0, 1.0, 0.0]], [[0.0, 1.0, 0.0]]) == pytest.approx(math.log(2 + math.e) - 1)


def test_categorical_crossentropy_over_two_classes_is_the_binary_one(parts_of) -> None:
    parts = parts_of(Task.BINARY, BINARY)
    one, other = create_loss(CategoricalCrossentropy(), parts), create_loss(BinaryCrossentropy(), parts)
    assert value(one, [[1.0]], [[0.7]]) == value(other, [[1.0]], [[0.7]])


def test_hubers_delta_follows_the_residuals_of_a_linear_model(make_parts: MakeParts) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(20_000, 1))
    errors = random.normal(size=(20_000, 1))
    errors[::20] *= 50  # of which the MAD knows little
    parts = make_parts(x, 2 * x + 0.3 * errors, task=Task.REGRESSION)
    # 1.345 times the scale of the errors without the outliers, 0.3.
    assert huber_delta(Huber(), parts) == pytest.approx(1.345 * 0.3, rel=0.12)
    assert huber_delta(Huber(delta=0.7), parts) == 0.7
    delta = huber_delta(Huber(), parts)
    assert value(create_loss(Huber(), parts), [[0.0]], [[5.0]]) == pytest.approx(5 * delta - delta**2 / 2)


def test_residuals_that_are_all_the_same_leave_the_targets_own_scale(make_parts: MakeParts) -> None:
    parts = make_parts(np.zeros((100, 1)), np.zeros((100, 2)), task=Task.MULTIOUTPUT_REGRESSION)
    assert huber_delta(Huber(), parts) == 1.345


def test_a_saved_huber_loss_keeps_its_delta(parts_of) -> None:
    loss = create_loss(Huber(delta=2.0), parts_of(Task.REGRESSION, VALUES))
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert value(again, [[0.0]], [[5.0]]) == pytest.approx(2 * 5 - 2)  # delta · |error| - delta² / 2


def test_huber_is_quadratic_up_to_delta_and_linear_beyond(parts_of) -> None:
    loss = create_loss(Huber(delta=2.0), parts_of(Task.REGRESSION, VALUES))
    assert value(loss, [[0.0]], [[1.0]]) == pytest.approx(0.5)
    assert value(loss, [[0.0]], [[5.0]]) == pytest.approx(2 * 5 - 2)  # delta · |e| - delta² / 2


def test_mse_and_mae_are_means_over_rows_and_targets(parts_of) -> None:
    parts = parts_of(Task.MULTIOUTPUT_REGRESSION, np.tile(VALUES, 2))
    assert value(create_loss(MseLoss(), parts), [[0, 0], [0, 0]], [[1, 2], [3, 4]]) == pytest.approx(7.5)
    assert value(create_loss(MaeLoss(), parts), [[0, 0], [0, 0]], [[1, 2], [3, 4]]) == pytest.approx(2.5)


@pytest.mark.parametrize(("task", "target"), [(Task.BINARY, BINARY), (Task.MULTICLASS, CLASSES)])
def test_balanced_weights_are_those_of_scikit_learn(parts_of, task: Task, target: np.ndarray) -> None:
    parts = parts_of(task, target)
    weights = sample_weights(WeightedCrossentropy(), parts)
    assert weights is not None
    np.testing.assert_allclose(weights, compute_sample_weight("balanced", parts.train.raw_target), rtol=1e-6)


def test_square_root_weights_are_the_root_of_the_balanced_ones_with_mean_one(parts_of) -> None:
    weights = sample_weights(WeightedCrossentropy(weights="square_root"), parts_of(Task.BINARY, BINARY))
    # 1 / sqrt(3) and 1, whose mean over the rows is (sqrt(3) + 1) / 4
    mean = (math.sqrt(3) + 1) / 4
    np.testing.assert_allclose(weights, np.array([1 / math.sqrt(3)] * 3 + [1]) / mean, rtol=1e-6)


def test_other_losses_weigh_all_rows_the_same(parts_of) -> None:
    assert sample_weights(BinaryCrossentropy(), parts_of(Task.BINARY, BINARY)) is None


def test_weighted_labels_weigh_each_cell_and_keep_mean_one(parts_of) -> None:
    parts = parts_of(Task.MULTILABEL, LABELS)
    assert sample_weights(WeightedCrossentropy(), parts) is None
    loss = create_loss(WeightedCrossentropy(), parts)
    # Label 0 has 1 yes and 3 no: weights 4 / (2 · 1) = 2 and 4 / (2 · 3) = 2/3; label 1 has 2 and 2: weights 1.
    assert value(loss, [[1.0, 1.0]], [[0.0, 0.0]]) == pytest.approx(math.log(2) * (2 + 1) / 2)
    assert value(loss, [[0.0, 0.0]], [[0.0, 0.0]]) == pytest.approx(math.log(2) * (2 / 3 + 1) / 2)


def test_weighted_labels_stay_finite_at_large_logits(parts_of) -> None:
    loss = create_loss(WeightedCrossentropy(), parts_of(Task.MULTILABEL, LABELS))
    assert value(loss, [[0.0, 0.0]], [[500.0, -500.0]]) == pytest.approx(500 * (2 / 3) / 2)


def test_weighted_labels_survive_saving(parts_of) -> None:
    loss = create_loss(WeightedCrossentropy(), parts_of(Task.MULTILABEL, LABELS))
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert value(again, [[1.0, 0.0]], [[0.3, 0.4]]) == value(loss, [[1.0, 0.0]], [[0.3, 0.4]])


@pytest.mark.parametrize(
    ("loss", "task", "target", "remedy"),
    [
        (MseLoss(), Task.BINARY, BINARY, "must be a cross-entropy, but got mse"),
        (BinaryCrossentropy(), Task.REGRESSION, VALUES, "must be huber, mse or mae, but got binary_crossentropy"),
        (BinaryCrossentropy(), Task.MULTICLASS, CLASSES, "Use categorical_crossentropy"),
        (CategoricalCrossentropy(), Task.MULTILABEL, LABELS, "Use binary_crossentropy"),
    ],
)
def test_a_loss_that_does_not_fit_the_task_is_refused(
    parts_of,
    loss: Choice,
    task: Task,
    target: np.ndarray,
    remedy: str,
) -> None:
    with pytest.raises(ChoiceError, match=remedy):
        create_loss(loss, parts_of(task, target))
