"""The parts of a saved Keras model: encoders, network and answer, for encoding.json."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import keras

from executor.layers.minirocket import MiniRocketFeatures
from executor.layers.numbers import Calendar, ColumnLayer, Numbers
from executor.layers.output import Probabilities, Values
from executor.layers.pixels import Pixels
from executor.layers.steps import Steps
from executor.layers.terms import TermBag, WordSequence
from executor.layers.words import Codes, OneHot, WordBag
from rules.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from executor.model.signature import Signature

KINDS: Final[Mapping[type, str]] = {
    Numbers: "numbers",
    Calendar: "calendar",
    OneHot: "one_hot",
    Codes: "codes",
    WordBag: "word_bag",
    TermBag: "term_bag",
    WordSequence: "word_sequence",
    Pixels: "pixels",
    Steps: "steps",
    MiniRocketFeatures: "mini_rocket",
}
"""Name of each encoder in encoding.json."""
RENAMED: Final = {"levels": "categories", "others": "has_other", "kept": "waves"}
"""Arguments of layers that have another name in encoding.json; of bags of terms also `letters`."""


@dataclass(frozen=True, kw_only=True)
class ModelParts:
    """A saved model in parts; the fields but the network are those of encoding.json."""

    network: keras.Model
    encoders: list[dict[str, Any]]
    inputs: dict[str, list[int]]
    spread_factor: list[float] | None
    answer: dict[str, Any]


def take_apart(model: keras.Model, signature: Signature) -> ModelParts:
    """Take a model of `executor.model.assemble` apart.

    Raises RunError where it encodes columns as versions before 0.3.0 did.
    """
    columns = {entry.name: entry.columns for entry in signature.inputs}
    encoders: list[dict[str, Any]] = []
    made: dict[int, list[int]] = {}  # encoders that a tensor joins
    parts: dict[str, Any] = {}
    for operation, read, outputs in _calls(model):
        if isinstance(operation, ColumnLayer):
            own = [name for tensor in read for name in columns[_input_name(tensor)]]
            for tensor in outputs:
                made[id(tensor)] = [len(encoders)]
            encoders.append(_describe(operation, own))
        elif isinstance(operation, keras.layers.Concatenate):
            made[id(outputs[0])] = [place for tensor in read for place in made[id(tensor)]]
        elif isinstance(operation, keras.layers.Rescaling):
            parts["spread"] = [float(one) for one in operation.scale]
        elif isinstance(operation, keras.Model):
            parts["network"] = operation
            names = keras.tree.flatten({name: name for name in operation.input})
            parts["inputs"] = {
                name: made[id(tensor)] for name, tensor in zip(names, read, strict=True) if id(tensor) in made
            }
        elif isinstance(operation, Probabilities | Values):
            parts["answer"] = _answer(operation)
    return ModelParts(
        network=parts["network"],
        encoders=encoders,
        inputs=parts["inputs"],
        spread_factor=parts.get("spread"),
        answer=parts["answer"],
    )


def _calls(model: keras.Model) -> Iterator[tuple[Any, list[Any], list[Any]]]:
    """Calls of layers in order, with their inputs and outputs; Keras has no public list of them."""
    for depth in sorted(model._nodes_by_depth, reverse=True):  # noqa: SLF001
        for node in model._nodes_by_depth[depth]:  # noqa: SLF001
            if not isinstance(node.operation, keras.layers.InputLayer):
                yield node.operation, [*node.input_tensors], [*node.outputs]


def _input_name(tensor: Any) -> str:  # noqa: ANN401  a symbolic tensor
    return str(tensor._keras_history.operation.name)  # noqa: SLF001  the layer that made it


def _describe(layer: ColumnLayer, columns: list[str]) -> dict[str, Any]:
    """Entry of an encoder in encoding.json."""
    kind = KINDS.get(type(layer))
    if kind is None:
        raise RunError(
            f"This run was trained by an older version of pcwat, whose {type(layer).__name__} cannot be exported. "
            "Train it again."
        )
    renamed = RENAMED | ({"letters": "character_ngrams"} if isinstance(layer, TermBag) else {})
    return {
        "kind": kind,
        "columns": columns,
        **{renamed.get(name, name): value for name, value in layer.own_config().items()},
    }


def _answer(layer: Probabilities | Values) -> dict[str, Any]:
    config = {name: value for name, value in layer.get_config().items() if name != "name"}
    return {"kind": "probabilities" if isinstance(layer, Probabilities) else "values", **config}
