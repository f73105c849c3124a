"""Losses against values worked by hand and against scikit-learn's weights."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import mean_pinball_loss, mean_tweedie_deviance
from sklearn.utils.class_weight import compute_sample_weight

from executor.components.loss import create_loss, huber_delta, sample_weights
from rules.errors import ChoiceError
from rules.vocabulary.choices import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Choice,
    Focal,
    Huber,
    LogCosh,
    MaeLoss,
    MseLoss,
    Poisson,
    Quantile,
    Tweedie,
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


def test_focal_loss_multiplies_the_crossentropy_of_a_row_by_a_power_of_the_other_probability(parts_of) -> None:
    two = create_loss(Focal(gamma=2.0), parts_of(Task.BINARY, BINARY))
    p = 1 / (1 + math.exp(-2))
    assert value(two, [[1.0]], [[2.0]]) == pytest.approx(-((1 - p) ** 2) * math.log(p))
    assert value(two, [[0.0]], [[2.0]]) == pytest.approx(-(p**2) * math.log(1 - p))
    several = create_loss(Focal(gamma=1.0), parts_of(Task.MULTICLASS, CLASSES))
    p = math.e / (2 + math.e)
    assert value(several, [[0.0, 1.0, 0.0]], [[0.0, 1.0, 0.0]]) == pytest.approx(-(1 - p) * math.log(p))
    labels = create_loss(Focal(gamma=0.0), parts_of(Task.MULTILABEL, LABELS))
    assert value(labels, [[1.0, 0.0]], [[0.0, 0.0]]) == pytest.approx(math.log(2))


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss_has_finite_gradients_where_the_output_is_saturated(parts_of, task: Task, gamma: float) -> None:
    target = BINARY if task is Task.BINARY else CLASSES
    loss = create_loss(Focal(gamma=gamma), parts_of(task, target))
    logits = tf.constant(np.where(target == 1, 500.0, -500.0) * np.where(np.arange(len(target)) % 2, 1, -1)[:, None])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        cost = loss(target.astype(np.float64), logits)
    assert np.isfinite(cost.numpy())
    assert np.isfinite(tape.gradient(cost, logits).numpy()).all()


def test_quantile_loss_is_scikit_learns_pinball_loss(parts_of) -> None:
    loss = create_loss(Quantile(level=0.9), parts_of(Task.REGRESSION, VALUES))
    predicted = VALUES[::-1].copy()
    assert value(loss, VALUES, predicted) == pytest.approx(mean_pinball_loss(VALUES, predicted, alpha=0.9))


def test_log_cosh_is_the_logarithm_of_the_hyperbolic_cosine(parts_of) -> None:
    loss = create_loss(LogCosh(), parts_of(Task.REGRESSION, VALUES))
    assert value(loss, [[0.0]], [[3.0]]) == pytest.approx(math.log(math.cosh(3)))


COUNTS = np.array([[0.0], [1.0], [4.0], [7.0]])


def standardised(parts: Parts) -> Parts:
    """The parts with a target that is standardized by its mean 3 and the scale 2."""
    train = replace(parts.train, target=((parts.train.raw_target - 3) / 2).astype(np.float32))
    return replace(parts, train=train, target_mean=np.array([3.0]), target_scale=np.array([2.0]))


@pytest.mark.parametrize(("choice", "power"), [(Poisson(), 1.0), (Tweedie(power=1.3), 1.3)])
def test_the_loss_of_a_distribution_differs_from_scikit_learns_deviance_by_a_constant(
    parts_of, choice: Choice, power: float
) -> None:
    loss = create_loss(choice, standardised(parts_of(Task.REGRESSION, COUNTS)))
    means = np.array([[0.5], [2.0], [3.0], [9.0]])
    losses = [value(loss, (COUNTS - 3) / 2, (mean - 3) / 2) for mean in (means, means[::-1])]
    deviances = [mean_tweedie_deviance(COUNTS, mean, power=power) for mean in (means, means[::-1])]
    # The deviance is twice the difference of log-likelihoods; the loss is that of the target divided by its mean.
    assert losses[0] - losses[1] == pytest.approx((deviances[0] - deviances[1]) / 2 / 3 ** (2 - power), rel=1e-5)


def test_a_log_link_needs_a_target_of_at_least_0_with_a_positive_mean(parts_of) -> None:
    with pytest.raises(ChoiceError, match="its smallest value is -1"):
        create_loss(Poisson(), parts_of(Task.REGRESSION, VALUES - 1))
    with pytest.raises(ChoiceError, match="all its training values are 0"):
        create_loss(Tweedie(), parts_of(Task.REGRESSION, VALUES * 0))


@pytest.mark.parametrize("choice", [Focal(gamma=1.5), Quantile(level=0.9), Poisson(), Tweedie(power=1.3)], ids=str)
def test_a_saved_loss_keeps_its_parameters(parts_of, choice: Choice) -> None:
    is_focal = isinstance(choice, Focal)
    parts = parts_of(Task.BINARY, BINARY) if is_focal else standardised(parts_of(Task.REGRESSION, COUNTS))
    loss = create_loss(choice, parts)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert value(again, [[1.0]], [[0.3]]) == value(loss, [[1.0]], [[0.3]])


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
        (MseLoss(), Task.BINARY, BINARY, "must be one of binary_crossentropy, .*, focal, but got mse"),
        (
            BinaryCrossentropy(),
            Task.REGRESSION,
            VALUES,
            "must be one of huber, mse, .*, but got binary_",
        ),
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
