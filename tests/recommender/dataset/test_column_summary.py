from collections.abc import Mapping
from dataclasses import asdict

import duckdb
import pytest

from recommender.dataset import column_summary as columns
from recommender.dataset.column_summary import summarise

TABLE = """
    SELECT range AS id, 9223372036854775807 - range AS big,
        CASE WHEN range % 4 = 0 THEN NULL ELSE range / 2 END AS half,
        range % 3 AS third, NULL::DOUBLE AS nothing, 'w' || (range % 5) AS word, 'a few words ' || range AS prose,
        range % 2 = 0 AS even, DATE '2020-01-01' + range::INT AS day, strftime(day, '%Y-%m') AS month
    FROM range(200)
"""


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE dataset AS {TABLE}")
    return connection


def storage(connection: duckdb.DuckDBPyConnection) -> Mapping[str, str]:
    return {column[0]: str(column[1]) for column in connection.execute("FROM dataset LIMIT 0").description or []}


def test_words_of_scripts_without_spaces_are_counted_by_characters() -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE dataset AS SELECT unnest(['今天天气很好', 'ภาษาไทย', 'naïve words']) AS t")
    # One each by spaces and half of 6 and of 7 characters, rounded down; two words.
    assert summarise(connection, {"t": "VARCHAR"})["t"].words == (4 + 4 + 2) / 3


def test_a_column_is_summed_up_by_hand(connection: duckdb.DuckDBPyConnection) -> None:
    found = summarise(connection, storage(connection))
    half = found["half"]
    assert (half.rows, half.count, half.missing, half.missing_share) == (200, 150, 50, 0.25)
    assert (half.minimum, half.maximum, half.zeros, half.whole) == (0.5, 99.5, 0, False)
    third = found["third"]
    assert (third.distinct, third.zeros, third.whole, third.counts_rows) == (3, 67, True, False)
    assert found["id"].counts_rows
    assert (found["nothing"].count, found["nothing"].distinct, found["nothing"].unique_share) == (0, 0, 0.0)
    assert (found["word"].distinct, found["prose"].words, found["prose"].unique_share) == (5, 4.0, 1.0)
    assert (found["month"].times, found["prose"].times) == (1.0, 0.0)
    assert found["day"].distinct == 200


def test_large_integers_stay_different(connection: duckdb.DuckDBPyConnection) -> None:
    assert summarise(connection, storage(connection))["big"].distinct == 200


def test_a_long_table_is_summed_up_as_a_short_one(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = summarise(connection, storage(connection))
    monkeypatch.setattr(columns, "MAX_UNPIVOT_ROWS", 0)
    long = summarise(connection, storage(connection))
    assert {name: asdict(one) for name, one in long.items()} == {name: asdict(one) for name, one in short.items()}


def test_only_the_rows_that_count_are_looked_at(connection: duckdb.DuckDBPyConnection) -> None:
    found = summarise(connection, storage(connection), where="third = 0")
    assert (found["id"].rows, found["third"].distinct, found["id"].maximum) == (67, 1, 198.0)
