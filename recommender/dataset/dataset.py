"""Dataset: a table in DuckDB, with its source and columns."""

from __future__ import annotations

import atexit
import functools
import hashlib
import shutil
import tempfile
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Self, TypedDict

import duckdb

from recommender.dataset.address import DatabaseTable, LocalPath, RemoteFile, address_of
from recommender.dataset.column_summary import MAX_UNPIVOT_ROWS, UNPIVOT_COLUMNS, ColumnSummary, counted_rows, summarise
from recommender.dataset.memory import memory_limit
from recommender.dataset.readers.bounds import check_columns
from recommender.dataset.readers.formats.frame import (
    arrow_of_hugging_face,
    categorical_columns,
    is_hugging_face,
    read_frame,
)
from recommender.dataset.readers.formats.parquet_schema import arrow_schema, categories_of
from recommender.dataset.readers.row_parts import RowPart, RowSample
from recommender.dataset.readers.table import find_files, read_file, read_files
from recommender.dataset.readers.types.settle import (
    Settled,
    Settler,
    clear_not_finite,
    settle_as_numbers,
)
from recommender.dataset.readers.unchanged import digest_while_reading
from recommender.dataset.sql import (
    FLOAT_TYPES,
    category_text,
    chunks,
    columns_as_rows,
    columns_of,
    is_number,
    is_text,
    is_time_stamp,
    quoted,
)
from rules.decision.request import ImageReading, SequenceReading
from rules.errors import ColumnError, DatasetError, PcwatError
from rules.text.temporary import process_prefix, remove_leftovers

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType

    from recommender.dataset.address import DatasetAddress
    from recommender.dataset.readers.file_set import RowFiles
    from recommender.dataset.readers.formats.arrays import Images
    from recommender.dataset.readers.formats.sequences import Sequences
    from recommender.dataset.readers.row_parts import Drawn
    from recommender.dataset.readers.types.reading import ColumnReading
    from recommender.dataset.readers.types.times import TimeReading

__all__ = ["Dataset", "quoted"]

MAX_GRADES: Final = 12
"""Categories of an ordinal text column: no known scale of grades has more."""
MAX_SHOWN: Final = 80  # characters of a value in a message
NESTED: Final = ("STRUCT", "MAP", "UNION", "BLOB", "VARIANT", "JSON")


class _ReadOptions(TypedDict):
    """Options of `read_file` and `read_files`."""

    delimiter: str | None
    table: str | None
    reading: ImageReading | None
    settler: Settler
    reads_image_files: bool


