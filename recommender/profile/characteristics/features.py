"""What the columns to learn from look like: empty and equal rows, outliers, and hints of the target in them."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Final

from recommender.dataset.sql import category_text, chunks, quoted
from recommender.profile.characteristics.target import OUTLIER_Z, robust_scale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

LONG_COLUMNS: Final = 128
"""Columns that are laid under each other at a time: measured, planning grows faster than the columns beyond it."""
EMPTY_ROW: Final = 0.95
"""Share of missing cells above which a row is all but empty (EvalML, docs/evidence.md 1)."""
MIN_IN_LEVEL: Final = 2
"""Rows that a level must have before it can be said to determine anything."""


@dataclass(frozen=True, kw_only=True)
class Hint:
    """How much of the target one column tells by itself.

    measure: "correlation" (Pearson's r), "AUC" (area under the ROC curve of the column's order, at least 0.5; mean over
    classes), or "determined share" (share of rows, mean over classes, that lie in a level with one class only).
    """

    column: str
    target: str
    measure: str
    value: float
    rows: int
    """Rows in which the column is not missing."""


def duplicate_rows(connection: duckdb.DuckDBPyConnection, columns: Sequence[str], *, where: str) -> int:
    """How many rows repeat an earlier one in all given columns, found by a 64-bit hash of the row.

    Two different rows share a hash by chance with probability rows² / 2^65: 1e-7 for two million rows.
    """
    hashes = ", ".join(f"hash({', '.join(map(quoted, names))})" for names in chunks(columns, LONG_COLUMNS))
    found = connection.execute(
        "SELECT coalesce(sum(n) - count(*), 0) "
        f"FROM (SELECT count(*) AS n FROM dataset WHERE {where} GROUP BY hash({hashes}))"
    ).fetchall()
    return int(found[0][0])


@dataclass(frozen=True, kw_only=True)
class Alike:
    """Rows that are equal in all columns to learn from.

    rows: how many repeat an earlier one. most: how often the most frequent one stands there. groups: of several equal
    rows; differing: those of them in which targets differ.
    """

    rows: int
    most: int
    groups: int
    differing: int


def alike_rows(
    connection: duckdb.DuckDBPyConnection, features: Sequence[str], targets: Sequence[str], *, where: str
) -> Alike:
    """How often rows repeat in all features, found by a 64-bit hash as in `duplicate_rows`."""
    if not features:
        return Alike(rows=0, most=1, groups=0, differing=0)
    hashes = ", ".join(f"hash({', '.join(map(quoted, names))})" for names in chunks(features, LONG_COLUMNS))
    truth = f"hash({', '.join(map(quoted, targets))})"
    found = connection.execute(
        "SELECT coalesce(sum(n) - count(*), 0), coalesce(max(n), 0), count_if(n > 1), count_if(low < high) FROM "
        f"(SELECT count(*) AS n, min({truth}) AS low, max({truth}) AS high FROM dataset WHERE {where} "
        f"GROUP BY hash({hashes}))"
    ).fetchall()
    rows, most, groups, differing = map(int, found[0])
    return Alike(rows=rows, most=most, groups=groups, differing=differing)


def empty_rows(connection: duckdb.DuckDBPyConnection, missing: Mapping[str, int], *, where: str) -> int:
    """Rows of which more than 95 % of the cells are missing; missing: missing cells by column."""
    gappy = [name for name, cells in missing.items() if cells]
    if len(gappy) <= EMPTY_ROW * len(missing):
        return 0
    total = " + ".join(
        "(" + " + ".join(f"CAST({quoted(name)} IS NULL AS INTEGER)" for name in names) + ")"
        for names in chunks(gappy, LONG_COLUMNS)
    )
    found = connection.execute(
        f"SELECT count(*) FROM dataset WHERE {where} AND {total} > {EMPTY_ROW * len(missing)!r}"
    ).fetchall()
    return int(found[0][0])


def outliers(connection: duckdb.DuckDBPyConnection, columns: Sequence[str], *, sample: str) -> Mapping[str, int]:
    """For each numeric column, its sampled values with a modified z-score above 3.5."""
    found: dict[str, int] = {}
    for names in chunks(columns, LONG_COLUMNS):
        rows = connection.execute(
            f"""
            WITH long AS MATERIALIZED ({_long(names, sample)}),
            cut AS (
                SELECT name, quantile_cont(value, [0.05, 0.25, 0.5, 0.75, 0.95]) AS q, mad(value) AS m,
                    stddev_pop(value) AS sd FROM long GROUP BY name
            )
            SELECT name, count_if(coalesce(abs(value - q[3]) / {robust_scale("m", "q", "sd")} > {OUTLIER_Z}, FALSE))
            FROM long JOIN cut USING (name) GROUP BY name
            """
        ).fetchall()
        found |= {names[int(position)]: count for position, count in rows}
    return found


def correlations(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[str], target: str, *, sample: str
) -> Sequence[Hint]:
    """Pearson's correlation of each numeric column with a numeric target."""
    hints = []
    for names in chunks(columns, LONG_COLUMNS):
        rows = connection.execute(
            f"""
            SELECT name, corr(value, CAST(y AS DOUBLE)), count(*)
            FROM ({_long(names, sample, beside=quoted(target))}) GROUP BY name
            """
        ).fetchall()
        hints += [
            Hint(column=names[int(position)], target=target, measure="correlation", value=value, rows=count)
            for position, value, count in rows
            if value is not None and isfinite(value)
        ]
    return hints


