"""Layers for sequences: standardized steps, masks and windows.

Sequences are (rows, steps, channels) float32 with NaN after their end and for missing numbers, or letters, (rows, 1)
strings, of which each letter is a one-hot step.
"""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf

from executor.layers.convolutions import FARTHEST, KERNELS, TAPS
from executor.layers.numbers import ColumnLayer, join_columns

CELLS_AT_ONCE: Final = 2**25  # outputs of the kernels of one dilation per call: 128 MiB


class SequenceLayer(ColumnLayer):
    """Base class of layers that read sequences.

    mean, scale: (channels,), of numbers; empty for letters. letters: those of training, sorted.
    """

    def __init__(
        self,
        *,
        mean: list[float],
        scale: list[float],
        letters: str = "",
        name: str | None = None,
        dtype: Any = None,  # noqa: ANN401 - Keras' own loose type
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.mean, self.scale, self.letters = mean, scale, letters
        self.channels = len(letters) or len(mean)

    def read(self, sequences: Any) -> tuple[tf.Tensor, tf.Tensor]:  # noqa: ANN401 - a tensor, or a list of one
        """Standardize numbers, (rows, steps, channels), 0 for missing, and mask steps, (rows, steps, 1); float32.

        The mask is 1 before the end of a sequence.
        """
        if self.letters:
            found = tf.strings.unicode_split(join_columns(sequences)[:, 0], "UTF-8").to_tensor("")
            known = tf.constant([*self.letters])
            return tf.cast(found[..., None] == known, tf.float32), tf.cast(found != "", tf.float32)[..., None]
        raw = sequences[0] if isinstance(sequences, list | tuple) else tf.convert_to_tensor(sequences)
        missing = tf.math.is_nan(raw)
        # The end follows the last known number; missing steps before it are steps.
        later = tf.reverse(tf.cumsum(tf.reverse(tf.cast(~tf.reduce_all(missing, 2), tf.float32), [1]), 1), [1])
        numbers = (raw - tf.constant(self.mean, tf.float32)) / tf.constant(self.scale, tf.float32)
        return tf.where(missing, 0.0, numbers), tf.cast(later > 0, tf.float32)[..., None]

    def own_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "scale": self.scale, "letters": self.letters}


@keras.saving.register_keras_serializable(package="pcwat")
class Steps(SequenceLayer):
    """Flattened steps: for each step its channels, and 1 before the end of the sequence.

    Returns (rows, steps · (channels + 1)) float32. steps: of the longest training sequence; longer ones are truncated.
    """

    def __init__(self, *, steps: int, **own: Any) -> None:  # noqa: ANN401 - as SequenceLayer
        super().__init__(**own)
        self.steps = steps
        self.output_width = steps * (self.channels + 1)

    def call(self, sequences: Any) -> tf.Tensor:  # noqa: ANN401 - as read
        numbers, mask = self.read(sequences)
        both = tf.concat([numbers, mask], axis=2)[:, : self.steps]
        filled = tf.pad(both, [[0, 0], [0, self.steps - tf.shape(both)[1]], [0, 0]])
        return tf.reshape(filled, (-1, self.output_width))

    def own_config(self) -> dict[str, Any]:
        return {"steps": self.steps, **super().own_config()}


