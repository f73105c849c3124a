"""The first look at columns: how many values, which range, how many distinct; in a few passes over the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from recommender.dataset.scripts import CHARACTERS_A_WORD, SPACELESS
from recommender.dataset.sql import (
    BLOB,
    DECIMAL_COMMA,
    GROUPED,
    INTEGER_TYPES,
    chunks,
    is_image,
    is_number,
    is_text,
    is_written,
    one_in,
    quoted,
    time_stamp,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

FEW_LEVELS: Final = 2_000
"""Distinct values up to which they are counted exactly: the estimate alone cannot tell 20 from 21."""
SHORT_TABLE: Final = 20_000
"""Rows up to which columns are laid under each other: measured, 1,000 columns then take 0.2 s instead of 1 s."""
LONG_COLUMNS: Final = 128
"""Columns that are laid under each other at a time: planning grows faster than the columns beyond it."""
EXACT_INTEGERS: Final = INTEGER_TYPES - {"HUGEINT", "UHUGEINT", "UBIGINT"}
NEARLY_UNIQUE: Final = 0.9
"""Estimated share of distinct values from which they are counted exactly: HyperLogLog is off by a few percent."""
WORD_ROWS: Final = 20_000
"""Rows that are read for the number of words, spread evenly over the file."""
TIME_ROWS: Final = 500
"""Values that are tried as time stamps and as numbers, as in AutoGluon."""
MOST: Final = 0.8
"""Share of a text's values that must hold a digit before times and numbers are looked for."""


@dataclass(frozen=True, kw_only=True)
class ColumnSummary:
    """What one column holds.

    count: values that are not missing. distinct: different values, exact where `exact`.
    minimum, maximum, zeros, whole: of numbers only.
    words: mean words a value; times, numbers: share of values of a text that parse as such, on a sample.
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
    """Whether the value is the row's number, but for a constant."""
    words: float = 0.0
    times: float = 0.0
    numbers: float = 0.0
    grouped: float = 0.0
    """As `numbers`, with commas between thousands allowed."""
    decimal_commas: float = 0.0
    """As `numbers`, with a comma for the decimal point."""

    @property
    def missing(self) -> int:
        return self.rows - self.count

    @property
    def missing_share(self) -> float:
        return self.missing / self.rows

    @property
    def unique_share(self) -> float:
        """Distinct values per value, at most 1."""
        return min(1.0, self.distinct / self.count) if self.count else 0.0


def summarise(
    connection: duckdb.DuckDBPyConnection, storage: Mapping[str, str], *, where: str = "TRUE"
) -> Mapping[str, ColumnSummary]:
    """Look at every column of the table `dataset`, over the rows that `where` keeps.

    Of a long table the columns are aggregated side by side and distinct values estimated first; of a short one the
    columns are laid under each other, which plans faster, and counted exactly.
    """
    rows: int = connection.execute(f"SELECT count(*) FROM dataset WHERE {where}").fetchall()[0][0]
    found = (_long if rows <= SHORT_TABLE else _wide)(connection, storage, where)
    _look_at_texts(connection, found, storage, where, rows)
    return {name: ColumnSummary(name=name, storage=storage[name], rows=rows, **found[name]) for name in storage}


PLAIN_KEYS: Final = ("count", "distinct")
NUMBER_KEYS: Final = (*PLAIN_KEYS, "minimum", "maximum", "zeros", "whole", "counts_rows")


