"""The window of a forecast as a sequence: the first features of a row, lag by lag, in the order of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="pcwat")
class Window(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Features (rows, width), of which the first are lags of targets from the latest on, to (rows, kept, targets).

    kept: the latest lags that are given; the oldest of them comes first.
    """

    def __init__(self, *, lags: int, targets: int, kept: int, name: str | None = None, dtype: Any = None) -> None:  # noqa: ANN401 - Keras' own loose type
        super().__init__(name=name, dtype=dtype, trainable=False)
        self.lags, self.targets, self.kept = lags, targets, kept

    def call(self, dense: Any) -> tf.Tensor:  # noqa: ANN401 - a tensor of any backend
        steps = keras.ops.reshape(dense[:, : self.kept * self.targets], (-1, self.kept, self.targets))
        return keras.ops.flip(steps, axis=1)

    def compute_output_spec(self, dense: Any) -> keras.KerasTensor:  # noqa: ANN401 - symbolic tensor
        return keras.KerasTensor((dense.shape[0], self.kept, self.targets), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "lags": self.lags, "targets": self.targets, "kept": self.kept}
