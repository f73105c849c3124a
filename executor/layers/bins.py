"""Numbers in bins: how far a number has come through each interval of its column, so that a network can bend there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST: Final = 2  # intervals; a single one says what the number says


def bin_edges(features: np.ndarray, count: int) -> list[list[float]]:
    """For each column the edges of at most so many intervals with equally many rows, rising; none of a constant one.

    Values that many rows share take the place of several edges. features: (rows, columns) without NaN.
    """
    shares = np.linspace(0, 1, count + 1)
    edges = [np.unique(np.quantile(column, shares, method="lower")) for column in features.T]
    return [own.tolist() if len(own) > FEWEST else [] for own in edges]


def through_bins(features: tf.Tensor, edges: Sequence[Sequence[float]]) -> tf.Tensor:
    """How far each number has come through each interval of its column, from 0 to 1, (rows, intervals) float32.

    The piecewise linear encoding of Gorishniy et al. 2022 (arXiv 2203.05556), which ends at the outer edges.
    features: (rows, columns) float32. edges: of each column, rising; of fewer than two no interval.
    """
    columns = np.repeat(np.arange(len(edges)), [max(0, len(own) - 1) for own in edges])
    low = np.concatenate([np.asarray(own[:-1], np.float32) for own in edges])
    high = np.concatenate([np.asarray(own[1:], np.float32) for own in edges])
    own = tf.gather(features, tf.constant(columns, tf.int32), axis=1)
    return tf.clip_by_value((own - low) / (high - low), 0, 1)
