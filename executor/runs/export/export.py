"""Writes an export of a model, and checks that it predicts as the model."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np

from executor.model.prediction_columns import decide
from executor.runs.export.encoding import FILE, FORMAT, parse_encoding
from executor.runs.export.engines import ENGINES, import_extra
from executor.runs.export.onnx_file import write_onnx
from executor.runs.export.predictor import Predictor
from rules import __version__
from rules.errors import RunError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras

    from executor.data.raw_table import RawTable
    from executor.model.signature import Signature
    from executor.runs.export.keras_model import ModelParts

ExportFormat = Literal["numpy", "onnx", "saved-model", "litert"]
TOLERANCE: Final = 1e-5
"""Largest difference from the model: absolute of probabilities; of values relative to the greater of the value and the
scale of the target."""
PACKAGES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "onnx": (("onnx", "onnx"), ("onnxruntime", "onnxruntime")),
    "litert": (("ai_edge_litert.interpreter", "ai-edge-litert"),),
}
"""Modules that a format needs, and the packages that have them."""
DIRECTORY_MODE: Final = 0o755  # a temporary directory is private


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written, and on what it was checked.

    source: which rows. largest: largest difference of a prediction.
    """

    directory: Path
    to: str
    rows: int
    source: str
    largest: float

    @property
    def sentence(self) -> str:
        """The check in words."""
        return (
            f"Checked on {self.rows:,} {self.source}: the largest difference is {self.largest:.1e}"
            f" (at most {TOLERANCE:.0e} is allowed), all labels are equal."
        )


def check_request(to: str, directory: Path, *, force: bool) -> None:
    """Check a format and an output directory before the model is loaded.

    Raises RunError on an unknown format, a missing package, or a directory that has files, unless they are an earlier
    export and are to be replaced.
    """
    formats = get_args(ExportFormat)
    if to not in formats:
        raise RunError(f"A run is exported to {', '.join(formats)}, but got {to!r}.{did_you_mean(to, formats)}")
    for module, package in PACKAGES.get(to, ()):
        import_extra(module, package=package)
    try:
        has_files = directory.exists() and (not directory.is_dir() or any(directory.iterdir()))
    except OSError as error:
        raise RunError(f"{directory} cannot be read: {error.strerror}. Choose another directory.") from None
    if has_files and not force:
        raise RunError(
            f"An export needs a new or empty directory, but {directory} "
            f"{'has files' if directory.is_dir() else 'is a file'}. Choose another one, or replace an earlier export "
            "with --force."
        )
    if has_files and not (directory / FILE).is_file():
        raise RunError(
            f"--force replaces an earlier export, but {directory} has other files and no {FILE}. Choose another "
            "directory."
        )


def export_model(
    model: keras.Model,
    signature: Signature,
    directory: Path,
    *,
    to: str,
    outcome_of: Callable[[RawTable], np.ndarray],
    sample: Callable[[list[dict[str, Any]]], tuple[RawTable, str]],
    run: str,
) -> Exported:
    """Write an export; the directory appears when the check has succeeded.

    outcome_of: predictions of the model itself. sample: function from encoders, as in encoding.json, to the rows of the
    check and their description. run: name of the run, which is recorded. Other arguments: after `check_request`.

    Raises RunError if the model cannot be exported to the format, or the export predicts differently.
    """
    from executor.runs.export.keras_model import take_apart  # noqa: PLC0415  TensorFlow takes seconds

    parts = take_apart(model, signature)
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    except OSError as error:
        raise RunError(f"{directory} cannot be written: {error.strerror}. Choose another directory.") from None
    try:
        document = describe(parts, signature, to=to, run=run) | _write_network(model, signature, parts, staged, to)
        rows, source = sample(parts.encoders)
        encoding = parse_encoding(document)
        predictor = Predictor(encoding, ENGINES[to](staged, None))
        largest = _compare(outcome_of(rows), predictor.outcome_of(rows), signature, parts)
        document["check"] = {"rows": len(rows), "source": source, "largest_difference": largest, "tolerance": TOLERANCE}
        encoding.write(staged)
        _replace(staged, directory)
    except OSError as error:
        raise RunError(f"{directory} cannot be written: {error.strerror or error}. Choose another directory.") from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return Exported(directory=directory, to=to, rows=len(rows), source=source, largest=largest)


def describe(parts: ModelParts, signature: Signature, *, to: str, run: str) -> dict[str, Any]:
    """Content of encoding.json before the check; arguments as of `export_model`."""
    return {
        "format": FORMAT,
        "to": to,
        "pcwat": __version__,
        "run": run,
        # Of two classes, the model predicts the probability of the second one.
        "outputs": [*(signature.labels[-signature.outputs :] or signature.output_names)],
        "encoders": parts.encoders,
        "inputs": parts.inputs,
        "spread_factor": parts.spread_factor,
        "answer": parts.answer,
        "signature": signature.model_dump(mode="json"),
    }


def _write_network(
    model: keras.Model, signature: Signature, parts: ModelParts, directory: Path, to: str
) -> dict[str, Any]:
    """Write the files of the network; returns further fields of encoding.json."""
    from executor.runs.export.keras_graph import graph_of  # noqa: PLC0415  TensorFlow takes seconds
    from executor.runs.export.tensorflow_files import write_litert, write_saved_model  # noqa: PLC0415  as above

    if to == "saved-model":
        return {"raw_inputs": write_saved_model(model, signature, directory)}
    graph = graph_of(parts.network)
    if to == "onnx":
        write_onnx(graph, directory)
    elif to == "litert":
        write_litert(graph, directory)
    else:
        graph.write(directory)
    return {}


def _compare(before: np.ndarray, after: np.ndarray, signature: Signature, parts: ModelParts) -> float:
    """Largest difference of predictions. Raises RunError if it exceeds TOLERANCE, or a label differs."""
    size = 1.0
    if signature.task.is_classification:
        decided = [decide(signature, one) for one in (before, after)]
        different = int((decided[0] != decided[1]).sum())
        if different:
            raise RunError(
                f"An export must predict the labels of the model, but {different:,} of {decided[0].size:,} differ. "
                "Nothing was written. Please report this, or use another format."
            )
    else:
        scale = np.array(parts.answer["scale"]) if parts.answer["on"] == "as_is" else 1.0
        size = np.maximum(np.nan_to_num(np.abs(before)), scale)
    with np.errstate(invalid="ignore"):
        gap = np.where((before == after) | (np.isnan(before) & np.isnan(after)), 0.0, np.abs(before - after) / size)
    largest = float(np.max(gap, initial=0.0))
    if not largest <= TOLERANCE:
        raise RunError(
            f"An export must predict as the model within {TOLERANCE:.0e}, but it differs by {largest:.1e}. Nothing was "
            "written. Please report this, or use another format."
        )
    return largest


def _replace(staged: Path, directory: Path) -> None:
    """Move the finished export to its place; an earlier export there is removed."""
    if directory.exists():
        shutil.rmtree(directory)
    staged.chmod(DIRECTORY_MODE)
    staged.replace(directory)
