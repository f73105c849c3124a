from datetime import datetime

import duckdb
import pytest

from recommender.dataset.sql import category_text, literal, one_in, quoted, time_stamp


def column(values: str, storage: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE dataset AS SELECT CAST(a AS {storage}) AS a FROM (VALUES {values}) AS t(a)")
    return connection


@pytest.mark.parametrize("text", ["plain", "it's", 'say "hi"', "'; DROP TABLE dataset; --", "é\n"])
def test_names_and_literals_survive_what_they_hold(text: str) -> None:
    found = duckdb.sql(f"SELECT {literal(text)} AS {quoted(text)}")
    assert (found.columns, found.fetchall()) == ([text], [(text,)])


def test_a_class_is_named_alike_however_it_is_stored() -> None:
    for storage in ("INTEGER", "DOUBLE", "DECIMAL(5, 2)", "VARCHAR"):
        found = column("(3), (10)", storage).execute(f"SELECT {category_text('a', storage)} FROM dataset").fetchall()
        assert found == [("3",), ("10",)]
    assert column("(true)", "BOOLEAN").execute(f"SELECT {category_text('a', 'BOOLEAN')} FROM dataset").fetchall() == [
        ("true",)
    ]
    assert column("(2.5)", "DOUBLE").execute(f"SELECT {category_text('a', 'DOUBLE')} FROM dataset").fetchall() == [
        ("2.5",)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970 Q1", datetime(1970, 1, 1)),  # noqa: DTZ001  as in the table, without a zone
        ("1970-q4", datetime(1970, 10, 1)),  # noqa: DTZ001
        ("2001-02", datetime(2001, 2, 1)),  # noqa: DTZ001
        ("Jan 1980", datetime(1980, 1, 1)),  # noqa: DTZ001
        ("2001-02-03 04:05", datetime(2001, 2, 3, 4, 5)),  # noqa: DTZ001
        ("03.04.2020", datetime(2020, 4, 3)),  # noqa: DTZ001
        ("12", None),
        ("soon", None),
    ],
)
def test_a_time_stamp_is_read_in_its_usual_spellings(text: str, expected: datetime | None) -> None:
    found = column(f"({literal(text)})", "VARCHAR").execute(f"SELECT {time_stamp('a', 'VARCHAR')} FROM dataset")
    assert found.fetchall() == [(expected,)]


@pytest.mark.parametrize("every", [1, 2, 7, 24, 100])
@pytest.mark.parametrize("period", [2, 7, 24])
def test_a_sample_is_even_in_the_whole_and_in_every_period(every: int, period: int) -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE dataset AS SELECT range AS a FROM range(24000)")
    found = connection.execute(
        f"SELECT a % {period}, count(*) FROM dataset WHERE {one_in(every)} GROUP BY 1"
    ).fetchall()
    expected = 24_000 / every / period
    assert len(found) == period
    assert all(abs(count - expected) <= 4 + 0.1 * expected for _, count in found)
