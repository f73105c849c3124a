"""Many perceptrons in one graph: weights (trials, in, out), narrower and shallower ones by masks.

A trial's perceptron is the one that `mlp.build_network` builds for it: it starts from the same weights, computes the
same, and is taken out of the stack as an ordinary Keras model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from executor.architectures.mlp import EMBEDDING, EMBEDDING_SCALE, layer_seeds, log_prior
from executor.catalog.activation import activation
from executor.catalog.initialization import initialization

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from executor.catalog.hyperparameters import Configuration
    from executor.parts import Parts
    from rules.bundle import Bundle


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The common shape of a stack: what its widest and deepest trial needs.

    width: encoded columns that are numbers; coded: those that are codes; vocabulary: of all codes.
    """

    width: int
    coded: int
    vocabulary: int
    outputs: int
    units: int
    layers: int

    @classmethod
    def of(cls, parts: Parts, configurations: Sequence[Configuration]) -> Shape:
        return cls(
            width=parts.train.dense.shape[1],
            coded=parts.train.codes.shape[1] if parts.vocabulary > 0 else 0,
            vocabulary=parts.vocabulary,
            outputs=parts.outputs,
            units=max(one.units for one in configurations),
            layers=max(one.layers for one in configurations),
        )

    @property
    def joined(self) -> int:
        """Columns that the first hidden layer reads."""
        return self.width + self.coded * EMBEDDING

    @property
    def weights(self) -> list[tuple[int, ...]]:
        """The shape of each weight of one trial: levels, then kernel and bias of each layer, the output's last."""
        reads = [self.joined, *[self.units] * (self.layers - 1)]
        hidden = [shape for size in reads for shape in ((size, self.units), (1, self.units))]
        levels = [(self.vocabulary, EMBEDDING)] if self.vocabulary else []
        return [*levels, *hidden, (self.units, self.outputs), (1, self.outputs)]

    @property
    def size(self) -> int:
        """Numbers in the weights of one trial."""
        return sum(int(np.prod(shape)) for shape in self.weights)

    @property
    def biases(self) -> list[bool]:
        """For each weight whether it is a bias, which weight decay spares."""
        return [*([False] if self.vocabulary else []), *[False, True] * (self.layers + 1)]


def initial_weights(parts: Parts, bundle: Bundle, chosen: Configuration, *, seed: int) -> list[np.ndarray]:
    """A trial's weights before its first step, in its own shape: those that build_network starts with."""
    seeds = layer_seeds(seed, chosen.layers)
    shape = Shape.of(parts, [chosen])
    found = []
    if parts.vocabulary > 0:
        start = tf.keras.initializers.RandomNormal(stddev=EMBEDDING_SCALE, seed=next(seeds))
        found.append(np.asarray(start((parts.vocabulary, EMBEDDING))))
    reads = [shape.joined, *[chosen.units] * (chosen.layers - 1)]
    for size in reads:
        found += [_kernel(bundle, (size, chosen.units), next(seeds)), np.zeros((1, chosen.units), np.float32)]
        if chosen.dropout > 0:
            next(seeds)
    bias = log_prior(parts) if getattr(bundle.loss, "output_bias", "zeros") == "log_prior" else np.zeros(parts.outputs)
    found += [
        _kernel(bundle, (chosen.units, parts.outputs), next(seeds)),
        np.asarray(bias, np.float32).reshape(1, parts.outputs),
    ]
    return found


def _kernel(bundle: Bundle, shape: tuple[int, int], seed: int) -> np.ndarray:
    return np.asarray(initialization(bundle.initializer, seed=seed)(shape))


def padded(weights: Sequence[np.ndarray], chosen: Configuration, shape: Shape) -> list[np.ndarray]:
    """One trial's weights in the stack's shape, filled up with zeros."""
    own = _placed(weights, chosen, shape)
    return [
        np.zeros(size, np.float32) if weight is None else np.pad(weight, _missing(weight.shape, size))
        for weight, size in zip(own, shape.weights, strict=True)
    ]


