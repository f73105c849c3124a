"""Comma- and tab-separated text."""

from __future__ import annotations

import csv
import gzip
import re
from collections import Counter
from typing import IO, TYPE_CHECKING, Final

import duckdb

from recommender.sql import file_literal, literal
from rules.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MISSING_TOKENS: Final = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "?")
"""Cells that mean "no value". Not "None": real tables use it as a level (no garage, no alley)."""
OTHER_DELIMITERS: Final = (";", "\t", "|", ",")
QUOTE: Final = '"'
TYPES: Final = ("BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "VARCHAR")
"""What cells are read as. Not BOOLEAN: it would turn the classes "no" and "yes" into "false" and "true"."""
PROBE_BYTES: Final = 65_536
"""How much of the file's start is looked at for bytes that no text has."""
LONGEST_HEADER: Final = 16_777_216
"""Characters that a header may take: room for 10,000 columns with long names."""


def read_delimited(connection: duckdb.DuckDBPyConnection, path: Path, *, delimiter: str) -> None:
    """Read a text table with a header line into the table `dataset`, in file order.

    delimiter: one character. Compressed files end in .gz. The types of the columns are found by DuckDB from the first
    20,480 rows, and from all rows where those mislead.
    Raises DatasetError, which names the line, on anything that is not a rectangular UTF-8 table with a header.
    """
    _check_bytes(path)
    header = _distinct_names(path, _header(path, delimiter), delimiter)
    dialect = (
        f"{file_literal(path)}, delim={literal(delimiter)}, quote='\"', escape='\"', header=true, skip=0, comment='', "
        f"null_padding=false, strict_mode=true, nullstr=[{', '.join(map(literal, MISSING_TOKENS))}]"
    )
    names = f"names=[{', '.join(map(literal, header))}], auto_type_candidates=[{', '.join(map(literal, TYPES))}]"
    for sample in ("", ", sample_size=-1"):
        try:
            connection.execute(f"CREATE OR REPLACE TABLE dataset AS FROM read_csv({dialect}, {names}{sample})")
        except duckdb.ConversionException:
            continue
        except duckdb.Error:
            break
        else:
            return
    _explain(connection, path, dialect, header, delimiter)


def _open(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]  # GzipFile reads as IO[bytes] does


def _check_bytes(path: Path) -> None:
    try:
        with _open(path) as file:
            start = file.read(PROBE_BYTES)
    except (OSError, EOFError) as error:
        raise DatasetError(f"The dataset must be a readable file, but {path} is not: {error}.") from None
    if not start.strip():
        raise DatasetError(f"The dataset must have a header line and rows, but {path} is empty.")
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DatasetError(
            f"Text must be UTF-8, but {path} starts like UTF-16. "
            f"Convert it: iconv -f UTF-16 -t UTF-8 {path.name} > utf8_{path.name}"
        )
    if b"\0" in start:
        raise DatasetError(
            f"The dataset must be text with one row a line, but {path} holds binary data (a zero byte at "
            f"position {start.index(0):,}). Give a CSV, TSV, Parquet or JSON-lines file with the matching extension."
        )


def _header(path: Path, delimiter: str) -> list[str]:
    """The names in the first record, which may span lines where a name in quotes does."""
    with _open(path) as file:
        text = file.readline(LONGEST_HEADER)
        while text.count(QUOTE.encode()) % 2 and (line := file.readline(LONGEST_HEADER)):
            text += line
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf8(path, line=1, byte=text[error.start]) from None
    csv.field_size_limit(LONGEST_HEADER)
    return next(csv.reader([decoded.rstrip("\r\n")], delimiter=delimiter), [])


def _distinct_names(path: Path, header: Sequence[str], delimiter: str) -> Sequence[str]:
    """The header as column names: one without a name becomes column_7, one that differs only in case gets a number.

    DuckDB takes names that differ only in case for the same; it numbers them in other formats in the same way.
    Raises DatasetError on a name that occurs twice, and on a header that another delimiter would cut.
    """
    if len(header) == 1:
        for other in OTHER_DELIMITERS:
            if other != delimiter and other in header[0]:
                raise DatasetError(
                    f"The columns of {path} must be separated by {_spoken(delimiter)}, but its header is one column "
                    f"that contains {_spoken(other)}: {header[0][:80]!r}. Give --delimiter {other!r}."
                )
    twice = next((name for name, times in Counter(header).items() if name and times > 1), None)
    if twice is not None:
        first = header.index(twice)
        second = header.index(twice, first + 1)
        raise DatasetError(
            f"Column names must be distinct, but in {path} the name {twice!r} stands over columns {first + 1} and "
            f"{second + 1}. Rename one in the header line."
        )
    taken = {name.casefold() for name in header}
    seen: set[str] = set()
    names = []
    for position, name in enumerate(header, start=1):
        free = name or f"column_{position}"
        number = 0
        while free.casefold() in seen or (number and free.casefold() in taken):
            number += 1
            free = f"{name or f'column_{position}'}_{number}"
        seen.add(free.casefold())
        names.append(free)
    return names


def _spoken(delimiter: str) -> str:
    return {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}.get(delimiter, repr(delimiter))


def _explain(
    connection: duckdb.DuckDBPyConnection, path: Path, dialect: str, header: Sequence[str], delimiter: str
) -> None:
    """Read once more as plain text, without any guess, to learn what breaks and where; raises DatasetError."""
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
    try:
        connection.execute(
            f"CREATE OR REPLACE TABLE dataset AS FROM read_csv({dialect}, auto_detect=false, columns={{{columns}}})"
        )
    except duckdb.Error as error:
        message = str(error)
    else:
        return  # every cell is text, so every table without a broken line can be read
    line = int(found.group(1)) if (found := re.search(r"Error on Line: (\d+)", message)) else None
    where = f"line {line:,} of {path}" if line else str(path)
    if "unicode" in message.lower() or "utf-8" in message.lower():
        raise _not_utf8(path, line=_first_line_not_utf8(path) or line, byte=None)
    if counts := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message):
        raise DatasetError(
            f"Every row must have as many cells as the header, which has {counts.group(1)} separated by "
            f"{_spoken(delimiter)}, but {where} has {counts.group(2)}. "
            f"Mend that line; a cell that contains {_spoken(delimiter)} must stand in double quotes."
        )
    if "quote" in message:
        raise DatasetError(
            f"A quoted cell must end with a double quote before the next delimiter, but in {where} one does not. "
            f"Close the quote, or double the quotes inside a cell."
        )
    raise DatasetError(f"The dataset must be a delimited table, but {where} cannot be read: {message.splitlines()[0]}")


def _first_line_not_utf8(path: Path) -> int | None:
    with _open(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return None


def _not_utf8(path: Path, *, line: int | None, byte: int | None) -> DatasetError:
    shown = "" if byte is None else f" (byte 0x{byte:02x})"
    return DatasetError(
        f"Text must be UTF-8, but line {line or '?'} of {path} is not{shown}. "
        f"If it is Latin-1, convert it: iconv -f ISO-8859-1 -t UTF-8 {path.name} > utf8_{path.name}"
    )
