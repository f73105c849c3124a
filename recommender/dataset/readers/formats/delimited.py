"""Comma- and tab-separated text files."""

from __future__ import annotations

import csv
import re
from collections import Counter
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

import duckdb

from recommender.dataset.column_names import is_number_name
from recommender.dataset.readers.bounds import check_columns, reserve_memory, too_large
from recommender.dataset.readers.distinct_names import distinct_names
from recommender.dataset.readers.text import (
    BYTES,
    check_text,
    not_utf8,
    open_bytes,
    open_lines,
    refuse_unreadable,
    same_line_ends,
)
from recommender.dataset.sql import PLAIN_PATH, file_literal, literal, stored_name
from rules.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MISSING_TOKENS: Final = ("NA", "N/A", "NaN", "nan", "null", "NULL", "?")
"""Text that counts as missing, besides empty cells. Not "None", which is a category in real tables (no garage)."""
OTHER_DELIMITERS: Final = (";", "\t", "|", ",")
QUOTE: Final = '"'
OPTIONS: Final = "\n\n  file = "  # start of the last part of DuckDB's messages
PROPOSALS: Final = ("Possible ", "* ")  # start of the lines before it
FIRST_ROW: Final = 2
"""Line number of the first row after a header of one line."""
MAX_HEADER: Final = 16_777_216
"""Characters of a header: enough for 10,000 columns with long names."""


def read_delimited(connection: duckdb.DuckDBPyConnection, path: Path, *, delimiter: str) -> None:
    """Read a text table with a header line into the table `dataset`, in file order; all columns are text.

    delimiter: one character. Empty cells are NULL.
    Raises DatasetError, with the line, unless the file is a rectangular UTF-8 table with a header.
    """
    with refuse_unreadable(path), ExitStack() as stack:
        dialect, header, options = _options(connection, path, delimiter)
        if not _read(connection, path, options):
            source = stack.enter_context(same_line_ends(path))
            if source == path or not _read(connection, source, options):
                _explain(connection, source, dialect, header, delimiter, shown=path)


def _options(connection: duckdb.DuckDBPyConnection, path: Path, delimiter: str) -> tuple[str, Sequence[str], str]:
    """Dialect, column names and all options of DuckDB's reader. Raises DatasetError as `read_delimited`."""
    header = column_names(path, delimiter=delimiter)
    reserve_memory(connection, len(header))
    dialect = (
        f"delim={literal(delimiter)}, quote='\"', escape='\"', header=true, skip=0, comment='', "
        f"null_padding=false, strict_mode=true, {PLAIN_PATH}, nullstr=''"
    )
    options = f"{dialect}, names=[{', '.join(literal(stored_name(name)) for name in header)}], all_varchar=true"
    return dialect, header, options


def column_names(path: Path, *, delimiter: str) -> Sequence[str]:
    """Distinct names of the columns of a text table. Raises DatasetError as `read_delimited`."""
    check_text(path, must="a header line and rows")
    return _distinct_names(path, _header(path, delimiter), delimiter)


@contextmanager
def delimited_query(connection: duckdb.DuckDBPyConnection, path: Path, *, delimiter: str) -> Iterator[str]:
    """Yield a FROM clause of the rows of a text table, as `read_delimited` reads them.

    All rows are parsed once before, so that errors in any of them are known. Raises DatasetError as `read_delimited`.
    """
    with ExitStack() as stack:
        source = path
        with refuse_unreadable(path):
            dialect, header, options = _options(connection, path, delimiter)
            is_read = _parse(connection, path, options)
            if not is_read:
                source = stack.enter_context(same_line_ends(path))
                is_read = source != path and _parse(connection, source, options)
            if not is_read:
                _explain(connection, source, dialect, header, delimiter, shown=path)
        yield f"FROM read_csv({file_literal(source)}, {options})" if is_read else "FROM dataset"


def _parse(connection: duckdb.DuckDBPyConnection, path: Path, options: str) -> bool:
    """Parse all cells of a file, and return whether that succeeded."""
    try:
        connection.execute(f"SELECT count(COLUMNS(*)) FROM read_csv({file_literal(path)}, {options})").fetchall()
    except duckdb.Error:
        return False
    return True


def _read(connection: duckdb.DuckDBPyConnection, path: Path, options: str) -> bool:
    """Read a file into the table `dataset`, and return whether that succeeded."""
    try:
        connection.execute(f"CREATE OR REPLACE TABLE dataset AS FROM read_csv({file_literal(path)}, {options})")
    except duckdb.Error:
        return False
    return True


