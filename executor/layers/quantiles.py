"""Quantile encoding and piecewise-linear encoding of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import tensorflow as tf
from scipy.stats import norm

if TYPE_CHECKING:
    from collections.abc import Sequence

    Weight = np.ndarray | None
    Method = Literal["linear", "lower"]

KNOTS: Final = 128  # per column; ranks are interpolated between them
FARTHEST_SHARE: Final = 1e-3  # of the rows beyond the last quantile; bounds features at ±3.1
TAIL_ROWS: Final = 0.5  # rows beyond the last quantile of few rows
TAIL_IQRS: Final = 3.0  # interquartile ranges from the median; a smooth clip hardly distinguishes values beyond
TAIL_SHARE: Final = 0.01  # share of rows beyond TAIL_IQRS; 0.005 % in a normal distribution
MAX_RANKED: Final = 500
"""Columns with quantile encoding, the first ones; a model file has 256 values for each."""


def quantiles_at(
    values: tf.Tensor, knots: Sequence[Sequence[float]], quantiles: Sequence[Sequence[float]]
) -> tf.Tensor:
    """Encode numbers as normal quantiles of their ranks in the training rows, (rows, columns) float64; NaN stays.

    Used for tables by Gorishniy et al. 2021 (arXiv 2106.11959). In a column of mostly one value the other values stay
    separate, however close they are.

    values: (rows, columns) float64. knots: (columns, KNOTS) non-decreasing values. quantiles: (columns, KNOTS) outputs
    at the knots, linear between them and constant beyond.
    """
    at, become = tf.constant(knots, tf.float64), tf.constant(quantiles, tf.float64)
    missing = tf.math.is_nan(values)
    known = tf.transpose(tf.where(missing, tf.zeros_like(values), values))
    before = tf.clip_by_value(tf.searchsorted(at, known, side="right") - 1, 0, at.shape[1] - 2)
    low, high = (tf.gather(at, before + step, batch_dims=1) for step in (0, 1))
    start, end = (tf.gather(become, before + step, batch_dims=1) for step in (0, 1))
    share = tf.clip_by_value(tf.math.divide_no_nan(known - low, high - low), 0, 1)
    return tf.where(missing, values, tf.transpose(start + share * (end - start)))


def column_quantiles(
    values: np.ndarray, shares: Sequence[float] | np.ndarray, weight: Weight = None, *, method: Method = "linear"
) -> np.ndarray:
    """Quantiles of values (rows,); of weighted rows the smallest value up to which a share of the weight lies.

    >>> column_quantiles(np.array([1.0, 2.0, 3.0]), [0.5, 1.0], np.array([4.0, 1.0, 1.0]))
    array([1., 3.])
    """
    if weight is None:
        return np.asarray(np.quantile(values, shares, method=method))
    return np.asarray(np.quantile(values, shares, weights=weight, method="inverted_cdf"))


def known_values(column: np.ndarray, weight: Weight = None) -> tuple[np.ndarray, Weight]:
    """Finite values of a column, and their weights."""
    known = np.isfinite(column)
    return column[known], None if weight is None else weight[known]


def normal_quantiles(values: np.ndarray, weight: Weight = None) -> tuple[list[list[float]], list[list[float]]]:
    """Fit knots and quantiles of quantiles_at on (rows, columns) float64 with NaN for missing values.

    Tied values have their mean rank. The quantiles of a constant or empty column are 0. The outermost quantiles depend
    on the number of rows, not on their weights.
    """
    shares = np.linspace(0, 1, KNOTS)
    knots, quantiles = np.zeros((values.shape[1], KNOTS)), np.zeros((values.shape[1], KNOTS))
    for column, each in enumerate(values.T):
        known, own_weight = known_values(each, weight)
        if len(known) == 0:
            continue
        cuts = column_quantiles(known, shares, own_weight)
        own, first, counts = np.unique(cuts, return_index=True, return_counts=True)
        ranks = (shares[first] + shares[first + counts - 1]) / 2
        farthest = max(FARTHEST_SHARE, TAIL_ROWS / len(known))
        # The remaining knots repeat the last one.
        knots[column] = np.pad(own, (0, KNOTS - len(own)), mode="edge")
        quantiles[column] = np.pad(norm.ppf(np.clip(ranks, farthest, 1 - farthest)), (0, KNOTS - len(own)), mode="edge")
    return knots.tolist(), quantiles.tolist()


def heavy_tailed_columns(values: np.ndarray, weight: Weight = None) -> list[int]:
    """Find columns with heavy tails or of mostly one value, which are encoded as quantiles, by index.

    Comparison with quantiles of all columns: docs/evidence.md#quantile-encoding.

    values: (rows, columns) float64 with NaN for missing values.
    """
    found = []
    for column, each in enumerate(values.T):
        known, own_weight = known_values(each, weight)
        if len(known) == 0:
            continue
        low, middle, high = column_quantiles(known, (0.25, 0.5, 0.75), own_weight)
        if np.average(np.abs(known - middle) > TAIL_IQRS * (high - low), weights=own_weight) > TAIL_SHARE:
            found.append(column)
    return found[:MAX_RANKED]


MIN_BINS: Final = 2  # one bin is the number itself


def bin_edges(features: np.ndarray, count: int, weight: Weight = None) -> list[list[float]]:
    """Find the edges of at most `count` bins with equally many rows, or weight, ascending; none for a constant column.

    Ties reduce the number of bins. features: (rows, columns) without NaN.
    """
    shares = np.linspace(0, 1, count + 1)
    edges = [np.unique(column_quantiles(column, shares, weight, method="lower")) for column in features.T]
    return [own.tolist() if len(own) > MIN_BINS else [] for own in edges]


def piecewise_linear(features: tf.Tensor, edges: Sequence[Sequence[float]]) -> tf.Tensor:
    """Piecewise-linear encoding of numbers, (rows, bins) float32 in [0, 1].

    Gorishniy et al. 2022 (arXiv 2203.05556), clipped at the outer edges.

    features: (rows, columns) float32. edges: of each column, ascending; fewer than two give no bin.
    """
    columns = np.repeat(np.arange(len(edges)), [max(0, len(own) - 1) for own in edges])
    low = np.concatenate([np.asarray(own[:-1], np.float32) for own in edges])
    high = np.concatenate([np.asarray(own[1:], np.float32) for own in edges])
    own = tf.gather(features, tf.constant(columns, tf.int32), axis=1)
    return tf.clip_by_value((own - low) / (high - low), 0, 1)
