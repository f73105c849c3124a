"""Loss: the bundle's choice as a Keras loss on logits or standardized values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import keras
import numpy as np
import tensorflow as tf

from executor.preprocessing.design_matrix import linear_residuals
from recommender.profile.characteristics.target import MAD_SCALE
from rules.errors import ChoiceError, TrainingError
from rules.vocabulary.choices import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CustomLoss,
    Focal,
    Huber,
    LogCosh,
    LossFunction,
    MaeLoss,
    MseLoss,
    Poisson,
    Quantile,
    Tweedie,
    WeightedCrossentropy,
    load_function,
)
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.preprocessing.examples import Examples, Parts
    from rules.vocabulary.choices import Choice


HUBER_SCALES: Final = 1.345  # residual scales; 95 % efficiency for normal errors (Holland and Welsch)
POISSON_POWER: Final = 1.0  # of the mean, to which the variance is proportional
MIN_MEAN: Final = 1e-6  # smallest predicted mean, relative to the mean of the target; avoids a logarithm of 0
MIN_OTHERS: Final = 1e-7  # smallest probability of the other classes, of which a logarithm is taken
CHECKED_SHAPE: Final = (2, 3)  # networks and rows of the outputs on which a loss that is not shipped is checked
MIN_SCALE: Final = 1e-6  # standard deviations of the target; smaller residuals are rounding errors


@dataclass(frozen=True, kw_only=True)
class LossKind:
    """A loss of the vocabulary as Keras computes it."""

    create: Callable[[Any, Parts], keras.losses.Loss]
    """The loss on logits or standardized values, from the choice and the parts of a search."""
    predicts_numbers: bool = False
    """Whether its targets are numbers; else classes."""
    has_log_link: bool = False
    """Whether the network predicts the logarithm of the mean, see `executor.layers.output.log_link`."""


def create_loss(loss: Choice, parts: Parts) -> keras.losses.Loss:
    """Create the loss of a batch, averaged over its rows, on logits or standardized values.

    Raises ChoiceError on a loss that does not fit the task.
    """
    if isinstance(loss, CustomLoss):
        return create_custom_loss(loss, outputs=parts.outputs)
    kind = LOSSES.get(type(loss))
    if kind is None or kind.predicts_numbers is parts.task.is_classification:
        wanted = ", ".join(
            choice.model_fields["name"].default
            for choice, other in LOSSES.items()
            if other.predicts_numbers is not parts.task.is_classification
        )
        raise ChoiceError(f"The loss of a {parts.task} task must be one of {wanted}, but got {loss}.")
    return kind.create(loss, parts)


def predicts_numbers(loss: Choice) -> bool:
    """Whether a loss is one of numeric targets."""
    if isinstance(loss, CustomLoss):
        return not loss.tasks[0].is_classification
    return type(loss) in LOSSES and LOSSES[type(loss)].predicts_numbers


def has_log_link(loss: Choice) -> bool:
    """Whether networks with a loss predict the logarithm of the mean."""
    return type(loss) in LOSSES and LOSSES[type(loss)].has_log_link


def log_link_ratio(parts: Parts) -> list[float]:
    """Mean of each target in its standard deviations, (outputs,), the scale of `log_link`.

    Raises ChoiceError on a target that has no positive mean, or a negative value.
    """
    lowest = float(parts.train.raw_target.min())
    if lowest < 0 or not (parts.target_mean > 0).all():
        wrong = f"its smallest value is {lowest:g}" if lowest < 0 else "all its training values are 0"
        raise ChoiceError(f"A loss with a log link needs a target of at least 0, but {wrong}. Use mse, mae or huber.")
    ratio: list[float] = (parts.target_mean / parts.target_scale).tolist()
    return ratio


def _binary(loss: BinaryCrossentropy, parts: Parts) -> keras.losses.Loss:
    if parts.task is Task.MULTICLASS:
        raise ChoiceError(
            "The loss of a multiclass task must be categorical, but got binary_crossentropy. Use "
            "categorical_crossentropy."
        )
    return _crossentropy(parts, smoothing=loss.label_smoothing)


def _categorical(loss: CategoricalCrossentropy, parts: Parts) -> keras.losses.Loss:
    if parts.task is Task.MULTILABEL:
        raise ChoiceError(
            "The loss of a multilabel task must be binary, but got categorical_crossentropy. Use binary_crossentropy."
        )
    return _crossentropy(parts, smoothing=loss.label_smoothing)


def _weighted(loss: WeightedCrossentropy, parts: Parts) -> keras.losses.Loss:
    return _weighted_labels(loss, parts.train) if parts.task is Task.MULTILABEL else _crossentropy(parts)


def _crossentropy(parts: Parts, *, smoothing: float = 0.0) -> keras.losses.Loss:
    """Create a cross-entropy; of two classes, the categorical one is the binary one on the difference of the logits."""
    if parts.task is Task.MULTICLASS:
        return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    return keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=smoothing)


LOSSES: Final[dict[type[Choice], LossKind]] = {
    BinaryCrossentropy: LossKind(create=_binary),
    CategoricalCrossentropy: LossKind(create=_categorical),
    WeightedCrossentropy: LossKind(create=_weighted),
    Focal: LossKind(
        create=lambda loss, parts: FocalLoss(gamma=loss.gamma, is_multiclass=parts.task is Task.MULTICLASS)
    ),
    Huber: LossKind(create=lambda loss, parts: HuberLoss(delta=huber_delta(loss, parts)), predicts_numbers=True),
    MseLoss: LossKind(create=lambda _loss, _parts: keras.losses.MeanSquaredError(), predicts_numbers=True),
    MaeLoss: LossKind(create=lambda _loss, _parts: keras.losses.MeanAbsoluteError(), predicts_numbers=True),
    Quantile: LossKind(create=lambda loss, _parts: QuantileLoss(level=loss.level), predicts_numbers=True),
    LogCosh: LossKind(create=lambda _loss, _parts: keras.losses.LogCosh(), predicts_numbers=True),
    Poisson: LossKind(
        create=lambda _loss, parts: LogLinkLoss(power=POISSON_POWER, ratio=log_link_ratio(parts)),
        predicts_numbers=True,
        has_log_link=True,
    ),
    Tweedie: LossKind(
        create=lambda loss, parts: LogLinkLoss(power=loss.power, ratio=log_link_ratio(parts)),
        predicts_numbers=True,
        has_log_link=True,
    ),
}
"""The losses by the class of their choice."""


def huber_delta(loss: Huber, parts: Parts) -> float:
    """Choose delta of the Huber loss, in standard deviations of the target: the bundle's own delta, if it has one.

    Else 1.345 · 1.4826 · MAD of a linear model's residuals on the validation rows, averaged over targets. Where more
    than half of the residuals of a target are equal, the scale is its standard deviation. Comparison with delta 1:
    docs/evidence.md#huber-delta.
    """
    known = loss.delta if parts.huber_delta is None else parts.huber_delta
    if known is not None:
        return known
    residuals = linear_residuals(parts.divided())
    scales = MAD_SCALE * np.median(np.abs(residuals - np.median(residuals, axis=0)), axis=0)
    return HUBER_SCALES * float(np.where(scales > MIN_SCALE, scales, 1.0).mean())


def fit_to_loss(parts: Parts, loss: Choice, *, before: Choice | None = None) -> Parts:
    """Encoded rows with what a loss takes from them: delta of the Huber loss, and costs of the outputs.

    before: loss to which they fit already.
    """
    if loss == before:
        return parts
    if parts.costs is not None:
        parts = replace(parts, network_costs=costs_of_outputs(loss, parts))
    if not isinstance(loss, Huber):
        return parts
    return replace(parts, huber_delta=huber_delta(loss, replace(parts, huber_delta=None)))


def sample_weights(loss: Choice, parts: Parts) -> np.ndarray | None:
    """The weight of each training row in the loss, (rows,) float32 with mean 1; None where all weigh the same.

    It is the weight of its class times its own. With several labels the loss weights each cell instead of a class.
    """
    weights, own = parts.train.weight, parts.train.weight
    if isinstance(loss, WeightedCrossentropy) and parts.task is not Task.MULTILABEL:
        classes = parts.train.raw_target
        weights = class_weights(np.bincount(classes, own)[classes], kind=loss.weights)
        weights = weights if own is None else weights * own
    return None if weights is None else np.asarray(weights / weights.mean(), np.float32)


def costs_of_outputs(loss: Choice, parts: Parts) -> np.ndarray | None:
    """Costs with which the probabilities of a network have the least expected cost, (classes, classes); None without.

    A loss with class weights multiplies the odds of classes by their weights, so the costs of each actual class are
    divided by its weight (Elkan 2001, section 2: only the product of odds and costs matters).
    """
    if parts.costs is None or not isinstance(loss, WeightedCrossentropy):
        return parts.costs
    totals = np.bincount(parts.train.raw_target, parts.train.weight, minlength=len(parts.costs))
    weights = class_weights(np.where(totals > 0, totals, 1), kind=loss.weights)
    return np.asarray(parts.costs / (weights / weights.mean())[:, None])


def class_weights(counts: np.ndarray, *, kind: str) -> np.ndarray:
    """Compute 1 / count, or its square root, up to a factor.

    Divided by its mean over the rows, "balanced" is n / (k · n_class), as in scikit-learn (King and Zeng 2001).

    >>> class_weights(np.array([4, 1]), kind="square_root").tolist()
    [0.5, 1.0]
    """
    inverse = 1.0 / counts
    return np.sqrt(inverse) if kind == "square_root" else inverse


def _weighted_labels(loss: WeightedCrossentropy, train: Examples) -> WeightedLabels:
    """Weights of positives and negatives of each label, with mean 1 over its training cells."""
    positives, rows = train.target_totals(), train.total
    negatives = rows - positives
    positive = class_weights(np.maximum(positives, 1), kind=loss.weights)
    negative = class_weights(np.maximum(negatives, 1), kind=loss.weights)
    mean = (positives * positive + negatives * negative) / rows
    return WeightedLabels(positive=(positive / mean).tolist(), negative=(negative / mean).tolist())


@keras.saving.register_keras_serializable(package="pcwat")
class WeightedLabels(keras.losses.Loss):  # type: ignore[misc]  # Keras ships no types
    """Binary cross-entropy with weights for positives and negatives of each label.

    positive, negative: one weight per label. from_logits: whether predictions are logits.
    """

    def __init__(
        self,
        *,
        positive: list[float],
        negative: list[float],
        from_logits: bool = True,
        reduction: str = "sum_over_batch_size",
        name: str = "weighted_labels",
        dtype: Any = None,  # noqa: ANN401 - Keras gives a name, a policy or its saved form
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.positive = positive
        self.negative = negative
        self.from_logits = from_logits

    def call(self, y_true: Any, y_pred: Any) -> Any:  # noqa: ANN401 - tensors of any backend
        """Loss of each row, (rows,); both arguments are (rows, labels)."""
        if not self.from_logits:
            safe = keras.ops.clip(y_pred, keras.backend.epsilon(), 1 - keras.backend.epsilon())
            y_pred = keras.ops.log(safe / (1 - safe))
        # The stable form of max(x, 0) - x·y + log(1 + e^-|x|), from the logits x.
        cells = keras.ops.relu(y_pred) - y_pred * y_true + keras.ops.log1p(keras.ops.exp(-keras.ops.abs(y_pred)))
        positive = keras.ops.convert_to_tensor(self.positive, dtype=cells.dtype)
        negative = keras.ops.convert_to_tensor(self.negative, dtype=cells.dtype)
        return keras.ops.mean(cells * (y_true * positive + (1 - y_true) * negative), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "positive": self.positive,
            "negative": self.negative,
            "from_logits": self.from_logits,
        }


@keras.saving.register_keras_serializable(package="pcwat")
class HuberLoss(keras.losses.Huber):  # type: ignore[misc]  # Keras ships no types
    """Keras' Huber loss with a serialized delta: Keras 3.15 saves every Huber loss with delta 1."""

    def __init__(
        self,
        *,
        delta: float,
        reduction: str = "sum_over_batch_size",
        name: str = "huber_loss",
        dtype: Any = None,  # noqa: ANN401 - Keras gives a name, a policy or its saved form
    ) -> None:
        super().__init__(delta=delta, reduction=reduction, name=name, dtype=dtype)
        self.delta = delta

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "delta": self.delta}