def areas(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[str], target: str, label: str, *, sample: str
) -> Sequence[Hint]:
    """Area under the ROC curve of each numeric column by itself, for each class against the rest, averaged.

    label: the SQL of the target's class. An area below 0.5 counts as its mirror image. By Mann and Whitney's rank sum
    with mid-ranks for ties: AUC = (R - p(p + 1)/2) / (p · (n - p)).
    """
    hints = []
    for names in chunks(columns, LONG_COLUMNS):
        rows = connection.execute(
            f"""
            WITH ranked AS (
                SELECT name, y, rank() OVER (PARTITION BY name ORDER BY value)
                    + (count(*) OVER (PARTITION BY name, value) - 1) / 2 AS r
                FROM ({_long(names, sample, beside=label)})
            ),
            sums AS (SELECT name, y, sum(r) AS r, count(*) AS p FROM ranked GROUP BY name, y),
            areas AS (
                SELECT name, (r - p * (p + 1) / 2) / (p * (sum(p) OVER (PARTITION BY name) - p)) AS area,
                    sum(p) OVER (PARTITION BY name) AS known, known > p AS has_rest FROM sums
            )
            SELECT name, avg(greatest(area, 1 - area)), any_value(known) FROM areas WHERE has_rest GROUP BY name
            """
        ).fetchall()
        hints += [
            Hint(column=names[int(position)], target=target, measure="AUC", value=value, rows=count)
            for position, value, count in rows
        ]
    return hints


def determined(
    connection: duckdb.DuckDBPyConnection,
    storage: Mapping[str, str],
    target: str,
    label: str,
    *,
    sample: str,
) -> Sequence[Hint]:
    """Share of rows whose level alone tells the class: all rows of the level, two at least, are of one class.

    storage: type of each column of levels. The share is averaged over the classes, so that a frequent class does not
    pass for one that is told.
    """
    hints = []
    for names in chunks(tuple(storage), LONG_COLUMNS):
        texts = [category_text(name, storage[name]) for name in names]
        rows = connection.execute(
            f"""
            WITH cells AS (SELECT name, value, y, count(*) AS n FROM ({_unpivoted(texts, sample, label)}) GROUP BY ALL),
            levels AS (
                SELECT name, y, n, count(*) OVER level = 1 AND n >= {MIN_IN_LEVEL} AS told FROM cells
                WINDOW level AS (PARTITION BY name, value)
            ),
            classes AS (
                SELECT name, y, sum(CASE WHEN told THEN n ELSE 0 END) / sum(n) AS share, sum(n) AS n FROM levels
                GROUP BY name, y
            )
            SELECT name, avg(share), sum(n) FROM classes GROUP BY name
            """
        ).fetchall()
        hints += [
            Hint(column=names[int(position)], target=target, measure="determined share", value=value, rows=int(count))
            for position, value, count in rows
        ]
    return hints


def _long(names: Sequence[str], sample: str, *, beside: str | None = None) -> str:
    """The SQL of numeric columns under each other: name (the position as text), value, and y where there is one."""
    return _unpivoted([f"CAST({quoted(name)} AS DOUBLE)" for name in names], sample, beside)


def _unpivoted(expressions: Sequence[str], sample: str, beside: str | None) -> str:
    # Positions stand for the names: a column may itself be called y, name or value.
    listed = ", ".join(f'{expression} AS "{position}"' for position, expression in enumerate(expressions))
    label = "" if beside is None else f"{beside} AS y, "
    rest = "*" if beside is None else "* EXCLUDE (y)"
    return f"FROM (SELECT {label}{listed} FROM {sample}) UNPIVOT (value FOR name IN (COLUMNS({rest})))"
