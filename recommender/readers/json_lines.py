"""JSON lines: one object a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import duckdb

from recommender.readers.text import check_text, not_utf8, open_bytes, refuse_unreadable
from recommender.sql import PLAIN_PATH, file_literal
from rules.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path


def read_json_lines(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Read JSON lines into the table `dataset`, in file order.

    Raises DatasetError, which names the line, where one is no JSON object.
    """
    with refuse_unreadable(path):
        _read(connection, path)


def _read(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    check_text(path, must="rows")
    source = f"read_json({file_literal(path)}, {PLAIN_PATH}, format='newline_delimited', sample_size=-1)"
    try:
        connection.execute(f"CREATE OR REPLACE TABLE dataset AS FROM {source}")
    except duckdb.Error as error:
        _explain(path)
        raise DatasetError(
            f"{_must(path)}, but {path} cannot be read as such: {str(error).splitlines()[0].strip()} "
            "Write the file again with the program that it comes from."
        ) from None


def _explain(path: Path) -> None:
    """Find the first line that is no JSON: DuckDB counts from another line on. Raises DatasetError."""
    with open_bytes(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                json.loads(line.decode("utf-8-sig").strip() or "{}")
            except UnicodeDecodeError as error:
                raise not_utf8(path, line=number, byte=line[error.start]) from None
            except json.JSONDecodeError as error:
                raise DatasetError(
                    f"{_must(path)}, but line {number:,} of {path} is none "
                    f"({error.msg[0].lower()}{error.msg[1:]}, character {error.colno:,}). Mend or remove that line."
                ) from None


def _must(path: Path) -> str:
    return f"A file that ends in {path.suffix} must be JSON lines, one object a line"