@keras.saving.register_keras_serializable(package="pcwat")
class FocalLoss(keras.losses.Loss):  # type: ignore[misc]  # Keras ships no types
    """Focal loss of logits (Lin et al. 2017), (1 - p)^gamma · -log p of the true class.

    Keras' own goes through probabilities, so that the gradient of a row with a saturated output is 0 or NaN.
    is_multiclass: whether the classes of a row are exclusive.
    """

    def __init__(
        self,
        *,
        gamma: float,
        is_multiclass: bool,
        reduction: str = "sum_over_batch_size",
        name: str = "focal_loss",
        dtype: Any = None,  # noqa: ANN401 - Keras gives a name, a policy or its saved form
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.gamma, self.is_multiclass = gamma, is_multiclass

    def call(self, y_true: Any, y_pred: Any) -> Any:  # noqa: ANN401 - tensors of any backend
        """Loss of each row, (…,); both arguments are (…, outputs)."""
        if self.is_multiclass:
            log_true = keras.ops.log_softmax(y_pred, axis=-1)
            log_others = keras.ops.log(keras.ops.maximum(1 - keras.ops.exp(log_true), MIN_OTHERS))
            return -keras.ops.sum(y_true * keras.ops.exp(self.gamma * log_others) * log_true, axis=-1)
        towards = (2 * y_true - 1) * y_pred  # logit of the true class
        cells = keras.ops.exp(-self.gamma * keras.ops.softplus(towards)) * keras.ops.softplus(-towards)
        return keras.ops.mean(cells, axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gamma": self.gamma, "is_multiclass": self.is_multiclass}


@keras.saving.register_keras_serializable(package="pcwat")
class QuantileLoss(keras.losses.Loss):  # type: ignore[misc]  # Keras ships no types
    """Pinball loss (Koenker and Bassett 1978). level: probability that the target is below the prediction."""

    def __init__(
        self,
        *,
        level: float,
        reduction: str = "sum_over_batch_size",
        name: str = "quantile_loss",
        dtype: Any = None,  # noqa: ANN401 - Keras gives a name, a policy or its saved form
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.level = level

    def call(self, y_true: Any, y_pred: Any) -> Any:  # noqa: ANN401 - tensors of any backend
        """Loss of each row, (…,); both arguments are (…, targets)."""
        error = y_true - y_pred
        return keras.ops.mean(keras.ops.maximum(self.level * error, (self.level - 1) * error), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "level": self.level}


@keras.saving.register_keras_serializable(package="pcwat")
class LogLinkLoss(keras.losses.Loss):  # type: ignore[misc]  # Keras ships no types
    """Negative log-likelihood of a Poisson or Tweedie distribution (Jørgensen 1987), on standardized values.

    It is that of the target divided by its mean, without constants. power: of the mean, to which the variance is
    proportional; 1 for Poisson. ratio: mean of each target in its standard deviations.
    """

    def __init__(
        self,
        *,
        power: float,
        ratio: list[float],
        reduction: str = "sum_over_batch_size",
        name: str = "log_link_loss",
        dtype: Any = None,  # noqa: ANN401 - Keras gives a name, a policy or its saved form
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.power, self.ratio = power, ratio

    def call(self, y_true: Any, y_pred: Any) -> Any:  # noqa: ANN401 - tensors of any backend
        """Loss of each row, (…,); both arguments are (…, targets)."""
        ratio = keras.ops.convert_to_tensor(self.ratio, dtype=y_pred.dtype)
        true, mean = 1 + y_true / ratio, keras.ops.maximum(1 + y_pred / ratio, MIN_MEAN)
        if self.power == POISSON_POWER:
            return keras.ops.mean(mean - true * keras.ops.log(mean), axis=-1)
        above, below = 2 - self.power, 1 - self.power
        return keras.ops.mean(mean**above / above - true * mean**below / below, axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "power": self.power, "ratio": self.ratio}


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