class Dataset:
    """An open dataset; a context manager.

    connection: a DuckDB connection in which the rows are the table `dataset`, in file order: rowid is the row's number
    from 0. Cells that mean "no value" are NULL, and so are floating-point NaNs and infinities, which `not_a_number` and
    `notes` remember.
    """

    def __init__(
        self,
        *,
        connection: duckdb.DuckDBPyConnection,
        name: str,
        address: DatasetAddress | None,
        source_digest: str,
        delimiter: str | None,
        format: str,  # noqa: A002  the field's word
        storage: Mapping[str, str],
        row_count: int,
        not_a_number: Mapping[str, int],
        settled: Settled,
        images: Images | None = None,
        sequences: Sequences | None = None,
        categorical: frozenset[str] = frozenset(),
        arrow_schema: bytes = b"",
        kept: Sequence[str] = (),
        row_files: RowFiles | None = None,
        drawn: Drawn | None = None,
    ) -> None:
        self.connection = connection
        self.name = name
        self.address = address
        """Where the rows were read; None for a table in memory."""
        self._source_digest = source_digest
        self.delimiter = delimiter
        """The requested column delimiter."""
        self.format = format
        self.columns = tuple(storage)
        self.storage = storage
        self.row_count = row_count
        self.not_a_number = not_a_number
        """Index of the first row with a floating-point NaN, by column."""
        self.readings = settled.readings
        """How each column was read."""
        self.notes = settled.notes
        """Notes for the user about how columns were read."""
        self.images = images
        """The column of images, or None."""
        self.sequences = sequences
        """The column of numeric sequences, or None."""
        self._categorical = categorical
        self._arrow_schema = arrow_schema
        self.kept = tuple(name for name in kept if name in storage)
        """Columns whose unconverted values are in the table `kept`."""
        self._row_files = row_files
        self.drawn = drawn
        """Of a sample of larger files: where its rows are from; None if the table has all rows."""

    @classmethod
    def open(
        cls,
        source: str | os.PathLike[str] | object,
        *,
        delimiter: str | None = None,
        table: str | None = None,
        reading: ImageReading | SequenceReading | None = None,
        missing: Sequence[str] | None = None,
        readings: Mapping[str, ColumnReading] | None = None,
        formats: Mapping[str, str] | None = None,
        times: Collection[str] = (),
        not_times: Collection[str] = (),
        kept: Sequence[str] = (),
        frame_name: str = "DataFrame",
        reads_image_files: bool = True,
        arrays: Images | Sequences | None = None,
    ) -> Self:
        """Read a path, a pattern such as data/*.csv, a URL, a pandas, polars, Arrow or Hugging Face table, or a part.

        delimiter: the character between the cells of a text table; None for the default of the file's extension.
        table: name of a sheet of a workbook, or of a table of a database; None for the only one.
        reading: options of reading image files, or of gathering rows into sequences.
        missing: text that counts as missing in addition to empty cells; None for the defaults of the format.
        readings: how columns were read in training; the others are inferred. formats: of dates and times, by
        column, as in --date-format. times, not_times: columns that the user declares to be times, or not.
        kept: columns whose unconverted values are also kept.
        frame_name: name of a table in memory in messages. reads_image_files: whether a column of paths in a text file
        is replaced by the images; False for files from strangers, whose paths would open files of this machine.
        arrays: the column of a table in memory whose cells are the bytes of images or of sequences.
        Raises DatasetError if there is no table with rows, and ColumnError if a column has nested values.
        """
        remove_leftovers_once()
        connection = open_connection()
        categorical: frozenset[str] = frozenset()
        schema = b""
        row_files: RowFiles | None = None
        settler = Settler(
            missing=None if missing is None else tuple(missing),
            given=readings,
            formats=formats,
            times=frozenset(times),
            not_times=frozenset(not_times),
            kept=tuple(kept),
        )
        try:
            address = address_of(source)
            if isinstance(address, DatabaseTable):
                name, source_digest = _read_database(connection, address, table=table, delimiter=delimiter)
                form = "postgres"
                settler.settle(connection, name=name)
            elif isinstance(address, LocalPath | RemoteFile):
                pictures = reading if isinstance(reading, ImageReading) else None
                options: _ReadOptions = {
                    "delimiter": delimiter,
                    "table": table,
                    "reading": pictures,
                    "settler": settler,
                    "reads_image_files": reads_image_files and isinstance(address, LocalPath),
                }
                with _local_copy(address) as path:
                    if (files := find_files(path)) is not None:
                        form, arrays, row_files, source_digest = read_files(connection, files, **options)
                        schema = arrow_schema(connection, files.files[0]) if form == "parquet" else b""
                        name = files.name
                    else:
                        with digest_while_reading(path) as bytes_read:
                            form, arrays = read_file(connection, path, **options)
                            schema = arrow_schema(connection, path) if form == "parquet" else b""
                        source_digest = bytes_read.hexadecimal
                        name = path.name or path.resolve().name
            elif isinstance(source, RowPart | RowSample):
                name, form, address = source.name, source.format, address_of(source.path)
                row_files, source_digest, schema = source.load(connection)
                with row_files.name_files():
                    settler.settle(connection, name=name, usual=source.missing_tokens)
            else:
                frame = arrow_of_hugging_face(source) if is_hugging_face(source) else source
                name, form, source_digest = frame_name, read_frame(connection, frame), ""
                categorical = categorical_columns(frame)
                settler.settle(connection, name=name)
            with nullcontext() if row_files is None else row_files.name_files():
                if isinstance(reading, SequenceReading):
                    arrays = _gather(connection, name, arrays, reading)
                images, sequences = split_arrays(arrays)
                check_columns(name, len(columns_of(connection)))
                storage = _storage(connection, name, arrays)
                row_count = _row_count(connection, name)
                settled = settler.settled
                floats = [own for own, kind in storage.items() if kind in FLOAT_TYPES and own not in settled.parsed]
                not_a_number, notes = clear_not_finite(connection, floats, name=name, rows=row_count, given=readings)
            return cls(
                connection=connection,
                name=name,
                address=address,
                source_digest=source_digest,
                delimiter=delimiter,
                format=form,
                storage=storage,
                row_count=row_count,
                not_a_number=MappingProxyType(not_a_number),
                settled=settled.with_notes(notes),
                images=images,
                sequences=sequences,
                categorical=categorical,
                arrow_schema=schema,
                kept=kept if settler.has_kept else (),
                row_files=row_files,
                drawn=source.drawn(connection, storage) if isinstance(source, RowSample) else None,
            )
        except BaseException:
            connection.close()
            raise

    @contextmanager
    def name_failing_columns(self) -> Iterator[None]:
        """Convert errors of DuckDB into a ColumnError that names the columns, and name the files of rows."""
        try:
            with nullcontext() if self._row_files is None else self._row_files.name_files():
                yield
        except duckdb.Error as error:
            columns = [name for name in self.columns if not self._can_be_measured(name)]
            what = f"column {', '.join(map(repr, columns))}" if columns else "its columns"
            first = str(error).splitlines()[0]
            raise ColumnError(
                f"The statistics of {what} in {self.name} cannot be computed: {first} "
                "Correct the values, or exclude the column with --kind COLUMN=identifier."
            ) from None

    def with_files(self, message: str) -> str:
        """A message in which rows of a dataset of several files are named by file and row of the file."""
        return message if self._row_files is None else self._row_files.with_files(message)

    @property
    def stem(self) -> str:
        """Name of the file without its extension, of a folder, of the folder of several files, or of a table."""
        if isinstance(self.address, DatabaseTable):
            return self.name.rpartition(".")[2]
        is_several = self._row_files is not None and self._row_files.names
        return Path(self.name).parts[0] if is_several else Path(self.name).stem

    @property
    def total_rows(self) -> int:
        """Rows of the dataset, of which the table may have a sample."""
        return self.row_count if self.drawn is None else self.drawn.rows

    def _can_be_measured(self, name: str) -> bool:
        """Whether the statistics of a column can be computed without overflow."""
        kind, value = self.storage[name], quoted(name)
        measures = [f"max({value})", f"count(DISTINCT {value})"]
        if is_time_stamp(kind):
            measures += [f"max(epoch({value})) - min(epoch({value}))"]
        elif is_number(kind):
            measures += [f"stddev(CAST({value} AS DOUBLE))", f"max({value}) - min({value})"]
        try:
            self.connection.execute(f"SELECT {', '.join(measures)} FROM dataset").fetchall()
        except duckdb.Error:
            return False
        return True

    @property
    def times(self) -> Mapping[str, TimeReading]:
        """Time formats and zones, of columns with times as text or with a time zone."""
        return {name: reading.time for name, reading in self.readings.items() if reading.time is not None}

    @cached_property
    def categorical(self) -> frozenset[str]:
        """Columns of a categorical type in the frame or Parquet file."""
        return self._categorical if not self._arrow_schema else categories_of(self._arrow_schema)

    @cached_property
    def summaries(self) -> Mapping[str, ColumnSummary]:
        """Summaries of all columns, over all rows."""
        numbers = None if self.drawn is None or self._row_files is None else self._row_files.numbers
        found = summarise(self.connection, self.storage)
        return found if numbers is None else counted_rows(self.connection, found, numbers)

    @cached_property
    def few_categories(self) -> Mapping[str, Sequence[str]]:
        """Distinct values, sorted, of each text column with at most MAX_GRADES of them."""
        names = [one.name for one in self.summaries.values() if is_text(one.storage) and one.distinct <= MAX_GRADES]
        found: dict[str, list[str]] = {name: [] for name in names}
        for some in chunks(names, UNPIVOT_COLUMNS if self.row_count <= MAX_UNPIVOT_ROWS else 1):
            laid = columns_as_rows([category_text(name, self.storage[name]) for name in some])
            categories = self.connection.execute(
                f"SELECT DISTINCT CAST(place AS INTEGER), cell FROM {laid} ORDER BY 1, 2"
            ).fetchall()
            for place, category in categories:
                found[some[place]].append(category)
        return MappingProxyType(found)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file and its image files; for a table in memory or of a database, of its columns and rows."""
        if self.address is not None:
            return digest_of_source(self._source_digest, self.images)
        row = f"CAST({_row(self.storage)} AS VARCHAR)"
        rows = self.connection.execute(
            f"SELECT sha256(? || string_agg(sha256({row}), '' ORDER BY rowid)) FROM dataset",
            [repr(tuple(self.storage.items()))],
        ).fetchall()
        return f"sha256:{rows[0][0]}"

    def first_row(self, where: str, *values: object) -> int:
        """Number, from 1, of the first row that meets an SQL condition, which must exist.

        values: parameters of the condition.
        """
        found = self.connection.execute(f"SELECT min(rowid) + 1 FROM dataset WHERE {where}", list(values))
        return int(found.fetchall()[0][0])

    def first_value(self, name: str, where: str) -> str:
        """Text of a column's first value that meets an SQL condition, with its row; empty if there is none."""
        found = self.connection.execute(
            f"SELECT rowid + 1, coalesce(CAST({quoted(name)} AS VARCHAR), '') FROM dataset WHERE {where} "
            "ORDER BY rowid LIMIT 1"
        ).fetchall()
        return f"{found[0][1][:MAX_SHOWN]!r} in row {found[0][0]:,}" if found else ""

    def read_as_numbers(self, name: str) -> None:
        """Convert a text column that the user declares numeric to numbers.

        Raises ColumnError if too many of its values are not numbers.
        """
        reading, note = settle_as_numbers(self.connection, name, name=self.name, was=self.readings.get(name))
        self.readings = MappingProxyType({**self.readings, name: reading})
        missing = self.notes[name].missing if name in self.notes else {}
        self.notes = MappingProxyType({**self.notes, name: replace(note, missing=missing)})
        self.storage = MappingProxyType({**self.storage, name: reading.storage})
        for outdated in ("summaries", "few_categories"):
            self.__dict__.pop(outdated, None)

    def rename_images(self, name: str) -> None:
        """Rename the column of images to the name that a model expects.

        Does nothing unless the images were read from files, or if a column of this name exists.
        """
        images = self.images
        if images is None or images.source is None or name in self.columns:
            return
        self.connection.execute(f"ALTER TABLE dataset RENAME COLUMN {quoted(images.name)} TO {quoted(name)}")
        self.storage = MappingProxyType(
            {name if own == images.name else own: kind for own, kind in self.storage.items()}
        )
        self.columns = tuple(self.storage)
        self.images = replace(images, name=name)

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
        if self._row_files is not None and isinstance(error, PcwatError):
            self._row_files.name_in(error)


