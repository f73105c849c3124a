"""The output of a row is the same to the bit at every place in a batch, for the batch sizes of predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tensorflow as tf

from executor.runtime.prediction_batches import MULTIPLE, images_per_batch, rows_per_batch

if TYPE_CHECKING:
    from collections.abc import Callable

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> tf.Tensor:
    return tf.constant(RANDOM.normal(size=shape).astype(np.float32))


def is_same_at_every_place(compute: Callable[[tf.Tensor], tf.Tensor], batch: tf.Tensor) -> bool:
    outputs = compute(batch).numpy()
    order = RANDOM.permutation(len(outputs))
    return np.array_equal(compute(tf.gather(batch, order)).numpy(), outputs[order])


@pytest.mark.parametrize("rows", sorted({MULTIPLE, *map(rows_per_batch, (0, 40, 2_000, 10_000))}))
@pytest.mark.parametrize("columns", [1, 37, 1_000, 3_001])
def test_matrix_products(rows: int, columns: int) -> None:
    batch = normal(rows, columns)
    for units in (1, 2, 3, 15, 64, 100):
        weights = normal(columns, units)
        assert is_same_at_every_place(lambda some, weights=weights: tf.matmul(some, weights), batch), units


@pytest.mark.parametrize(("pixels", "channels"), [(7, 1), (28, 1), (33, 3), (64, 3)])
def test_convolutions(pixels: int, channels: int) -> None:
    batch = normal(images_per_batch(pixels * pixels * channels), pixels, pixels, channels)
    for width, stride in ((1, 1), (3, 1), (3, 2), (5, 1)):
        filters = normal(width, width, channels, 17)
        assert is_same_at_every_place(
            lambda some, filters=filters, stride=stride: tf.nn.conv2d(some, filters, stride, "SAME"), batch
        ), (width, stride)
