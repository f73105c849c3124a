"""The graph of a Keras network: each layer as operators."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import keras
import numpy as np

from executor.layers.dropout import RatedDropout
from executor.layers.output import MAX_LOG_MEAN, LogLink
from executor.layers.periodic import COSINE, FEATURES, FREQUENCIES, Scale, SelectColumns, Waves
from executor.layers.pixels import Mirror, Shift
from executor.layers.steps import EndedMean, Ending, Window
from executor.layers.terms import TermSum
from executor.runs.export.graph import Graph, Node
from rules.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ACTIVATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "linear": (),
    "relu": ("Relu",),
    "tanh": ("Tanh",),
    "selu": ("Selu",),
    "elu": ("Elu",),
    "sigmoid": ("Sigmoid",),
    "softplus": ("Softplus",),
}
"""Activations that are operators; `silu` and `relu6` are composed."""
RELU6: Final = 6.0
CHANNELS_FIRST: Final[Mapping[int, list[int]]] = {3: [0, 2, 1], 4: [0, 3, 1, 2]}
CHANNELS_LAST: Final[Mapping[int, list[int]]] = {3: [0, 2, 1], 4: [0, 2, 3, 1]}


def graph_of(network: keras.Model) -> Graph:
    """Convert a network to a graph with the same outputs.

    Raises RunError if it has a layer that has no operators, or does not compute in single precision.
    """
    builder = _Builder()
    inputs = {}
    given = {}
    for name, tensor in network.input.items():
        inputs[name] = (tuple(tensor.shape[1:]), "int32" if "int" in tensor.dtype else "float32")
        given[id(tensor)] = name
    (output,) = builder.model(network, given)
    return Graph(inputs=inputs, nodes=tuple(builder.nodes), weights=builder.weights, output=output)


class _Builder:
    """Collects operators and weights."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.weights: dict[str, np.ndarray] = {}

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401  as in JSON
        """Add an operator; returns the name of its output."""
        output = f"v{len(self.nodes)}"
        self.nodes.append(Node(operator=operator, inputs=inputs, output=output, attributes=attributes))
        return output

    def weight(self, value: Any, kind: type = np.float32) -> str:  # noqa: ANN401  an array, or a variable of Keras
        """Add an array; returns its name."""
        name = f"w{len(self.weights)}"
        self.weights[name] = np.ascontiguousarray(np.asarray(value, kind))
        return name

    def model(self, model: keras.Model, given: Mapping[int, str]) -> list[str]:
        """Add the operators of a functional model; given: names of its inputs by tensor."""
        names = dict(given)
        # Keras has no public list of the calls of a functional model.
        for depth in sorted(model._nodes_by_depth, reverse=True):  # noqa: SLF001
            for node in model._nodes_by_depth[depth]:  # noqa: SLF001
                operation = node.operation
                if isinstance(operation, keras.layers.InputLayer):
                    continue
                read = [names[id(tensor)] for tensor in node.input_tensors]
                if isinstance(operation, keras.Model):
                    inner = (id(tensor) for tensor in keras.tree.flatten(operation.input))
                    made = self.model(operation, dict(zip(inner, read, strict=True)))
                else:
                    made = [self.layer(operation, read)]
                names |= {id(tensor): name for tensor, name in zip(node.outputs, made, strict=True)}
        return [names[id(tensor)] for tensor in model.outputs]

    def layer(self, layer: Any, read: list[str]) -> str:  # noqa: ANN401  a layer or an operation of Keras
        """Add the operators of a layer; read: names of its inputs."""
        kind = next((kind for kind in LAYERS if type(layer) is kind or kind in type(layer).__mro__), None)
        name = type(layer).__name__
        if kind is None and name not in OPERATIONS:
            raise RunError(
                f"A network is exported layer by layer, but {name} has no equivalent in this format. Use "
                "--to saved-model."
            )
        if getattr(layer, "compute_dtype", "float32") not in {"float32", "int32"}:
            raise RunError(
                f"A network is exported in single precision, but its layer {layer.name!r} computes in "
                f"{layer.compute_dtype}. Train it on the CPU, or use --to saved-model."
            )
        return OPERATIONS[name](self, layer, read) if kind is None else LAYERS[kind](self, layer, read)

    def activate(self, function: Any, read: str) -> str:  # noqa: ANN401  a function of Keras
        name = getattr(function, "__name__", str(function))
        if name in {"silu", "swish"}:
            return self.add("Mul", read, self.add("Sigmoid", read))
        if name == "relu6":
            return self.add("Clip", read, low=0.0, high=RELU6)
        if name not in ACTIVATIONS:
            raise RunError(
                f"A network is exported with the activations {', '.join(ACTIVATIONS)}, silu and relu6, but it has "
                f"{name}. Use --to saved-model."
            )
        for operator in ACTIVATIONS[name]:
            read = self.add(operator, read)
        return read

    def columns(self, read: str, places: Sequence[int], axis: int) -> str:
        """Select places of an axis."""
        return self.add("Gather", read, self.weight(places, np.int32), axis=axis)

    def fold(self, operator: str, read: list[str]) -> str:
        """Apply an operator of two inputs to several."""
        first, *others = read
        for other in others:
            first = self.add(operator, first, other)
        return first


