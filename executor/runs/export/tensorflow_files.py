"""Files that TensorFlow writes: a graph as a LiteRT model, and a model from raw rows as a SavedModel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import keras
import numpy as np
import tensorflow as tf

from executor.layers.convolutions import FARTHEST, KERNELS, TAPS
from executor.layers.minirocket import MiniRocketFeatures
from executor.runs.export.engines import LITERT_FILE, SAVED_MODEL
from rules.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from executor.model.signature import Signature
    from executor.runs.export.graph import Graph

TYPES: Final = {"float32": tf.float32, "int32": tf.int32}


def write_litert(graph: Graph, directory: Path) -> None:
    """Write model.tflite, whose signature has the inputs of the graph.

    Raises RunError if the converter refuses the network.
    """

    def run(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        values: dict[str, Any] = {name: tf.constant(value) for name, value in graph.weights.items()} | inputs
        for node in graph.nodes:
            values[node.output] = OPERATORS[node.operator](*(values[name] for name in node.inputs), **node.attributes)
        return {"outputs": values[graph.output]}

    specs = {
        name: tf.TensorSpec((None, *shape), TYPES[kind], name=name) for name, (shape, kind) in graph.inputs.items()
    }
    module = tf.Module()
    module.run = tf.function(run)
    concrete = module.run.get_concrete_function(**specs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
    try:
        converted = converter.convert()
    except Exception as error:
        reason = str(error).strip().split("\n", 1)[0]
        raise RunError(f"LiteRT cannot represent the network: {reason}. Use another format.") from error
    (directory / LITERT_FILE).write_bytes(converted)


def _convolve(
    x: tf.Tensor, kernel: tf.Tensor, *, pads: list[int], strides: list[int], dilations: list[int], group: int
) -> tf.Tensor:
    spatial = len(strides)
    last, first = [0, *range(2, 2 + spatial), 1], [0, spatial + 1, *range(1, 1 + spatial)]
    x = tf.pad(tf.transpose(x, last), _by_axis([0, *pads[:spatial], 0, 0, *pads[spatial:], 0]))
    weights = tf.transpose(kernel, [*range(2, 2 + spatial), 1, 0])
    if group == 1:
        found = tf.nn.convolution(x, weights, strides=strides, dilations=dilations)
    else:  # of one channel each
        each = kernel.shape[0] // group
        weights = tf.reshape(weights, [*kernel.shape[2:], group, each])
        found = tf.nn.depthwise_conv2d(x, weights, strides=[1, *strides, 1], padding="VALID", dilations=dilations)
    return tf.transpose(found, first)


def _max_pool(x: tf.Tensor, *, kernel_shape: list[int], pads: list[int], strides: list[int]) -> tf.Tensor:
    spatial = len(strides)
    last, first = [0, *range(2, 2 + spatial), 1], [0, spatial + 1, *range(1, 1 + spatial)]
    padding = _by_axis([0, *pads[:spatial], 0, 0, *pads[spatial:], 0])
    x = tf.pad(tf.transpose(x, last), padding, constant_values=x.dtype.min)
    return tf.transpose(tf.nn.max_pool(x, kernel_shape, strides, "VALID"), first)


def _by_axis(pads: list[int]) -> list[list[int]]:
    half = len(pads) // 2
    return [[before, after] for before, after in zip(pads[:half], pads[half:], strict=True)]


def _gru(
    x: tf.Tensor,
    kernel: tf.Tensor,
    recurrent: tf.Tensor,
    bias: tf.Tensor,
    lengths: tf.Tensor | None = None,
    *,
    sequences: bool,
) -> tf.Tensor:
    """Unrolled over steps: LiteRT has no list of tensors of unknown size."""
    units = recurrent.shape[0]
    state = tf.zeros([tf.shape(x)[0], units])
    read = tf.tensordot(x, kernel, 1) + bias[0]
    states = []
    for step in range(x.shape[1]):
        own, past = read[:, step], state @ recurrent + bias[1]
        update, reset = tf.split(tf.sigmoid(own[:, : 2 * units] + past[:, : 2 * units]), 2, axis=1)
        candidate = tf.tanh(own[:, 2 * units :] + reset * past[:, 2 * units :])
        after = update * state + (1 - update) * candidate
        state = after if lengths is None else tf.where((step < lengths)[:, None], after, state)
        states.append(state)
    return tf.stack(states, axis=1) if sequences else state


OPERATORS: Final[Mapping[str, Callable[..., tf.Tensor]]] = {
    "Add": tf.add,
    "Cast": lambda x, *, to: tf.cast(x, TYPES[to]),
    "Clip": lambda x, *, low, high: tf.clip_by_value(x, low, high),
    "Concat": lambda *parts, axis: tf.concat(parts, axis),
    "Conv": _convolve,
    "Div": tf.divide,
    "Elu": tf.nn.elu,
    "GRU": _gru,
    "Gather": lambda x, indices, *, axis: tf.gather(x, indices, axis=axis),
    "Greater": tf.greater,
    "MatMul": tf.matmul,
    "Max": tf.maximum,
    "MaxPool": _max_pool,
    "Min": tf.minimum,
    "Mul": tf.multiply,
    "Pad": lambda x, *, pads: tf.pad(x, _by_axis(pads)),
    "ReduceMax": lambda x, *, axes, keepdims: tf.reduce_max(x, axes, bool(keepdims)),
    "ReduceMean": lambda x, *, axes, keepdims: tf.reduce_mean(x, axes, bool(keepdims)),
    "ReduceSum": lambda x, *, axes, keepdims: tf.reduce_sum(x, axes, bool(keepdims)),
    "Relu": tf.nn.relu,
    "Reshape": lambda x, *, shape: tf.reshape(x, shape),
    "Round": tf.round,
    "Selu": tf.nn.selu,
    "Sigmoid": tf.sigmoid,
    "Softplus": tf.math.softplus,
    "Sub": tf.subtract,
    "Tanh": tf.tanh,
    "Transpose": lambda x, *, perm: tf.transpose(x, perm),
}
"""Operators of graphs in TensorFlow, by their name in ONNX."""


def write_saved_model(model: keras.Model, signature: Signature, directory: Path) -> list[dict[str, Any]]:
    """Write saved_model/, whose signature `serving_default` has an input for each raw column.

    Returns the name and the columns of each input of the signature. The inputs of a forecast are also the `offset` and
    the `spread` of each window.
    """
    portable = keras.models.clone_model(model, clone_function=_make_portable)
    names = {entry.name: f"input_{place}" for place, entry in enumerate(signature.inputs)}
    taken: set[str] = {"offset", "spread"}
    for entry in signature.inputs:  # a column keeps its name where a signature accepts it
        own = entry.name if entry.name.isidentifier() and entry.name.isascii() else names[entry.name]
        names[entry.name] = own if own.lower() not in taken else names[entry.name]
        taken.add(names[entry.name].lower())
    names |= {signature.offset_input: "offset", signature.spread_input: "spread"}
    original = {value: name for name, value in names.items()}
    specs = {
        names[name]: tf.TensorSpec((None, *shape), tf.as_dtype(kind), name=names[name])
        for name, (shape, kind) in signature.model_inputs.items()
    }
    output = "probabilities" if signature.task.is_classification else "values"
    module = tf.Module()
    module.model = portable
    module.serve = tf.function(
        lambda **inputs: {output: portable({original[name]: value for name, value in inputs.items()}, training=False)}
    )
    concrete = module.serve.get_concrete_function(**specs)
    tf.saved_model.save(module, str(directory / SAVED_MODEL), signatures={"serving_default": concrete})
    return [{"name": names[entry.name], "columns": [*entry.columns]} for entry in signature.inputs]


def _make_portable(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Replace a layer that calls Python, which a SavedModel cannot hold."""
    if type(layer) is MiniRocketFeatures:
        return PortableMiniRocket(name=layer.name, **layer.own_config())
    return layer


