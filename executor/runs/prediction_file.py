"""Files of predictions: predictions.csv of a run, with the row, file, series or time of each, and those of new rows."""

from __future__ import annotations

import warnings
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from executor.data.raw_table import Form
from executor.data.time_zones import format_times
from executor.model.prediction_columns import FILE, ROW, SERIES, TIME
from executor.runs.files import PREDICTIONS
from executor.runtime.prediction_batches import rows_per_part
from recommender.dataset.address import address_of
from recommender.dataset.readers import table
from recommender.dataset.readers.table import input_files
from rules.errors import RunError
from rules.text.files import atomic_file, refuse_input_as_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from executor.data.raw_table import RawTable
    from executor.model.signature import Signature
    from recommender.dataset.dataset import Dataset
    from recommender.dataset.readers.row_parts import RowParts

PARQUET: Final = ".parquet"
DELIMITERS: Final = {f".{name}": delimiter for name, delimiter in table.DELIMITERS.items()}
CSV: Final = ".csv"


@dataclass(frozen=True, kw_only=True)
class Stream:
    """Computation of the outputs of many parts of rows."""

    outcome_of: Callable[[RawTable], np.ndarray]
    batch: int
    """Rows of a model call. Parts of a multiple of it have the outputs of a whole table, to the bit."""


class Model(Protocol):
    """A run, or an exported model."""

    @property
    def signature(self) -> Signature: ...

    def stream(self) -> AbstractContextManager[Stream]: ...


def predict_file(
    model: Model,
    source: object,
    output: Path,
    *,
    delimiter: str | None = None,
    table: str | None = None,
    say: Callable[[str], None] = warnings.warn,
    rows: int | None = None,
    progress: Callable[[int, int | None], None] = lambda _done, _total: None,
    **options: Any,  # noqa: ANN401  those of predict
) -> int:
    """Predict the rows of files, part by part where possible, and write a file; arguments as of `Run.predict_file`."""
    from executor.model.predict import find_row_parts, predict  # noqa: PLC0415  a run predicts hold-outs without it

    check_ending(output)
    refuse_input_as_output(output, input_files(address_of(source)))
    ending = output.suffix.lower()
    options |= {"as_text": ending != PARQUET, "say": say}
    parts = find_row_parts(model.signature, source, delimiter=delimiter, table=table)
    with atomic_file(output, error=RunError, remedy="Choose another place.") as temporary:
        if parts is not None:
            return write_parts(model, parts, temporary, ending=ending, rows=rows, progress=progress, **options)
        with model.stream() as stream:
            found = predict(stream.outcome_of, model.signature, source, delimiter=delimiter, table=table, **options)
        with open_writer(temporary, ending) as write:
            write(found)
    return int(found.num_rows)


def write_parts(
    model: Model,
    parts: RowParts,
    target: Path | IO[bytes],
    *,
    ending: str = CSV,
    rows: int | None = None,
    progress: Callable[[int, int | None], None],
    **options: Any,  # noqa: ANN401  those of predict
) -> int:
    """Predict the parts of a table, and write each when it is predicted. Returns the number of predictions."""
    from executor.model.predict import predict_parts  # noqa: PLC0415  as above

    signature = model.signature
    texts = sum(column.form is Form.TEXT for column in signature.columns)
    done = 0
    with model.stream() as stream, open_writer(target, ending) as write:
        size = rows_per_part(stream.batch, columns=len(signature.columns), texts=texts)
        if rows is not None:
            size = stream.batch * -(-rows // stream.batch)
        with closing(predict_parts(stream.outcome_of, signature, parts, rows=size, **options)) as tables:
            for found in tables:
                write(found)
                done += found.num_rows
                progress(done, parts.rows)
    return done


@contextmanager
def open_writer(target: Path | IO[bytes], ending: str) -> Iterator[Callable[[pa.Table], None]]:
    """Yield a function that appends tables, of which the first one defines the columns."""
    with ExitStack() as opened:
        writer: Any = None

        def write(rows: pa.Table) -> None:
            nonlocal writer
            if writer is None and ending == PARQUET:
                writer = opened.enter_context(parquet.ParquetWriter(target, rows.schema))
            elif writer is None:
                options = csv.WriteOptions(delimiter=DELIMITERS[ending])
                writer = opened.enter_context(csv.CSVWriter(target, rows.schema, write_options=options))
            writer.write_table(rows)

        yield write


def check_ending(output: Path) -> None:
    """Check the extension of an output file. Raises RunError if predictions cannot be written in that format."""
    if output.suffix.lower() not in {PARQUET, *DELIMITERS}:
        raise RunError(
            f"The output file must be {', '.join(DELIMITERS)} or {PARQUET}, but got {output}. Choose one of these "
            "extensions."
        )


def write_predictions(
    directory: Path, columns: Mapping[str, np.ndarray], dataset: Dataset, hold_out: RawTable, *, zone: str | None = None
) -> None:
    """Write the predictions of the hold-out into a run directory; arguments as of `add_row_locations`."""
    located = add_row_locations(columns, dataset, hold_out, zone=zone)
    with atomic_file(directory / PREDICTIONS, error=RunError) as temporary:
        csv.write_csv(pa.table(located), temporary)


def add_row_locations(
    columns: Mapping[str, np.ndarray], dataset: Dataset, hold_out: RawTable, *, zone: str | None = None
) -> dict[str, np.ndarray]:
    """Add the columns that identify a row after its number.

    hold_out: rows in the order of the columns. The time of a forecast is that of its first step. zone: time zone, or
    None.
    """
    found: dict[str, np.ndarray] = {ROW: columns[ROW]}
    if dataset.images is not None and dataset.images.source is not None:
        found[FILE] = np.array(dataset.images.source.files, dtype=object)[columns[ROW]]
    if hold_out.offset is not None:
        if hold_out.entity is not None:
            found[SERIES] = hold_out.entity
        if hold_out.time is not None:
            found[TIME] = _format(hold_out.time, zone) if hold_out.has_clock else hold_out.time
    return {**found, **columns}


def _format(time: np.ndarray, zone: str | None) -> np.ndarray:
    return time.astype("M8[s]").astype(str) if zone is None else format_times(time, zone)
