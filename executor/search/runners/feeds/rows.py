"""Encoded rows on the device, or on disk where they do not fit into memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from executor.data.row_arrays import map_arrays
from executor.data.stored_rows import StoredArray
from executor.preprocessing.encoded_images import EncodedImages
from executor.runtime.devices import CPU
from executor.search.runners.feeds.image_feed import ImageFeed

if TYPE_CHECKING:
    from collections.abc import Container

    from executor.preprocessing.examples import Examples


class StoredInput:
    """An input of networks on disk."""

    def __init__(self, values: StoredArray) -> None:
        self.values = values

    def __getitem__(self, rows: slice) -> tf.Tensor:
        """Consecutive rows."""
        return tf.constant(np.asarray(self.values[rows]))

    @property
    def spec(self) -> tf.TensorSpec:
        return tf.TensorSpec([None, *self.values.shape[1:]], self.values.dtype)


class Batch(NamedTuple):
    """Columns of some rows, as in Rows."""

    inputs: dict[str, tf.Tensor]
    target: tf.Tensor
    offset: tf.Tensor
    weight: tf.Tensor
    fold: tf.Tensor


@tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]  # TensorFlow ships no types
def gather(rows: Batch, chosen: tf.Tensor) -> Batch:
    """Select rows within a graph; chosen: their indices, (batch,) int32."""
    gathered: Batch = tf.nest.map_structure(lambda values: tf.gather(values, chosen), rows)
    return gathered


@tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]  # as above
def with_images(batch: Batch, images: tf.Tensor) -> Batch:
    """Add images to the inputs of a batch."""
    return batch._replace(inputs={**batch.inputs, "dense": images})


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Examples on the device."""

    inputs: dict[str, tf.Tensor | StoredInput]
    """Inputs of networks, except images; on disk where they do not fit into memory."""
    target: tf.Tensor
    offset: tf.Tensor
    weight: tf.Tensor
    """(rows,) float32, mean 1."""
    fold: tf.Tensor
    """(rows, repeats) int32; all 0 where there are no folds."""
    images: ImageFeed | None = None
    """Images; None for other rows."""

    def __len__(self) -> int:
        return int(self.target.shape[0])

    @property
    def columns(self) -> Batch:
        """All rows."""
        return Batch(inputs=self.inputs, target=self.target, offset=self.offset, weight=self.weight, fold=self.fold)

    @property
    def spec(self) -> Batch:
        """Shapes and types of any number of these rows."""

        def spec(values: tf.Tensor | StoredInput) -> tf.TensorSpec:
            if isinstance(values, StoredInput):
                return values.spec
            return tf.TensorSpec([None, *values.shape[1:]], values.dtype)

        own = self.columns
        return Batch({name: spec(values) for name, values in own.inputs.items()}, *map(spec, own[1:]))

    @property
    def is_stored(self) -> bool:
        """Whether the inputs are on disk."""
        return any(isinstance(values, StoredInput) for values in self.inputs.values())

    def copy_to_device(self) -> Rows:
        """Copy to the current device; rows on disk stay there."""
        if self.is_stored:
            return self
        own = map_arrays(self, tf.identity)
        return own if self.images is None else replace(own, images=self.images.copy_to_device())


def to_device(examples: Examples, weight: np.ndarray | None = None) -> Rows:
    """Copy examples to the current device, except inputs on disk; weight: (rows,), all 1 by default."""
    stored = {name: values for name, values in examples.network_inputs.items() if isinstance(values, StoredArray)}
    if stored:
        with tf.device(CPU.name):
            own = _copy(examples, weight, without=stored)
        return replace(own, inputs={name: StoredInput(values) for name, values in stored.items()} | own.inputs)
    return _copy(examples, weight)


def _copy(examples: Examples, weight: np.ndarray | None, *, without: Container[str] = ()) -> Rows:
    images = ImageFeed(examples.dense) if isinstance(examples.dense, EncodedImages) else None
    inputs = {
        name: tf.constant(values, tf.int32 if name == "codes" else tf.float32)
        for name, values in examples.network_inputs.items()
        if (name != "dense" or images is None) and name not in without
    }
    return Rows(
        inputs=inputs,
        target=tf.constant(examples.target, tf.float32),
        offset=tf.constant(examples.offset, tf.float32),
        weight=tf.constant(np.ones(len(examples), np.float32) if weight is None else weight, tf.float32),
        fold=tf.constant(np.zeros((len(examples), 1)) if examples.fold is None else examples.fold, tf.int32),
        images=images,
    )
