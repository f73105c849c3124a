"""Comma- and tab-separated text."""

from __future__ import annotations

import csv
import re
from collections import Counter
from contextlib import ExitStack
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
    from collections.abc import Sequence
    from pathlib import Path

MISSING_TOKENS: Final = ("NA", "N/A", "NaN", "nan", "null", "NULL", "?")
"""Cells that mean "no value", as the empty one does. Not "None": real tables have it as a category (no garage)."""
OTHER_DELIMITERS: Final = (";", "\t", "|", ",")
QUOTE: Final = '"'
OPTIONS: Final = "\n\n  file = "  # how the last part of DuckDB's messages begins
PROPOSALS: Final = ("Possible ", "* ")  # how the lines before it begin
FIRST_ROW: Final = 2
"""The line of the first row where each name stands on one line."""
MAX_HEADER: Final = 16_777_216
"""Characters that a header may take: room for 10,000 columns with long names."""


def read_delimited(connection: duckdb.DuckDBPyConnection, path: Path, *, delimiter: str) -> None:
    """Read a text table with a header line into the table `dataset`, in file order; every column is text.

    delimiter: one character. Compressed files end in .gz. Empty cells are NULL.
    Raises DatasetError, which names the line, on anything that is not a rectangular UTF-8 table with a header.
    """
    with refuse_unreadable(path), ExitStack() as stack:
        check_text(path, must="a header line and rows")
        header = _distinct_names(path, _header(path, delimiter), delimiter)
        reserve_memory(connection, len(header))
        dialect = (
            f"delim={literal(delimiter)}, quote='\"', escape='\"', header=true, skip=0, comment='', "
            f"null_padding=false, strict_mode=true, {PLAIN_PATH}, nullstr=''"
        )
        options = f"{dialect}, names=[{', '.join(literal(stored_name(name)) for name in header)}], all_varchar=true"
        if not _read(connection, path, options):
            source = stack.enter_context(same_line_ends(path))
            if source == path or not _read(connection, source, options):
                _explain(connection, source, dialect, header, delimiter, shown=path)


def _read(connection: duckdb.DuckDBPyConnection, path: Path, options: str) -> bool:
    """Read a file into the table `dataset`; whether that could be done."""
    try:
        connection.execute(f"CREATE OR REPLACE TABLE dataset AS FROM read_csv({file_literal(path)}, {options})")
    except duckdb.Error:
        return False
    return True


def _header(path: Path, delimiter: str) -> list[str]:
    """The names in the first record, which may span lines where a name in quotes does."""
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
                    f"The first line must name the columns in at most {MAX_HEADER:,} characters, but that of {path} is "
                    "longer, or a double quote in it is not closed. Write a line with the names of the columns first."
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
            f"The first line must name the columns, but in line 1 of {path} a double quote is not closed. "
            "Close it, or put that name in double quotes and double those inside."
        ) from None


def _distinct_names(path: Path, header: Sequence[str], delimiter: str) -> Sequence[str]:
    """The header as column names that DuckDB tells apart.

    Raises DatasetError on a name that occurs twice, and on a header that another delimiter would cut.
    """
    if len(header) == 1:
        for other in OTHER_DELIMITERS:
            if other != delimiter and other in header[0]:
                raise DatasetError(
                    f"The columns of {path} must be separated by {_spoken(delimiter)}, but its header is one column "
                    f"that contains {_spoken(other)}: {header[0][:80]!r}. Give --delimiter {other!r}."
                )
    check_columns(str(path), len(header))
    twice = next((name for name, times in Counter(header).items() if name and times > 1), None)
    if twice is not None:
        first = header.index(twice)
        second = header.index(twice, first + 1)
        helps = "Write a line of names above it" if is_number_name(twice) else "Rename one in the header line"
        raise DatasetError(
            f"Column names must be distinct, but in {path} the name {twice!r} stands over columns {first + 1} and "
            f"{second + 1}. {helps}."
        )
    return distinct_names(header)


def _spoken(delimiter: str) -> str:
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
    """Read once more as plain text, without any guess, to learn what breaks and where; raises DatasetError.

    shown: the file that the person gave, of which `path` may be a copy.
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
        return  # every cell is text, so every table without a broken line can be read
    line = int(found.group(1)) if (found := re.search(r"Error on Line: (\d+)", message)) else None
    where = f"line {line:,} of {shown}" if line else str(shown)
    reason = _reason(message)
    if "unicode" in reason or "utf-8" in reason:
        raise not_utf8(shown, line=_first_line_not_utf8(path) or line, byte=None)
    if counts := re.fullmatch(r"Expected Number of Columns: (\d+) Found: (\d+)", reason):
        raise _ragged(shown, line, int(counts.group(1)), int(counts.group(2)), delimiter)
    if reason == "Value with unterminated quote found.":
        raise DatasetError(
            f"A quoted cell must end with a double quote before the next delimiter, but in {where} one does not. "
            f"Close the quote, or double the quotes inside a cell."
        )
    raise DatasetError(f"The dataset must be a delimited table, but {where} cannot be read: {message.splitlines()[0]}")


def _reason(message: str) -> str:
    r"""DuckDB's own words about a line that cannot be read, without the line that it quotes.

    They stand last, before its proposals and the options.

    >>> _reason("Error on Line: 3\nOriginal Line: a quote\nExpected Number of Columns: 2 Found: 3\nPossible fixes:")
    'Expected Number of Columns: 2 Found: 3'
    """
    lines = message.rpartition(OPTIONS)[0] or message
    return next((line for line in reversed(lines.splitlines()) if line and not line.startswith(PROPOSALS)), "")


def _ragged(path: Path, line: int | None, expected: int, found: int, delimiter: str) -> DatasetError:
    """A row is longer or shorter than the header; where it is the first row and longer, the header may be none."""
    commas = _spoken(delimiter)
    cells = f"{expected} cell{'s' * (expected != 1)} separated by {commas}"
    if line == FIRST_ROW and found > expected:
        return DatasetError(
            f"The first line must name every column, but line 1 of {path} has {cells}, and line {FIRST_ROW} has more. "
            f"Remove line 1 if it is a title or a comment; else name every column in it, and put a cell of line "
            f"{FIRST_ROW} that contains {commas} in double quotes."
        )
    where = f"line {line:,} of {path}" if line else str(path)
    return DatasetError(
        f"Every row must have as many cells as the header, which has {expected} separated by {commas}, but {where} has "
        f"{'more' if found > expected else found}. Mend that line; a cell that contains {commas} or a line end must "
        "stand in double quotes."
    )


def _first_line_not_utf8(path: Path) -> int | None:
    with open_bytes(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return None
