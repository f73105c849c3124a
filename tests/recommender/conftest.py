from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import duckdb
import polars as pl
import pytest

from recommender.dataset.dataset import Dataset

Columns = Mapping[str, Sequence[object]]


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\n') else text


@pytest.fixture
def write_csv(tmp_path: Path) -> Callable[..., Path]:
    """Writes columns as a CSV file; None is an empty cell."""

    def write(columns: Columns, name: str = "table.csv") -> Path:
        lines = [",".join(map(_cell, columns))]
        lines += [",".join(map(_cell, row)) for row in zip(*columns.values(), strict=True)]
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def table(write_csv: Callable[..., Path]) -> Iterator[Callable[..., Dataset]]:
    """Opens columns as a dataset, through a CSV file, and closes it after the test."""
    with ExitStack() as stack:
        yield lambda **columns: stack.enter_context(Dataset.open(write_csv(columns)))


@pytest.fixture(scope="session")
def connected() -> Callable[..., duckdb.DuckDBPyConnection]:
    """A database of its own with some tables, each given by its columns."""

    def connect(**tables: Mapping[str, object]) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        for name, columns in tables.items():
            connection.register("frame", pl.DataFrame(columns).to_arrow())
            connection.execute(f"CREATE TABLE {name} AS FROM frame")
        return connection

    return connect
