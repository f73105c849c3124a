"""Encodings of scaled numbers: periodic features, a scale per input, and a selection of inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import keras
import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Sequence

FREQUENCIES: Final = 16  # waves per number (RealMLP-TD; Holzmüller et al. 2024, section 3)
FEATURES: Final = 3  # per number, in addition to the number itself (the same)
SPREAD: Final = 0.1  # standard deviation of initial frequencies, in periods per unit (the same)
COSINE: Final = (0.99999825, -19.7389132, 64.9274856, -85.2642459, 58.7746870, -21.0680528)
"""Coefficients of u⁰, u², u⁴, … for cos 2πu between -½ and ½: a least-squares fit with an error of at most 2e-6. It is
seven times as fast as TensorFlow's cosine: docs/evidence.md#speed-of-operations."""


def cosine(turns: tf.Tensor) -> tf.Tensor:
    """cos(2π · turns)."""
    square = tf.square(turns - tf.round(turns))
    *others, answer = COSINE
    for coefficient in reversed(others):
        answer = answer * square + coefficient
    return answer


def periodic_features(
    numbers: tf.Tensor, frequency: tf.Tensor, phase: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor
) -> tf.Tensor:
    """Compute Σ cos(2π · (number · frequency + phase)) · kernel + bias of each number, for K trials at once.

    numbers: (rows, n); frequency, phase: (K, n, FREQUENCIES); kernel: (K, n · FREQUENCIES, FEATURES); bias: (K, n,
    FEATURES). Returns (K, rows, n · FEATURES).
    """
    trials, n = tf.shape(frequency)[0], numbers.shape[1]
    waves = cosine(numbers[None, :, :, None] * frequency[:, None] + phase[:, None])
    mixed = tf.einsum("kbnf,knfd->kbnd", waves, tf.reshape(kernel, [trials, n, FREQUENCIES, FEATURES]))
    return tf.reshape(mixed + bias[:, None], [trials, -1, n * FEATURES])


def initial_waves(numbers: int, *, seed: int) -> list[np.ndarray]:
    """Initial frequency, phase, kernel and bias of one trial, as in `periodic_features` without the axis K."""
    random = np.random.default_rng(seed)
    bound = FREQUENCIES**-0.5
    return [
        random.normal(0, SPREAD, (numbers, FREQUENCIES)).astype(np.float32),
        random.uniform(-0.5, 0.5, (numbers, FREQUENCIES)).astype(np.float32),
        random.uniform(-bound, bound, (numbers * FREQUENCIES, FEATURES)).astype(np.float32),
        random.uniform(-bound, bound, (numbers, FEATURES)).astype(np.float32),
    ]


@keras.saving.register_keras_serializable(package="pcwat")
class Waves(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Periodic features of the first columns (Gorishniy et al. 2022; in this form Holzmüller et al. 2024).

    Reads (rows, columns); returns (rows, numbers · FEATURES).

    numbers: number of columns that are encoded. seed: of the initial weights.
    """

    def __init__(
        self,
        *,
        numbers: int,
        seed: int = 0,
        name: str | None = None,
        dtype: Any = None,  # noqa: ANN401 - Keras' own loose type
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.numbers = numbers
        self.seed = seed

    def build(self, _: Any) -> None:  # noqa: ANN401 - a shape
        names = ("frequency", "phase", "kernel", "bias")
        for name, value in zip(names, initial_waves(self.numbers, seed=self.seed), strict=True):
            weight = self.add_weight(shape=value.shape, initializer="zeros", name=name)
            weight.assign(value)
            setattr(self, name, weight)

    def call(self, columns: Any) -> tf.Tensor:  # noqa: ANN401 - a tensor
        weights = [tf.convert_to_tensor(weight)[None] for weight in self.weights]
        return periodic_features(columns[:, : self.numbers], *weights)[0]

    def compute_output_spec(self, columns: Any) -> keras.KerasTensor:  # noqa: ANN401 - symbolic tensor
        return keras.KerasTensor((columns.shape[0], self.numbers * FEATURES), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        own = {"numbers": self.numbers, "seed": self.seed}
        return {name: value for name, value in super().get_config().items() if name != "trainable"} | own


@keras.saving.register_keras_serializable(package="pcwat")
class Scale(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Multiplies each column by a trainable factor, initially 1: soft feature selection (Holzmüller et al. 2024).

    Reads and returns (rows, columns).
    """

    def build(self, shape: Any) -> None:  # noqa: ANN401 - a shape
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")

    def call(self, columns: Any) -> Any:  # noqa: ANN401 - tensors of any backend
        return columns * self.scale


@keras.saving.register_keras_serializable(package="pcwat")
class SelectColumns(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Selects columns: (rows, columns) to (rows, selected); columns: indices of the selected ones."""

    def __init__(self, *, columns: Sequence[int], name: str | None = None, dtype: Any = None) -> None:  # noqa: ANN401 - Keras' own loose type
        super().__init__(name=name, dtype=dtype, trainable=False)
        self.columns = [*columns]

    def call(self, columns: Any) -> Any:  # noqa: ANN401 - tensors of any backend
        return keras.ops.take(columns, self.columns, axis=1)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "columns": self.columns}