class PortableMiniRocket(MiniRocketFeatures):
    """The same features, computed by TensorFlow with the same rounding, on which ties with a bias depend."""

    def read(self, sequences: Any) -> tuple[tf.Tensor, tf.Tensor]:  # noqa: ANN401  as read
        numbers, mask = super().read(sequences)
        if self.letters:
            return numbers, mask
        raw = sequences[0] if isinstance(sequences, list | tuple) else tf.convert_to_tensor(sequences)
        # In single precision TensorFlow would multiply by the inverse of the constant scale.
        centered = tf.cast(raw - tf.constant(self.mean, tf.float32), tf.float64)
        exact = tf.cast(centered / tf.constant(np.asarray(self.scale, np.float32), tf.float64), tf.float32)
        return tf.where(tf.math.is_nan(raw), 0.0, exact), mask

    def call(self, sequences: Any) -> tf.Tensor:  # noqa: ANN401  as read
        numbers, mask = self.read(sequences)
        x = tf.transpose(numbers, [2, 0, 1])  # (channels, rows, steps)
        lengths = tf.cast(tf.reduce_sum(mask[..., 0], axis=1), tf.int64)
        found = []
        for index, (dilation, channels, biases) in enumerate(
            zip(self.kernels.dilations, self.kernels.channels, self.kernels.biases, strict=True)
        ):
            sums = _convolutions(x, dilation, channels)
            starts = np.where((np.arange(len(KERNELS)) + index) % 2 == 0, 0, dilation * (TAPS // 2))
            found.append(_shares(sums, lengths, starts, biases))
        shares = tf.transpose(tf.concat(found, axis=0))
        standard = (shares - tf.constant(self._center)) / tf.constant(self._spread)
        return tf.ensure_shape(tf.clip_by_value(standard, -FARTHEST, FARTHEST), (None, self.output_width))


def _convolutions(x: tf.Tensor, dilation: int, channels: list[list[int]]) -> tf.Tensor:
    """Outputs of all kernels at a dilation, (84, rows, steps); x: (channels, rows, steps).

    Differences instead of sums keep TensorFlow from changing their order.
    """
    reach, steps = dilation * (TAPS // 2), tf.shape(x)[2]
    padded = tf.pad(x, [[0, 0], [0, 0], [reach, reach]])
    shifted = [padded[:, :, tap * dilation : tap * dilation + steps] for tap in range(TAPS)]
    every = -x
    for tap in (*range(TAPS // 2), *range(TAPS // 2 + 1, TAPS)):
        every = every - shifted[tap]
    low = tf.stack([-3 * one for one in shifted])  # (taps, channels, rows, steps)
    positions = np.array(KERNELS)
    output: Any = None
    for number in range(max(map(len, channels))):
        has = np.array([number < len(own) for own in channels])
        own = np.array([chosen[number] if number < len(chosen) else 0 for chosen in channels])
        term = tf.gather(every, own)
        for place in range(positions.shape[1]):
            term = term - tf.gather_nd(low, np.stack([positions[:, place], own], axis=1))
        output = term if output is None else tf.where(has[:, None, None], output + term, output)
    return output


def _shares(sums: tf.Tensor, lengths: tf.Tensor, starts: np.ndarray, biases: np.ndarray) -> tf.Tensor:
    """Shares of steps above each bias, (84 · biases, rows) float32."""
    step = tf.range(tf.shape(sums, tf.int64)[2])
    first = tf.constant(starts, tf.int64)[:, None, None]
    is_seen = (step >= first) & (step < lengths[:, None] - first)  # (84, rows, steps)
    count = tf.cast(tf.maximum(lengths - 2 * first[..., 0], 1), tf.float64)
    shares = [
        tf.cast(tf.reduce_sum(tf.cast((sums > bias[:, None, None]) & is_seen, tf.float64), axis=2) / count, tf.float32)
        for bias in biases.T
    ]
    return tf.reshape(tf.stack(shares, axis=1), (-1, tf.shape(sums)[1]))
