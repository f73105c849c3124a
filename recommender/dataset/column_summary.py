"""Column summaries: counts, ranges and distinct values of all columns, in a few passes over the table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from recommender.dataset.sql import (
    BLOB,
    DECIMAL_COMMA,
    GROUPED,
    INTEGER_TYPES,
    chunks,
    is_image,
    is_number,
    is_text,
    matches_pattern,
    one_in,
    quoted,
    time_stamp,
)
from recommender.dataset.writing_systems import CHARACTERS_A_WORD, SPACELESS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb
    import numpy as np

MAX_EXACT_DISTINCT: Final = 2_000
"""Estimated distinct values up to which they are counted exactly: the estimate cannot distinguish 20 from 21."""
MAX_UNPIVOT_ROWS: Final = 20_000
"""Rows up to which columns are unpivoted, which takes 0.2 s instead of 1 s for 1,000 columns."""
UNPIVOT_COLUMNS: Final = 128
"""Columns that are unpivoted at a time; beyond that, planning grows faster than the number of columns."""
EXACT_INTEGERS: Final = INTEGER_TYPES - {"HUGEINT", "UHUGEINT", "UBIGINT"}
MIN_UNIQUE_SHARE: Final = 0.9
"""Estimated share of distinct values from which they are counted exactly: HyperLogLog has an error of a few percent."""
WORD_ROWS: Final = 20_000
"""Rows sampled to count words, spread evenly over the file."""
TIME_ROWS: Final = 500
"""Values sampled to detect times and numbers, as in AutoGluon."""
MIN_DIGIT_SHARE: Final = 0.8
"""Smallest share of values with a digit in a text column for the detection of times and numbers."""


@dataclass(frozen=True, kw_only=True)
class ColumnSummary:
    """Summary of one column.

    count: values that are not missing. distinct: distinct values, an estimate unless `exact`.
    minimum, maximum, zeros, whole: for numbers only. words: average number of words per value. times, numbers: share
    of a text's values that parse as such, on a sample.
    """

    name: str
    storage: str
    rows: int
    count: int
    distinct: int
    exact: bool
    minimum: float | None = None
    maximum: float | None = None
    zeros: int = 0
    whole: bool = False
    counts_rows: bool = False
    """Whether the value is the row number plus a constant."""
    words: float = 0.0
    times: float = 0.0
    numbers: float = 0.0
    grouped: float = 0.0
    """Share of values that are numbers with optional thousands separators."""
    decimal_commas: float = 0.0
    """Share of values that are numbers with a decimal comma."""

    @property
    def missing(self) -> int:
        return self.rows - self.count

    @property
    def missing_share(self) -> float:
        return self.missing / self.rows

    @property
    def unique_share(self) -> float:
        """Ratio of distinct values to values, at most 1."""
        return min(1.0, self.distinct / self.count) if self.count else 0.0


def summarise(
    connection: duckdb.DuckDBPyConnection, storage: Mapping[str, str], *, where: str = "TRUE"
) -> Mapping[str, ColumnSummary]:
    """Summarise all columns of the table `dataset`, over the rows that `where` selects.

    In long tables, all columns are aggregated in one query, with estimates of distinct values first. In short tables,
    columns are unpivoted, which plans faster, and distinct values are counted exactly.
    """
    rows: int = connection.execute(f"SELECT count(*) FROM dataset WHERE {where}").fetchall()[0][0]
    found = (_unpivot if rows <= MAX_UNPIVOT_ROWS else _aggregate)(connection, storage, where)
    _inspect_texts(connection, found, storage, where, rows)
    return {name: ColumnSummary(name=name, storage=storage[name], rows=rows, **found[name]) for name in storage}


def counted_rows(
    connection: duckdb.DuckDBPyConnection, found: Mapping[str, ColumnSummary], numbers: np.ndarray
) -> Mapping[str, ColumnSummary]:
    """Summaries of a sample in which `counts_rows` refers to the rows from which the sample was drawn.

    numbers: of these rows, (rows,).
    """
    updated = dict(found)
    for name, one in found.items():
        if one.whole and one.count == one.rows and one.distinct == one.rows and one.storage in EXACT_INTEGERS:
            cells = connection.execute(f"SELECT {quoted(name)} AS v FROM dataset").fetchnumpy()["v"]
            updated[name] = replace(one, counts_rows=bool((cells - numbers == cells[0] - numbers[0]).all()))
    return updated


PLAIN_KEYS: Final = ("count", "distinct")
NUMBER_KEYS: Final = (*PLAIN_KEYS, "minimum", "maximum", "zeros", "whole", "counts_rows")


def _aggregates(value: str, position: str, distinct: str, *, number: bool, huge: bool = False) -> Sequence[str]:
    """SQL aggregates of one column, in the order of its keys.

    position: SQL of the row number. huge: whether the integers exceed the precision of a double.
    """
    plain = (f"count({value})", distinct.format(value))
    if not number:
        return plain
    real = f"CAST({value} AS DOUBLE)"
    offset = f"{value} - {position}" if huge else f"{real} - {position}"
    return (
        *plain,
        f"min({real})",
        f"max({real})",
        f"coalesce(count_if({value} = 0), 0)",
        f"coalesce(bool_and({real} = trunc({real})), FALSE)",
        f"coalesce(min({offset}) = max({offset}), FALSE)",
    )


def _unpivot(
    connection: duckdb.DuckDBPyConnection, storage: Mapping[str, str], where: str
) -> dict[str, dict[str, Any]]:
    """Aggregates of unpivoted columns, one type at a time."""
    common: dict[str, list[str]] = {}
    for name, kind in storage.items():
        common.setdefault(_common_type(kind), []).append(name)
    found: dict[str, dict[str, Any]] = {}
    for kind, alike in common.items():
        number = kind not in {"VARCHAR", BLOB}
        keys = NUMBER_KEYS if number else PLAIN_KEYS
        huge = kind == "HUGEINT"
        parts = ", ".join(_aggregates("value", "position", "count(DISTINCT {})", number=number, huge=huge))
        for names in chunks(alike, UNPIVOT_COLUMNS):
            listed = ", ".join(f'CAST({quoted(name)} AS {kind}) AS "{place}"' for place, name in enumerate(names))
            rows = connection.execute(
                f"SELECT name, {parts} FROM (SELECT rowid AS position, {listed} FROM dataset WHERE {where}) "
                "UNPIVOT (value FOR name IN (COLUMNS(* EXCLUDE (position)))) GROUP BY name"
            ).fetchall()
            # A column without values yields no row.
            found |= {name: dict.fromkeys(PLAIN_KEYS, 0) | {"exact": True} for name in names}
            for place, *values in rows:
                found[names[int(place)]] |= dict(zip(keys, values, strict=True))
    return found


def _common_type(storage: str) -> str:
    """Common type of unpivoted columns; large integers are not cast to double, which is not exact for them."""
    if is_image(storage):
        return BLOB
    if storage in EXACT_INTEGERS:
        return "BIGINT"
    if storage == "HUGEINT":
        return "HUGEINT"
    return "DOUBLE" if is_number(storage) else "VARCHAR"


def _aggregate(
    connection: duckdb.DuckDBPyConnection, storage: Mapping[str, str], where: str
) -> dict[str, dict[str, Any]]:
    """Aggregates of all columns, one query per chunk; then exact counts where a decision may depend on them."""
    found: dict[str, dict[str, Any]] = {}
    for names in chunks(tuple(storage)):
        parts = [
            part
            for name in names
            for part in _aggregates(
                quoted(name),
                "rowid",
                "approx_count_distinct({})",
                number=is_number(storage[name]),
                huge=storage[name] == "HUGEINT",
            )
        ]
        (values,) = connection.execute(f"SELECT {', '.join(parts)} FROM dataset WHERE {where}").fetchall()
        remaining = iter(values)
        for name in names:
            keys = NUMBER_KEYS if is_number(storage[name]) else PLAIN_KEYS
            found[name] = {key: next(remaining) for key in keys}
    _count_distinct(connection, found, storage, where)
    return found


def _count_distinct(
    connection: duckdb.DuckDBPyConnection, found: dict[str, dict[str, Any]], storage: Mapping[str, str], where: str
) -> None:
    """Replace estimates by exact counts where a decision may depend on them."""
    needed = []
    for name, values in found.items():
        few = values["distinct"] <= MAX_EXACT_DISTINCT
        fractional = is_number(storage[name]) and not values["whole"]
        unique = values["distinct"] >= MIN_UNIQUE_SHARE * values["count"] and not fractional
        values["exact"] = few or unique
        if values["exact"]:
            needed.append(name)
    for names in chunks(needed):
        parts = ", ".join(f"count(DISTINCT {quoted(name)})" for name in names)
        (counts,) = connection.execute(f"SELECT {parts} FROM dataset WHERE {where}").fetchall()
        for name, count in zip(names, counts, strict=True):
            found[name]["distinct"] = count


def _inspect_texts(
    connection: duckdb.DuckDBPyConnection,
    found: dict[str, dict[str, Any]],
    storage: Mapping[str, str],
    where: str,
    rows: int,
) -> None:
    """Add words per value, and the shares of values that are times or numbers, on evenly spread rows."""
    texts = [name for name in found if is_text(storage[name])]
    _add_means(
        connection,
        found,
        {
            name: {
                "words": _words(_text(name)),
                "digits": f"CAST(regexp_matches({_text(name)}, '[0-9]') AS INTEGER)",
            }
            for name in texts
        },
        f"{where} AND {one_in(rows // WORD_ROWS)}",
    )
    _add_means(
        connection,
        found,
        {
            name: {
                "times": f"CAST({time_stamp(name, storage[name])} IS NOT NULL AS INTEGER)",
                "numbers": f"CAST(TRY_CAST({_text(name)} AS DOUBLE) IS NOT NULL AS INTEGER)",
                "grouped": f"CAST({matches_pattern(quoted(name), GROUPED)} AS INTEGER)",
                "decimal_commas": f"CAST({matches_pattern(quoted(name), DECIMAL_COMMA)} AS INTEGER)",
            }
            for name in texts
            if found[name].pop("digits") >= MIN_DIGIT_SHARE
        },
        f"{where} AND {one_in(rows // TIME_ROWS)}",
    )


def _words(text: str) -> str:
    """SQL of the number of words: separated by spaces, or CHARACTERS_A_WORD characters of scripts without spaces."""
    spaced = f"len(string_split(trim({text}), ' '))"
    others = f"length(regexp_replace({text}, '[^{SPACELESS}]', '', 'g')) // {CHARACTERS_A_WORD}"
    return (
        f"{spaced} + CASE WHEN strlen({text}) > length({text}) THEN {others} ELSE 0 END"  # only text that is not ASCII
    )


def _text(name: str) -> str:
    return f"CAST({quoted(name)} AS VARCHAR)"


def _add_means(
    connection: duckdb.DuckDBPyConnection,
    found: dict[str, dict[str, Any]],
    measured: Mapping[str, Mapping[str, str]],
    where: str,
) -> None:
    """Add the mean of some expressions over the values of each column that are not missing."""
    for names in chunks(tuple(measured)):
        parts = [
            f"coalesce(avg(CASE WHEN {quoted(name)} IS NOT NULL THEN {sql} END), 0)"
            for name in names
            for sql in measured[name].values()
        ]
        (values,) = connection.execute(f"SELECT {', '.join(parts)} FROM dataset WHERE {where}").fetchall()
        remaining = iter(values)
        for name in names:
            found[name] |= {key: next(remaining) for key in measured[name]}