@keras.saving.register_keras_serializable(package="pcwat")
class RandomKernels(SequenceLayer):
    """Random convolutions of models that versions before 0.3.0 saved; today `MiniRocketFeatures` takes their place.

    A feature is the share of steps at which a convolution exceeds a bias, standardized on the training rows. All
    kernels read zeros beyond the ends of a sequence. Returns (rows, features) float32 of variance 1.

    dilations: (dilations,). chosen: (dilations, 84, some) channels of each kernel. biases: (dilations, 84, each).
    center, spread: (features,).
    """

    def __init__(
        self,
        *,
        dilations: list[int],
        chosen: list[list[list[int]]],
        biases: list[list[list[float]]],
        center: list[float],
        spread: list[float],
        **own: Any,  # noqa: ANN401 - as SequenceLayer
    ) -> None:
        super().__init__(**own)
        self.dilations, self.chosen, self.biases = dilations, chosen, biases
        self.center, self.spread = center, spread
        self.output_width = len(center)

    def call(self, sequences: Any) -> tf.Tensor:  # noqa: ANN401 - as read
        shares = tf.concat([*self.shares(*self.read(sequences))], axis=1)
        standard = (shares - tf.constant(self.center, tf.float32)) / tf.constant(self.spread, tf.float32)
        return tf.ensure_shape(tf.clip_by_value(standard, -FARTHEST, FARTHEST), (None, self.output_width))

    def shares(self, numbers: tf.Tensor, mask: tf.Tensor) -> list[tf.Tensor]:
        """Features before standardization, (rows, 84) for each dilation and bias."""
        steps = tf.maximum(tf.reduce_sum(mask, axis=1), 1.0)
        found = []
        for dilation, chosen, biases in zip(self.dilations, self.chosen, self.biases, strict=True):
            sums = convolve(numbers, chosen, dilation=dilation, channels=self.channels)
            above = (tf.cast(sums > bias, tf.float32) for bias in np.asarray(biases, np.float32).T)
            found += [tf.reduce_sum(one * mask, axis=1) / steps for one in above]
        return found

    def own_config(self) -> dict[str, Any]:
        return {
            **super().own_config(),
            **{name: getattr(self, name) for name in ("dilations", "chosen", "biases", "center", "spread")},
        }


def convolve(numbers: tf.Tensor, chosen: list[list[int]], *, dilation: int, channels: int) -> tf.Tensor:
    """Apply the 84 kernels, (rows, steps, 84); numbers: (rows, steps, channels)."""
    weights = np.zeros((TAPS, channels, len(KERNELS)), np.float32)
    for kernel, (high, own) in enumerate(zip(KERNELS, chosen, strict=True)):
        weights[:, own, kernel] = -1
        weights[np.ix_([*high], own, [kernel])] = 2
    return tf.nn.conv1d(numbers, weights, stride=1, padding="SAME", dilations=dilation)


def rows_at_once(steps: int) -> int:
    """Number of sequences of a length that are encoded at once."""
    return max(1, CELLS_AT_ONCE // (max(1, steps) * len(KERNELS)))


@keras.saving.register_keras_serializable(package="pcwat")
class Ending(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Mask of a sequence: the last channel of (rows, steps, channels), as (rows, steps, 1)."""

    def call(self, steps: Any) -> Any:  # noqa: ANN401 - tensors
        return steps[..., -1:]


@keras.saving.register_keras_serializable(package="pcwat")
class EndedMean(keras.layers.Layer):  # type: ignore[misc]  # as above
    """Mean over unmasked steps: (rows, steps, channels) and mask (rows, steps, 1) to (rows, channels)."""

    def call(self, inputs: Any) -> Any:  # noqa: ANN401 - tensors
        hidden, mask = inputs
        count = keras.ops.maximum(keras.ops.sum(mask, axis=1), 1)
        return keras.ops.sum(hidden * mask, axis=1) / count


@keras.saving.register_keras_serializable(package="pcwat")
class Window(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Lags of targets, the latest first in features (rows, width), to (rows, kept, targets), the oldest first.

    kept: number of the latest lags that are returned.
    """

    def __init__(self, *, lags: int, targets: int, kept: int, name: str | None = None, dtype: Any = None) -> None:  # noqa: ANN401 - Keras' own loose type
        super().__init__(name=name, dtype=dtype, trainable=False)
        self.lags, self.targets, self.kept = lags, targets, kept

    def call(self, dense: Any) -> tf.Tensor:  # noqa: ANN401 - a tensor of any backend
        steps = keras.ops.reshape(dense[:, : self.kept * self.targets], (-1, self.kept, self.targets))
        return keras.ops.flip(steps, axis=1)

    def compute_output_spec(self, dense: Any) -> keras.KerasTensor:  # noqa: ANN401 - symbolic tensor
        return keras.KerasTensor((dense.shape[0], self.kept, self.targets), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "lags": self.lags, "targets": self.targets, "kept": self.kept}