def open_connection() -> duckdb.DuckDBPyConnection:
    """Open a connection to DuckDB with an empty database of bounded memory."""
    connection = duckdb.connect(
        config={
            "memory_limit": f"{memory_limit()}B",
            "temp_directory": temporary_folder(),
            "preserve_insertion_order": True,
            "autoinstall_known_extensions": False,
        }
    )
    connection.execute("SET TimeZone = 'UTC'")  # independent of the machine's time zone
    connection.execute("SET enable_progress_bar = false")  # it is printed to standard output, even into a pipe
    return connection


@functools.cache
def remove_leftovers_once() -> None:
    """Remove temporary files that killed processes left behind."""
    remove_leftovers(Path(tempfile.gettempdir()))


@functools.cache
def temporary_folder() -> str:
    """Folder for tables that DuckDB spills to disk, removed when this process ends."""
    folder = str(Path(tempfile.gettempdir()) / process_prefix())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def digest_of_source(own: str, images: Images | None) -> str:
    """Digest of a dataset.

    own: SHA-256 of its file or rows in hexadecimal; "" for a folder. images: included if read from separate files.
    """
    if images is None or images.source is None:
        return f"sha256:{own}"
    return f"sha256:{hashlib.sha256(f'{own} {images.source.digest}'.encode()).hexdigest()}"


