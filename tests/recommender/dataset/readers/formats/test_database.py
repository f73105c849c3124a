"""Tables of SQLite and DuckDB files are read with their types and in their order; views are not read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import duckdb
import pytest

from recommender.dataset.dataset import Dataset
from rules.errors import ColumnError, DatasetError

if TYPE_CHECKING:
    from pathlib import Path


def sqlite(path: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    return path


def duck(path: Path, *statements: str) -> Path:
    with closing(duckdb.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


def test_values_of_sqlite_keep_their_types_and_a_column_of_several_types_is_text(tmp_path: Path) -> None:
    path = sqlite(
        tmp_path / "a.sqlite",
        'CREATE TABLE "the ""one""" (id INTEGER PRIMARY KEY, x, code TEXT, mixed, rowid, empty)',
        """INSERT INTO "the ""one\"\"\" VALUES (2, 0.5, '011', 1, 5, NULL), (1, 3, 'b', 'two', 6, NULL)""",
        "CREATE VIEW v AS SELECT 1 AS a",
    )
    with Dataset.open(path) as dataset:
        assert dataset.columns == ("id", "x", "code", "mixed", "rowid", "empty")
        assert dataset.connection.execute("FROM dataset").fetchall() == [
            (1, 3.0, "b", "two", 6, None),
            (2, 0.5, "011", "1", 5, None),
        ]


def test_a_table_of_duckdb_is_read_in_its_order(tmp_path: Path) -> None:
    path = duck(
        tmp_path / "a.duckdb",
        "CREATE TABLE t AS SELECT 9 - range AS x, CAST('2024-01-01' AS DATE) AS day FROM range(5)",
        "CREATE SCHEMA other",
        "CREATE TABLE other.t AS SELECT 1 AS y",
        "CREATE VIEW v AS SELECT * FROM read_csv('/etc/passwd')",
    )
    with Dataset.open(path, table="t") as dataset:
        assert [x for x, _ in dataset.connection.execute("FROM dataset").fetchall()] == [9, 8, 7, 6, 5]
    with Dataset.open(path, table="other.t") as dataset:
        assert dataset.columns == ("y",)
    with pytest.raises(DatasetError, match=r"has 2: 't', 'other\.t'\. Give one with --table|has 2: 'other\.t', 't'"):
        Dataset.open(path)
    with pytest.raises(DatasetError, match="no table 'v'"):
        Dataset.open(path, table="v")


@pytest.mark.parametrize("ending", [".sqlite", ".duckdb"])
def test_a_file_that_is_no_database_or_has_no_table_is_refused(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    path.write_bytes(b"not a database" * 99)
    with pytest.raises(DatasetError, match="must be a database of"):
        Dataset.open(path)
    path.unlink()
    (sqlite if ending == ".sqlite" else duck)(path, "CREATE VIEW v AS SELECT 1 AS a")
    with pytest.raises(DatasetError, match=r"must be a table, but .* has none"):
        Dataset.open(path)


def test_bytes_are_refused_with_their_row_and_a_table_of_a_text_file_is_refused(tmp_path: Path) -> None:
    path = sqlite(tmp_path / "a.db", "CREATE TABLE t (a, b)", "INSERT INTO t VALUES (1, 'x'), (2, x'00')")
    with pytest.raises(ColumnError, match=r"'b' in table 't' of .* has bytes in row 2"):
        Dataset.open(path)
    (tmp_path / "a.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"--table names a sheet or a table of a database, but .* is csv"):
        Dataset.open(tmp_path / "a.csv", table="t")
