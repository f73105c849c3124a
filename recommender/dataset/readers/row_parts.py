"""Tables in files that are read in parts, so that memory does not grow with the number of rows."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import duckdb

from recommender.dataset.readers.file_set import RowFiles, partition_types
from recommender.dataset.readers.formats.delimited import MISSING_TOKENS, column_names, delimited_query
from recommender.dataset.readers.formats.frame import ArrowStream
from recommender.dataset.readers.formats.gzipped import uncompressed
from recommender.dataset.readers.table import (
    CSV,
    DELIMITERS,
    PARQUET,
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
from recommender.dataset.readers.unchanged import check_unchanged
from recommender.dataset.sql import columns_of, is_number, is_text, is_time_stamp, literal, quoted
from rules.errors import PcwatError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from recommender.dataset.readers.file_set import FileSet
    from recommender.dataset.readers.table import TableFormat

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

    @property
    def missing_tokens(self) -> Sequence[str]:
        """Text that counts as missing, besides empty cells."""
        return MISSING_TOKENS if self.format in DELIMITERS else ()

    def load(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Copy the rows into the table `dataset`."""
        connection.register("part", ArrowStream(self.rows))
        cells = ", ".join(
            f"CAST(c{place} AS {kind}) AS {quoted(name)}" for place, (name, kind) in enumerate(self.storage.items())
        )
        connection.execute(f"CREATE OR REPLACE TABLE dataset AS SELECT {cells} FROM part")
        connection.unregister("part")


@dataclass(frozen=True, kw_only=True)
class RowParts:
    """A table in one or several files of one format, which is read in parts."""

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
                query = self._open(connection, file, place, stack)
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

    def _open(self, connection: duckdb.DuckDBPyConnection, file: Path, place: int, stack: ExitStack) -> str:
        """Open a file until the stack is closed, and return the SELECT of its rows. place: in the files."""
        check_path(file)
        stack.enter_context(check_unchanged(file))
        plain = stack.enter_context(uncompressed(file))
        if self.form is PARQUET:
            check_size(plain)
            stack.enter_context(refuse_damaged(plain))
            query = parquet_query(connection, plain)
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
    return RowParts(name=name, form=form, files=files, file_set=found, delimiter=delimiter, rows=rows)


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