def _read_database(
    connection: duckdb.DuckDBPyConnection, address: DatabaseTable, *, table: str | None, delimiter: str | None
) -> tuple[str, str]:
    """Read a table of a database; return its name and the digest of its rows, which does not depend on options."""
    from recommender.dataset.readers.postgres import digest_of_rows, read_postgres  # noqa: PLC0415  Arrow takes 0.1 s

    if delimiter is not None:
        raise DatasetError(f"A delimiter applies to CSV and TSV, but {address} is a database. Remove --delimiter.")
    name = read_postgres(connection, address, table)
    return name, digest_of_rows(connection)


def _local_copy(address: LocalPath | RemoteFile) -> AbstractContextManager[Path]:
    """Path of a dataset's files; a temporary copy of remote ones."""
    if isinstance(address, LocalPath):
        return nullcontext(address.path)
    from recommender.dataset.readers.remote import local_copy  # noqa: PLC0415  for URLs only

    return local_copy(address)


def _row(columns: Iterable[str]) -> str:
    """SQL of all cells of a row."""
    return f"row({', '.join(map(quoted, columns))})"


def split_arrays(arrays: Images | Sequences | None) -> tuple[Images | None, Sequences | None]:
    """Images and sequences of an array column, at most one of which is not None."""
    if arrays is None:
        return None, None
    from recommender.dataset.readers.formats.arrays import Images  # noqa: PLC0415  NumPy, which tables do without

    return (arrays, None) if isinstance(arrays, Images) else (None, arrays)


