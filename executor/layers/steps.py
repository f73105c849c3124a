"""Layers for sequences: their steps as standardised numbers, and what frozen random convolutions say of them.

Both read (rows, steps, channels) float32, NaN after the end of each and where a number is missing; or letters,
(rows, 1) strings, of which each step is one, coded one-hot.
"""

from __future__ import annotations

import itertools
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf

from executor.layers.numbers import ColumnLayer, join_columns

TAPS: Final = 9  # weights of a kernel; Dempster et al. 2021 (MiniRocket), section 3.1, as are the next two
HIGH: Final = 3  # of them that are 2, the others are -1
KERNELS: Final = [*itertools.combinations(range(TAPS), HIGH)]  # which weights are high; 84 of them
MAX_DILATIONS: Final = 32
MAX_JOINED: Final = 9  # channels that a kernel adds up at most
GOLDEN: Final = 0.6180339887498949  # biases are low-discrepancy quantiles, by multiples of the golden ratio
FARTHEST: Final = 3.0  # standard deviations to which a feature is cut
MIN_SPREAD: Final = 1e-6  # of a share of steps; below it a feature tells nothing
CELLS_AT_ONCE: Final = 2**25  # numbers that the kernels of one dilation give at once: 128 MiB


class SequenceLayer(ColumnLayer):
    """What both layers need of a sequence.

    mean, scale: (channels,), of numbers; empty for letters. letters: those seen in training, each once, in order.
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
        """Standardised numbers (rows, steps, channels), 0 where there is none, and 1 for each step before the end.

        The second is (rows, steps, 1); both float32.
        """
        if self.letters:
            found = tf.strings.unicode_split(join_columns(sequences)[:, 0], "UTF-8").to_tensor("")
            known = tf.constant([*self.letters])
            return tf.cast(found[..., None] == known, tf.float32), tf.cast(found != "", tf.float32)[..., None]
        raw = sequences[0] if isinstance(sequences, list | tuple) else tf.convert_to_tensor(sequences)
        missing = tf.math.is_nan(raw)
        # The end is where nothing more comes; an unknown step before it is a step.
        later = tf.reverse(tf.cumsum(tf.reverse(tf.cast(~tf.reduce_all(missing, 2), tf.float32), [1]), 1), [1])
        numbers = (raw - tf.constant(self.mean, tf.float32)) / tf.constant(self.scale, tf.float32)
        return tf.where(missing, 0.0, numbers), tf.cast(later > 0, tf.float32)[..., None]

    def own_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "scale": self.scale, "letters": self.letters}


@keras.saving.register_keras_serializable(package="pcwat")
class Steps(SequenceLayer):
    """Steps as a flat row of numbers, step by step: its channels, and 1 where the sequence goes on.

    Gives (rows, steps · (channels + 1)) float32. steps: of the longest in training; what comes after is cut off.
    """

    def __init__(self, *, steps: int, **own: Any) -> None:  # noqa: ANN401 - as SequenceLayer
        super().__init__(**own)
        self.steps = steps
        self.output_width = steps * (self.channels + 1)

    def call(self, sequences: Any) -> tf.Tensor:  # noqa: ANN401 - as read
        numbers, goes_on = self.read(sequences)
        both = tf.concat([numbers, goes_on], axis=2)[:, : self.steps]
        filled = tf.pad(both, [[0, 0], [0, self.steps - tf.shape(both)[1]], [0, 0]])
        return tf.reshape(filled, (-1, self.output_width))

    def own_config(self) -> dict[str, Any]:
        return {"steps": self.steps, **super().own_config()}


@keras.saving.register_keras_serializable(package="pcwat")
class RandomKernels(SequenceLayer):
    """The shares of steps at which frozen convolutions are above a bias, standardised on the training rows.

    Dempster et al. 2021 (MiniRocket), section 3: kernels of nine weights, three of them 2 and the others -1, at several
    dilations; each adds up some random channels. Gives (rows, features) float32 of variance 1.

    dilations: (dilations,). chosen: (dilations, 84, some) the channels of each kernel. biases: (dilations, 84, each).
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

    def shares(self, numbers: tf.Tensor, goes_on: tf.Tensor) -> list[tf.Tensor]:
        """The features before they are standardised, (rows, 84) for each dilation and bias."""
        steps = tf.maximum(tf.reduce_sum(goes_on, axis=1), 1.0)
        found = []
        for dilation, chosen, biases in zip(self.dilations, self.chosen, self.biases, strict=True):
            sums = convolve(numbers, chosen, dilation=dilation, channels=self.channels)
            above = (tf.cast(sums > bias, tf.float32) for bias in np.asarray(biases, np.float32).T)
            found += [tf.reduce_sum(one * goes_on, axis=1) / steps for one in above]
        return found

    def own_config(self) -> dict[str, Any]:
        return {
            **super().own_config(),
            **{name: getattr(self, name) for name in ("dilations", "chosen", "biases", "center", "spread")},
        }


