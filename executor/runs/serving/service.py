"""A run or an exported model in memory, and its predictions."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pyarrow as pa

from executor.model.predict import outcome_of, predict
from executor.model.prediction_columns import interval_groups, prediction_columns, prediction_names
from executor.model.validate_rows import open_rows
from executor.runs.export.predictor import ROWS_OF_TABLES, Predictor
from executor.runs.files import MODEL
from executor.runs.serving.batches import Batches
from executor.runs.serving.fast_rows import FastReader, to_table
from executor.runs.serving.json_rows import BODY, to_arrow
from executor.runs.serving.known_values import KnownValues, known_values_of_export
from executor.runs.serving.limits import Options
from executor.runs.serving.openapi import openapi_schema
from rules.errors import PcwatError, ServingError
from rules.text.temporary import working_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from executor.data.raw_table import RawTable
    from executor.model.signature import Signature
    from executor.runs.run import Run
    from executor.runs.serving.fast_rows import Values
    from executor.runs.serving.json_rows import JsonRows
    from executor.runs.serving.limits import Limits

READERS: Final = 2  # threads that read rows with DuckDB, which takes most of its time outside of Python
CSV_FILE: Final = "request.csv"  # name of the rows in messages


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Predictions of a request, and what `recommend predict` would report about them.

    rows: a dict of columns for each row; None where there is only the table.
    """

    rows: Sequence[dict[str, object]] | None = None
    table: pa.Table | None = None
    warnings: Sequence[str] = field(default_factory=tuple)

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.rows) if self.rows is not None else 0 if self.table is None else self.table.num_rows


class Service:
    """The model of a run or of an export, and the threads that predict with it.

    Only the model of a run needs TensorFlow. ignore_extra: whether columns that were not in training are ignored.
    compiles: as of `KerasBackend`. on_batch: called with the number of rows of each batch.
    """

    def __init__(
        self,
        source: Run | Predictor,
        *,
        ignore_extra: bool = False,
        compiles: bool = False,
        on_batch: Callable[[int], None] = lambda _rows: None,
    ) -> None:
        self.signature: Signature = source.signature
        self.known = KnownValues()
        self._source = source
        self._ignore_extra = ignore_extra
        self._compiles = compiles
        self._on_batch = on_batch
        self._reader = FastReader(self.signature, ignore_extra=ignore_extra)
        self._names = prediction_names(self.signature)
        self._outcome_of: Callable[[RawTable], np.ndarray] | None = None
        self._batches: Batches[tuple[dict[str, Values], int], Predictions] | None = None
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="readers")

    def load(self) -> None:
        """Load the model, and predict once. Raises RunError if the model cannot be used."""
        if isinstance(self._source, Predictor):
            self._outcome_of = self._source.outcome_of
            self.known = known_values_of_export(self.signature, self._source.encoding)
        else:
            self._load_keras(self._source)
        self._batches = Batches(self._predict_batch, max_rows=ROWS_OF_TABLES)

    def _load_keras(self, run: Run) -> None:
        from executor.model.keras_file import load_model  # noqa: PLC0415  TensorFlow takes seconds
        from executor.runs.serving.backend import KerasBackend, known_values_of_model  # noqa: PLC0415  as above

        model = load_model(run.directory / MODEL, self.signature)
        self._outcome_of = KerasBackend(model, self.signature, compiles=self._compiles).outcome_of
        self.known = known_values_of_model(self.signature, model)

    def close(self) -> None:
        """End the threads after the requests that wait."""
        if self._batches is not None:
            self._batches.close()
        self._pool.shutdown()

    async def predict_json(self, rows: JsonRows, options: Options) -> Predictions:
        """Predict the rows of a JSON body, as `Run.predict` predicts a frame of them."""
        fast = None if options != Options() else self._reader.read(rows)
        if fast is not None and self._batches is not None:
            return await self._batches.answer((fast, rows.count), rows.count)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: self._predict(lambda: to_arrow(rows), options))

    async def predict_csv(self, body: bytes, options: Options, *, max_rows: int) -> Predictions:
        """Predict the rows of a CSV body, as `Run.predict` predicts a file of them."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: self._predict_csv(body, options, max_rows=max_rows))

    def openapi(self, limits: Limits) -> dict[str, Any]:
        """OpenAPI schema of a server of this run."""
        return openapi_schema(self.signature, self.known, limits)

    def _predict_csv(self, body: bytes, options: Options, *, max_rows: int) -> Predictions:
        with working_folder() as folder:
            path = folder / CSV_FILE
            path.write_bytes(body)
            try:
                return self._predict(lambda: path, options, max_rows=max_rows)
            except PcwatError as error:
                raise ServingError(str(error).replace(f"{folder}/", "")) from None

    def _predict(self, data: Callable[[], object], options: Options, *, max_rows: int | None = None) -> Predictions:
        """Predict rows that DuckDB reads. data: function that returns them; called in this thread."""
        outcome_of_rows = self._outcome_of
        if outcome_of_rows is None:
            raise ServingError("The model is not loaded yet. Try again later.", status=503)
        warnings: list[str] = []
        try:
            with open_rows(
                self.signature, data(), keys=options.keys, frame_name=BODY, reads_image_files=False
            ) as dataset:
                if max_rows is not None and dataset.row_count > max_rows:
                    raise too_many_rows(dataset.row_count, max_rows)
                table = predict(
                    outcome_of_rows,
                    self.signature,
                    dataset,
                    ignore_extra=self._ignore_extra,
                    key=options.keys,
                    say=warnings.append,
                    as_text=options.as_text,
                    quantiles=options.quantiles,
                )
        except duckdb.Error as error:
            raise ServingError(f"The rows cannot be read: {str(error).splitlines()[0]} Correct them.") from None
        return Predictions(table=table, warnings=warnings)

    def _predict_batch(self, requests: Sequence[tuple[dict[str, Values], int]]) -> Sequence[Predictions]:
        """Predict the rows of several requests together."""
        outcome_of_rows = self._outcome_of
        if outcome_of_rows is None:
            raise ValueError("batches are predicted once the model is loaded")
        counts = [count for _, count in requests]
        names = requests[0][0].keys()
        columns = {name: [value for rows, _ in requests for value in rows[name]] for name in names}
        self._on_batch(sum(counts))
        read = to_table(self.signature, columns, sum(counts))
        outcome, groups = outcome_of(outcome_of_rows, read), interval_groups(self.signature, read)
        rows = pa.table(prediction_columns(self.signature, outcome, self._names, groups=groups)).to_pylist()
        found, start = [], 0
        for count in counts:
            found.append(Predictions(rows=rows[start : start + count]))
            start += count
        return found


def too_many_rows(count: int, most: int) -> ServingError:
    """Error about a request with too many rows."""
    return ServingError(
        f"A request may have at most {most:,} rows, but this one has {count:,}. Send several requests, or start the "
        "server with a larger --max-rows."
    )
