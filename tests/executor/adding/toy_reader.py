"""A reader of files with one number a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recommender.dataset.readers.table import TableFormat

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb


def read_lines(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    rows = [(float(line), float(line) ** 2) for line in path.read_text().splitlines()]
    connection.execute("CREATE OR REPLACE TABLE dataset (x DOUBLE, y DOUBLE)")
    connection.executemany("INSERT INTO dataset VALUES (?, ?)", rows)


LINES = TableFormat(name="lines", read=read_lines)
