"""Loss, metric and optimizer of a saved model, so that it can be trained further on raw rows.

The network was trained on logits or standardized values; the saved model predicts probabilities or values in the
target's unit. The losses here are the same ones on that scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from executor.components.loss import WeightedLabels, class_weights, create_loss
from executor.components.optimizer import create_optimizer
from rules.vocabulary.choices import F1, R2, LogLoss, Mse, PrAuc, Rmse, RocAuc, WeightedCrossentropy
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from executor.components.configuration import Configuration
    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle
    from rules.vocabulary.choices import Choice, TargetScale


def compile_model(
    model: keras.Model, bundle: Bundle, parts: Parts, chosen: Configuration, *, cuts: tuple[float, ...] = ()
) -> None:
    """Compile an assembled model with the bundle's loss, metric and optimizer.

    The optimizer has the slots of every trainable weight in their initial state: a trial keeps the weights of its best
    epoch, not its optimizer state. The learning rate is the highest of the trial's schedule. cuts: decision threshold
    of each label.
    """
    optimizer = create_optimizer(bundle.optimizer, chosen)
    optimizer.build(model.trainable_variables)
    model.compile(
        optimizer=optimizer, loss=loss_on_predictions(bundle.loss, parts), metrics=[_metric(bundle, parts, cuts)]
    )


def loss_on_predictions(loss: Choice, parts: Parts) -> keras.losses.Loss:
    """Create the bundle's loss on probabilities, or on values in the target's unit.

    The target is 0 or 1 (rows, 1) for two classes, one-hot for several, (rows, labels) for labels, else values.
    """
    own = create_loss(loss, parts)
    if not parts.task.is_classification:
        return StandardisedLoss(
            loss=own, mean=parts.target_mean.tolist(), scale=parts.target_scale.tolist(), on=parts.target_on
        )
    if isinstance(own, WeightedLabels):
        return WeightedLabels(positive=own.positive, negative=own.negative, from_logits=False)
    if not isinstance(own, keras.losses.CategoricalCrossentropy | keras.losses.BinaryCrossentropy):
        return LossOfLogits(loss=own, is_multiclass=parts.task is Task.MULTICLASS)
    smoothing = getattr(loss, "label_smoothing", 0.0)
    plain = keras.losses.CategoricalCrossentropy if parts.task is Task.MULTICLASS else keras.losses.BinaryCrossentropy
    if not isinstance(loss, WeightedCrossentropy):
        return plain(label_smoothing=smoothing)
    classes = parts.train.raw_target
    counts = np.bincount(classes, parts.train.weight, minlength=2)
    weights = class_weights(np.where(counts > 0, counts, 1), kind=loss.weights)
    return WeightedClasses(weights=(weights / np.average(weights[classes], weights=parts.train.weight)).tolist())


def _metric(bundle: Bundle, parts: Parts, cuts: tuple[float, ...]) -> keras.metrics.Metric:
    """Create the bundle's metric; F1 and average precision of two classes are those of class 1.

    Of a metric that Keras does not have: accuracy of classes, or mean absolute error of numbers.
    """
    several, outputs = parts.task is Task.MULTICLASS, parts.outputs
    found: Mapping[type[Choice], Callable[[], keras.metrics.Metric]] = {
        RocAuc: lambda: keras.metrics.AUC(name="roc_auc", multi_label=outputs > 1, num_labels=_labels(parts)),
        PrAuc: lambda: keras.metrics.AUC(name="pr_auc", curve="PR"),
        LogLoss: lambda: (keras.metrics.CategoricalCrossentropy if several else keras.metrics.BinaryCrossentropy)(
            "log_loss"
        ),
        F1: lambda: keras.metrics.F1Score(
            average="macro", threshold=None if several else float(np.mean(cuts)) if cuts else 0.5, name="f1"
        ),
        Mse: lambda: keras.metrics.MeanSquaredError("mse"),
        Rmse: lambda: keras.metrics.RootMeanSquaredError("rmse"),
        R2: lambda: keras.metrics.R2Score(name="r2"),
    }
    if type(bundle.metric) in found:
        return found[type(bundle.metric)]()
    if parts.task.is_classification:
        return (keras.metrics.CategoricalAccuracy if several else keras.metrics.BinaryAccuracy)("accuracy")
    return keras.metrics.MeanAbsoluteError("mae")


def _labels(parts: Parts) -> int | None:
    return parts.outputs if parts.outputs > 1 else None


@keras.saving.register_keras_serializable(package="pcwat")
class StandardisedLoss(keras.losses.Loss):  # type: ignore[misc]  # Keras ships no types
    """Loss on values in the target's unit, which are standardized before comparison.

    loss: of standardized values. mean, scale: (targets,). on: learning scale of the target.
    """

    def __init__(
        self,
        *,
        loss: keras.losses.Loss | dict[str, Any],
        mean: list[float],
        scale: list[float],
        on: TargetScale = "as_is",
        reduction: str = "sum_over_batch_size",
        name: str = "standardised_loss",
        dtype: Any = None,  # noqa: ANN401 - Keras gives a name, a policy or its saved form
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.loss = keras.losses.deserialize(loss) if isinstance(loss, dict) else loss
        self.mean, self.scale, self.on = mean, scale, on

    def call(self, y_true: Any, y_pred: Any) -> Any:  # noqa: ANN401 - tensors of any backend
        """Loss of each row, (rows,); both arguments are (rows, targets)."""
        return self.loss.call(self._standardised(y_true), self._standardised(y_pred))

    def _standardised(self, values: Any) -> Any:  # noqa: ANN401 - a tensor of any backend
        learned = keras.ops.log1p(values) if self.on == "log1p" else values
        mean = keras.ops.convert_to_tensor(self.mean, dtype=learned.dtype)
        return (learned - mean) / keras.ops.convert_to_tensor(self.scale, dtype=learned.dtype)

    def get_config(self) -> dict[str, Any]:
        own = {"loss": keras.losses.serialize(self.loss), "mean": self.mean, "scale": self.scale, "on": self.on}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="pcwat")
class LossOfLogits(keras.losses.Loss):  # type: ignore[misc]  # Keras ships no types
    """A loss on logits that reads probabilities.

    loss: of logits. is_multiclass: whether the probabilities of a row sum to 1; their logits are then their logarithms.
    """

    def __init__(
        self,
        *,
        loss: keras.losses.Loss | dict[str, Any],
        is_multiclass: bool,
        reduction: str = "sum_over_batch_size",
        name: str = "loss_of_logits",
        dtype: Any = None,  # noqa: ANN401 - Keras gives a name, a policy or its saved form
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.loss = keras.losses.deserialize(loss) if isinstance(loss, dict) else loss
        self.is_multiclass = is_multiclass

    def call(self, y_true: Any, y_pred: Any) -> Any:  # noqa: ANN401 - tensors of any backend
        """Loss of each row, (rows,)."""
        safe = keras.ops.clip(y_pred, keras.backend.epsilon(), 1 - keras.backend.epsilon())
        logits = keras.ops.log(safe) if self.is_multiclass else keras.ops.log(safe) - keras.ops.log(1 - safe)
        return self.loss.call(y_true, logits)

    def get_config(self) -> dict[str, Any]:
        own = {"loss": keras.losses.serialize(self.loss), "is_multiclass": self.is_multiclass}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="pcwat")
class WeightedClasses(keras.losses.Loss):  # type: ignore[misc]  # Keras ships no types
    """Cross-entropy on probabilities with class weights.

    weights: one per class, also for two classes, whose target is (rows, 1).
    """

    def __init__(
        self,
        *,
        weights: list[float],
        reduction: str = "sum_over_batch_size",
        name: str = "weighted_classes",
        dtype: Any = None,  # noqa: ANN401 - Keras gives a name, a policy or its saved form
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.weights = weights

    def call(self, y_true: Any, y_pred: Any) -> Any:  # noqa: ANN401 - tensors of any backend
        """Loss of each row, (rows,)."""
        weights = keras.ops.convert_to_tensor(self.weights, dtype=y_pred.dtype)
        if y_pred.shape[-1] == 1:
            own = weights[0] + (weights[1] - weights[0]) * y_true[..., 0]
            return own * keras.losses.binary_crossentropy(y_true, y_pred)
        return keras.ops.sum(y_true * weights, axis=-1) * keras.losses.categorical_crossentropy(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weights": self.weights}
