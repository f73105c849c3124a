"""The model of a run as an MLflow pyfunc model.

The files of the run are the data of the model, and `_load_pyfunc` is its loader, so that nothing is pickled. The
environment that loads the model needs pcwat.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import mlflow.pyfunc
import pyarrow as pa
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from mlflow.types.schema import AnyType

from executor.data.raw_table import Form
from executor.runs.files import BUNDLE, MODEL, PLAN, SIGNATURE
from executor.runs.run import Run
from recommender.dataset.sql import is_integer
from recommender.run_manifest import RECORD, SCORES, SUMMARY
from rules import __version__
from rules.text.temporary import working_folder

if TYPE_CHECKING:
    import os

    import pandas as pd

    from executor.model.signature import Column, Signature

FILES: Final = (MODEL, SIGNATURE, PLAN, SCORES, BUNDLE, RECORD, SUMMARY)
"""Files of a run that predictions need, and those that say how it was trained."""


def save_model(run: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Save the model of a run as a pyfunc model in a new folder."""
    finished = Run(run)
    with working_folder() as folder:
        data = folder / "run"
        data.mkdir()
        for name in FILES:
            shutil.copy(finished.directory / name, data / name)
        mlflow.pyfunc.save_model(
            path=str(path),
            loader_module=__name__,
            data_path=str(data),
            signature=model_signature(finished.signature),
            pip_requirements=[f"pcwat=={__version__}"],
            metadata={"pcwat.seal": finished.seal},
        )


def model_signature(signature: Signature) -> ModelSignature | None:
    """The MLflow signature of a model; None for images and sequences, which are no columns."""
    if any(column.form in {Form.IMAGE, Form.SEQUENCE} for column in signature.columns):
        return None
    return ModelSignature(inputs=Schema([ColSpec(_type(column), column.name, False) for column in signature.columns]))


def _type(column: Column) -> str | AnyType:
    """MLflow type of a column; any for whole numbers, which pandas stores as doubles where one is missing."""
    if is_integer(column.storage) or column.storage == "BOOLEAN":
        return AnyType()
    return "double" if column.form is Form.NUMBER else "string"


class PyfuncRun:
    """What `mlflow.pyfunc.load_model` calls."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Predict as `Run.predict`."""
        del params
        found = self._run.predict(model_input)
        return found.to_pandas() if isinstance(found, pa.Table) else found


def _load_pyfunc(path: str) -> PyfuncRun:
    """Load the files of a run; called by MLflow."""
    return PyfuncRun(Run(Path(path)))
