"""A run or an exported model in memory, and its predictions."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pyarrow as pa

from executor.model.predict import class_sets, outcome_of, predict
from executor.model.prediction_columns import (
    class_shares,
    interval_groups,
    prediction_columns,
    prediction_names,
    set_column,
)
from executor.model.validate_rows import open_rows
from executor.runs.export.predictor import ROWS_OF_TABLES, Predictor
from executor.runs.files import MODEL
from executor.runs.serving.array_rows import (
    array_column,
    check_npz,
    contents_of,
    read_image_files,
    read_json_arrays,
)
from executor.runs.serving.batches import Batches
from executor.runs.serving.fast_rows import FastReader, to_table
from executor.runs.serving.json_rows import BODY, to_arrow
from executor.runs.serving.known_values import KnownValues, known_values_of_export, known_values_of_model
from executor.runs.serving.limits import NPZ
from executor.runs.serving.openapi import openapi_schema
from rules.errors import PcwatError, ServingError
from rules.text.temporary import working_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from executor.data.raw_table import RawTable
    from executor.model.signature import Signature
    from executor.runs.run import Run
    from executor.runs.serving.array_rows import File
    from executor.runs.serving.fast_rows import Values
    from executor.runs.serving.json_rows import JsonRows
    from executor.runs.serving.limits import Limits, Options
    from recommender.dataset.readers.formats.arrays import Images
    from recommender.dataset.readers.formats.sequences import Sequences

    Rows = tuple[object, Images | Sequences | None]
    """A path or a table, and its column of arrays."""

READERS: Final = 2  # threads that read rows with DuckDB, which takes most of its time outside of Python
CSV_FILE, NPZ_FILE = "request.csv", "request.npz"  # names of the rows in messages


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


@dataclass(frozen=True, kw_only=True)
class PlainRows:
    """Rows that were read without DuckDB. members_of: from `class_sets`; None for no prediction sets."""

    columns: dict[str, Values]
    count: int
    members_of: Callable[[np.ndarray], np.ndarray] | None


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
        self.contents = contents_of(self.signature)
        """Media types of the bodies that it reads."""
        self._source = source
        self._ignore_extra = ignore_extra
        self._compiles = compiles
        self._on_batch = on_batch
        self._reader = FastReader(self.signature, ignore_extra=ignore_extra)
        self._names = prediction_names(self.signature)
        self._outcome_of: Callable[[RawTable], np.ndarray] | None = None
        self._batches: Batches[PlainRows, Predictions] | None = None
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
        from executor.model.compiled import KerasBackend  # noqa: PLC0415  TensorFlow takes seconds
        from executor.model.keras_file import load_model  # noqa: PLC0415  TensorFlow takes seconds

        model = load_model(run.directory / MODEL, self.signature)
        self._outcome_of = KerasBackend(model, self.signature, compiles=self._compiles).outcome_of
        self.known = known_values_of_model(self.signature, model)

    def close(self) -> None:
        """End the threads after the requests that wait."""
        if self._batches is not None:
            self._batches.close()
        self._pool.shutdown()

    async def predict_json(self, rows: JsonRows, options: Options, limits: Limits) -> Predictions:
        """Predict the rows of a JSON body, as `Run.predict` predicts a frame of them, or a file of images or arrays."""
        fast = self._reader.read(rows) if options.are_for_plain_rows else None
        if fast is not None and self._batches is not None:
            members_of = self._members_of(options)
            return await self._batches.answer(
                PlainRows(columns=fast, count=rows.count, members_of=members_of), rows.count
            )
        column = array_column(self.signature)
        if column is None:
            return await self._in_thread(lambda: self._predict(lambda: (to_arrow(rows), None), options))
        return await self._in_thread(
            lambda: self._predict(lambda: read_json_arrays(rows, column, max_values=limits.values), options)
        )

    async def predict_files(self, files: Sequence[File], options: Options, limits: Limits) -> Predictions:
        """Predict image files, as `Run.predict` predicts a folder of them."""
        return await self._in_thread(
            lambda: self._predict(lambda: read_image_files(files, self.signature, max_values=limits.values), options)
        )

    async def predict_table(self, body: bytes, options: Options, limits: Limits, *, content: str) -> Predictions:
        """Predict the rows of a body of CSV or .npz, as `Run.predict` predicts a file of them."""
        return await self._in_thread(lambda: self._predict_table(body, options, limits, content=content))

    async def _in_thread(self, compute: Callable[[], Predictions]) -> Predictions:
        return await asyncio.get_running_loop().run_in_executor(self._pool, compute)

    def _members_of(self, options: Options) -> Callable[[np.ndarray], np.ndarray] | None:
        if options.coverage is None:
            return None
        return class_sets(self.signature, options.coverage, by_class=options.by_class)

    def openapi(self, limits: Limits) -> dict[str, Any]:
        """OpenAPI schema of a server of this run."""
        return openapi_schema(self.signature, self.known, limits)

    def _predict_table(self, body: bytes, options: Options, limits: Limits, *, content: str) -> Predictions:
        if content == NPZ:
            check_npz(body, max_values=limits.values)
        with working_folder() as folder:
            path = folder / (NPZ_FILE if content == NPZ else CSV_FILE)
            path.write_bytes(body)
            try:
                return self._predict(lambda: (path, None), options, max_rows=limits.rows)
            except PcwatError as error:
                raise ServingError(str(error).replace(f"{folder}/", "")) from None

    def _predict(self, read: Callable[[], Rows], options: Options, *, max_rows: int | None = None) -> Predictions:
        """Predict rows that DuckDB reads. read: returns them; called in this thread."""
        outcome_of_rows = self._outcome_of
        if outcome_of_rows is None:
            raise ServingError("The model is not loaded yet. Try again later.", status=503)
        warnings: list[str] = []
        try:
            data, arrays = read()
            with open_rows(
                self.signature, data, keys=options.keys, frame_name=BODY, reads_image_files=False, arrays=arrays
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
                    coverage=options.coverage,
                    by_class=options.by_class,
                )
        except duckdb.Error as error:
            raise ServingError(f"The rows cannot be read: {str(error).splitlines()[0]} Correct them.") from None
        return Predictions(table=table, warnings=warnings)

    def _predict_batch(self, requests: Sequence[PlainRows]) -> Sequence[Predictions]:
        """Predict the rows of several requests together."""
        outcome_of_rows = self._outcome_of
        if outcome_of_rows is None:
            raise ValueError("batches are predicted once the model is loaded")
        count = sum(one.count for one in requests)
        names = requests[0].columns.keys()
        columns = {name: [value for one in requests for value in one.columns[name]] for name in names}
        self._on_batch(count)
        read = to_table(self.signature, columns, count)
        outcome, groups = outcome_of(outcome_of_rows, read), interval_groups(self.signature, read)
        rows = pa.table(prediction_columns(self.signature, outcome, self._names, groups=groups)).to_pylist()
        found, start = [], 0
        for one in requests:
            own = slice(start, start + one.count)
            found.append(Predictions(rows=self._with_sets(rows[own], outcome[own], one.members_of)))
            start += one.count
        return found

    def _with_sets(
        self,
        rows: list[dict[str, object]],
        outcome: np.ndarray,
        members_of: Callable[[np.ndarray], np.ndarray] | None,
    ) -> list[dict[str, object]]:
        """Rows of predictions with their prediction sets, if there are some."""
        if members_of is None:
            return rows
        sets = set_column(self.signature, members_of(class_shares(outcome, self.signature.task)))
        (name,) = prediction_names(self.signature, has_sets=True).set
        return [{**row, name: members} for row, members in zip(rows, sets.to_pylist(), strict=True)]


def too_many_rows(count: int, most: int) -> ServingError:
    """Error about a request with too many rows."""
    return ServingError(
        f"A request may have at most {most:,} rows, but this one has {count:,}. Send several requests, or start the "
        "server with a larger --max-rows."
    )
