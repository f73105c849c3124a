"""Stacked networks for tables in one graph: weights (trials, in, out), with masks for smaller networks.

The network of a trial has the initial weights and outputs of `tabular.build_network`, and can be extracted as a Keras
model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from executor.components.activation import activation
from executor.components.initializer import create_initializer
from executor.components.loss import has_log_link
from executor.components.optimizer import WITHOUT_DECAY
from executor.layers.output import log_link
from executor.layers.periodic import FEATURES, FREQUENCIES, initial_waves, periodic_features
from executor.networks.column_branch import embedding_scale
from executor.networks.output_layer import initial_bias
from executor.networks.tabular import LINEAR, joined_width, layer_seeds, linear_start, rate_multiplier
from executor.preprocessing.inputs import TableInputs
from rules.vocabulary.choices import parameters_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from executor.components.configuration import Configuration
    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle


@dataclass(frozen=True, kw_only=True)
class StackShape:
    """Common shape of a stack, that of its widest and deepest trial.

    width: numeric encoded columns; waved: the first of them, with periodic features; coded: columns of codes;
    vocabulary: of all codes; embedding: dimension, equal in all trials of a stack; scaled: whether each column has a
    trainable scale; started: whether a linear layer, which starts at ridge regression, is added to the hidden layers;
    hidden: columns that the hidden layers read, empty for all; ratio: mean of each numeric target in its standard
    deviations.
    """

    width: int
    waved: int
    coded: int
    vocabulary: int
    embedding: int
    outputs: int
    units: int
    layers: int
    scaled: bool = True
    started: bool = False
    hidden: tuple[int, ...] = ()
    ratio: tuple[float, ...] = ()

    @classmethod
    def of(cls, parts: Parts, configurations: Sequence[Configuration]) -> StackShape:
        return cls(
            width=parts.train.dense.shape[1],
            waved=parts.inputs_as(TableInputs).numbers,
            coded=parts.train.codes.shape[1] if parts.vocabulary > 0 else 0,
            vocabulary=parts.vocabulary,
            embedding=configurations[0].embedding_dimension if parts.vocabulary > 0 else 0,
            outputs=parts.outputs,
            units=max(one.units for one in configurations),
            layers=max(one.layers for one in configurations),
            scaled=parts.inputs_as(TableInputs).input_scale,
            started=parts.is_started,
            hidden=parts.inputs_as(TableInputs).hidden,
            ratio=tuple((parts.target_mean / parts.target_scale).tolist()),
        )

    @property
    def hidden_width(self) -> int:
        """Numeric encoded columns that the hidden layers read."""
        return len(self.hidden) or self.width

    @property
    def joined(self) -> int:
        """Inputs of the first hidden layer."""
        return joined_width(width=self.hidden_width, waved=self.waved, embedded=self.coded * self.embedding)

    @property
    def named(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Shape of each weight of a trial by layer and name, in the order of the Keras model."""
        found = {}
        if self.vocabulary:
            found["levels", "embeddings"] = (self.vocabulary, self.embedding)
        if self.waved:
            found["waves", "frequency"] = found["waves", "phase"] = (self.waved, FREQUENCIES)
            found["waves", "kernel"] = (self.waved * FREQUENCIES, FEATURES)
            found["waves", "bias"] = (self.waved, FEATURES)
        if self.scaled:
            found["scale", "scale"] = (1, self.joined)
        reads = [self.joined, *[self.units] * (self.layers - 1)]
        for layer, size in enumerate(reads, start=1):
            found[f"hidden_{layer}", "kernel"] = (size, self.units)
            found[f"hidden_{layer}", "bias"] = (1, self.units)
        found |= {("output", "kernel"): (self.units, self.outputs), ("output", "bias"): (1, self.outputs)}
        if self.started:
            found |= {(LINEAR, "kernel"): (self.width, self.outputs), (LINEAR, "bias"): (1, self.outputs)}
        return found

    @property
    def weights(self) -> list[tuple[int, int]]:
        """Shape of each weight of a trial."""
        return [*self.named.values()]

    @property
    def before_hidden(self) -> int:
        """Number of weights before the first hidden layer, for any units and layers."""
        return len(self.named) - 2 * self.layers - self.after_hidden

    @property
    def after_hidden(self) -> int:
        """Number of weights after the last hidden layer."""
        return 4 if self.started else 2

    @property
    def size(self) -> int:
        """Number of parameters of a trial."""
        return sum(int(np.prod(shape)) for shape in self.weights)

    @property
    def decay_free(self) -> list[bool]:
        """Whether each weight is excluded from weight decay."""
        return [weight in WITHOUT_DECAY for _, weight in self.named]

    @property
    def rate_multipliers(self) -> list[float]:
        """Learning-rate multiplier of each weight."""
        return [rate_multiplier(layer, weight, joined=self.joined, width=self.width) for layer, weight in self.named]


