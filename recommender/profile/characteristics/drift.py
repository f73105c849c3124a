"""Drift between two parts of a table: distances of columns, and their distribution under chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from recommender.dataset.sql import category_text, chunks, is_number, one_in, quoted, time_stamp
from recommender.profile.characteristics.features import LONG_COLUMNS
from rules.vocabulary.column_kind import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import duckdb

DRIFT: Final = 0.1
"""Distance from which a column drifts: a tenth of the rows of one part would have to change to match the other.
Default of Evidently for distances between distributions (release 0.1.50)."""
SIGNIFICANCE: Final = 0.01
"""Probability of a false alarm for a table without drift, divided by the number of comparisons (Bonferroni)."""
PART_ROWS: Final = 20_000
"""Rows per part in a comparison; by chance, two such parts differ by at most 0.03 over 1,000 columns."""
PART_CELLS: Final = 2_500_000
"""Cells per part in a comparison, which bounds the rows for wide tables."""
MIN_PART_ROWS: Final = 500
"""Rows per part in a comparison, even for the widest table."""

KOLMOGOROV_SMIRNOV: Final = "Kolmogorov-Smirnov distance"
TOTAL_VARIATION: Final = "total variation distance"
MISSING: Final = "difference of the missing shares"


@dataclass(frozen=True, kw_only=True)
class Drift:
    """Difference of one column between two parts.

    distance: in [0, 1]; measure: name of the distance. chance: distance up to which it is not significant.
    """

    column: str
    measure: str
    distance: float
    chance: float

    @property
    def is_drift(self) -> bool:
        return self.distance >= DRIFT and self.distance > self.chance


@dataclass(frozen=True, kw_only=True)
class _Compared:
    """A distance before the correction for the number of comparisons.

    expected: upper bound of its mean under chance. tails: as in `chance_distance`. pairs: n·m / (n + m) for parts of n
    and m rows.
    """

    column: str
    measure: str
    distance: float
    expected: float
    tails: int
    pairs: float


def lay_out(connection: duckdb.DuckDBPyConnection, name: str, where: str, *, rows: int, columns: int) -> None:
    """Create a table of the rows of `dataset` that meet a condition, or of an evenly spread sample of them.

    rows: number of rows that meet it. columns: number of columns of the dataset, which reduces the sample.
    """
    size = min(PART_ROWS, max(MIN_PART_ROWS, PART_CELLS // columns))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM dataset WHERE {where} AND {one_in(-(-rows // size))}"
    )


def drift(
    connection: duckdb.DuckDBPyConnection,
    kinds: Mapping[str, Kind],
    storage: Mapping[str, str],
    *,
    training: str,
    hold_out: str,
) -> Sequence[Drift]:
    """Drift of each column between two parts, the most significant first; images and sequences are not compared.

    kinds: kinds of the columns to compare. storage: their DuckDB types. training, hold_out: SQL tables of at most
    20,000 rows, since all values are sorted.
    Numbers, times and the length of text are compared by the two-sample Kolmogorov-Smirnov distance, the largest
    difference between the empirical distribution functions. Categories are compared by the total variation distance,
    half the sum of absolute differences of their shares. Shares of missing values are compared, too.
    """
    numbers, categories = {}, {}
    for name, kind in kinds.items():
        if kind in {Kind.IMAGE, Kind.SEQUENCE}:
            continue
        if kind is Kind.DATETIME:
            numbers[name] = f"CAST(epoch({time_stamp(name, storage[name])}) AS DOUBLE)"
        elif kind is Kind.TEXT:
            numbers[name] = f"CAST(length(CAST({quoted(name)} AS VARCHAR)) AS DOUBLE)"
        elif kind in {Kind.NUMERIC, Kind.ORDINAL} and is_number(storage[name]):
            numbers[name] = f"CAST({quoted(name)} AS DOUBLE)"
        else:
            categories[name] = category_text(name, storage[name])
    sizes = tuple(connection.execute(f"SELECT count(*) FROM {part}").fetchall()[0][0] for part in (training, hold_out))
    if not all(sizes):
        return ()
    found = [
        one
        for measure, values in ((KOLMOGOROV_SMIRNOV, numbers), (TOTAL_VARIATION, categories))
        for one in _distances(connection, values, measure, training=training, hold_out=hold_out, sizes=sizes)
    ]
    drifts = [
        Drift(
            column=one.column,
            measure=one.measure,
            distance=one.distance,
            chance=one.expected + chance_distance(one.pairs, comparisons=len(found), tails=one.tails),
        )
        for one in found
    ]
    return sorted(drifts, key=lambda one: (not one.is_drift, -one.distance))


def chance_distance(pairs: float, *, comparisons: int, tails: int) -> float:
    """Deviation of a distance from its mean that chance exceeds with probability SIGNIFICANCE / comparisons.

    pairs: n·m / (n + m) for parts of n and m rows. Solves tails · exp(-2 · pairs · d²) = SIGNIFICANCE / comparisons.
    For the Kolmogorov-Smirnov distance, with tails 2 and mean 0, the left side is the first term of Smirnov's (1939)
    alternating series, an upper bound of its sum; ties make the test conservative. For the total variation distance,
    with tails 1, it is McDiarmid's (1989) inequality: one row changes the distance by at most 1 / n.

    >>> round(chance_distance(10_000, comparisons=10, tails=2), 4)  # √(ln(2 · 10 / 0.01) / 20,000)
    0.0195
    """
    return math.sqrt(math.log(tails * comparisons / SIGNIFICANCE) / (2 * pairs))


def _distances(
    connection: duckdb.DuckDBPyConnection,
    values: Mapping[str, str],
    measure: str,
    *,
    training: str,
    hold_out: str,
    sizes: tuple[int, ...],
) -> Iterator[_Compared]:
    """Compare columns, given as SQL expressions, and their shares of missing values.

    Under chance, the mean of the total variation distance is at most half the sum over categories of the standard
    deviation √(p · (1 - p) · (n + m) / (n + m - 1) / pairs) of a category's difference, where p is its share of all
    rows: that of sampling one part from all rows without replacement.
    """
    for names in chunks(tuple(values), LONG_COLUMNS):
        # Positions are used as names, since a column may be called part, name or value.
        listed = ", ".join(f'{values[name]} AS "{position}"' for position, name in enumerate(names))
        found = connection.execute(
            f"""
            WITH long AS (
                FROM (SELECT 0 AS part, {listed} FROM {training} UNION ALL SELECT 1, {listed} FROM {hold_out})
                UNPIVOT (value FOR name IN (COLUMNS(* EXCLUDE (part))))
            ),
            cells AS (
                SELECT name, value, CAST(sum(part) AS BIGINT) AS b, count(*) - b AS a FROM long GROUP BY name, value
            ),
            shares AS (
                SELECT name, value, CAST(sum(a) OVER own AS BIGINT) AS n, CAST(sum(b) OVER own AS BIGINT) AS m,
                    a * m - b * n AS difference, (a + b) / (n + m) AS p
                FROM cells WINDOW own AS (PARTITION BY name)
            )
            {_SUMMARIES[measure]}
            """
        ).fetchall()
        known = {names[int(position)]: (int(n), int(m)) for position, _, _, n, m in found}
        for position, distance, spread, n, m in found:
            if n and m:
                pairs = n * m / (n + m)
                yield _Compared(
                    column=names[int(position)],
                    measure=measure,
                    distance=distance,
                    expected=spread / 2 * math.sqrt((n + m) / (n + m - 1) / pairs),
                    tails=2 if measure == KOLMOGOROV_SMIRNOV else 1,
                    pairs=pairs,
                )
        for name in names:
            # A column without values yields no row.
            if known.get(name, (0, 0)) != sizes:
                yield _of_missing(name, known.get(name, (0, 0)), sizes)


_SUMMARIES: Final = {
    KOLMOGOROV_SMIRNOV: (
        "SELECT name, max(abs(above)) / any_value(n * m), 0::DOUBLE, any_value(n), any_value(m) FROM ("
        "SELECT name, n, m, sum(difference) OVER (PARTITION BY name ORDER BY value) AS above FROM shares) GROUP BY name"
    ),
    TOTAL_VARIATION: (
        "SELECT name, sum(abs(difference)) / any_value(2 * n * m), sum(sqrt(p * (1 - p))), any_value(n), any_value(m) "
        "FROM shares GROUP BY name"
    ),
}
"""SQL by measure: name, distance, sum of the categories' deviations, and rows with a value in each part. `difference`
is n · m times the difference of two shares, an integer, so that sums are exact."""


def _of_missing(column: str, known: tuple[int, int], sizes: tuple[int, ...]) -> _Compared:
    """Difference of the shares of missing values: the total variation distance of missing and present."""
    n, m = sizes
    pairs = n * m / (n + m)
    share = 1 - sum(known) / (n + m)
    return _Compared(
        column=column,
        measure=MISSING,
        distance=abs(known[0] / n - known[1] / m),
        expected=math.sqrt(share * (1 - share) * (n + m) / (n + m - 1) / pairs),
        tails=1,
        pairs=pairs,
    )