def _header(path: Path, delimiter: str) -> list[str]:
    """Names in the first record, which may span several lines if names are quoted."""
    parts: list[str] = []
    quotes = 0
    with open_lines(path, newline="") as file:
        left = MAX_HEADER
        while line := file.readline(left):
            parts.append(line)
            quotes += line.count(QUOTE)
            left -= len(line)
            if left <= 0:
                raise DatasetError(
                    f"The first line must contain the column names, in at most {MAX_HEADER:,} characters, but that of "
                    f"{path} is longer, or has an unclosed double quote. Insert a line of column names first."
                )
            if quotes % 2 == 0:
                break
    text = "".join(parts).encode(BYTES)
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(path, line=1, byte=text[error.start]) from None
    csv.field_size_limit(MAX_HEADER)
    try:
        return next(csv.reader([decoded.rstrip("\r\n")], delimiter=delimiter), [])
    except csv.Error:
        raise DatasetError(
            f"The first line must contain the column names, but line 1 of {path} has an unclosed double quote. "
            "Close it, or quote the name and double the quotes inside it."
        ) from None


def _distinct_names(path: Path, header: Sequence[str], delimiter: str) -> Sequence[str]:
    """Distinct column names from the header.

    Raises DatasetError on a duplicate name, and on a header with another delimiter.
    """
    if len(header) == 1:
        for other in OTHER_DELIMITERS:
            if other != delimiter and other in header[0]:
                raise DatasetError(
                    f"The columns of {path} must be separated by {_delimiter_name(delimiter)}, but its header is one "
                    f"column that contains {_delimiter_name(other)}: {header[0][:80]!r}. Use --delimiter {other!r}."
                )
    check_columns(str(path), len(header))
    twice = next((name for name, times in Counter(header).items() if name and times > 1), None)
    if twice is not None:
        first = header.index(twice)
        second = header.index(twice, first + 1)
        fix = "Insert a line of column names above it" if is_number_name(twice) else "Rename one of them"
        raise DatasetError(
            f"Column names must be distinct, but columns {first + 1} and {second + 1} of {path} are both named "
            f"{twice!r}. {fix}."
        )
    return distinct_names(header)


def _delimiter_name(delimiter: str) -> str:
    return {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}.get(delimiter, repr(delimiter))


def _explain(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    dialect: str,
    header: Sequence[str],
    delimiter: str,
    *,
    shown: Path,
) -> None:
    """Read the file again without type detection to find the error and its line; raises DatasetError.

    shown: path given by the user, of which `path` may be a copy.
    """
    columns = ", ".join(f"{literal(stored_name(name))}: 'VARCHAR'" for name in header)
    source = f"read_csv({file_literal(path)}, {dialect}, auto_detect=false, columns={{{columns}}})"
    try:
        connection.execute(f"CREATE OR REPLACE TABLE dataset AS FROM {source}")
    except duckdb.Error as error:
        if isinstance(error, duckdb.OutOfMemoryException):
            raise too_large(str(shown)) from None
        message = str(error)
    else:
        return  # all cells are text, so any table without malformed lines can be read
    line = int(found.group(1)) if (found := re.search(r"Error on Line: (\d+)", message)) else None
    where = f"line {line:,} of {shown}" if line else str(shown)
    reason = _reason(message)
    if "unicode" in reason or "utf-8" in reason:
        raise not_utf8(shown, line=_first_line_not_utf8(path) or line, byte=None)
    if counts := re.fullmatch(r"Expected Number of Columns: (\d+) Found: (\d+)", reason):
        raise _ragged(shown, line, int(counts.group(1)), int(counts.group(2)), delimiter)
    if reason == "Value with unterminated quote found.":
        raise DatasetError(
            f"A quoted cell must end with a double quote, but one in {where} does not. "
            "Close the quote, or double the quotes inside the cell."
        )
    raise DatasetError(f"The dataset must be a delimited table, but {where} cannot be read: {message.splitlines()[0]}")


def _reason(message: str) -> str:
    r"""Reason in DuckDB's message about a malformed line, without the quoted line.

    It is the last line before the proposals and options.

    >>> _reason("Error on Line: 3\nOriginal Line: a quote\nExpected Number of Columns: 2 Found: 3\nPossible fixes:")
    'Expected Number of Columns: 2 Found: 3'
    """
    lines = message.rpartition(OPTIONS)[0] or message
    return next((line for line in reversed(lines.splitlines()) if line and not line.startswith(PROPOSALS)), "")


def _ragged(path: Path, line: int | None, expected: int, found: int, delimiter: str) -> DatasetError:
    """Error about a row that is longer or shorter than the header, which may be missing if it is the first row."""
    commas = _delimiter_name(delimiter)
    cells = f"{expected} cell{'s' * (expected != 1)} separated by {commas}"
    if line == FIRST_ROW and found > expected:
        return DatasetError(
            f"The first line must name all columns, but line 1 of {path} has {cells}, and line {FIRST_ROW} has more. "
            f"Remove line 1 if it is a title or comment; otherwise add the missing names, or quote cells of line "
            f"{FIRST_ROW} that contain {commas}."
        )
    where = f"line {line:,} of {path}" if line else str(path)
    return DatasetError(
        f"All rows must have as many cells as the header, which has {expected} separated by {commas}, but {where} has "
        f"{'more' if found > expected else found}. Correct the line; cells that contain {commas} or line endings must "
        "be quoted."
    )


def _first_line_not_utf8(path: Path) -> int | None:
    with open_bytes(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return None
