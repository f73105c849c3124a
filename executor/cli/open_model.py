"""The run or the exported model in a directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from executor.runs.export.encoding import FILE
from executor.runs.export.predictor import Predictor, load_predictor
from executor.runs.run import Run
from executor.runtime.tensorflow_import import quiet_tensorflow

if TYPE_CHECKING:
    from pathlib import Path


def open_model(directory: Path) -> Run | Predictor:
    """Open a run, or a model that `recommend export` wrote. Raises RunError if the directory is neither."""
    return load_predictor(directory) if (directory / FILE).exists() else Run(directory)


def import_tensorflow_for(model: Run | Predictor) -> None:
    """Import TensorFlow if the model is that of a run. Raises PcwatError if it is not installed."""
    if isinstance(model, Run):
        quiet_tensorflow()
