"""Statistical formulas: confidence intervals and tail probabilities."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

Z95: Final = 1.959963984540054
"""97.5 % quantile of the standard normal distribution, for 95 % intervals."""


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """95 % confidence interval of a proportion (Wilson 1927, without continuity correction).

    hits out of trials, trials >= 1. Returns fractions in [0, 1].

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
    """P(X > value) for a chi-square distribution with an integer number of degrees of freedom >= 1.

    Uses the finite sums of Abramowitz and Stegun 1964, 26.4.4 (odd) and 26.4.5 (even).

    >>> round(chi_square_tail(3.841458820694124, 1), 6)
    0.05
    """
    half = value / 2
    if half <= 0:
        return 1.0
    odd = freedom % 2
    tail = math.erfc(math.sqrt(half)) if odd else math.exp(-half)
    # Powers are computed as logarithms, since half ** i may overflow for terms that still matter.
    start = 0.5 if odd else 1.0
    steps = freedom // 2 if odd else freedom // 2 - 1
    for step in range(steps):
        power = start + step
        tail += math.exp(power * math.log(half) - half - math.lgamma(power + 1))
    return min(1.0, tail)


def ljung_box(autocorrelations: Sequence[float], length: int) -> float:
    """P-value of the Ljung-Box test that a series is white noise (Ljung and Box 1978).

    autocorrelations: at lags 1, 2, …; length: number of values of the series, larger than the number of lags.
    """
    statistic = (
        length
        * (length + 2)
        * math.fsum(value * value / (length - lag) for lag, value in enumerate(autocorrelations, start=1))
    )
    return chi_square_tail(statistic, len(autocorrelations))
