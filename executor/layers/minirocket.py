"""MiniRocket: random convolutional features of sequences, equal to those of aeon's MiniRocket.

Dempster et al. 2021, MiniRocket: a very fast (almost) deterministic transform for time series classification. A feature
is the fraction of steps at which a convolution exceeds a bias. Each of 84 kernels has nine weights, three of them 2 and
the others -1, and sums some random channels. Kernel k at dilation d, both counted from 0, reads zeros beyond the ends
of a sequence if d + k is even, and else only the steps at which no weight is beyond them.
"""

from __future__ import annotations

import itertools
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf

from executor.layers.convolutions import FARTHEST, KERNELS, TAPS, Kernels, convolutions, exceeding_shares
from executor.layers.steps import SequenceLayer

MAX_DILATIONS: Final = 32  # Dempster et al. 2021, section 3.1, as the next two
MAX_JOINED: Final = 9  # channels per kernel
GOLDEN: Final = (5**0.5 + 1) / 2  # biases are low-discrepancy quantiles: multiples of the golden ratio, modulo 1
SEED: Final = 0  # the kernels belong to the method, not to a run
MIN_SPREAD: Final = 1e-6  # standard deviation below which a feature is constant


def draw_kernels(steps: int, channels: int, features: int) -> tuple[list[int], list[int], list[list[list[int]]]]:
    """Draw dilations, the number of biases of a kernel at each, and the channels that each kernel sums.

    steps: of the longest training sequence. features: their maximum number, of which the largest multiple of 84 is
    taken.
    """
    each = max(1, features // len(KERNELS))
    most = min(each, MAX_DILATIONS)
    farthest = np.log2(max(1.0, (steps - 1) / (TAPS - 1)))
    found, counts = np.unique(np.logspace(0, farthest, most, base=2).astype(np.int32), return_counts=True)
    counts = (counts * (each / most)).astype(np.int32)
    for index in range(each - counts.sum()):
        counts[index % len(counts)] += 1
    random = np.random.RandomState(SEED)  # the generator of aeon
    joined = 2 ** random.uniform(0, np.log2(min(channels, MAX_JOINED) + 1), len(found) * len(KERNELS))
    chosen = [random.choice(channels, count, replace=False).tolist() for count in joined.astype(np.int32)]
    of_dilations = [chosen[start : start + len(KERNELS)] for start in range(0, len(chosen), len(KERNELS))]
    return found.tolist(), counts.tolist(), of_dilations


def fit_biases(
    numbers: np.ndarray, lengths: np.ndarray, dilations: list[int], counts: list[int], channels: list[list[list[int]]]
) -> list[np.ndarray]:
    """Fit biases: quantiles of the output of a kernel for one random training sequence.

    numbers: (rows, channels, steps) float32; lengths: (rows,). Other arguments: from draw_kernels.
    """
    random = np.random.RandomState(SEED)
    total = len(KERNELS) * sum(counts)
    quantiles = iter(np.array([number * GOLDEN % 1 for number in range(1, total + 1)], np.float32))
    biases = []
    for dilation, count, own in zip(dilations, counts, channels, strict=True):
        rows = [int(random.randint(len(numbers))) for _ in KERNELS]
        found = np.empty((len(KERNELS), count), np.float32)
        for kernel, (row, chosen) in enumerate(zip(rows, own, strict=True)):
            one = numbers[row : row + 1, chosen, : lengths[row]]
            sums = next(convolutions(one, dilation, [[*range(len(chosen))]], [KERNELS[kernel]]))
            found[kernel] = np.quantile(sums, [*itertools.islice(quantiles, count)])
        biases.append(found)
    return biases


@keras.saving.register_keras_serializable(package="pcwat")
class MiniRocketFeatures(SequenceLayer):
    """Features of MiniRocket, standardized on the training rows; returns (rows, features) float32.

    dilations, channels, biases: as in Kernels. center, spread: (features,), in the order of the features: by dilation,
    kernel and bias.
    """

    def __init__(
        self,
        *,
        dilations: list[int],
        channels_of: list[list[list[int]]],
        biases: list[list[list[float]]],
        center: list[float],
        spread: list[float],
        **own: Any,  # noqa: ANN401 - as SequenceLayer
    ) -> None:
        super().__init__(**own)
        self.kernels = Kernels(
            dilations=dilations, channels=channels_of, biases=[np.asarray(one, np.float32) for one in biases]
        )
        self.center, self.spread = center, spread
        self._center, self._spread = (np.asarray(one, np.float32) for one in (center, spread))
        self.output_width = len(center)

    def call(self, sequences: Any) -> tf.Tensor:  # noqa: ANN401 - as read
        features = tf.numpy_function(self._features, [*self.read(sequences)], tf.float32, stateful=False)
        return tf.ensure_shape(features, (None, self.output_width))

    def _features(self, numbers: np.ndarray, mask: np.ndarray) -> np.ndarray:
        own = _rows_without_padding(numbers, mask)
        shares = exceeding_shares(*by_channel(numbers[:own], mask[:own]), self.kernels)
        standard = np.clip((shares - self._center) / self._spread, -FARTHEST, FARTHEST)
        return np.concatenate([standard, np.broadcast_to(standard[-1:], (len(numbers) - own, self.output_width))])

    def own_config(self) -> dict[str, Any]:
        return {
            **super().own_config(),
            "dilations": self.kernels.dilations,
            "channels_of": self.kernels.channels,
            "biases": [one.tolist() for one in self.kernels.biases],
            "center": self.center,
            "spread": self.spread,
        }


def _rows_without_padding(numbers: np.ndarray, mask: np.ndarray) -> int:
    """Number of rows without further copies of the last one, with which predictions fill a batch."""
    is_last = (numbers == numbers[-1:]).all(axis=(1, 2)) & (mask == mask[-1:]).all(axis=(1, 2))
    copies = int(is_last[::-1].argmin()) if not is_last.all() else len(numbers)
    return len(numbers) - max(0, copies - 1)


def by_channel(numbers: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sequences as read by a layer, (rows, steps, channels), as (rows, channels, steps), and their lengths."""
    return np.ascontiguousarray(numbers.transpose(0, 2, 1)), mask[..., 0].sum(axis=1).astype(np.int64)


def fit_features(
    sequences: np.ndarray, layer: SequenceLayer, *, features: int, name: str, weight: float | None = None
) -> MiniRocketFeatures:
    """Fit the features on training sequences.

    sequences: (rows, steps, channels) float32 or (rows, 1) letters. layer: that reads them. features: maximum number.
    weight: total weight of the features, as a number of columns; None for their own number.
    """
    numbers, lengths = by_channel(*(part.numpy() for part in layer.read(sequences)))
    dilations, counts, channels = draw_kernels(int(lengths.max(initial=1)), layer.channels, features)
    biases = fit_biases(numbers, np.maximum(lengths, 1), dilations, counts, channels)
    kernels = Kernels(dilations=dilations, channels=channels, biases=biases)
    shares = exceeding_shares(numbers, lengths, kernels)
    spread = shares.std(axis=0, dtype=np.float64)
    spread = np.where(spread > MIN_SPREAD, spread, 1.0) * np.sqrt(1.0 if weight is None else shares.shape[1] / weight)
    return MiniRocketFeatures(
        dilations=dilations,
        channels_of=channels,
        biases=[one.tolist() for one in biases],
        center=shares.mean(axis=0, dtype=np.float64).tolist(),
        spread=spread.tolist(),
        **{**layer.own_config(), "name": name},
    )