def _identity(_: _Builder, __: Any, read: list[str]) -> str:  # noqa: ANN401
    return read[0]


def _dense(to: _Builder, layer: keras.layers.Dense, read: list[str]) -> str:
    found = to.add("MatMul", read[0], to.weight(layer.kernel))
    if layer.use_bias:
        found = to.add("Add", found, to.weight(layer.bias))
    return to.activate(layer.activation, found)


def _embedding(to: _Builder, layer: keras.layers.Embedding, read: list[str]) -> str:
    return to.add("Gather", to.weight(layer.embeddings), read[0], axis=0)


def _reshape(to: _Builder, layer: Any, read: list[str]) -> str:  # noqa: ANN401
    sizes = [-1 if size is None else size for size in layer.output.shape[1:]]
    return to.add("Reshape", read[0], shape=[-1, *sizes])


def _concatenate(to: _Builder, layer: keras.layers.Concatenate, read: list[str]) -> str:
    return to.add("Concat", *read, axis=layer.axis)


def _rescaling(to: _Builder, layer: keras.layers.Rescaling, read: list[str]) -> str:
    found = to.add("Mul", read[0], to.weight(layer.scale))
    return to.add("Add", found, to.weight(layer.offset)) if np.any(np.asarray(layer.offset)) else found


def _log_link(to: _Builder, layer: LogLink, read: list[str]) -> str:
    """Ratio · (e^x - 1), where e^x is the odds of the logit x."""
    logarithms = to.add("Clip", read[0], low=-MAX_LOG_MEAN, high=MAX_LOG_MEAN)
    other = to.add("Sigmoid", to.add("Mul", logarithms, to.weight([-1.0])))
    relative = to.add("Div", to.add("Sigmoid", logarithms), other)
    return to.add("Mul", to.add("Sub", relative, to.weight([1.0])), to.weight(layer.ratio))


def _scale(to: _Builder, layer: Scale, read: list[str]) -> str:
    return to.add("Mul", read[0], to.weight(layer.scale))


def _select(to: _Builder, layer: SelectColumns, read: list[str]) -> str:
    return to.columns(read[0], layer.columns, axis=1)


def _waves(to: _Builder, layer: Waves, read: list[str]) -> str:
    frequency, phase, kernel, bias = (np.asarray(weight) for weight in layer.weights)
    count = layer.numbers
    numbers = to.add("Reshape", to.columns(read[0], range(count), axis=1), shape=[-1, count, 1])
    turns = to.add("Add", to.add("Mul", numbers, to.weight(frequency)), to.weight(phase))
    part = to.add("Sub", turns, to.add("Round", turns))
    square = to.add("Mul", part, part)
    *others, last = COSINE
    cosine = to.weight(last)
    for coefficient in reversed(others):
        cosine = to.add("Add", to.add("Mul", cosine, square), to.weight(coefficient))
    by_number = to.add("Transpose", cosine, perm=[1, 0, 2])
    mixed = to.add("MatMul", by_number, to.weight(kernel.reshape(count, FREQUENCIES, FEATURES)))
    found = to.add("Add", to.add("Transpose", mixed, perm=[1, 0, 2]), to.weight(bias))
    return to.add("Reshape", found, shape=[-1, count * FEATURES])


def _term_sum(to: _Builder, layer: TermSum, read: list[str]) -> str:
    weights, ids = read
    kernel = np.asarray(layer.kernel)
    # Terms that the layer leaves out read a row of zeros.
    vectors = to.weight(np.vstack([kernel, np.zeros((1, layer.units), np.float32)]))
    own = to.add("Gather", vectors, to.add("Min", ids, to.weight(layer.places, np.int32)), axis=0)
    length = int(layer.input[0].shape[1])
    total = to.add("MatMul", to.add("Reshape", weights, shape=[-1, 1, length]), own)
    return to.add("Add", to.add("Reshape", total, shape=[-1, layer.units]), to.weight(layer.bias))