def _aggregates(value: str, position: str, distinct: str, *, number: bool, huge: bool = False) -> Sequence[str]:
    """The SQL aggregates of one column, in the order of its keys; position: the number of the row.

    huge: whether a double would make different integers equal.
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


def _long(connection: duckdb.DuckDBPyConnection, storage: Mapping[str, str], where: str) -> dict[str, dict[str, Any]]:
    """Aggregates of columns that are laid under each other, one type at a time."""
    common: dict[str, list[str]] = {}
    for name, kind in storage.items():
        common.setdefault(_common_type(kind), []).append(name)
    found: dict[str, dict[str, Any]] = {}
    for kind, alike in common.items():
        number = kind not in {"VARCHAR", BLOB}
        keys = NUMBER_KEYS if number else PLAIN_KEYS
        huge = kind == "HUGEINT"
        parts = ", ".join(_aggregates("value", "position", "count(DISTINCT {})", number=number, huge=huge))
        for names in chunks(alike, LONG_COLUMNS):
            listed = ", ".join(f'CAST({quoted(name)} AS {kind}) AS "{place}"' for place, name in enumerate(names))
            rows = connection.execute(
                f"SELECT name, {parts} FROM (SELECT rowid AS position, {listed} FROM dataset WHERE {where}) "
                "UNPIVOT (value FOR name IN (COLUMNS(* EXCLUDE (position)))) GROUP BY name"
            ).fetchall()
            # A column without any value leaves no row.
            found |= {name: dict.fromkeys(PLAIN_KEYS, 0) | {"exact": True} for name in names}
            for place, *values in rows:
                found[names[int(place)]] |= dict(zip(keys, values, strict=True))
    return found


def _common_type(storage: str) -> str:
    """The type in which columns are laid under each other: a double would make large integers equal."""
    if is_image(storage):
        return BLOB
    if storage in EXACT_INTEGERS:
        return "BIGINT"
    if storage == "HUGEINT":
        return "HUGEINT"
    return "DOUBLE" if is_number(storage) else "VARCHAR"


def _wide(connection: duckdb.DuckDBPyConnection, storage: Mapping[str, str], where: str) -> dict[str, dict[str, Any]]:
    """Aggregates of columns side by side, in one pass a chunk; then exact counts where a decision may hang on them."""
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
    """Replace estimates by exact counts where a decision may hang on them."""
    needed = []
    for name, values in found.items():
        few = values["distinct"] <= FEW_LEVELS
        fractional = is_number(storage[name]) and not values["whole"]
        unique = values["distinct"] >= NEARLY_UNIQUE * values["count"] and not fractional
        values["exact"] = few or unique
        if values["exact"]:
            needed.append(name)
    for names in chunks(needed):
        parts = ", ".join(f"count(DISTINCT {quoted(name)})" for name in names)
        (counts,) = connection.execute(f"SELECT {parts} FROM dataset WHERE {where}").fetchall()
        for name, count in zip(names, counts, strict=True):
            found[name]["distinct"] = count


def _look_at_texts(
    connection: duckdb.DuckDBPyConnection,
    found: dict[str, dict[str, Any]],
    storage: Mapping[str, str],
    where: str,
    rows: int,
) -> None:
    """Words a value, and the share of values that are time stamps or numbers; on evenly spread rows."""
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
                "grouped": f"CAST({is_written(quoted(name), GROUPED)} AS INTEGER)",
                "decimal_commas": f"CAST({is_written(quoted(name), DECIMAL_COMMA)} AS INTEGER)",
            }
            for name in texts
            if found[name].pop("digits") >= MOST
        },
        f"{where} AND {one_in(rows // TIME_ROWS)}",
    )


def _words(text: str) -> str:
    """The SQL of a text's words: what spaces part, and characters of scripts without spaces, some a word."""
    spaced = f"len(string_split(trim({text}), ' '))"
    others = f"length(regexp_replace({text}, '[^{SPACELESS}]', '', 'g')) // {CHARACTERS_A_WORD}"
    return f"{spaced} + CASE WHEN strlen({text}) > length({text}) THEN {others} ELSE 0 END"  # bytes beyond characters


def _text(name: str) -> str:
    return f"CAST({quoted(name)} AS VARCHAR)"


def _add_means(
    connection: duckdb.DuckDBPyConnection,
    found: dict[str, dict[str, Any]],
    measured: Mapping[str, Mapping[str, str]],
    where: str,
) -> None:
    """For each column, the mean of some expressions over its values that are not missing."""
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
