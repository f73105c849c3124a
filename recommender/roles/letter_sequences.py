"""Whether a text column holds sequences of letters, as genes and proteins are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recommender.dataset.sql import category_text, quoted

if TYPE_CHECKING:
    import duckdb

MIN_LETTERS: Final = 20  # mean letters of a cell; words and codes have fewer
MAX_LETTERS: Final = 26  # different ones: amino acids have 20 letters, and some for doubt
LOOKED_AT: Final = 2_000  # cells, evenly spread


def are_letters(connection: duckdb.DuckDBPyConnection, name: str, storage: str) -> bool:
    """Whether the cells of a text column are sequences of letters, as genes and proteins are written.

    Each holds capital letters alone, or small ones alone, without a space, and they are long: 20 in the mean.
    """
    text = category_text(name, storage)
    shortest, mean, letters = connection.execute(
        f"SELECT bool_and(regexp_full_match(cell, '[A-Z*-]+|[a-z*-]+')), avg(length(cell)), "
        f"len(list_distinct(flatten(list(string_split(cell, ''))))) FROM (SELECT {text} AS cell FROM dataset "
        f"WHERE {quoted(name)} IS NOT NULL AND rowid % (SELECT greatest(1, count(*) // {LOOKED_AT}) FROM dataset) = 0)"
    ).fetchall()[0]
    return bool(shortest) and float(mean or 0) >= MIN_LETTERS and int(letters or 0) <= MAX_LETTERS
