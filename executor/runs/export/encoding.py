"""The file encoding.json: how raw rows become the inputs of a network, and its outputs predictions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from executor.runs.export.encoders import Encoder, create_encoder
from executor.runs.export.graph import read_document
from rules.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE: Final = "encoding.json"
FORMAT: Final = "pcwat/export/1"
FORMATS: Final = ("numpy", "onnx", "saved-model", "litert")
MAX_BYTES: Final = 512 << 20  # of encoding.json, with the vocabularies of wide tables
IDS: Final = "codes"  # the input of a network that holds ids
SPREAD: Final = "spread"  # the input of a forecaster that holds the spread of each window


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """The content of encoding.json.

    inputs: encoders of each input of the network, by their index. spread_factor: of the spread of windows; None where
    no input is the spread. answer: how outputs become predictions.
    """

    to: str
    document: Mapping[str, Any]
    encoders: tuple[Encoder, ...]
    inputs: Mapping[str, tuple[int, ...]]
    spread_factor: np.ndarray | None
    answer: Mapping[str, Any]

    def encode(self, features: Mapping[str, np.ndarray], spread: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Encode columns as the inputs of the network.

        features: raw columns by name, as `executor.runs.export.encoders` reads them. spread: (rows, outputs) spread of
        the windows of a forecast.
        """
        parts = [encoder.encode(features) for encoder in self.encoders]
        found = {}
        for name, own in self.inputs.items():
            arrays = [array for place in own if (array := parts[place][name == IDS]) is not None]
            found[name] = arrays[0] if len(arrays) == 1 else np.hstack(arrays)
        if self.spread_factor is not None:
            if spread is None:
                raise RunError("A forecast needs the spread of each window. Use predict() with the history.")
            found[SPREAD] = spread.astype(np.float32) * self.spread_factor
        return found

    def decide(self, outputs: np.ndarray, offset: np.ndarray | None = None) -> np.ndarray:
        """Convert outputs of the network to probabilities or values in the unit of the target, (rows, outputs) float64.

        offset: (rows, outputs) values to which the changes of a forecast are added.
        """
        answer = self.answer
        if answer["kind"] == "probabilities":
            logits = outputs.astype(np.float64) / np.asarray(answer["temperatures"])
            if answer["activation"] == "softmax":
                shares = np.exp(logits - logits.max(axis=1, keepdims=True))
                return np.asarray(shares / shares.sum(axis=1, keepdims=True))
            small = np.exp(-np.abs(logits))
            return np.asarray(np.where(logits >= 0, 1 / (1 + small), small / (1 + small)))
        if answer["mean"] is None and offset is None:
            raise RunError("A forecast needs the last value of each window. Use predict() with the history.")
        start = offset if answer["mean"] is None else np.asarray(answer["mean"])
        values = outputs.astype(np.float64) * np.asarray(answer["scale"]) + start
        if answer["low"] is not None:
            values = np.clip(values, answer["low"], answer["high"])
        with np.errstate(over="ignore"):
            return np.asarray(np.expm1(values) if answer["on"] == "log1p" else values)

    def write(self, directory: Path) -> None:
        """Write encoding.json."""
        text = json.dumps(self.document, ensure_ascii=False, indent=1) + "\n"
        (directory / FILE).write_text(text, encoding="utf-8")


def read_encoding(directory: Path) -> Encoding:
    """Read encoding.json. Raises RunError if the directory is not an export, or the file is damaged."""
    path = directory / FILE
    try:
        return parse_encoding(read_document(path, MAX_BYTES))
    except FileNotFoundError:
        raise RunError(
            f"An exported model is a directory that 'recommend export' wrote, with an {FILE} in it, but {directory} is "
            "not one."
        ) from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}. Allow reading, or export the run again.") from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise RunError(f"{path} is damaged: {type(error).__name__}: {error}. Export the run again.") from None


def parse_encoding(document: Any) -> Encoding:  # noqa: ANN401  of JSON
    """Check a document. Raises ValueError, KeyError or TypeError where it is not an encoding."""
    if document["format"] != FORMAT:
        raise ValueError(f"its format is {document['format']!r}, not {FORMAT!r}")
    if document["to"] not in FORMATS:
        raise ValueError(f"it is for {document['to']!r}, not for one of {', '.join(FORMATS)}")
    encoders = tuple(create_encoder(one) for one in document["encoders"])
    inputs = {str(name): tuple(map(int, own)) for name, own in document["inputs"].items()}
    if not all(own and all(0 <= place < len(encoders) for place in own) for own in inputs.values()):
        raise ValueError("an input of the network names an encoder that does not exist")
    factor, answer = document["spread_factor"], document["answer"]
    outputs = len(document["outputs"])
    if answer["kind"] == "probabilities":
        if answer["activation"] not in {"softmax", "sigmoid"}:
            raise ValueError(f"its output activation is {answer['activation']!r}")
        _check_widths(outputs, answer, "temperatures", may_be_one=True)
    elif answer["kind"] == "values":
        if answer["on"] not in {"as_is", "log1p"}:
            raise ValueError(f"its target is on the scale {answer['on']!r}")
        for name in ("scale", "mean", "low", "high"):
            _check_widths(outputs, answer, name)
    else:
        raise ValueError(f"its answer is of the kind {answer['kind']!r}")
    return Encoding(
        to=document["to"],
        document=document,
        encoders=encoders,
        inputs=inputs,
        spread_factor=None if factor is None else np.asarray(factor, np.float32).reshape(outputs),
        answer=answer,
    )


def _check_widths(outputs: int, answer: Mapping[str, Any], name: str, *, may_be_one: bool = False) -> None:
    """Check that a list has a finite number for each output."""
    values = answer[name]
    if values is None and name != "scale":
        return
    numbers = np.asarray(values, np.float64)
    if numbers.shape not in {(outputs,), *([(1,)] if may_be_one else [])} or not np.isfinite(numbers).all():
        raise ValueError(f"{name!r} of its answer needs a number for each of {outputs} outputs")
