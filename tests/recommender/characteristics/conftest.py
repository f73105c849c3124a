from collections.abc import Callable, Mapping

import duckdb
import polars as pl
import pytest


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