def _gather(
    connection: duckdb.DuckDBPyConnection, name: str, arrays: Images | Sequences | None, reading: SequenceReading
) -> Sequences:
    """Gather the rows of a long table into sequences. Raises DatasetError if the dataset contains arrays."""
    if arrays is not None:
        raise DatasetError(
            f"--sequence gathers rows of a table into sequences, but {name} already contains arrays. Remove --sequence."
        )
    from recommender.dataset.readers.formats.sequences import gather  # noqa: PLC0415  as above

    return gather(connection, name, reading)


def _storage(connection: duckdb.DuckDBPyConnection, name: str, arrays: Images | Sequences | None) -> Mapping[str, str]:
    """DuckDB type of each column. Raises ColumnError if a cell may contain several values."""
    storage = columns_of(connection)
    for column, kind in storage.items():
        if arrays is not None and column == arrays.name:
            continue
        if kind == "INTERVAL":
            raise ColumnError(
                f"Every cell must be a number, text or time, but column {column!r} of {name} contains durations. "
                "Convert them to numbers, in seconds or days."
            )
        if kind == "JSON":
            _refuse_mixed(connection, name, column)
        if kind.startswith(NESTED) or kind.endswith("]"):
            raise ColumnError(
                f"Every cell must be a single value, but column {column!r} of {name} is of type {kind}. "
                "Flatten it into columns of numbers or text, or remove it."
            )
    return MappingProxyType(storage)


def _refuse_mixed(connection: duckdb.DuckDBPyConnection, name: str, column: str) -> None:
    """Raise ColumnError on a JSON column with values of several types, with the first row of each."""
    found = connection.execute(
        f"SELECT json_type({quoted(column)}), min(rowid) + 1, "
        f"arg_min(CAST({quoted(column)} AS VARCHAR), rowid) FROM dataset "
        f"WHERE {quoted(column)} IS NOT NULL GROUP BY 1 ORDER BY 2"
    ).fetchall()
    if any(kind in {"OBJECT", "ARRAY"} for kind, _, _ in found):
        return
    values = " and ".join(f"{value[:MAX_SHOWN]} in row {row:,}" for _, row, value in found[:2])
    raise ColumnError(
        f"All values of a column must have the same type, but column {column!r} of {name} has {values}. Write all "
        'values as numbers, or all as text in double quotes ("1").'
    )


def _row_count(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    rows: int = connection.execute("SELECT count(*) FROM dataset").fetchall()[0][0]
    if rows == 0:
        raise DatasetError(f"The dataset must have rows, but {name} has only a header.")
    return rows
