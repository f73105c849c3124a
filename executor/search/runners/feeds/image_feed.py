"""Image input of networks: gathered from memory, or streamed from a file with tf.data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from executor.preprocessing.encoded_images import EncodedImages

READERS: Final = 2  # batches that are read in parallel while the network trains
WAITING: Final = 2  # prefetched batches


class ImageFeed:
    """Images as network inputs: (rows, height · width · channels) float32, standardized.

    They are kept as bytes, or in a file where they do not fit into memory.
    """

    def __init__(self, encoded: EncodedImages) -> None:
        self._encoded = encoded
        self.is_streamed = not encoded.pictures.is_in_memory
        self._pixels = None if self.is_streamed else tf.constant(np.asarray(encoded.pictures))

    def copy_to_device(self) -> ImageFeed:
        """The same images on the current device."""
        return ImageFeed(self._encoded)

    def __len__(self) -> int:
        return len(self._encoded)

    def __getitem__(self, rows: slice) -> tf.Tensor:
        """Consecutive images."""
        if self._pixels is None:
            return tf.constant(np.asarray(self._encoded[rows]))
        return self._encoded.layer(self._pixels[rows])

    def gather(self, rows: tf.Tensor) -> tf.Tensor:
        """Gather a batch within a graph; rows: (batch,) int32."""
        if self._pixels is None:
            return self._encoded.layer(self._read(rows))
        return self._encoded.layer(tf.gather(self._pixels, rows))

    def _read(self, rows: tf.Tensor) -> tf.Tensor:
        """Read the bytes of a batch from the file."""
        pictures = self._encoded.pictures
        pixels = tf.numpy_function(lambda numbers: np.asarray(pictures[numbers]), [rows], tf.uint8)
        return tf.ensure_shape(pixels, (rows.shape[0], *pictures.shape[1:]))

    def streamed(self, rows: tf.Tensor, rates: tf.Tensor) -> tf.data.Dataset:
        """Prefetch batches with their rows and learning rates; rows: (steps, batch), rates: (steps,)."""
        steps = tf.data.Dataset.from_tensor_slices((rows, rates))
        read = steps.map(lambda some, rate: (self._read(some), some, rate), num_parallel_calls=READERS)
        return read.prefetch(WAITING)

    def standardised(self, pixels: tf.Tensor) -> tf.Tensor:
        return self._encoded.layer(pixels)
