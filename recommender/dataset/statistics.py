"""Formulas that need no table: intervals and tail probabilities, in plain floating point."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

Z95: Final = 1.959963984540054
"""Standard normal quantile of 97.5 %: both ends of a 95 % interval."""


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927, without continuity correction).

    hits of trials, trials >= 1. Returns fractions in [0, 1].

    >>> low, high = wilson_interval(0, 10)
    >>> round(low, 3), round(high, 3)
    (0.0, 0.278)
    """
    share, z2 = hits / trials, Z95 * Z95
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    spread = Z95 / (1 + z2 / trials) * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials))
    low = 0.0 if hits == 0 else max(0.0, centre - spread)
    high = 1.0 if hits == trials else min(1.0, centre + spread)
    return low, high


def chi_square_tail(value: float, freedom: int) -> float:
    """P(X > value) for X chi-square distributed with a whole number of degrees of freedom, at least 1.

    The finite sums of Abramowitz and Stegun 1964, 26.4.4 (odd) and 26.4.5 (even).

    >>> round(chi_square_tail(3.841458820694124, 1), 6)
    0.05
    """
    half = value / 2
    if half <= 0:
        return 1.0
    odd = freedom % 2
    tail = math.erfc(math.sqrt(half)) if odd else math.exp(-half)
    # The powers are taken in logarithms: half ** i overflows long before its term stops mattering.
    start = 0.5 if odd else 1.0
    steps = freedom // 2 if odd else freedom // 2 - 1
    for step in range(steps):
        power = start + step
        tail += math.exp(power * math.log(half) - half - math.lgamma(power + 1))
    return min(1.0, tail)


def ljung_box(autocorrelations: Sequence[float], length: int) -> float:
    """P-value of the test that a series is white noise (Ljung and Box 1978).

    autocorrelations: at lags 1, 2, …; length: values of the series, more than lags.
    """
    statistic = (
        length
        * (length + 2)
        * math.fsum(value * value / (length - lag) for lag, value in enumerate(autocorrelations, start=1))
    )
    return chi_square_tail(statistic, len(autocorrelations))
