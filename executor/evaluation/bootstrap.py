"""Bootstrap samples of single rows, blocks of a series, or groups of rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

if TYPE_CHECKING:
    from collections.abc import Callable

    Draw = Callable[[np.random.Generator], np.ndarray]


TAIL_PROBABILITY = 0.025  # probability below and above a 95 % interval


def bootstrap_sampler(
    rows: int, size: int, *, in_blocks: bool, at_least: int = 1, groups: np.ndarray | None = None
) -> Draw:
    """Create a function that draws the indices of a sample of `size` of the rows, with replacement.

    in_blocks: draw moving blocks of n^(1/3) rows, because errors of a series are correlated (Künsch 1989; Hall,
    Horowitz and Jing 1995). at_least: minimum rows of a block, because forecasts of several steps overlap. groups:
    (rows,) dependent rows, such as duplicates or rows of one entity: whole groups are drawn (Davison and Hinkley 1997,
    section 3.8), and the size of a sample varies.
    """
    if groups is not None and len(np.unique(groups)) < rows:
        return _by_group(groups, size)
    block = min(max(1, round(rows ** (1 / 3)), at_least), max(1, rows // 2)) if in_blocks else 1

    def draw(random: np.random.Generator) -> np.ndarray:
        begins = random.integers(0, rows - block + 1, size=-(-size // block))
        return np.asarray((begins[:, None] + np.arange(block)).ravel()[:size])

    return draw


def tail_percent(units: int) -> float:
    """Percentile of the samples at the ends of a 95 % interval, for a number of rows or groups.

    A percentile interval of few rows is too narrow; the expanded one takes the percentiles at which a normal
    distribution with the bootstrap's spread has the width of Student's interval (Hesterberg 2015, "What teachers should
    know about the bootstrap", section 4.2). At most 2.5; lower for fewer units.

    >>> round(tail_percent(1_000), 2), round(tail_percent(10), 2)
    (2.48, 0.86)
    """
    freedom = max(1, units - 1)
    return float(100 * norm.cdf(-math.sqrt((freedom + 1) / freedom) * student.ppf(0.975, freedom)))


def independent_units(rows: int, groups: np.ndarray | None) -> int:
    """Number of independent units: groups, or rows without groups."""
    return rows if groups is None else len(np.unique(groups))


def exact_lower_bound(units: int) -> float:
    """Lower end of the exact 95 % interval of a share of 1 (Clopper and Pearson 1934), for a number of units.

    Every bootstrap sample of correct predictions is correct, too, so a bootstrap has no spread.

    >>> round(exact_lower_bound(40), 3)
    0.912
    """
    return float(TAIL_PROBABILITY ** (1 / max(1, units)))


def _by_group(groups: np.ndarray, size: int) -> Draw:
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")
    starts = np.cumsum(sizes) - sizes
    count = max(1, round(len(sizes) * size / len(groups)))

    def draw(random: np.random.Generator) -> np.ndarray:
        drawn = random.integers(0, len(sizes), size=count)
        ends = np.cumsum(sizes[drawn])
        first = np.repeat(starts[drawn] - (ends - sizes[drawn]), sizes[drawn])
        return np.asarray(order[first + np.arange(ends[-1])])

    return draw
