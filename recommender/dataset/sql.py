"""Building blocks of SQL queries: identifiers, literals, and expressions for classes and times."""

from __future__ import annotations

import glob
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import duckdb

INTEGER_TYPES: Final = frozenset(
    {
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "UTINYINT",
        "USMALLINT",
        "UINTEGER",
        "UBIGINT",
        "UHUGEINT",
    }
)
BLOB: Final = "BLOB"
"""DuckDB type of bytes, which only image columns have."""
FLOAT_TYPES: Final = frozenset({"FLOAT", "DOUBLE"})
TIME_STAMP_TYPES: Final = frozenset(
    {"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"}
)

TIME_FORMATS: Final = ("%Y-%m", "%Y/%m", "%b %Y", "%B %Y", "%d.%m.%Y", "%m/%d/%Y", "%d.%m.%Y %H:%M", "%m/%d/%Y %H:%M")
"""Formats of times in addition to ISO 8601 and those that DuckDB detects."""
QUARTER_PATTERN: Final = r"^\s*(\d{4})[\s-]*[Qq]([1-4])\s*$"
DECIMAL_COMMA: Final = r"[+-]?(\d+|\d*,\d+)([eE][+-]?\d+)?"
"""A number with a decimal comma (1,5), or without decimals."""
GROUPED: Final = r"[+-]?(\d+|[1-9]\d{0,2}(,\d{3})+)(\.\d+)?"
"""A number with optional commas as thousands separators (1,037.5)."""


COLUMNS_A_QUERY: Final = 64
"""With six aggregates per column, planning takes 0.5 ms per column up to this number, and more beyond."""


def chunks(names: Sequence[str], size: int = COLUMNS_A_QUERY) -> Iterator[Sequence[str]]:
    """Yield the names in runs of at most `size`, to bound the length of queries."""
    for start in range(0, len(names), size):
        yield names[start : start + size]


def identifier(name: str) -> str:
    """A name as an SQL identifier.

    >>> identifier('the "best" one')
    '"the ""best"" one"'
    """
    return '"' + name.replace('"', '""') + '"'


ROWID: Final = "rowid"
"""DuckDB's name of the row number. Columns of this name are stored under another name, since they would hide it."""
_HIDES_ROWID: Final = re.compile(f"{ROWID}'*", re.IGNORECASE)


def stored_name(name: str) -> str:
    """Name of a dataset's column in DuckDB.

    >>> stored_name("x"), stored_name("RowId"), stored_name("rowid'")
    ('x', "RowId'", "rowid''")
    """
    return f"{name}'" if _HIDES_ROWID.fullmatch(name) else name


def quoted(name: str) -> str:
    """A column of the dataset as an SQL identifier."""
    return identifier(stored_name(name))


def columns_of(connection: duckdb.DuckDBPyConnection, table: str = "dataset") -> dict[str, str]:
    """Columns of a table, under the dataset's names, with their DuckDB types."""
    described = connection.execute(f"SELECT name, type FROM pragma_table_info({literal(table)})").fetchall()
    return {_own_name(name): kind for name, kind in described}


def _own_name(stored: str) -> str:
    return stored[:-1] if _HIDES_ROWID.fullmatch(stored) and stored.endswith("'") else stored


def replace_dataset(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Replace the table `dataset` by the rows of a query on it."""
    connection.execute(f"CREATE OR REPLACE TABLE rewritten AS {query}")
    connection.execute("DROP TABLE dataset")
    connection.execute("ALTER TABLE rewritten RENAME TO dataset")


def columns_as_rows(cells: Sequence[str]) -> str:
    """FROM clause of unpivoted columns: `place`, the column's index as text, and each `cell` that is not NULL.

    cells: SQL expression of each column in the table `dataset`.
    """
    listed = ", ".join(f'{cell} AS "{place}"' for place, cell in enumerate(cells))
    return f"(SELECT {listed} FROM dataset) UNPIVOT (cell FOR place IN (COLUMNS(*)))"


def literal(text: str) -> str:
    """Text as an SQL literal, where parameters are not possible.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


GOLDEN: Final = 2_654_435_761
"""2^32 divided by the golden ratio, rounded to an odd number (Knuth, The Art of Computer Programming 3, 6.4)."""
WORD: Final = 4_294_967_296


def one_in(every: int, row: str = ROWID) -> str:
    """SQL condition that selects about one row in `every`, deterministic and evenly spread.

    Multiples of the golden ratio modulo 1 are evenly distributed (Weyl). Unlike every k-th row, they do not coincide
    with periods of the table, such as hours of a day. row: SQL of the row number.
    """
    return "TRUE" if every <= 1 else f"({row} * {GOLDEN}) % {WORD} < {WORD // every}"


PLAIN_PATH: Final = "hive_partitioning=false"
"""Option of DuckDB's readers that disables columns from folder names NAME=VALUE."""


def file_literal(path: Path) -> str:
    """Path as an SQL literal, absolute and with glob characters escaped, which DuckDB would expand."""
    return literal(glob.escape(str(path.absolute())))


def matches_pattern(value: str, pattern: str) -> str:
    """SQL condition that a value, without surrounding spaces, matches a pattern completely."""
    return f"regexp_full_match(trim(CAST({value} AS VARCHAR)), {literal(pattern)})"


def is_integer(storage: str) -> bool:
    return storage in INTEGER_TYPES


def is_float(storage: str) -> bool:
    return storage in FLOAT_TYPES or storage.startswith("DECIMAL")


def is_number(storage: str) -> bool:
    """Whether a column's type is numeric, which excludes BOOLEAN."""
    return is_integer(storage) or is_float(storage)


def is_time_stamp(storage: str) -> bool:
    return storage in TIME_STAMP_TYPES


def is_image(storage: str) -> bool:
    return storage == BLOB


def is_text(storage: str) -> bool:
    return storage in {"VARCHAR", "UUID"} or storage.startswith("ENUM")


def category_text(name: str, storage: str) -> str:
    """SQL of a value's name as a class or category: 3 and 3.0 are both "3", TRUE is "true"."""
    column = quoted(name)
    if is_float(storage):
        whole = f"{column} = trunc({column}) AND abs({column}) < 1e15"  # above it doubles are not exact for integers
        return f"CASE WHEN {whole} THEN CAST(CAST({column} AS BIGINT) AS VARCHAR) ELSE CAST({column} AS VARCHAR) END"
    return f"CAST({column} AS VARCHAR)"


def time_stamp(name: str, storage: str) -> str:
    """SQL of a value as a TIMESTAMP in UTC; NULL if it is not a time, or infinite.

    A quarter ("1970 Q1") becomes its first day. The time zone of the connection must be UTC.
    """
    column = quoted(name)
    if is_time_stamp(storage):
        stamp = f"CAST({column} AS TIMESTAMP)"
        return f"CASE WHEN isfinite({column}) THEN {stamp} END"
    text = f"CAST({column} AS VARCHAR)"
    quarter = literal(QUARTER_PATTERN)
    formats = ", ".join(literal(form) for form in TIME_FORMATS)
    year, number = (f"TRY_CAST(regexp_extract({text}, {quarter}, {group}) AS INTEGER)" for group in (1, 2))
    return (
        f"CASE WHEN regexp_matches({text}, {quarter}) THEN make_timestamp({year}, {number} * 3 - 2, 1, 0, 0, 0) "
        f"WHEN regexp_matches({text}, '[0-9]') "
        f"THEN coalesce(CAST(TRY_CAST({text} AS TIMESTAMPTZ) AS TIMESTAMP), try_strptime({text}, [{formats}])) END"
    )
