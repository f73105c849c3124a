"""Networks as lists of operators, and their evaluation in NumPy.

Operators have the names and the meaning of those of ONNX, operator set 17, with all arguments that are not tensors as
attributes. `GRU` alone differs: it reads (rows, steps, channels) and optionally the number of steps of each row, and
returns the last state (rows, units), or with `sequences` every state (rows, steps, units).
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rules.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

FORMAT: Final = "pcwat/network/1"
GRAPH_FILE, WEIGHTS_FILE = "network.json", "weights.npz"
MAX_GRAPH_BYTES: Final = 64 << 20  # of network.json; an ensemble of twenty networks has less than 1 MiB
MAX_WEIGHT_BYTES: Final = 4 << 30  # of all arrays; as in executor.model.keras_file
ALPHA, GAMMA = np.float32(1.67326319217681884765625), np.float32(1.05070102214813232421875)  # of SELU
TYPES: Final = {"float32": np.float32, "int32": np.int32}


@dataclass(frozen=True, kw_only=True)
class Node:
    """One operator: names of the arrays that it reads, name of the array that it makes."""

    operator: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A network: operators in order, and the arrays that they read.

    inputs: name → shape of a row and type, "float32" or "int32". weights: arrays by name. output: name of the result.
    """

    inputs: Mapping[str, tuple[tuple[int, ...], str]]
    nodes: tuple[Node, ...]
    weights: Mapping[str, np.ndarray]
    output: str

    def run(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Evaluate the network in NumPy, (rows, outputs) float32."""
        values: dict[str, np.ndarray] = {**self.weights, **inputs}
        for node, done in zip(self.nodes, self._last_read, strict=True):
            values[node.output] = OPERATORS[node.operator](*[values[name] for name in node.inputs], **node.attributes)
            for name in done:  # so that further arrays get its memory, which is in the cache of the processor
                del values[name]
        return values[self.output]

    @cached_property
    def _last_read(self) -> tuple[tuple[str, ...], ...]:
        """For each node, the arrays of other nodes that no later one reads."""
        left = {self.output, *self.weights, *self.inputs}
        found = []
        for node in reversed(self.nodes):
            found.append(tuple({*node.inputs, node.output} - left))
            left |= {*node.inputs, node.output}
        return tuple(reversed(found))

    def write(self, directory: Path) -> tuple[str, ...]:
        """Write network.json and weights.npz; returns their names."""
        document = {
            "format": FORMAT,
            "inputs": {name: {"shape": [*shape], "type": kind} for name, (shape, kind) in self.inputs.items()},
            "nodes": [
                {
                    "operator": node.operator,
                    "inputs": [*node.inputs],
                    "output": node.output,
                    "attributes": dict(node.attributes),
                }
                for node in self.nodes
            ],
            "output": self.output,
        }
        (directory / GRAPH_FILE).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        arrays: dict[str, Any] = dict(self.weights)
        np.savez(directory / WEIGHTS_FILE, **arrays)
        return GRAPH_FILE, WEIGHTS_FILE


def read_graph(directory: Path) -> Graph:
    """Read network.json and weights.npz. Raises RunError if they are missing, damaged or inconsistent."""
    path = directory / GRAPH_FILE
    try:
        graph = _parse(read_document(path, MAX_GRAPH_BYTES), _read_weights(directory / WEIGHTS_FILE))
        _check(graph)
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}. Export the run again.") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, zipfile.BadZipFile) as error:
        raise RunError(
            f"{path} and {WEIGHTS_FILE} are not a network of pcwat: {error}. Export the run again."
        ) from None
    return graph


def read_document(path: Path, most: int) -> Any:  # noqa: ANN401  of JSON
    """Read a JSON file of at most `most` bytes. Raises OSError, or ValueError on other files."""
    if path.stat().st_size > most:
        raise ValueError(f"it has more than {most >> 20} MiB")
    return json.loads(path.read_bytes())


def _read_weights(path: Path) -> dict[str, np.ndarray]:
    """Read arrays of numbers; nothing in the file is executed."""
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > MAX_WEIGHT_BYTES:
            raise ValueError("its weights are larger than any that pcwat writes")
    with np.load(path, allow_pickle=False) as stored:
        found = {name: stored[name] for name in stored.files}
    for name, value in found.items():
        if value.dtype not in {*map(np.dtype, TYPES.values())}:
            raise ValueError(f"the weight {name!r} has the type {value.dtype}")
    return found


def _parse(document: Any, weights: dict[str, np.ndarray]) -> Graph:  # noqa: ANN401  of JSON
    if document["format"] != FORMAT:
        raise ValueError(f"its format is {document['format']!r}, not {FORMAT!r}")
    return Graph(
        inputs={
            str(name): (tuple(int(size) for size in one["shape"]), str(one["type"]))
            for name, one in document["inputs"].items()
        },
        nodes=tuple(
            Node(
                operator=str(one["operator"]),
                inputs=tuple(map(str, one["inputs"])),
                output=str(one["output"]),
                attributes=dict(one["attributes"]),
            )
            for one in document["nodes"]
        ),
        weights=weights,
        output=str(document["output"]),
    )


def _check(graph: Graph) -> None:
    """Check that every operator is known and reads arrays that exist before it."""
    known = {*graph.inputs, *graph.weights}
    for node in graph.nodes:
        if node.operator not in OPERATORS:
            raise ValueError(f"it has the operator {node.operator!r}, which pcwat does not use")
        if missing := next((name for name in node.inputs if name not in known), None):
            raise ValueError(f"the operator {node.operator} reads {missing!r}, which no operator before it makes")
        known.add(node.output)
    if graph.output not in known:
        raise ValueError(f"no operator makes its output {graph.output!r}")


def _convolve(
    x: np.ndarray,
    kernel: np.ndarray,
    *,
    pads: list[int],
    strides: list[int],
    dilations: list[int],
    group: int,
) -> np.ndarray:
    """Convolution of (rows, channels, *size) with (filters, channels / group, *widths)."""
    spatial = tuple(range(2, x.ndim))
    x = _pad(x, [0, 0, *pads[: len(spatial)], 0, 0, *pads[len(spatial) :]])
    reach = tuple((width - 1) * by + 1 for width, by in zip(kernel.shape[2:], dilations, strict=True))
    windows = np.lib.stride_tricks.sliding_window_view(x, reach, axis=spatial)
    step = tuple(slice(None, None, by) for by in strides)
    gap = tuple(slice(None, None, by) for by in dilations)
    windows = windows[(slice(None), slice(None), *step, *gap)]
    inner = tuple(range(x.ndim, windows.ndim))
    if group == 1:
        found = np.tensordot(windows, kernel, axes=((1, *inner), (1, *spatial)))
        return np.asarray(np.moveaxis(found, -1, 1))
    each = len(kernel) // group  # one channel per group
    windows = np.repeat(windows, each, axis=1)
    own = kernel[:, 0].reshape(len(kernel), *[1] * len(spatial), *kernel.shape[2:])
    return np.asarray((windows * own).sum(axis=inner))


def _max_pool(x: np.ndarray, *, kernel_shape: list[int], pads: list[int], strides: list[int]) -> np.ndarray:
    spatial = tuple(range(2, x.ndim))
    x = _pad(x, [0, 0, *pads[: len(spatial)], 0, 0, *pads[len(spatial) :]], value=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(x, tuple(kernel_shape), axis=spatial)
    windows = windows[(slice(None), slice(None), *(slice(None, None, by) for by in strides))]
    return np.asarray(windows.max(axis=tuple(range(x.ndim, windows.ndim))))


def _pad(x: np.ndarray, pads: list[int], value: float = 0.0) -> np.ndarray:
    """Pad with a value; pads: before each axis, then after each."""
    if not any(pads):
        return x
    return np.pad(x, [*zip(pads[: x.ndim], pads[x.ndim :], strict=True)], constant_values=value)


def _gru(
    x: np.ndarray,
    kernel: np.ndarray,
    recurrent: np.ndarray,
    bias: np.ndarray,
    lengths: np.ndarray | None = None,
    *,
    sequences: bool,
) -> np.ndarray:
    """Gated recurrent unit; kernel: (channels, 3 · units), recurrent: (units, 3 · units), bias: (2, 3 · units).

    The gates are update, reset and candidate; the reset gate is applied after the product with the state.
    """
    units = len(recurrent)
    state = np.zeros((len(x), units), np.float32)
    read = x @ kernel + bias[0]
    states = []
    for step in range(x.shape[1]):
        own, past = read[:, step], state @ recurrent + bias[1]
        update, reset = np.split(_sigmoid(own[:, : 2 * units] + past[:, : 2 * units]), 2, axis=1)
        candidate = np.tanh(own[:, 2 * units :] + reset * past[:, 2 * units :])
        after = update * state + (1 - update) * candidate
        state = after if lengths is None else np.where((step < lengths)[:, None], after, state)
        states.append(state)
    return np.stack(states, axis=1) if sequences else state


def _sigmoid(x: np.ndarray) -> np.ndarray:
    # Without an overflow for large negative numbers.
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1 / (1 + small), small / (1 + small)))


def _elu(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.where(x > 0, x, np.expm1(np.minimum(x, 0))))


OPERATORS: Final[Mapping[str, Callable[..., np.ndarray]]] = {
    "Add": np.add,
    "Cast": lambda x, *, to: x.astype(TYPES[to]),
    "Clip": lambda x, *, low, high: np.clip(x, np.float32(low), np.float32(high)),
    "Concat": lambda *parts, axis: np.concatenate(parts, axis=axis),
    "Conv": _convolve,
    "Div": np.divide,
    "Elu": _elu,
    "GRU": _gru,
    "Gather": lambda x, indices, *, axis: np.take(x, indices, axis=axis),
    "Greater": np.greater,
    "MatMul": np.matmul,
    "Max": np.maximum,
    "MaxPool": _max_pool,
    "Min": np.minimum,
    "Mul": np.multiply,
    "Pad": lambda x, *, pads: _pad(x, pads),
    "ReduceMax": lambda x, *, axes, keepdims: x.max(axis=tuple(axes), keepdims=bool(keepdims)),
    "ReduceMean": lambda x, *, axes, keepdims: x.mean(axis=tuple(axes), keepdims=bool(keepdims), dtype=np.float32),
    "ReduceSum": lambda x, *, axes, keepdims: x.sum(axis=tuple(axes), keepdims=bool(keepdims), dtype=x.dtype),
    "Relu": lambda x: np.maximum(x, 0),
    "Reshape": lambda x, *, shape: x.reshape(shape),
    "Round": np.round,
    "Selu": lambda x: GAMMA * np.where(x > 0, x, ALPHA * np.expm1(np.minimum(x, 0))),
    "Sigmoid": _sigmoid,
    "Softplus": lambda x: np.logaddexp(np.float32(0), x),
    "Sub": np.subtract,
    "Tanh": np.tanh,
    "Transpose": lambda x, *, perm: x.transpose(perm),
}
"""Operators of networks in NumPy, by their name in ONNX."""