def cut(weights: Sequence[np.ndarray], chosen: Configuration, shape: Shape) -> list[np.ndarray]:
    """One trial's weights out of the stack's shape: what `padded` filled up is taken off."""
    levels = list(weights[:1]) if shape.vocabulary else []
    rest = weights[len(levels) :]
    found = []
    for layer in range(chosen.layers):
        reads = rest[2 * layer].shape[0] if layer == 0 else chosen.units
        found += [rest[2 * layer][:reads, : chosen.units], rest[2 * layer + 1][:, : chosen.units]]
    return [*levels, *found, rest[-2][: chosen.units], rest[-1]]


def fill(network: keras.Model, weights: Sequence[np.ndarray]) -> None:
    """Put one trial's weights, as `cut` gives them, into the Keras model of its configuration."""
    network.set_weights([weight.reshape(own.shape) for weight, own in zip(weights, network.get_weights(), strict=True)])


def _placed(weights: Sequence[np.ndarray], chosen: Configuration, shape: Shape) -> list[np.ndarray | None]:
    """The weights at their places in the stack; None where a deeper trial has a layer more."""
    levels = list(weights[:1]) if shape.vocabulary else []
    hidden = list(weights[len(levels) : -2])
    missing: list[np.ndarray | None] = [None] * (2 * (shape.layers - chosen.layers))
    return [*levels, *hidden, *missing, *weights[-2:]]


def _missing(own: tuple[int, ...], wanted: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(0, more - less) for less, more in zip(own, wanted, strict=True)]


def masks(configurations: Sequence[Configuration], shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Which units and which layers each trial has: (trials, 1, units) and (layers, trials, 1, 1), of 0 and 1."""
    units = np.array([[one.units > unit for unit in range(shape.units)] for one in configurations], np.float32)
    layers = np.array([[one.layers > layer for one in configurations] for layer in range(shape.layers)], np.float32)
    return units[:, None, :], layers[:, :, None, None]


def forward(
    weights: Sequence[tf.Tensor],
    inputs: dict[str, tf.Tensor],
    *,
    bundle: Bundle,
    shape: Shape,
    units: tf.Tensor,
    layers: tf.Tensor,
    keep: Sequence[tf.Tensor] | None = None,
    compute: tf.DType = tf.float32,
) -> tf.Tensor:
    """The outputs of every trial, (trials, rows, outputs) float32, on rows that all trials share.

    units, layers: from `masks`. keep: for each layer what dropout multiplies with, (trials, rows, units); None outside
    training. compute: the precision of the hidden layers.
    """
    function = activation(bundle.activation)
    rest = list(weights)
    joined = tf.cast(inputs["dense"], compute)
    trials = tf.shape(weights[0])[0]
    hidden = None
    if shape.vocabulary:
        levels = tf.cast(rest.pop(0), compute)
        coded = tf.gather(levels, inputs["codes"], axis=1)  # (trials, rows, coded, EMBEDDING)
        coded = tf.reshape(coded, [trials, -1, shape.coded * EMBEDDING])
        hidden = tf.matmul(coded, tf.cast(rest[0][:, shape.width :], compute))
    # All trials read the same numbers, so the first layer is one product with the kernels side by side.
    kernel = tf.cast(rest[0][:, : shape.width], compute)
    side_by_side = tf.reshape(tf.transpose(kernel, [1, 0, 2]), [shape.width, -1])
    product = tf.reshape(tf.matmul(joined, side_by_side), [-1, trials, shape.units])
    product = tf.transpose(product, [1, 0, 2])
    hidden = product if hidden is None else product + hidden
    for layer in range(shape.layers):
        before = hidden
        if layer > 0:
            hidden = tf.matmul(before, tf.cast(rest[2 * layer], compute))
        hidden = function(hidden + tf.cast(rest[2 * layer + 1], compute)) * tf.cast(units, compute)
        if keep is not None:
            hidden = hidden * tf.cast(keep[layer], compute)
        if layer > 0:
            has = tf.cast(layers[layer], compute)
            hidden = has * hidden + (1 - has) * before
    return tf.matmul(tf.cast(hidden, tf.float32), rest[-2]) + rest[-1]
