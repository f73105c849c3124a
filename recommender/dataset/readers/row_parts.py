"""Tables in files that are read in parts, or of which a random sample is read, in memory of constant size."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import duckdb

from recommender.dataset.readers.file_set import RowFiles, partition_types
from recommender.dataset.readers.formats.delimited import MISSING_TOKENS, column_names, delimited_query
from recommender.dataset.readers.formats.frame import ArrowStream
from recommender.dataset.readers.formats.gzipped import uncompressed
from recommender.dataset.readers.formats.parquet_schema import arrow_schema
from recommender.dataset.readers.table import (
    CSV,
    DELIMITERS,
    PARQUET,
    ROW_NUMBER,
    TSV,
    check_path,
    check_size,
    find_files,
    format_of,
    parquet_query,
    parquet_rows,
    refuse_damaged,
    separator_of,
)
from recommender.dataset.readers.unchanged import check_unchanged, digest_while_reading
from recommender.dataset.sql import FLOAT_TYPES, columns_of, is_number, is_text, is_time_stamp, literal, quoted
from rules.errors import PcwatError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from recommender.dataset.readers.file_set import FileSet
    from recommender.dataset.readers.table import TableFormat

MAX_EXACT_ROWS: Final = 2_000_000
"""Rows up to which all are measured, which takes a few seconds (docs/deploy/large.md)."""
DRAWN_ROWS: Final = 500_000
"""Rows of a sample; the 95 % interval of a share of 1 % is then ± 0.03 %."""
SAMPLE_SEED: Final = 0
WHOLE: Final = "whole"
"""View of all rows, with the values of the table `dataset`; single floats are not converted to their decimal notation,
which takes ten times as long."""
_HASHES: Final = 2**64  # values of DuckDB's hash
_STREAM: Final = 2**40  # rows between the hashes of two seeds
_RAW: Final = "raw"  # view of all rows as the files have them, with their numbers
HUGE: Final = frozenset({"HUGEINT", "UHUGEINT"})  # integers that Arrow has no type for


@dataclass(frozen=True, kw_only=True)
class RowPart:
    """Consecutive rows of a dataset, which `Dataset.open` reads like the file that they are from."""

    rows: pa.Table
    """With the names c0, c1, …"""
    storage: Mapping[str, str]
    """DuckDB type of each column in the file."""
    format: str
    files: RowFiles
    path: None = None
    """Parts have no digest of their own."""

    @property
    def name(self) -> str:
        return self.files.dataset

    @property
    def missing_tokens(self) -> Sequence[str]:
        """Text that counts as missing, besides empty cells."""
        return MISSING_TOKENS if self.format in DELIMITERS else ()

    def load(self, connection: duckdb.DuckDBPyConnection) -> tuple[RowFiles, str, bytes]:
        """Copy the rows into the table `dataset`; return where they are, and no digest and Arrow schema."""
        connection.register("part", ArrowStream(self.rows))
        cells = ", ".join(
            f"CAST(c{place} AS {kind}) AS {quoted(name)}" for place, (name, kind) in enumerate(self.storage.items())
        )
        connection.execute(f"CREATE OR REPLACE TABLE dataset AS SELECT {cells} FROM part")
        connection.unregister("part")
        return self.files, "", b""


@dataclass(frozen=True, kw_only=True)
class RowParts:
    """A table in one or several files of one format, which is read in parts."""

    path: Path
    """As the user gave it."""
    name: str
    form: TableFormat
    files: tuple[Path, ...]
    file_set: FileSet | None
    """The pattern or folder of several files."""
    delimiter: str | None
    rows: int | None
    """Number of all rows; None for text, whose rows are counted when it is read."""

    def read(self, connection: duckdb.DuckDBPyConnection, size: int) -> Generator[RowPart]:
        """Yield parts of `size` rows, the last one of fewer, in the order of the files; one part if there are no rows.

        connection: for this alone. Raises DatasetError if a file cannot be read, or changes while it is read.
        """
        import pyarrow as pa  # noqa: PLC0415  only predictions read in parts

        starts: list[int] = []
        storage: Mapping[str, str] = {}
        held: list[pa.RecordBatch] = []
        schema: pa.Schema | None = None
        read = done = 0

        def part(rows: pa.Table) -> RowPart:
            names = () if self.file_set is None else self.file_set.names[: len(starts)]
            files = RowFiles(dataset=self.name, names=names, starts=tuple(starts), before=done)
            return RowPart(rows=rows, storage=storage, format=self.form.name, files=files)

        for place, file in enumerate(self.files):
            with ExitStack() as stack:
                query = self.open(connection, file, place, stack)
                storage = storage or _columns(connection, query)
                starts.append(read)
                cells = ", ".join(f"{quoted(name)} AS c{number}" for number, name in enumerate(storage))
                batches = connection.sql(f"SELECT {cells} FROM ({query})").to_arrow_reader(size)
                schema = batches.schema
                for batch in batches:
                    held.append(batch)
                    read += batch.num_rows
                    while read - done >= size:
                        rows = pa.Table.from_batches(held)
                        yield part(rows.slice(0, size))
                        held = rows.slice(size).to_batches()
                        done += size
        if read > done or not read:
            yield part(pa.Table.from_batches(held, schema))

    def open(
        self,
        connection: duckdb.DuckDBPyConnection,
        file: Path,
        place: int,
        stack: ExitStack,
        *,
        is_numbered: bool = False,
    ) -> str:
        """Open a file until the stack is closed, and return the SELECT of its rows.

        place: in the files. is_numbered: whether rows of a Parquet file have their number from 0 as the column
        ROW_NUMBER.
        """
        check_path(file)
        stack.enter_context(check_unchanged(file))
        plain = stack.enter_context(uncompressed(file))
        if self.form is PARQUET:
            check_size(plain)
            stack.enter_context(refuse_damaged(plain))
            query = parquet_query(connection, plain, is_numbered=is_numbered)
        else:
            separator = separator_of(self.form, self.delimiter)
            query = stack.enter_context(delimited_query(connection, plain, delimiter=separator))
        if self.file_set is None:
            return query
        partitions = self.file_set.partitions
        types = partition_types(connection, partitions)
        constants = [
            f", CAST({'NULL' if value is None else literal(value)} AS {types[name]}) AS {quoted(name)}"
            for name, value in partitions[place].items()
        ]
        return f"SELECT *{''.join(constants)} FROM ({query})"


def find_parts(path: Path, *, delimiter: str | None = None, table: str | None = None) -> RowParts | None:
    """Find the files of a table that can be read in parts: Parquet, CSV or TSV with columns of plain values.

    Returns None for anything else, for files whose columns or types differ, and where they cannot be read: the reader
    of whole tables converts the types, or reports the error.
    """
    try:
        found = find_files(path)
        files = (path,) if found is None else found.files
        form = format_of(files[0])
        if form not in {CSV, TSV, PARQUET} or table is not None or any(format_of(file) is not form for file in files):
            return None
        for file in files:
            check_path(file)
        is_packed = any(file.suffix.lower() == ".gz" for file in files)
        if is_packed and found is not None:
            return None
        with duckdb.connect() as connection:
            types = [] if is_packed else [_types(connection, file, form, delimiter) for file in files]
            rows = sum(parquet_rows(connection, file) for file in files) if form is PARQUET else None
    except (PcwatError, duckdb.Error, OSError):
        return None
    own = {} if found is None else found.partitions[0]
    if any(kinds != types[0] for kinds in types):
        return None
    if any(column in own or not _is_plain(kind) for kinds in types[:1] for column, kind in kinds.items()):
        return None
    name = (path.name or path.resolve().name) if found is None else found.name
    return RowParts(path=path, name=name, form=form, files=files, file_set=found, delimiter=delimiter, rows=rows)


def _types(
    connection: duckdb.DuckDBPyConnection, file: Path, form: TableFormat, delimiter: str | None
) -> Mapping[str, str]:
    """DuckDB types of the columns of a file."""
    if form is PARQUET:
        return _columns(connection, parquet_query(connection, file))
    return dict.fromkeys(column_names(file, delimiter=separator_of(form, delimiter)), "VARCHAR")


def _columns(connection: duckdb.DuckDBPyConnection, query: str) -> Mapping[str, str]:
    connection.execute(f"CREATE OR REPLACE TEMP VIEW opened AS {query}")
    return columns_of(connection, "opened")


def _is_plain(kind: str) -> bool:
    """Whether a column of this type is equal after it was an Arrow column."""
    return kind == "BOOLEAN" or is_text(kind) or is_time_stamp(kind) or (is_number(kind) and kind not in HUGE)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Where the rows of a sampled dataset are from."""

    rows: int
    """Of all files."""
    seed: int
    exact: frozenset[str]
    """Columns that the view WHOLE has; the others were parsed from text."""


