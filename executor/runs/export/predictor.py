"""Predictions of an exported model, without TensorFlow or Keras (except for a SavedModel, which TensorFlow runs).

This module imports only NumPy. A table is read as by `recommend predict`, whose modules are imported when it is first
asked for; `Predictor.outcome` takes columns as arrays and needs none of them.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from executor.runs.export.encoding import Encoding, read_encoding
from executor.runs.export.engines import ENGINES
from rules.errors import RunError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from executor.data.raw_table import RawTable
    from executor.evaluation.explanation.explanations import Explanations
    from executor.model.signature import Signature
    from executor.runs.export.engines import Engine
    from executor.runs.prediction_file import Stream
    from rules.decision.request import Unreadable

ROWS_OF_TABLES: Final = 2_048  # per call of the network
ROWS_OF_ARRAYS: Final = 64  # the same, of images, sequences and texts, whose features take megabytes per row
ARRAYS: Final = frozenset({"pixels", "steps", "mini_rocket", "term_bag", "word_sequence"})  # encoders of these


def load_predictor(directory: str | os.PathLike[str], *, threads: int | None = None) -> Predictor:
    """Load an exported model.

    Args:
        directory: Directory that `recommend export` wrote.
        threads: Threads of ONNX Runtime or LiteRT. None for their default. Default None.

    Returns:
        The predictor.

    Raises:
        RunError: If the directory is not an export, a file of it is damaged, or the engine of its format is not
            installed.

    Examples:
        >>> from executor import load_predictor
        >>> load_predictor("exported").predict("new.csv").to_pandas()  # doctest: +SKIP
    """
    path = Path(directory)
    encoding = read_encoding(path)
    return Predictor(encoding, ENGINES[encoding.to](path, threads))


class Predictor:
    """An exported model, from `load_predictor`.

    Attributes:
        encoding: The content of encoding.json.

    Examples:
        >>> from executor import load_predictor
        >>> predictor = load_predictor("exported")  # doctest: +SKIP
        >>> predictor.predict("new.csv").to_pandas()  # doctest: +SKIP
        >>> predictor.outcome({"age": np.array([42.0]), "sex": np.array(["female"], object)})  # doctest: +SKIP
    """

    def __init__(self, encoding: Encoding, engine: Engine) -> None:
        self.encoding = encoding
        self._engine = engine

    @cached_property
    def signature(self) -> Signature:
        """Inputs and outputs of the model, as in signature.json of the run."""
        from pydantic import ValidationError  # noqa: PLC0415  half of the time of an import

        from executor.model.signature import Signature  # noqa: PLC0415  as above

        try:
            signature = Signature.model_validate(self.encoding.document["signature"])
        except ValidationError as error:
            raise RunError(f"encoding.json is damaged: {error.errors()[0]['msg']}. Export the run again.") from None
        if reason := signature.contradiction():
            raise RunError(f"encoding.json was altered: {reason}. Export the run again.")
        return signature

    def outcome(
        self,
        features: Mapping[str, np.ndarray],
        *,
        offset: np.ndarray | None = None,
        spread: np.ndarray | None = None,
    ) -> np.ndarray:
        """Compute probabilities or values, (rows, outputs) float64.

        Args:
            features: Columns by name: float64 numbers with NaN for missing ones, times as float64 seconds since 1970,
                str objects with "" for missing words, uint8 images (rows, height, width, channels), or float32
                sequences (rows, steps, channels) with NaN after their end.
            offset: Last values of a forecast, (rows, outputs).
            spread: Spreads of the windows of a forecast, (rows, outputs).

        Returns:
            Probabilities of class 1 (rows, 1), of classes or of labels; values of numeric targets in their own unit.
        """
        rows = len(next(iter(features.values())))
        most = self._batch
        found = [self._outcome(features, offset, spread, slice(start, start + most)) for start in range(0, rows, most)]
        return np.concatenate(found) if found else np.empty((0, len(self.encoding.document["outputs"])))

    @cached_property
    def _batch(self) -> int:
        """Rows of a call of the network."""
        kinds = {encoder.config["kind"] for encoder in self.encoding.encoders}
        return ROWS_OF_ARRAYS if kinds & ARRAYS else ROWS_OF_TABLES

    def _outcome(
        self,
        features: Mapping[str, np.ndarray],
        offset: np.ndarray | None,
        spread: np.ndarray | None,
        rows: slice,
    ) -> np.ndarray:
        some = {name: values[rows] for name, values in features.items()}
        offset, spread = (None if one is None else one[rows] for one in (offset, spread))
        if self.encoding.to == "saved-model":
            return self._engine(self._raw_inputs(some, offset, spread))
        return self.encoding.decide(self._engine(self.encoding.encode(some, spread)), offset)

    def _raw_inputs(
        self, features: Mapping[str, np.ndarray], offset: np.ndarray | None, spread: np.ndarray | None
    ) -> dict[str, Any]:
        """Inputs of a SavedModel by the name of its signature."""
        found: dict[str, Any] = {}
        for entry in self.encoding.document["raw_inputs"]:
            values = [np.asarray(features[name]) for name in entry["columns"]]
            found[entry["name"]] = values[0] if values[0].ndim > 1 else np.column_stack(values)
        window = {"offset": offset, "spread": spread}
        return found | {name: value for name, value in window.items() if value is not None}

    def outcome_of(self, table: RawTable) -> np.ndarray:
        """Compute probabilities or values for rows of a raw table, (rows, outputs) float64."""
        return self.outcome(table.features, offset=table.offset, spread=table.spread)

    def predict(
        self,
        data: object,
        *,
        delimiter: str | None = None,
        table: str | None = None,
        ignore_extra: bool = False,
        key: str | Sequence[str] = (),
        unreadable: Unreadable = "refuse",
        quantiles: bool = False,
        coverage: float | None = None,
        by_class: bool = False,
        as_text: bool = False,
        say: Callable[[str], None] = warnings.warn,
    ) -> Any:  # noqa: ANN401  pandas and polars are optional
        """Predict new rows; the table is that of `Run.predict`.

        Args:
            data: New rows: any data that `recommend` takes. For a forecast, the past of the series.
            delimiter: Column delimiter of a text file. None detects it. Default None.
            table: Sheet of a workbook, or table of a database. None for the only one. Default None.
            ignore_extra: Whether to ignore columns that the model does not know. Default False.
            key: Columns of data that are copied to the left of the predictions. Default none.
            unreadable: Image files that are missing or damaged: "refuse" raises an error, "leave_out" skips them with a
                warning. Default "refuse".
            quantiles: Whether a forecast has columns of its quantiles. Default False.
            coverage: Coverage of the prediction sets in the column "set". None for no sets. Default None.
            by_class: Whether the sets cover each class. Default False.
            as_text: Whether labels are text instead of their own type. Default False.
            say: Receives warnings. Default warnings.warn.

        Returns:
            A table with one row per row of data; for a forecast, one row per series and step. It is a pandas or a
            polars frame if data is one; otherwise an Arrow table.

        Raises:
            ColumnError: If a column is missing, has another type, or is unknown.
        """
        from executor.data.frames import frame_like  # noqa: PLC0415  as below
        from executor.model.predict import predict  # noqa: PLC0415  reads tables with DuckDB

        table = predict(
            self.outcome_of,
            self.signature,
            data,
            delimiter=delimiter,
            table=table,
            ignore_extra=ignore_extra,
            key=key,
            unreadable=unreadable,
            quantiles=quantiles,
            coverage=coverage,
            by_class=by_class,
            as_text=as_text,
            say=say,
        )
        return frame_like(data, table)

    def explain(
        self,
        data: object,
        *,
        background: object,
        rows: int | None = 10,
        label: str | None = None,
        seed: int = 0,
        delimiter: str | None = None,
        table: str | None = None,
        ignore_extra: bool = False,
        unreadable: Unreadable = "refuse",
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> Explanations:
        """Explain predictions by SHAP values, as `Run.explain` does.

        Args:
            data: Rows, as for `predict`.
            background: Rows like those of the training, of which 100 are drawn; an exported model does not know its
                dataset.
            rows: Number of rows to explain, the first ones. None explains all. Default 10.
            label: Class whose probability is explained. None explains the predicted class; of two classes the positive
                one. Default None.
            seed: Seed of the drawn rows and of the masks. Default 0.
            delimiter: Column delimiter of a text file. None detects it. Default None.
            table: Sheet of a workbook, or table of a database. None takes the only one. Default None.
            ignore_extra: Whether to ignore columns that the model does not know. Default False.
            unreadable: Image files that are missing or damaged: "refuse" or "leave_out". Default "refuse".
            progress: Called with the numbers of rows that are explained and that are to be explained.

        Returns:
            The explanations.

        Raises:
            RunError: If no background is given, shap is not installed, or the task is forecasting.
            ChoiceError: If label is not a class.
            ColumnError: As `predict`.
        """
        from executor.evaluation.explanation.background import read_background  # noqa: PLC0415  as in predict
        from executor.evaluation.explanation.explain import explain  # noqa: PLC0415  as in predict

        if background is None:
            raise RunError(
                "An explanation compares a row with rows of the training, but an exported model does not know its "
                "dataset. Give a file with such rows: --background FILE, in Python background=…"
            )
        return explain(
            self.outcome_of,
            self.signature,
            data,
            compute_many=self.outcome_of,
            background=lambda: read_background(self.signature, background, seed=seed),
            rows=rows,
            label=label,
            seed=seed,
            delimiter=delimiter,
            table=table,
            ignore_extra=ignore_extra,
            unreadable=unreadable,
            progress=progress,
        )

    @contextmanager
    def stream(self) -> Iterator[Stream]:
        """Yield the function that computes the outputs of parts of rows: `outcome_of`."""
        from executor.runs.prediction_file import Stream  # noqa: PLC0415  as in predict

        yield Stream(outcome_of=self.outcome_of, batch=self._batch)

    def predict_file(
        self,
        source: str | os.PathLike[str],
        output: str | os.PathLike[str],
        *,
        delimiter: str | None = None,
        table: str | None = None,
        ignore_extra: bool = False,
        key: str | Sequence[str] = (),
        coverage: float | None = None,
        by_class: bool = False,
        rows: int | None = None,
        progress: Callable[[int, int | None], None] = lambda _done, _total: None,
    ) -> int:
        """Predict the rows of files of any size, and write the predictions part by part, as `Run.predict_file` does.

        Args:
            source: File with new rows, or a pattern of files.
            output: The .parquet, .csv or .tsv file that is written.
            delimiter: Column delimiter of a text file. None for that of its extension. Default None.
            table: Sheet of a workbook, or table of a database. None for the only one. Default None.
            ignore_extra: Whether to ignore columns that the model does not know. Default False.
            key: Columns of source that are copied to the left of the predictions. Default none.
            coverage: Coverage of the prediction sets in the column "set". None for no sets. Default None.
            by_class: Whether the sets cover each class. Default False.
            rows: Rows that are in memory at once, rounded up to whole batches. None chooses it by the columns. Default
                None.
            progress: Called with the number of predictions, and of all rows if it is known.

        Returns:
            The number of predictions.

        Raises:
            ColumnError: If a column is missing, has another type, or is unknown.
            RunError: If the output cannot be written or has another extension.
        """
        from executor.runs.prediction_file import predict_file  # noqa: PLC0415  as in predict

        return predict_file(
            self,
            source,
            Path(output),
            delimiter=delimiter,
            table=table,
            ignore_extra=ignore_extra,
            key=key,
            coverage=coverage,
            by_class=by_class,
            rows=rows,
            progress=progress,
        )
