"""Characteristics of features: empty and duplicate rows, outliers, and leakage of the target."""

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
"""Columns that are unpivoted at a time; beyond that, planning grows faster than the number of columns."""
EMPTY_ROW: Final = 0.95
"""Share of missing values above which a row counts as empty (EvalML, docs/evidence.md 1)."""
MIN_CATEGORY_ROWS: Final = 2
"""Rows of a category that can determine a class."""


@dataclass(frozen=True, kw_only=True)
class Hint:
    """How well one column alone predicts the target.

    measure: "correlation" (Pearson's r), "AUC" (ROC AUC of the column's values, at least 0.5; mean over classes), or
    "determined share" (share of rows whose category has only one class; mean over classes).
    """

    column: str
    target: str
    measure: str
    value: float
    rows: int
    """Rows in which the column is not missing."""


def duplicate_rows(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[str], *, where: str, table: str = "dataset"
) -> int:
    """Number of rows equal to an earlier one in all given columns, found by 64-bit hashes.

    The probability of a hash collision is about rows² / 2^65: 1e-7 for two million rows.
    """
    hashes = ", ".join(f"hash({', '.join(map(quoted, names))})" for names in chunks(columns, LONG_COLUMNS))
    found = connection.execute(
        "SELECT coalesce(sum(n) - count(*), 0) "
        f"FROM (SELECT count(*) AS n FROM {table} WHERE {where} GROUP BY hash({hashes}))"
    ).fetchall()
    return int(found[0][0])


@dataclass(frozen=True, kw_only=True)
class Alike:
    """Rows with equal features.

    rows: number of rows equal to an earlier one. most: count of the most frequent row. groups: number of groups of
    equal rows; differing: number of those with different targets.
    """

    rows: int
    most: int
    groups: int
    differing: int


def alike_rows(
    connection: duckdb.DuckDBPyConnection,
    features: Sequence[str],
    targets: Sequence[str],
    *,
    where: str,
    table: str = "dataset",
) -> Alike:
    """Rows with equal features, found by 64-bit hashes as in `duplicate_rows`."""
    if not features:
        return Alike(rows=0, most=1, groups=0, differing=0)
    hashes = ", ".join(f"hash({', '.join(map(quoted, names))})" for names in chunks(features, LONG_COLUMNS))
    truth = f"hash({', '.join(map(quoted, targets))})"
    found = connection.execute(
        "SELECT coalesce(sum(n) - count(*), 0), coalesce(max(n), 0), count_if(n > 1), count_if(low < high) FROM "
        f"(SELECT count(*) AS n, min({truth}) AS low, max({truth}) AS high FROM {table} WHERE {where} "
        f"GROUP BY hash({hashes}))"
    ).fetchall()
    rows, most, groups, differing = map(int, found[0])
    return Alike(rows=rows, most=most, groups=groups, differing=differing)


def empty_rows(connection: duckdb.DuckDBPyConnection, missing: Mapping[str, int], *, where: str) -> int:
    """Number of rows with more than 95 % missing values. missing: number of missing values by column."""
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
    """Number of sampled values with a modified z-score above 3.5, by numeric column."""
    found: dict[str, int] = {}
    for names in chunks(columns, LONG_COLUMNS):
        rows = connection.execute(
            f"""
            WITH long AS MATERIALIZED ({_numbers_as_rows(names, sample)}),
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
    """Pearson correlation of each numeric column with a numeric target."""
    hints = []
    for names in chunks(columns, LONG_COLUMNS):
        rows = connection.execute(
            f"""
            SELECT name, corr(value, CAST(y AS DOUBLE)), count(*)
            FROM ({_numbers_as_rows(names, sample, label=quoted(target))}) GROUP BY name
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
    """ROC AUC of each single numeric column, one-vs-rest and averaged over classes.

    label: SQL of the target's class. An AUC below 0.5 is replaced by 1 - AUC. Computed from the Mann-Whitney rank sum
    with mid-ranks for ties: AUC = (R - p(p + 1)/2) / (p · (n - p)).
    """
    hints = []
    for names in chunks(columns, LONG_COLUMNS):
        rows = connection.execute(
            f"""
            WITH ranked AS (
                SELECT name, y, rank() OVER (PARTITION BY name ORDER BY value)
                    + (count(*) OVER (PARTITION BY name, value) - 1) / 2 AS r
                FROM ({_numbers_as_rows(names, sample, label=label)})
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
    """Share of rows whose category determines the class: all rows of the category, at least two, have the same class.

    storage: type of each categorical column. The share is averaged over classes, so that a frequent class does not
    dominate it.
    """
    hints = []
    for names in chunks(tuple(storage), LONG_COLUMNS):
        texts = [category_text(name, storage[name]) for name in names]
        rows = connection.execute(
            f"""
            WITH cells AS (SELECT name, value, y, count(*) AS n FROM ({_unpivot(texts, sample, label)}) GROUP BY ALL),
            categories AS (
                SELECT name, y, n, count(*) OVER level = 1 AND n >= {MIN_CATEGORY_ROWS} AS determined FROM cells
                WINDOW level AS (PARTITION BY name, value)
            ),
            classes AS (
                SELECT name, y, sum(CASE WHEN determined THEN n ELSE 0 END) / sum(n) AS share, sum(n) AS n
                FROM categories GROUP BY name, y
            )
            SELECT name, avg(share), sum(n) FROM classes GROUP BY name
            """
        ).fetchall()
        hints += [
            Hint(column=names[int(position)], target=target, measure="determined share", value=value, rows=int(count))
            for position, value, count in rows
        ]
    return hints


def _numbers_as_rows(names: Sequence[str], sample: str, *, label: str | None = None) -> str:
    """SQL of unpivoted numeric columns: name (position as text), value, and the label as y, if any."""
    return _unpivot([f"CAST({quoted(name)} AS DOUBLE)" for name in names], sample, label)


def _unpivot(expressions: Sequence[str], sample: str, label: str | None) -> str:
    # Positions are used as names, since a column may be called y, name or value.
    listed = ", ".join(f'{expression} AS "{position}"' for position, expression in enumerate(expressions))
    labels = "" if label is None else f"{label} AS y, "
    rest = "*" if label is None else "* EXCLUDE (y)"
    return f"FROM (SELECT {labels}{listed} FROM {sample}) UNPIVOT (value FOR name IN (COLUMNS({rest})))"
