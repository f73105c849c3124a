"""Layers for images: standardization of pixels, augmentation, and batch normalization."""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf

from executor.layers.numbers import ColumnLayer

VALUES_OF_A_BYTE: Final = 256
CHANCE_OF_MIRROR: Final = 0.5  # probability that an image is flipped


@keras.saving.register_keras_serializable(package="pcwat")
class Pixels(ColumnLayer):
    """Flattened images, each channel standardized on the training rows.

    Reads (rows, height, width, channels) uint8; returns (rows, height · width · channels) float32.

    shape: height, width, channels. mean, scale: (channels,), of bytes.
    """

    def __init__(
        self,
        *,
        shape: list[int],
        mean: list[float],
        scale: list[float],
        name: str | None = None,
        dtype: Any = None,  # noqa: ANN401 - Keras' own loose type
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        height, width, channels = shape
        self.shape = (height, width, channels)
        self.mean = tuple(mean)
        self.scale = tuple(scale)
        self.output_width = height * width * channels

    def call(self, images: Any) -> tf.Tensor:  # noqa: ANN401 - a tensor, or a list of one from the inputs of a model
        raw = images[0] if isinstance(images, list | tuple) else tf.convert_to_tensor(images)
        centered = tf.cast(raw, tf.float32) - tf.constant(self.mean, tf.float32)
        return tf.reshape(centered / tf.constant(self.scale, tf.float32), (-1, self.output_width))

    def own_config(self) -> dict[str, Any]:
        return {"shape": [*self.shape], "mean": [*self.mean], "scale": [*self.scale]}


def pixel_statistics(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute mean and scale of Pixels for each channel; the scale of a constant channel is 1.

    counts: (channels, 256) frequency of each byte, or sum of weights.
    """
    values = np.arange(VALUES_OF_A_BYTE)
    total = counts.sum(axis=1)
    mean = counts @ values / total
    variance = counts @ values**2 / total - mean**2
    return mean, np.sqrt(np.where(variance > 0, variance, 1.0))


def byte_counts(images: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Count each byte in each channel, (channels, 256); images: (rows, height, width, channels) uint8.

    weight: (rows,) weights by which the pixels of an image count; None where they count once.
    """
    channels = images.reshape(-1, images.shape[-1]).T
    weights = None if weight is None else np.repeat(weight, images.shape[1] * images.shape[2])
    return np.stack([np.bincount(channel, weights, minlength=VALUES_OF_A_BYTE) for channel in channels])


@keras.saving.register_keras_serializable(package="pcwat")
class Shift(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """In training, shifts each image by a random number of pixels in each direction; the edge is repeated.

    Reads and returns (rows, height, width, channels). Krizhevsky et al. 2012, section 4.1.

    most: maximum shift in pixels. is_active: whether a graph that is traced from now on shifts.
    """

    def __init__(self, *, most: int, seed: int, name: str | None = None) -> None:
        super().__init__(name=name, trainable=False)
        self.is_active = True
        self.most = most
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, images: Any, training: bool = False) -> Any:  # noqa: ANN401 - tensors; Keras' name
        if not (training and self.is_active):
            return images
        rows, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
        offsets = keras.random.randint((2, rows, 1), -self.most, self.most + 1, dtype="int32", seed=self.generator)
        down = tf.clip_by_value(tf.range(height)[None] + offsets[0], 0, height - 1)
        across = tf.clip_by_value(tf.range(width)[None] + offsets[1], 0, width - 1)
        moved = tf.gather(images, down, axis=1, batch_dims=1)
        return tf.gather(moved, across, axis=2, batch_dims=1)

    def compute_output_spec(self, images: Any, training: bool = False) -> keras.KerasTensor:  # noqa: ANN401
        del training
        return keras.KerasTensor(images.shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "most": self.most, "seed": self.seed}


@keras.saving.register_keras_serializable(package="pcwat")
class Mirror(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """In training, flips each image horizontally with probability 0.5.

    Reads and returns (rows, height, width, channels). is_active: whether a graph that is traced from now on flips.
    """

    def __init__(self, *, seed: int, name: str | None = None) -> None:
        super().__init__(name=name, trainable=False)
        self.is_active = True
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, images: Any, training: bool = False) -> Any:  # noqa: ANN401 - tensors; Keras' name
        if not (training and self.is_active):
            return images
        chances = keras.random.uniform((tf.shape(images)[0], 1, 1, 1), seed=self.generator)
        return tf.where(chances < CHANCE_OF_MIRROR, tf.reverse(images, axis=[2]), images)

    def compute_output_spec(self, images: Any, training: bool = False) -> keras.KerasTensor:  # noqa: ANN401
        del training
        return keras.KerasTensor(images.shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "seed": self.seed}


@keras.saving.register_keras_serializable(package="pcwat")
class FusedNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # Keras ships no types
    """Batch normalization of (rows, height, width, channels) as one fused operation, forward and backward.

    Keras' own layer consists of about ten operations, each of which reads all activations, and takes three times as
    long: docs/evidence.md#speed-of-operations.
    """

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:  # noqa: ANN401 - tensors; Keras' names
        del mask
        # In single precision even where the network computes in half precision.
        gamma, beta = (tf.cast(one, tf.float32) for one in (self.gamma, self.beta))
        if not (training and self.trainable):
            mean, variance = (tf.cast(one, tf.float32) for one in (self.moving_mean, self.moving_variance))
            return tf.compat.v1.nn.fused_batch_norm(
                inputs, gamma, beta, mean, variance, epsilon=self.epsilon, is_training=False
            )[0]
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, gamma, beta, epsilon=self.epsilon, is_training=True
        )
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + batch * (1 - self.momentum))
        return outputs
