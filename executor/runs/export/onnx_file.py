"""A graph as an ONNX model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from executor.runs.export.engines import ONNX_FILE, import_extra
from rules.errors import RunError

if TYPE_CHECKING:
    from pathlib import Path

    from executor.runs.export.graph import Graph, Node

OPERATOR_SET: Final = 17  # of ONNX 1.12, which every ONNX Runtime since 1.12 reads
IR_VERSION: Final = 8  # the same
TAKES_ARRAYS: Final[dict[str, tuple[str, ...]]] = {
    "Reshape": ("shape",),
    "ReduceSum": ("axes",),
    "Pad": ("pads",),
    "Clip": ("low", "high"),
}
"""Attributes of operators of graphs that are arrays in ONNX, after the other inputs."""


def write_onnx(graph: Graph, directory: Path) -> None:
    """Write model.onnx, with inputs and weights of the same names as in the graph.

    Raises RunError if the package onnx is not installed, or refuses the model.
    """
    onnx = import_extra("onnx")
    helper, types = onnx.helper, {"float32": onnx.TensorProto.FLOAT, "int32": onnx.TensorProto.INT32}
    writer = _Writer(onnx, graph)
    for node in graph.nodes:
        writer.add(node)
    inputs = [
        helper.make_tensor_value_info(name, types[kind], ["rows", *shape])
        for name, (shape, kind) in graph.inputs.items()
    ]
    outputs = [helper.make_tensor_value_info(graph.output, types["float32"], ["rows", "outputs"])]
    weights = [
        onnx.numpy_helper.from_array(value, name) for name, value in (dict(graph.weights) | writer.arrays).items()
    ]
    model = helper.make_model(
        helper.make_graph(writer.nodes, "pcwat", inputs, outputs, weights),
        opset_imports=[helper.make_opsetid("", OPERATOR_SET)],
        ir_version=IR_VERSION,
        producer_name="pcwat",
    )
    try:
        onnx.checker.check_model(model, full_check=True)
    except onnx.checker.ValidationError as error:
        raise RunError(f"ONNX refuses the network: {error}. Please report this, or use another format.") from None
    onnx.save(model, str(directory / ONNX_FILE))


class _Writer:
    """Collects ONNX nodes, and the arrays that only they need."""

    def __init__(self, onnx: Any, graph: Graph) -> None:  # noqa: ANN401  a module
        self._onnx = onnx
        self._weights = graph.weights
        self.nodes: list[Any] = []
        self.arrays: dict[str, np.ndarray] = {}

    def add(self, node: Node) -> None:
        """Add an operator."""
        if node.operator == "GRU":
            self._add_gru(node)
            return
        attributes = dict(node.attributes)
        own = [self._array(attributes.pop(name), node.operator) for name in TAKES_ARRAYS.get(node.operator, ())]
        if node.operator == "Cast":
            kinds = {"float32": self._onnx.TensorProto.FLOAT, "int32": self._onnx.TensorProto.INT32}
            attributes["to"] = kinds[attributes["to"]]
        self._emit(node.operator, [*node.inputs, *own], node.output, **attributes)

    def _add_gru(self, node: Node) -> None:
        """A recurrent layer; ONNX reads (steps, rows, channels), and returns (steps, directions, rows, units)."""
        steps, kernel, recurrent, bias, *lengths = node.inputs
        own = f"{node.output}_"
        self._emit("Transpose", [steps], f"{own}steps", perm=[1, 0, 2])
        for name, weight in (("kernel", kernel), ("recurrent", recurrent)):
            self._emit("Transpose", [weight], f"{own}{name}_t", perm=[1, 0])
            self._emit("Unsqueeze", [f"{own}{name}_t", self._array([0])], f"{own}{name}")
        self._emit("Reshape", [bias, self._array([1, -1])], f"{own}bias")
        self._emit(
            "GRU",
            [f"{own}steps", f"{own}kernel", f"{own}recurrent", f"{own}bias", *lengths],
            [f"{own}every", f"{own}last"],
            hidden_size=len(self._weights[recurrent]),
            linear_before_reset=1,
        )
        if node.attributes["sequences"]:
            self._emit("Squeeze", [f"{own}every", self._array([1])], f"{own}by_step")
            self._emit("Transpose", [f"{own}by_step"], node.output, perm=[1, 0, 2])
        else:
            self._emit("Squeeze", [f"{own}last", self._array([0])], node.output)

    def _emit(self, operator: str, inputs: list[str], output: str | list[str], **attributes: Any) -> None:  # noqa: ANN401
        outputs = [output] if isinstance(output, str) else output
        self.nodes.append(self._onnx.helper.make_node(operator, inputs, outputs, **attributes))

    def _array(self, value: Any, operator: str = "") -> str:  # noqa: ANN401  a list of integers, or a number
        """Name of an array of sizes or axes; of numbers for a clip."""
        name = f"a{len(self.arrays)}"
        self.arrays[name] = np.asarray(value, np.float32 if operator == "Clip" else np.int64)
        return name