@dataclass(frozen=True, kw_only=True)
class RowSample:
    """A sample of large files, which `Dataset.open` reads like the files.

    Each row is drawn with equal probability, independently of all others.
    """

    parts: RowParts
    rows: int
    """Of all files."""
    seed: int
    format: str = "parquet"
    missing_tokens: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        return self.parts.path

    @property
    def name(self) -> str:
        return self.parts.name

    def load(self, connection: duckdb.DuckDBPyConnection) -> tuple[RowFiles, str, bytes]:
        """Copy the drawn rows into the table `dataset`, in their order.

        Returns the rows in which the dataset's are found, the digest of the files, and their Arrow schema.
        Raises DatasetError if a file cannot be read, or changes while it is read.
        """
        limit = min(_HASHES - 1, _HASHES * DRAWN_ROWS // self.rows)
        import numpy as np  # noqa: PLC0415  only large files need it

        first, starts, digests = 0, [], []
        queries = []
        number = quoted(ROW_NUMBER)
        with ExitStack() as stack:
            for place, file in enumerate(self.parts.files):
                digests.append(stack.enter_context(digest_while_reading(file)))
                query = self.parts.open(connection, file, place, stack, is_numbered=True)
                starts.append(first)
                queries.append(f"SELECT * REPLACE ({number} + {first} AS {number}) FROM ({query})")
                first += parquet_rows(connection, file)
            whole = " UNION ALL BY NAME ".join(queries)
            connection.execute(f"CREATE OR REPLACE VIEW {_RAW} AS {whole}")
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE drawn AS FROM {_RAW} "
                f"WHERE hash({number} + {self.seed * _STREAM}) < {limit}::UBIGINT"
            )
        rows = connection.execute(f"SELECT {number} FROM drawn").fetchnumpy()
        numbers = np.asarray(next(iter(rows.values())), np.int64)
        connection.execute(f"CREATE OR REPLACE TABLE dataset AS SELECT * EXCLUDE ({number}) FROM drawn")
        connection.execute("DROP TABLE drawn")
        found = self.parts.file_set
        own = [digest.hexadecimal for digest in digests]
        files = RowFiles(
            dataset=self.parts.name,
            names=() if found is None else found.names,
            starts=tuple(starts),
            numbers=numbers,
        )
        digest = own[0] if found is None else found.digest(own)
        return files, digest, arrow_schema(connection, self.parts.files[0])

    def drawn(self, connection: duckdb.DuckDBPyConnection, storage: Mapping[str, str]) -> Drawn:
        """Create the view WHOLE. storage: types of the columns of the table `dataset`, after text was parsed."""
        cells = {}
        for name, kind in columns_of(connection, _RAW).items():
            column = quoted(name)
            if name not in storage:
                continue
            if kind == "VARCHAR" == storage[name]:
                cells[name] = f"CASE WHEN trim({column}) = '' THEN NULL ELSE {column} END"
            elif kind in FLOAT_TYPES:
                cells[name] = f"CASE WHEN isfinite({column}) THEN {column} END"
            elif kind == storage[name]:
                cells[name] = column
        listed = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in cells.items()) or "1 AS nothing"
        connection.execute(f"CREATE OR REPLACE VIEW {WHOLE} AS SELECT {listed} FROM {_RAW}")
        return Drawn(rows=self.rows, seed=self.seed, exact=frozenset(cells))


def find_row_sample(path: Path, *, table: str | None = None) -> RowSample | None:
    """A sample of the rows of Parquet files with more than MAX_EXACT_ROWS rows; None for any other data."""
    parts = find_parts(path, table=table)
    if parts is None or parts.form is not PARQUET or parts.rows is None or parts.rows <= MAX_EXACT_ROWS:
        return None
    return RowSample(parts=parts, rows=parts.rows, seed=SAMPLE_SEED)