def initial_weights(
    parts: Parts, bundle: Bundle, chosen: Configuration, *, seed: int, fold: int = 0
) -> list[np.ndarray]:
    """Create the initial weights of a trial in its own shape, equal to those of build_network.

    fold: that the network does not train on; it determines the start of its linear layer.
    """
    seeds = layer_seeds(seed, chosen.layers)
    levels_seed, waves_seed = next(seeds), next(seeds)
    shape = StackShape.of(parts, [chosen])
    found = []
    if parts.vocabulary > 0:
        start = tf.keras.initializers.RandomNormal(stddev=embedding_scale(shape.embedding), seed=levels_seed)
        found.append(np.asarray(start((parts.vocabulary, shape.embedding))))
    if (waved := parts.inputs_as(TableInputs).numbers) > 0:
        found += initial_waves(waved, seed=waves_seed)
    if shape.scaled:
        found.append(np.ones((1, shape.joined), np.float32))
    reads = [shape.joined, *[chosen.units] * (chosen.layers - 1)]
    for inputs in reads:
        found += [_kernel(bundle, (inputs, chosen.units), next(seeds)), np.zeros((1, chosen.units), np.float32)]
        if chosen.dropout > 0:
            next(seeds)
    size = chosen.units, parts.outputs
    is_zero = parameters_of(bundle.architecture).zero_output
    outputs = np.zeros(size, np.float32) if is_zero else _kernel(bundle, size, next(seeds))
    found += [outputs, initial_bias(parts, bundle).reshape(1, parts.outputs)]
    if shape.started:
        kernel, bias = linear_start(parts, bundle, fold=fold)
        found += [kernel, bias.reshape(1, parts.outputs)]
    return found


def _kernel(bundle: Bundle, shape: tuple[int, int], seed: int) -> np.ndarray:
    return np.asarray(create_initializer(bundle.initializer, seed=seed)(shape))


def pad_weights(weights: Sequence[np.ndarray], chosen: Configuration, shape: StackShape) -> list[np.ndarray]:
    """Pad the weights of a trial to the shape of the stack with zeros."""
    own = _placed(weights, chosen, shape)
    return [
        np.zeros(size, np.float32) if weight is None else np.pad(weight, _missing(weight.shape, size))
        for weight, size in zip(own, shape.weights, strict=True)
    ]


def unpad_weights(weights: Sequence[np.ndarray], chosen: Configuration, shape: StackShape) -> list[np.ndarray]:
    """Remove the padding of `pad_weights`."""
    rest = weights[shape.before_hidden :]
    found = []
    for layer in range(chosen.layers):
        reads = rest[2 * layer].shape[0] if layer == 0 else chosen.units
        found += [rest[2 * layer][:reads, : chosen.units], rest[2 * layer + 1][:, : chosen.units]]
    kernel, *others = rest[-shape.after_hidden :]
    return [*weights[: shape.before_hidden], *found, kernel[: chosen.units], *others]


