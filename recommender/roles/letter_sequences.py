"""Detection of text columns with sequences of letters, such as genes and proteins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recommender.dataset.sql import category_text, quoted

if TYPE_CHECKING:
    import duckdb

MIN_LETTERS: Final = 20  # average letters per cell; words and codes have fewer
MAX_LETTERS: Final = 26  # distinct letters: amino acids have 20 letters, and some ambiguous ones
SAMPLE_CELLS: Final = 2_000  # cells, evenly spread


def are_letters(connection: duckdb.DuckDBPyConnection, name: str, storage: str) -> bool:
    """Whether the cells of a text column are sequences of letters, such as genes and proteins.

    Cells must have only upper-case or only lower-case letters, without spaces, and at least 20 letters on average.
    """
    text = category_text(name, storage)
    shortest, mean, letters = connection.execute(
        f"SELECT bool_and(regexp_full_match(cell, '[A-Z*-]+|[a-z*-]+')), avg(length(cell)), "
        f"len(list_distinct(flatten(list(string_split(cell, ''))))) FROM (SELECT {text} AS cell FROM dataset "
        f"WHERE {quoted(name)} IS NOT NULL AND rowid % (SELECT greatest(1, count(*) // {SAMPLE_CELLS}) FROM dataset) "
        "= 0)"
    ).fetchall()[0]
    return bool(shortest) and float(mean or 0) >= MIN_LETTERS and int(letters or 0) <= MAX_LETTERS
