"""What a target looks like: its classes, or its shape and outliers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from recommender.dataset.sql import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

OUTLIER_Z: Final = 3.5
"""Modified z-score beyond which a value is an outlier (Iglewicz and Hoaglin 1993; docs/evidence.md 1)."""
MAD_SCALE: Final = 1.4826
"""Standard deviations of a normal distribution per median absolute deviation: 1 / 0.6745."""
IQR_SCALE: Final = 1.349
"""Interquartile ranges per standard deviation of a normal distribution."""
P90_SCALE: Final = 3.290
"""Distance from the 5th to the 95th percentile per standard deviation of a normal distribution."""
TUKEY_REACH: Final = 1.5
"""Interquartile ranges beyond the quartiles (Tukey 1977)."""
TOP_SHARE: Final = 0.01
"""Share of the rows whose part of the squared deviations is measured (docs/evidence.md#heavy-tailed-targets)."""
LAMBDAS: Final = (-3.0, 5.0)
"""Range in which the Yeo-Johnson λ is looked for: beyond it every target is a step."""
COARSE: Final = 0.25
"""Step of the first grid of λ."""
FINE: Final = 0.01
"""Step of the second grid, one coarse step around the first one's best."""
ZERO_POWER: Final = 1e-9
"""A λ this near to 0 (or to 2) is a logarithm."""
MIN_VARIANCE: Final = 1e-300
"""In place of 0, whose logarithm is none: a λ that makes all values equal is the least likely one."""


@dataclass(frozen=True, kw_only=True)
class Classes:
    """Rows of each class, by name; at least two classes with at least one row each."""

    counts: Mapping[str, int]

    @property
    def rarest(self) -> str:
        return min(self.counts, key=lambda name: self.counts[name])

    @property
    def rare_rows(self) -> int:
        return min(self.counts.values())

    @property
    def minority_share(self) -> float:
        """Share of the rarest class, in (0, 0.5]."""
        return self.rare_rows / sum(self.counts.values())

    @property
    def imbalance_ratio(self) -> float:
        """Rows of the most frequent class per row of the rarest, at least 1.

        >>> Classes(counts={"no": 6, "yes": 2}).imbalance_ratio
        3.0
        """
        return max(self.counts.values()) / self.rare_rows


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The distribution of a numeric target.

    skew, kurtosis: bias-corrected sample skewness and excess kurtosis (G1, G2 of Joanes and Gill 1998), over all rows.
    The outliers are counted on `sample` rows: beyond a modified z of 3.5 as it is (`raw`), on the Yeo-Johnson scale
    (`transformed`), and beyond Tukey's fences (`tukey`).
    top_share: of the squared deviations from the mean, the share in the 1 % of all rows that lie farthest from it, at
    least one row. It is 0.085 for a normal and 0.22 for an exponential distribution.
    """

    skew: float
    kurtosis: float
    power: float
    sample: int
    raw: int
    transformed: int
    tukey: int
    top_share: float

    @property
    def outliers(self) -> int:
        """By the rule of docs/evidence.md, which asks for a share on both scales: the smaller of the two counts.

        A skew is far out on the raw scale only, as the transformation takes it in.
        """
        return min(self.raw, self.transformed)


def shape(
    connection: duckdb.DuckDBPyConnection, name: str, *, table: str, sample: str, extent: tuple[float, float]
) -> Shape:
    """Measure a numeric column: moments on `table`, everything that needs order on `sample` (tables in SQL).

    extent: smallest and greatest value, which differ.
    """
    value = f"CAST({quoted(name)} AS DOUBLE)"
    low, high = extent
    # Moments are free of place and scale, and in [0, 1] fourth powers are finite.
    scaled = f"({value} - {low!r}) / {high - low!r}"
    source = f"{table} WHERE {quoted(name)} IS NOT NULL"
    skew, kurtosis, mean, variance, labelled = connection.execute(
        f"SELECT skewness({scaled}), kurtosis({scaled}), avg({scaled}), var_pop({scaled}), count(*) FROM {source}"
    ).fetchall()[0]
    numbers = f"(SELECT {value} AS y FROM {sample} WHERE {quoted(name)} IS NOT NULL)"
    centre = _centre(connection, numbers)
    power = yeo_johnson_power(connection, numbers, centre=centre)
    both = f"(SELECT y, {yeo_johnson('y', power, centre=centre)} AS z FROM {numbers})"
    cuts = "[0.05, 0.25, 0.5, 0.75, 0.95]"
    counts = connection.execute(
        f"""
        WITH sample AS MATERIALIZED (FROM {both}),
        cut AS (
            SELECT quantile_cont(y, {cuts}) AS y, quantile_cont(z, {cuts}) AS z, mad(y) AS y_mad, mad(z) AS z_mad,
                stddev_pop(y) AS y_sd, stddev_pop(z) AS z_sd FROM sample
        ),
        beyond AS (
            SELECT {_is_outlier("y")} AS raw, {_is_outlier("z")} AS transformed,
                sample.y < cut.y[2] - {TUKEY_REACH} * (cut.y[4] - cut.y[2])
                OR sample.y > cut.y[4] + {TUKEY_REACH} * (cut.y[4] - cut.y[2]) AS tukey
            FROM sample, cut
        )
        SELECT count(*), count_if(raw), count_if(transformed), count_if(tukey) FROM beyond
        """
    ).fetchall()[0]
    rows, raw, transformed, tukey = counts
    return Shape(
        skew=skew or 0.0,
        kurtosis=kurtosis or 0.0,
        power=power,
        sample=rows,
        raw=raw,
        transformed=transformed,
        tukey=tukey,
        top_share=_top_share(connection, scaled, source=source, mean=mean, variance=variance, rows=labelled),
    )


def _top_share(
    connection: duckdb.DuckDBPyConnection, scaled: str, *, source: str, mean: float, variance: float, rows: int
) -> float:
    """The share of the squared deviations from the mean in the 1 % of rows farthest from it; 0 for a constant.

    scaled: the value in [0, 1] as SQL, of the rows of `source`, with their mean and population variance.
    """
    top = connection.execute(
        f"SELECT sum(square) FROM (SELECT pow({scaled} - {mean!r}, 2) AS square FROM {source} "
        f"ORDER BY square DESC LIMIT {math.ceil(TOP_SHARE * rows)})"
    ).fetchall()[0][0]
    return min(1.0, float(top) / (variance * rows)) if variance else 0.0


def robust_scale(mad: str, quantiles: str, deviation: str) -> str:
    """The SQL of a standard deviation that outliers do not move; NULL for a constant.

    mad: median absolute deviation. quantiles: the list of the 5th, 25th, 50th, 75th and 95th percentile. Where more
    than half the values are equal the MAD is 0: then the quartiles, then the outer percentiles, and last the standard
    deviation take its place.
    """
    return (
        f"coalesce(nullif({MAD_SCALE} * {mad}, 0), nullif(({quantiles}[4] - {quantiles}[2]) / {IQR_SCALE}, 0), "
        f"nullif(({quantiles}[5] - {quantiles}[1]) / {P90_SCALE}, 0), nullif({deviation}, 0))"
    )


def _is_outlier(column: str) -> str:
    scale = robust_scale(f"cut.{column}_mad", f"cut.{column}", f"cut.{column}_sd")
    return f"coalesce(abs(sample.{column} - cut.{column}[3]) / {scale} > {OUTLIER_Z}, FALSE)"


def _centre(connection: duckdb.DuckDBPyConnection, numbers: str) -> float:
    """The mean of ln(y + 1) where no y is negative, else 0: the point around which powers are taken."""
    found = connection.execute(f"SELECT CASE WHEN min(y) >= 0 THEN avg(ln(y + 1)) ELSE 0 END FROM {numbers}")
    return float(found.fetchall()[0][0])


def yeo_johnson(value: str, power: float | str, *, centre: float = 0.0) -> str:
    """The SQL of Yeo and Johnson's transformation (Biometrika 2000) for a given λ.

    power: λ, as a number or a column of numbers. centre: where no value is negative, a logarithm around which powers
    are taken. It moves and stretches the result, which z-scores do not see, and keeps large values with a negative λ
    from being lost to rounding.
    """
    logarithm = f"(ln(abs({value}) + 1) - {centre!r})"
    up, down = f"CAST({power} AS DOUBLE)", f"CAST(2 - {power} AS DOUBLE)"
    return (
        f"CASE WHEN {value} >= 0 THEN "
        f"CASE WHEN abs({up}) < {ZERO_POWER} THEN {logarithm} ELSE (exp({up} * {logarithm}) - 1) / {up} END "
        f"ELSE CASE WHEN abs({down}) < {ZERO_POWER} THEN -{logarithm} "
        f"ELSE -(exp({down} * {logarithm}) - 1) / {down} END END"
    )


def yeo_johnson_power(connection: duckdb.DuckDBPyConnection, numbers: str, *, centre: float = 0.0) -> float:
    """The λ of greatest likelihood, to the hundredth, within [-3, 5].

    numbers: a table in SQL with the column y, at least two different values. centre: as for `yeo_johnson`.
    The log-likelihood (Yeo and Johnson 2000, 3) is -n/2 · ln Var(ψ(λ, y)) + (λ - 1) · Σ sign(y) · ln(|y| + 1); powers
    around a centre c leave out a factor exp(λ · c) of ψ.
    """
    low, high = LAMBDAS
    start, end, step = low, high, COARSE
    best = start
    for _ in (COARSE, FINE):
        steps = round((end - start) / step) + 1
        found = connection.execute(
            f"""
            WITH powers AS (
                SELECT CAST({start!r} + {step!r} * i AS DOUBLE) AS p FROM range({steps}) AS grid(i)
            ),
            moved AS (SELECT p, y, {yeo_johnson("y", "p", centre=centre)} AS z FROM {numbers}, powers)
            SELECT p, -count(*) / 2 * (ln(greatest(var_pop(z), {MIN_VARIANCE})) + 2 * p * {centre!r})
                + (p - 1) * sum(sign(y) * ln(abs(y) + 1)) AS likelihood
            FROM moved GROUP BY p ORDER BY likelihood DESC, p LIMIT 1
            """
        ).fetchall()
        best = found[0][0]
        start, end, step = max(low, best - COARSE), min(high, best + COARSE), FINE
    return round(best, 2)