def set_weights(network: keras.Model, weights: Sequence[np.ndarray]) -> None:
    """Set the weights of a Keras model to those of a trial, from `unpad_weights`."""
    network.set_weights([weight.reshape(own.shape) for weight, own in zip(weights, network.get_weights(), strict=True)])


def _placed(weights: Sequence[np.ndarray], chosen: Configuration, shape: StackShape) -> list[np.ndarray | None]:
    """Align weights with those of the stack; None for layers that the trial does not have."""
    missing: list[np.ndarray | None] = [None] * (2 * (shape.layers - chosen.layers))
    return [*weights[: -shape.after_hidden], *missing, *weights[-shape.after_hidden :]]


def _missing(own: tuple[int, ...], wanted: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(0, more - less) for less, more in zip(own, wanted, strict=True)]


def masks(configurations: Sequence[Configuration], shape: StackShape) -> tuple[np.ndarray, np.ndarray]:
    """Create masks of units and layers: (trials, 1, units) and (layers, trials, 1, 1), of 0 and 1."""
    units = np.array([[one.units > unit for unit in range(shape.units)] for one in configurations], np.float32)
    layers = np.array([[one.layers > layer for one in configurations] for layer in range(shape.layers)], np.float32)
    return units[:, None, :], layers[:, :, None, None]


def forward(
    weights: Sequence[tf.Tensor],
    inputs: dict[str, tf.Tensor],
    *,
    bundle: Bundle,
    shape: StackShape,
    units: tf.Tensor,
    layers: tf.Tensor,
    keep: Sequence[tf.Tensor] | None = None,
    compute: tf.DType = tf.float32,
) -> tf.Tensor:
    """Compute outputs of all trials on the same rows, (trials, rows, outputs) float32.

    units, layers: from `masks`. keep: dropout mask of each layer, (trials, rows, units); None outside training.
    compute: precision of hidden layers.
    """
    function = activation(bundle.activation)
    named = dict(zip(shape.named, weights, strict=True))
    rest = list(weights[shape.before_hidden :])
    trials = tf.shape(weights[0])[0]
    # The scale of a column is applied to its row of the first kernel.
    first = tf.transpose(named["scale", "scale"], [0, 2, 1]) * rest[0] if shape.scaled else rest[0]
    first = tf.cast(first, compute)
    columns = tf.gather(inputs["dense"], shape.hidden, axis=1) if shape.hidden else inputs["dense"]
    hidden = _products(tf.cast(columns, compute), first[:, : shape.hidden_width])
    own = []  # trial-specific encodings of columns
    if shape.waved:
        waves = [named["waves", name] for name in ("frequency", "phase", "kernel", "bias")]
        own.append(periodic_features(inputs["dense"][:, : shape.waved], *waves))
    if shape.vocabulary:
        coded = tf.gather(named["levels", "embeddings"], inputs["codes"], axis=1)  # (trials, rows, coded, embedding)
        own.append(tf.reshape(coded, [trials, -1, shape.coded * shape.embedding]))
    if own:
        hidden += tf.matmul(tf.cast(tf.concat(own, axis=2), compute), first[:, shape.hidden_width :])
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
    outputs = tf.matmul(tf.cast(hidden, tf.float32), named["output", "kernel"]) + named["output", "bias"]
    if has_log_link(bundle.loss):
        return log_link(outputs, shape.ratio)
    if not shape.started:
        return outputs
    return outputs + _products(inputs["dense"], named[LINEAR, "kernel"]) + named[LINEAR, "bias"]


def _products(inputs: tf.Tensor, kernels: tf.Tensor) -> tf.Tensor:
    """Product of the same inputs, (rows, width), with the kernel of each trial, (trials, width, units)."""
    trials, width, units = tf.unstack(tf.shape(kernels))
    side_by_side = tf.reshape(tf.transpose(kernels, [1, 0, 2]), [width, trials * units])  # one product is faster
    return tf.transpose(tf.reshape(tf.matmul(inputs, side_by_side), [-1, trials, units]), [1, 0, 2])