def convolve(numbers: tf.Tensor, chosen: list[list[int]], *, dilation: int, channels: int) -> tf.Tensor:
    """What each of 84 kernels gives at each step, (rows, steps, 84); numbers: (rows, steps, channels)."""
    weights = np.zeros((TAPS, channels, len(KERNELS)), np.float32)
    for kernel, (high, own) in enumerate(zip(KERNELS, chosen, strict=True)):
        weights[:, own, kernel] = -1
        weights[np.ix_([*high], own, [kernel])] = 2
    return tf.nn.conv1d(numbers, weights, stride=1, padding="SAME", dilations=dilation)


def rows_at_once(steps: int) -> int:
    """Sequences of so many steps that are described at once."""
    return max(1, CELLS_AT_ONCE // (max(1, steps) * len(KERNELS)))


def fit_kernels(
    sequences: np.ndarray, layer: SequenceLayer, *, features: int, name: str, weight: float | None = None
) -> RandomKernels:
    """Kernels whose biases are quantiles of what they give on some training sequences.

    sequences: (rows, steps, channels) float32 or (rows, 1) letters. layer: that reads them. features: at most so many.
    weight: of all of them together, as so many columns; None for as many as they are.
    """
    random = np.random.default_rng(0)  # the kernels are a part of the method, not of a run
    numbers, goes_on = layer.read(sequences)
    longest = int(tf.reduce_max(tf.reduce_sum(goes_on, axis=1)))
    farthest = np.log2(max(1.0, (longest - 1) / (TAPS - 1)))
    most = max(1, min(MAX_DILATIONS, features // len(KERNELS)))
    dilations = np.unique(np.floor(2 ** np.linspace(0, farthest, most)).astype(int)).tolist()
    each = max(1, features // (len(KERNELS) * len(dilations)))
    chosen, biases = [], []
    ends = np.asarray(goes_on)[..., 0] > 0
    for dilation in dilations:
        own = [_some_channels(layer.channels, random) for _ in KERNELS]
        quantiles = (np.arange(1, each + 1) * GOLDEN + random.uniform()) % 1
        sums = np.asarray(convolve(numbers, own, dilation=dilation, channels=layer.channels))[ends]
        chosen.append(own)
        biases.append(np.quantile(sums, quantiles, axis=0).T.tolist())
    count = len(dilations) * len(KERNELS) * each
    arguments = {"dilations": dilations, "chosen": chosen, "biases": biases, **layer.own_config()}
    raw = RandomKernels(center=[0.0] * count, spread=[1.0] * count, **{**arguments, "name": name})
    shares = tf.concat(raw.shares(numbers, goes_on), axis=1).numpy()
    spread = shares.std(axis=0)
    spread = np.where(spread > MIN_SPREAD, spread, 1.0) * np.sqrt(1.0 if weight is None else count / weight)
    return RandomKernels(center=shares.mean(axis=0).tolist(), spread=spread.tolist(), **{**arguments, "name": name})


def _some_channels(channels: int, random: np.random.Generator) -> list[int]:
    """Random channels, fewer more often: their number is uniform on a logarithmic scale."""
    most = min(channels, MAX_JOINED)
    count = min(most, int(2 ** random.uniform(0, np.log2(most + 1))))
    return sorted(random.choice(channels, max(1, count), replace=False).tolist())


@keras.saving.register_keras_serializable(package="pcwat")
class Ending(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """The last channel of (rows, steps, channels), as (rows, steps, 1)."""

    def call(self, steps: Any) -> Any:  # noqa: ANN401 - tensors
        return steps[..., -1:]


@keras.saving.register_keras_serializable(package="pcwat")
class EndedMean(keras.layers.Layer):  # type: ignore[misc]  # as above
    """The mean over the steps before the end: (rows, steps, channels) and (rows, steps, 1) to (rows, channels)."""

    def call(self, inputs: Any) -> Any:  # noqa: ANN401 - tensors
        hidden, goes_on = inputs
        count = keras.ops.maximum(keras.ops.sum(goes_on, axis=1), 1)
        return keras.ops.sum(hidden * goes_on, axis=1) / count


@keras.saving.register_keras_serializable(package="pcwat")
class Window(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Features (rows, width), of which the first are lags of targets from the latest on, to (rows, kept, targets).

    kept: the latest lags that are given; the oldest of them comes first.
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
