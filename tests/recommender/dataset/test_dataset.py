import hashlib
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest

from recommender.dataset.dataset import Dataset, quoted
from rules.errors import DatasetError


def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n1,2\n")
    with Dataset.open(path) as dataset:
        assert dataset.digest == "sha256:" + hashlib.sha256(b"a,b\n1,2\n").hexdigest()


def test_a_column_called_rowid_keeps_its_name_and_hides_no_number_of_a_row() -> None:
    with Dataset.open(pl.DataFrame({"ROWID": [7, 8], "rowid_1": [0, 0]})) as dataset:
        assert dataset.columns == ("ROWID", "rowid_1")
        found = dataset.connection.execute(f"SELECT rowid, {quoted('ROWID')} FROM dataset").fetchall()
        assert found == [(0, 7), (1, 8)]


def test_the_connection_is_closed_with_the_dataset(table: Callable[..., Dataset]) -> None:
    dataset = table(a=[1, 2])
    dataset.close()
    with pytest.raises(duckdb.ConnectionException):
        dataset.connection.execute("FROM dataset")


def test_nothing_is_left_open_when_a_file_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[duckdb.DuckDBPyConnection] = []
    connect = duckdb.connect

    def remembered(**options: object) -> duckdb.DuckDBPyConnection:
        opened.append(connect(**options))
        return opened[-1]

    monkeypatch.setattr(duckdb, "connect", remembered)
    with pytest.raises(DatasetError):
        Dataset.open(tmp_path / "nothing.csv")
    with pytest.raises(duckdb.ConnectionException):
        opened[0].execute("SELECT 1")


def test_a_long_query_draws_nothing_on_standard_output(table: Callable[..., Dataset]) -> None:
    shown = table(a=[1, 2]).connection.execute("SELECT current_setting('enable_progress_bar')").fetchall()
    assert shown == [(False,)]


def test_a_quoted_name_survives_quotes_in_it(table: Callable[..., Dataset]) -> None:
    name = '"; DROP TABLE dataset; --'
    dataset = table(**{name: [1, 2], "b": [0, 0]})
    assert dataset.connection.execute(f"SELECT sum({quoted(name)}) FROM dataset").fetchall() == [(3,)]
