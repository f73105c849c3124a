"""Tables of SQLite and DuckDB files."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import duckdb

from recommender.dataset.readers.bounds import check_columns, too_large
from recommender.dataset.readers.formats.typed_columns import Mixed, choose_table, load_columns
from recommender.dataset.sql import identifier, literal, stored_name
from rules.errors import ColumnError, DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ATTACHED: Final = "attached"


def read_sqlite(connection: duckdb.DuckDBPyConnection, path: Path, table: str | None) -> Mixed:
    """Read a table of an SQLite file into the table `dataset`, in its order.

    table: its name; None for the only one. Views are not read, since they are programs.
    Returns the columns with values of several types, which are read as text. Raises DatasetError if the file is
    damaged or the table is not clear, and ColumnError if a column contains bytes.
    """
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1", uri=True)) as source:
            source.execute("PRAGMA trusted_schema = OFF")
            found = source.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name")
            name = _choose([own for (own,) in found if not own.startswith("sqlite_")], path, table)
            rows = source.execute(f"SELECT * FROM {identifier(name)}")
            names = [column[0] for column in rows.description]
            check_columns(str(path), len(names))
            columns: list[list[object]] = [[] for _ in names]
            for row in rows:
                for column, value in zip(columns, row, strict=True):
                    column.append(value)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise _damaged(path, "SQLite", error) from None
    except MemoryError:
        raise too_large(str(path)) from None
    for own, values in zip(names, columns, strict=True):
        at = next((row for row, value in enumerate(values, start=1) if isinstance(value, bytes)), None)
        if at is not None:
            raise ColumnError(
                f"Columns must have numbers or text, but {own!r} in table {name!r} of {path} has bytes in row {at:,}. "
                "Drop the column, or convert it to text."
            )
    return load_columns(connection, names, columns)


def read_duckdb(connection: duckdb.DuckDBPyConnection, path: Path, table: str | None) -> None:
    """Read a table of a DuckDB file into the table `dataset`, in its order.

    table: its name, with its schema if that is not main; None for the only one. Views are not read, since they can
    read other files. Raises DatasetError if the file is damaged or the table is not clear.
    """
    try:
        connection.execute(f"ATTACH {literal(str(path))} AS {ATTACHED} (READ_ONLY)")
    except duckdb.Error as error:
        raise _damaged(path, "DuckDB", str(error).splitlines()[0]) from None
    try:
        found = connection.execute(
            f"SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = '{ATTACHED}' ORDER BY 1, 2"
        ).fetchall()
        places = {name if schema == "main" else f"{schema}.{name}": (schema, name) for schema, name in found}
        schema, name = places[_choose(list(places), path, table)]
        source = f"{ATTACHED}.{identifier(schema)}.{identifier(name)}"
        columns = connection.execute(f"FROM {source} LIMIT 0").description or []
        check_columns(str(path), len(columns))
        listed_columns = ", ".join(identifier(stored_name(column[0])) for column in columns)
        connection.execute(f"CREATE OR REPLACE TABLE dataset AS FROM {source} AS dataset({listed_columns})")
    except duckdb.OutOfMemoryException:
        raise too_large(str(path)) from None
    except duckdb.Error as error:
        raise _damaged(path, "DuckDB", str(error).splitlines()[0]) from None
    finally:
        connection.execute(f"DETACH {ATTACHED}")


def _choose(names: Sequence[str], path: Path, wanted: str | None) -> str:
    """The table of a name, or the only one. Raises DatasetError if it is not clear."""
    if wanted is None and not names:
        raise DatasetError(f"The dataset must be a table, but {path} has none. Views are not read; create a table.")
    return choose_table(names, path, wanted)


def _damaged(path: Path, system: str, reason: object) -> DatasetError:
    return DatasetError(
        f"A file with the extension {path.suffix} must be a database of {system}, but {path} cannot be read: {reason}. "
        "Copy it again, or export the table as CSV or Parquet."
    )