def _same_padding(sizes: Sequence[int | None], widths: Sequence[int], strides: Sequence[int]) -> list[int]:
    """Padding before and after each axis, as TensorFlow pads "same"."""
    totals = []
    for size, width, stride in zip(sizes, widths, strides, strict=True):
        if stride == 1 or size is None:
            totals.append(width - 1)
        else:
            totals.append(max(0, (math.ceil(size / stride) - 1) * stride + width - size))
    return [*(total // 2 for total in totals), *(total - total // 2 for total in totals)]


def _spatial(
    to: _Builder,
    layer: Any,  # noqa: ANN401  in one or two dimensions
    read: str,
    operator: str,
    widths: Sequence[int],
    *arrays: str,
    **attributes: Any,  # noqa: ANN401
) -> str:
    """Add an operator on (rows, channels, *size), between transpositions."""
    shape = layer.input.shape
    strides = [*layer.strides]
    pads = [0] * 2 * len(widths)
    if layer.padding == "same":
        pads = _same_padding(shape[1:-1], widths, strides)
    found = to.add("Transpose", read, perm=CHANNELS_FIRST[len(shape)])
    found = to.add(operator, found, *arrays, pads=pads, strides=strides, **attributes)
    return to.add("Transpose", found, perm=CHANNELS_LAST[len(shape)])


def _convolution(to: _Builder, layer: Any, read: list[str]) -> str:  # noqa: ANN401  in one or two dimensions
    kernel, dilations, group = np.asarray(layer.kernel), [*layer.dilation_rate], 1
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        group = kernel.shape[2]
        kernel = kernel.reshape(*kernel.shape[:2], 1, -1)
    widths = [(width - 1) * by + 1 for width, by in zip(kernel.shape, dilations, strict=False)]
    by_filter = kernel.transpose(kernel.ndim - 1, kernel.ndim - 2, *range(kernel.ndim - 2))
    found = _spatial(to, layer, read[0], "Conv", widths, to.weight(by_filter), dilations=dilations, group=group)
    if layer.use_bias:
        found = to.add("Add", found, to.weight(layer.bias))
    return to.activate(layer.activation, found)


def _max_pool(to: _Builder, layer: Any, read: list[str]) -> str:  # noqa: ANN401  in one or two dimensions
    return _spatial(to, layer, read[0], "MaxPool", layer.pool_size, kernel_shape=[*layer.pool_size])


def _batch_norm(to: _Builder, layer: keras.layers.BatchNormalization, read: list[str]) -> str:
    mean, variance = (np.asarray(one, np.float64) for one in (layer.moving_mean, layer.moving_variance))
    gamma = np.asarray(layer.gamma, np.float64) if layer.scale else 1.0
    factor = gamma / np.sqrt(variance + layer.epsilon)
    shift = (np.asarray(layer.beta, np.float64) if layer.center else 0.0) - mean * factor
    return to.add("Add", to.add("Mul", read[0], to.weight(factor)), to.weight(shift))


def _normalization(to: _Builder, layer: keras.layers.Normalization, read: list[str]) -> str:
    mean, variance = (np.asarray(one, np.float32) for one in (layer.mean, layer.variance))
    spread = np.maximum(np.sqrt(variance), keras.config.epsilon())
    return to.add("Div", to.add("Sub", read[0], to.weight(mean)), to.weight(spread))


def _average_pool(to: _Builder, layer: keras.layers.GlobalAveragePooling2D, read: list[str]) -> str:
    return to.add("ReduceMean", read[0], axes=[1, 2], keepdims=int(layer.keepdims))


def _largest(to: _Builder, layer: keras.layers.GlobalMaxPooling1D, read: list[str]) -> str:
    return to.add("ReduceMax", read[0], axes=[1], keepdims=int(layer.keepdims))


def _gru(to: _Builder, layer: keras.layers.GRU, read: list[str]) -> str:
    cell = layer.cell
    names = [getattr(one, "__name__", "") for one in (cell.activation, cell.recurrent_activation)]
    if names != ["tanh", "sigmoid"] or not (cell.reset_after and cell.use_bias) or layer.go_backwards:
        raise RunError("A recurrent layer is exported only in the form that pcwat trains. Use --to saved-model.")
    steps, *mask = read
    arrays = [to.weight(one) for one in (cell.kernel, cell.recurrent_kernel, cell.bias)]
    lengths = [to.add("ReduceSum", to.add("Cast", one, to="int32"), axes=[1], keepdims=0) for one in mask]
    return to.add("GRU", steps, *arrays, *lengths, sequences=bool(layer.return_sequences))


def _window(to: _Builder, layer: Window, read: list[str]) -> str:
    # The latest lag is first in the columns, the oldest is first in the steps.
    places = [lag * layer.targets + target for lag in reversed(range(layer.kept)) for target in range(layer.targets)]
    return to.add("Reshape", to.columns(read[0], places, axis=1), shape=[-1, layer.kept, layer.targets])


def _ending(to: _Builder, layer: Ending, read: list[str]) -> str:
    return to.columns(read[0], [int(layer.input.shape[-1]) - 1], axis=2)


def _ended_mean(to: _Builder, _: EndedMean, read: list[str]) -> str:
    hidden, mask = read
    total = to.add("ReduceSum", to.add("Mul", hidden, mask), axes=[1], keepdims=0)
    count = to.add("Max", to.add("ReduceSum", mask, axes=[1], keepdims=0), to.weight(1.0))
    return to.add("Div", total, count)


def _resizing(to: _Builder, layer: keras.layers.Resizing, read: list[str]) -> str:
    if layer.interpolation != "bilinear" or layer.crop_to_aspect_ratio or layer.pad_to_aspect_ratio:
        raise RunError("Images are exported only with bilinear resizing. Use --to saved-model.")
    _, height, width, _ = layer.input.shape
    found = to.add("Transpose", read[0], perm=CHANNELS_FIRST[4])
    found = to.add("MatMul", to.weight(_bilinear(height, layer.height)), found)
    found = to.add("MatMul", found, to.weight(_bilinear(width, layer.width).T))
    return to.add("Transpose", found, perm=CHANNELS_LAST[4])


def _bilinear(size: int, wanted: int) -> np.ndarray:
    """Matrix (wanted, size) of a bilinear resizing whose pixels are half a pixel from the edge."""
    at = np.clip((np.arange(wanted) + 0.5) * size / wanted - 0.5, 0, size - 1)
    low = np.minimum(at.astype(np.int64), max(0, size - 2))
    share = at - low
    matrix = np.zeros((wanted, size))
    matrix[np.arange(wanted), low] += 1 - share
    matrix[np.arange(wanted), np.minimum(low + 1, size - 1)] += share
    return matrix


def _zero_padding(to: _Builder, layer: keras.layers.ZeroPadding2D, read: list[str]) -> str:
    (top, bottom), (left, right) = layer.padding
    return to.add("Pad", read[0], pads=[0, top, left, 0, 0, bottom, right, 0])


def _relu(to: _Builder, layer: keras.layers.ReLU, read: list[str]) -> str:
    if layer.negative_slope or layer.threshold:
        raise RunError("A leaky rectifier cannot be exported to this format. Use --to saved-model.")
    found = to.add("Relu", read[0])
    return found if layer.max_value is None else to.add("Min", found, to.weight(layer.max_value))


def _greater(to: _Builder, _: Any, read: list[str]) -> str:  # noqa: ANN401  an operation of Keras
    other = [*read[1:]] or [to.weight(0.0)]  # networks compare with 0 alone
    return to.add("Greater", read[0], *other)


def _squeeze(to: _Builder, operation: Any, read: list[str]) -> str:  # noqa: ANN401  an operation of Keras
    return to.add("Reshape", read[0], shape=[-1, *operation.output.shape[1:]])


LAYERS: Final[Mapping[type, Callable[[_Builder, Any, list[str]], str]]] = {
    RatedDropout: _identity,
    keras.layers.Dropout: _identity,
    Shift: _identity,
    Mirror: _identity,
    keras.layers.Dense: _dense,
    keras.layers.Embedding: _embedding,
    keras.layers.Flatten: _reshape,
    keras.layers.Reshape: _reshape,
    keras.layers.Concatenate: _concatenate,
    keras.layers.Add: lambda to, _, read: to.fold("Add", read),
    keras.layers.Multiply: lambda to, _, read: to.fold("Mul", read),
    keras.layers.Rescaling: _rescaling,
    keras.layers.Activation: lambda to, layer, read: to.activate(layer.activation, read[0]),
    keras.layers.ReLU: _relu,
    LogLink: _log_link,
    Scale: _scale,
    SelectColumns: _select,
    Waves: _waves,
    TermSum: _term_sum,
    keras.layers.DepthwiseConv2D: _convolution,
    keras.layers.Conv1D: _convolution,
    keras.layers.Conv2D: _convolution,
    keras.layers.MaxPooling1D: _max_pool,
    keras.layers.MaxPooling2D: _max_pool,
    keras.layers.BatchNormalization: _batch_norm,
    keras.layers.Normalization: _normalization,
    keras.layers.GlobalAveragePooling2D: _average_pool,
    keras.layers.GlobalMaxPooling1D: _largest,
    keras.layers.GRU: _gru,
    Window: _window,
    Ending: _ending,
    EndedMean: _ended_mean,
    keras.layers.Resizing: _resizing,
    keras.layers.ZeroPadding2D: _zero_padding,
}
"""Operators of each layer; a subclass has those of its base."""
OPERATIONS: Final[Mapping[str, Callable[[_Builder, Any, list[str]], str]]] = {"Greater": _greater, "Squeeze": _squeeze}
"""Operators of operations that are not layers."""
