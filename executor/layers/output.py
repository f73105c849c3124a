"""Output layers of a saved model: logits to probabilities, standardized values to the target's unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import keras
import tensorflow as tf

from executor.layers.numbers import join_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules.vocabulary.choices import TargetScale

Activation = Literal["sigmoid", "softmax"]
MAX_LOG_MEAN: Final = 15.0
"""Largest logarithm of a predicted mean relative to the target's, and of its inverse: a factor of 3 million."""


def log_link(logarithms: tf.Tensor, ratio: Sequence[float]) -> tf.Tensor:
    """Convert logarithms of a mean, relative to the mean of the target, to standardized values; both (…, outputs).

    ratio: mean of each target in its standard deviations; the standardized value of mean · e^x is ratio · (e^x - 1).
    """
    return tf.constant(ratio, tf.float32) * tf.math.expm1(tf.clip_by_value(logarithms, -MAX_LOG_MEAN, MAX_LOG_MEAN))


@keras.saving.register_keras_serializable(package="pcwat")
class LogLink(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """`log_link` as the last layer of a network, (rows, outputs) float32."""

    def __init__(
        self,
        *,
        ratio: list[float],
        name: str | None = None,
        dtype: Any = None,  # noqa: ANN401 - Keras' own loose type
    ) -> None:
        del dtype
        super().__init__(name=name, dtype="float32", trainable=False)
        self.ratio = tuple(ratio)

    def call(self, logarithms: Any) -> tf.Tensor:  # noqa: ANN401 - a tensor of any backend
        return log_link(tf.cast(logarithms, tf.float32), self.ratio)

    def compute_output_spec(self, logarithms: Any) -> keras.KerasTensor:  # noqa: ANN401 - symbolic tensor
        return keras.KerasTensor(logarithms.shape, dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "ratio": [*self.ratio]}


@keras.saving.register_keras_serializable(package="pcwat")
class Probabilities(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Logits (rows, outputs) to probabilities, in float32.

    temperatures: divisors of the logits, one for all outputs or one per output; None for 1.
    """

    def __init__(
        self,
        *,
        activation: Activation,
        temperatures: list[float] | None = None,
        name: str | None = None,
        dtype: Any = None,  # noqa: ANN401 - Keras' own loose type
    ) -> None:
        del dtype
        super().__init__(name=name, dtype="float32", trainable=False)
        self.activation = activation
        self.temperatures = tuple(temperatures or (1.0,))

    def call(self, logits: Any) -> tf.Tensor:  # noqa: ANN401 - a tensor of any backend
        logits = tf.cast(logits, tf.float32) / tf.constant(self.temperatures, tf.float32)
        return tf.nn.softmax(logits) if self.activation == "softmax" else tf.nn.sigmoid(logits)

    def compute_output_spec(self, logits: Any) -> keras.KerasTensor:  # noqa: ANN401 - symbolic tensor
        return keras.KerasTensor(logits.shape, dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "activation": self.activation, "temperatures": [*self.temperatures]}


@keras.saving.register_keras_serializable(package="pcwat")
class Values(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Standardized values (rows, targets) to the target's unit, in float64: value · scale + mean, or + offset.

    mean: (targets,), or None where a second input has a forecast's offsets, (rows, targets) or a list of (rows, 1).
    low, high: (targets,) bounds to which values are clipped; None for no bounds. on: learning scale, which is inverted.
    """

    def __init__(
        self,
        *,
        scale: list[float],
        mean: list[float] | None,
        low: list[float] | None = None,
        high: list[float] | None = None,
        on: TargetScale = "as_is",
        name: str | None = None,
        dtype: Any = None,  # noqa: ANN401 - Keras' own loose type
    ) -> None:
        del dtype
        super().__init__(name=name, dtype="float32", autocast=False, trainable=False)
        self.scale = tuple(scale)
        self.mean = None if mean is None else tuple(mean)
        self.on = on
        self.bounds = None if low is None or high is None else (tuple(low), tuple(high))

    def call(self, standardised: Any, offset: Any = None) -> tf.Tensor:  # noqa: ANN401 - tensors
        start = join_columns(offset) if self.mean is None else tf.constant(self.mean, tf.float64)
        values = tf.cast(standardised, tf.float64) * tf.constant(self.scale, tf.float64) + start
        if self.bounds is not None:
            low, high = (tf.constant(bound, tf.float64) for bound in self.bounds)
            values = tf.minimum(tf.maximum(values, low), high)
        return tf.math.expm1(values) if self.on == "log1p" else values

    def compute_output_spec(self, standardised: Any, offset: Any = None) -> keras.KerasTensor:  # noqa: ANN401
        del offset
        return keras.KerasTensor(standardised.shape, dtype="float64")

    def get_config(self) -> dict[str, Any]:
        mean = None if self.mean is None else [*self.mean]
        low, high = (None, None) if self.bounds is None else ([*bound] for bound in self.bounds)
        return {"name": self.name, "scale": [*self.scale], "mean": mean, "low": low, "high": high, "on": self.on}
