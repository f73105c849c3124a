"""Characteristics of a target: its classes, or its distribution and outliers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from recommender.dataset.sql import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

OUTLIER_Z: Final = 3.5
"""Modified z-score above which a value is an outlier (Iglewicz and Hoaglin 1993; docs/evidence.md 1)."""
MAD_SCALE: Final = 1.4826
"""Standard deviations of a normal distribution per median absolute deviation: 1 / 0.6745."""
IQR_SCALE: Final = 1.349
"""Interquartile ranges per standard deviation of a normal distribution."""
P90_SCALE: Final = 3.290
"""Distance from the 5th to the 95th percentile per standard deviation of a normal distribution."""
TUKEY_REACH: Final = 1.5
"""Interquartile ranges from the quartiles to the fences (Tukey 1977)."""
TOP_SHARE: Final = 0.01
"""Share of the most deviating rows whose squared deviations are measured (docs/evidence.md#heavy-tailed-targets)."""
LAMBDAS: Final = (-3.0, 5.0)
"""Search range of the Yeo-Johnson λ: beyond it every target becomes a step."""
COARSE_STEP: Final = 0.25
"""Step of the first grid of λ."""
FINE_STEP: Final = 0.01
"""Step of the second grid, within one coarse step of the best λ of the first."""
ZERO_POWER: Final = 1e-9
"""Distance of λ from 0 or 2 up to which the transformation is a logarithm."""
MIN_VARIANCE: Final = 1e-300
"""Replacement of a variance of 0, to take its logarithm: a λ that makes all values equal is the least likely."""


@dataclass(frozen=True, kw_only=True)
class Classes:
    """Rows of each class by name, for at least two classes."""

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
        """Ratio of the rows of the most frequent and the rarest class, at least 1.

        >>> Classes(counts={"no": 6, "yes": 2}).imbalance_ratio
        3.0
        """
        return max(self.counts.values()) / self.rare_rows


@dataclass(frozen=True, kw_only=True)
class TargetDistribution:
    """Distribution of a numeric target.

    skew, kurtosis: bias-corrected sample skewness and excess kurtosis (G1, G2 of Joanes and Gill 1998), over all rows.
    raw, transformed, tukey: outliers among `sample` rows, with a modified z-score above 3.5 on the original scale and
    on the Yeo-Johnson scale, and beyond Tukey's fences. power: λ of the Yeo-Johnson transformation.
    top_share: share of the squared deviations from the mean in the 1 % most deviating rows, at least one row. It is
    0.085 for a normal and 0.22 for an exponential distribution.
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
        """Number of outliers on both scales: the smaller of the two counts (docs/evidence.md, section 1).

        Values of a skewed distribution are outliers on the original scale only.
        """
        return min(self.raw, self.transformed)


def target_distribution(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    *,
    table: str,
    sample: str,
    extent: tuple[float, float],
    counted: str | None = None,
) -> TargetDistribution:
    """Measure a numeric column: moments on `table`, quantiles on `sample` (SQL tables).

    extent: smallest and largest value, which differ. counted: table whose outliers are counted; None for `sample`.
    """
    value = f"CAST({quoted(name)} AS DOUBLE)"
    low, high = extent
    # Standardised moments do not depend on location and scale, and fourth powers are finite in [0, 1].
    scaled = f"({value} - {low!r}) / {high - low!r}"
    source = f"{table} WHERE {quoted(name)} IS NOT NULL"
    skew, kurtosis, mean, variance, labelled = connection.execute(
        f"SELECT skewness({scaled}), kurtosis({scaled}), avg({scaled}), var_pop({scaled}), count(*) FROM {source}"
    ).fetchall()[0]
    numbers = f"(SELECT {value} AS y FROM {sample} WHERE {quoted(name)} IS NOT NULL)"
    centre = _centre(connection, numbers)
    power = yeo_johnson_power(connection, numbers, centre=centre)
    both = f"(SELECT y, {yeo_johnson('y', power, centre=centre)} AS z FROM {numbers})"
    rows_counted = "sample"
    if counted is not None:
        known = f"(SELECT {value} AS y FROM {counted} WHERE {quoted(name)} IS NOT NULL)"
        rows_counted = f"(SELECT y, {yeo_johnson('y', power, centre=centre)} AS z FROM {known}) AS sample"
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
            FROM {rows_counted}, cut
        )
        SELECT count(*), count_if(raw), count_if(transformed), count_if(tukey) FROM beyond
        """
    ).fetchall()[0]
    rows, raw, transformed, tukey = counts
    return TargetDistribution(
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
    """Share of the squared deviations from the mean in the 1 % most deviating rows; 0 for a constant.

    scaled: SQL of the value scaled to [0, 1]; mean, variance: its population moments over the rows of `source`.
    """
    top = connection.execute(
        f"SELECT sum(square) FROM (SELECT pow({scaled} - {mean!r}, 2) AS square FROM {source} "
        f"ORDER BY square DESC LIMIT {math.ceil(TOP_SHARE * rows)})"
    ).fetchall()[0][0]
    return min(1.0, float(top) / (variance * rows)) if variance else 0.0


def robust_scale(mad: str, quantiles: str, deviation: str) -> str:
    """SQL of a robust standard deviation; NULL for a constant.

    mad: median absolute deviation. quantiles: list of the 5th, 25th, 50th, 75th and 95th percentile. If more than half
    of the values are equal, the MAD is 0; it is then replaced by the interquartile range, the range of the outer
    percentiles, or the standard deviation, the first that is not 0.
    """
    return (
        f"coalesce(nullif({MAD_SCALE} * {mad}, 0), nullif(({quantiles}[4] - {quantiles}[2]) / {IQR_SCALE}, 0), "
        f"nullif(({quantiles}[5] - {quantiles}[1]) / {P90_SCALE}, 0), nullif({deviation}, 0))"
    )


def _is_outlier(column: str) -> str:
    scale = robust_scale(f"cut.{column}_mad", f"cut.{column}", f"cut.{column}_sd")
    return f"coalesce(abs(sample.{column} - cut.{column}[3]) / {scale} > {OUTLIER_Z}, FALSE)"


def _centre(connection: duckdb.DuckDBPyConnection, numbers: str) -> float:
    """Mean of ln(y + 1) if no y is negative, otherwise 0, as the centre of power transformations."""
    found = connection.execute(f"SELECT CASE WHEN min(y) >= 0 THEN avg(ln(y + 1)) ELSE 0 END FROM {numbers}")
    return float(found.fetchall()[0][0])


def yeo_johnson(value: str, power: float | str, *, centre: float = 0.0) -> str:
    """SQL of the Yeo-Johnson transformation (Biometrika 2000) for a given λ.

    power: λ, as a number or a column. centre: if no value is negative, a logarithm around which powers are taken. It
    shifts and scales the result, which does not change z-scores, and keeps large values with a negative λ
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
    """Maximum-likelihood λ, rounded to 0.01, within [-3, 5].

    numbers: SQL table with the column y and at least two distinct values. centre: as for `yeo_johnson`.
    The log-likelihood (Yeo and Johnson 2000, 3) is -n/2 · ln Var(ψ(λ, y)) + (λ - 1) · Σ sign(y) · ln(|y| + 1); powers
    around a centre c omit a factor exp(λ · c) of ψ.
    """
    low, high = LAMBDAS
    start, end, step = low, high, COARSE_STEP
    best = start
    for _ in (COARSE_STEP, FINE_STEP):
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
        start, end, step = max(low, best - COARSE_STEP), min(high, best + COARSE_STEP), FINE_STEP
    return round(best, 2)
