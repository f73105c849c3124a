"""Metrics and losses that are not shipped: calls of their functions, with checks of what they return."""

from __future__ import annotations

import logging
import math
from numbers import Real
from typing import TYPE_CHECKING, Any, Final

import keras
import numpy as np
import tensorflow as tf

from rules.errors import TrainingError
from rules.vocabulary.choices import CustomChoice, CustomLoss, LossFunction, MetricFunction, load_function

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules.vocabulary.bundle import Bundle
    from rules.vocabulary.choices import CustomMetric

LOG: Final = logging.getLogger("pcwat.custom")
CHECKED_SHAPE: Final = (2, 3)  # networks and rows of the outputs on which a loss is checked


def check_installed(bundle: Bundle) -> None:
    """Raise ChoiceError if the metric or the loss of a bundle is not shipped and not installed, or has changed."""
    for choice in (bundle.metric, bundle.loss):
        if isinstance(choice, CustomChoice):
            load_function(choice)


class CustomFunction:
    """The function of a metric, from true and predicted values to a score; NaN where it fails, which is logged once.

    Raises ChoiceError if the function is not installed or has changed.
    """

    def __init__(self, choice: CustomMetric) -> None:
        self.choice = choice
        found = load_function(choice)
        if not isinstance(found, MetricFunction):
            raise TypeError(f"a metric is a MetricFunction, but {choice} is {found!r}")
        self._function: Callable[[Any, Any], object] = found.function
        self._is_reported = False

    def __call__(self, true: np.ndarray, predicted: np.ndarray) -> float:
        try:
            return self.score(true, predicted)
        except TrainingError as error:
            if not self._is_reported:
                self._is_reported = True
                LOG.warning("%s Its score is undefined there.", error)
            return math.nan

    def score(self, true: np.ndarray, predicted: np.ndarray) -> float:
        """Score predictions. Raises TrainingError if the function raises, or returns no number."""
        arrays = (values[:, 0] if values.ndim > 1 and values.shape[1] == 1 else values for values in (true, predicted))
        try:
            found = self._function(*arrays)
        except Exception as error:
            raise TrainingError(
                f"The metric {self.choice} raised {type(error).__name__} for {len(true):,} rows: {error}."
            ) from error
        if isinstance(found, bool | np.bool_) or not isinstance(found, Real):
            raise TrainingError(
                f"The metric {self.choice} must return a number, but returned {type(found).__name__} for "
                f"{len(true):,} rows."
            )
        return float(found)

    def check(self, true: np.ndarray, predicted: np.ndarray) -> None:
        """Score random predictions. Raises TrainingError if the score is not a finite number."""
        found = self.score(true, predicted)
        if not math.isfinite(found):
            raise TrainingError(
                f"The metric {self.choice} must return a finite number, but returned {found} for random predictions of "
                f"{len(true):,} rows."
            )


@keras.saving.register_keras_serializable(package="pcwat")
class CustomKerasLoss(keras.losses.Loss):  # type: ignore[misc]  # Keras ships no types
    """A loss that is not shipped. A saved model opens without its package, which only further training needs.

    choice: of the bundle, or its stored form.
    """

    def __init__(
        self,
        *,
        choice: CustomLoss | dict[str, Any],
        reduction: str = "sum_over_batch_size",
        name: str = "custom_loss",
        dtype: Any = None,  # noqa: ANN401 - Keras gives a name, a policy or its saved form
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.choice = choice if isinstance(choice, CustomLoss) else CustomLoss.model_validate(choice)
        self._function: Callable[[Any, Any], Any] | None = None

    def call(self, y_true: Any, y_pred: Any) -> Any:  # noqa: ANN401 - tensors of any backend
        """Loss of each row, (…,); both arguments are (…, outputs)."""
        if self._function is None:
            found = load_function(self.choice)
            if not isinstance(found, LossFunction):
                raise TypeError(f"a loss is a LossFunction, but {self.choice} is {found!r}")
            self._function = found.function
        return self._function(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "choice": self.choice.model_dump(mode="json")}


def create_custom_loss(choice: CustomLoss, *, outputs: int) -> CustomKerasLoss:
    """Create a loss, and check it on zeros and ones of some rows.

    Raises ChoiceError if the function is not installed or has changed, and TrainingError if it raises, or its result is
    no loss of each row.
    """
    loss = CustomKerasLoss(choice=choice)
    true, predicted = tf.ones((*CHECKED_SHAPE, outputs)), tf.zeros((*CHECKED_SHAPE, outputs))
    load_function(choice)
    try:
        with tf.GradientTape() as tape:
            tape.watch(predicted)
            found = tf.convert_to_tensor(loss.call(true, predicted))
        gradient = tape.gradient(found, predicted)
    except Exception as error:
        raise TrainingError(
            f"The loss {choice} raised {type(error).__name__} for tensors of the shape {predicted.shape}: {error}."
        ) from error
    if tuple(found.shape) != CHECKED_SHAPE:
        raise TrainingError(
            f"The loss {choice} must return the loss of each row, the shape {CHECKED_SHAPE} for tensors of the shape "
            f"{tuple(predicted.shape)}, but returned {tuple(found.shape)}. Reduce the last axis only, with axis=-1."
        )
    if not np.isfinite(found.numpy()).all():
        raise TrainingError(f"The loss {choice} must be finite, but is {found.numpy().ravel()[0]} for zeros and ones.")
    if gradient is None:
        raise TrainingError(f"The loss {choice} has no gradient. Compute it from the outputs with keras.ops.")
    return loss
