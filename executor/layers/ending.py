"""Layers that know where a sequence ends: its last channel is 1 before the end and 0 after it."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="pcwat")
class Ending(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """The last channel of (rows, steps, channels), as (rows, steps, 1)."""

    def call(self, steps: Any) -> Any:  # noqa: ANN401 - tensors
        return steps[..., -1:]


@keras.saving.register_keras_serializable(package="pcwat")
class EndedMean(keras.layers.Layer):  # type: ignore[misc]  # as above
    """The mean over the steps before the end: (rows, steps, channels) and (rows, steps, 1) to (rows, channels)."""

    def call(self, inputs: Any) -> Any:  # noqa: ANN401 - tensors
        hidden, goes_on = inputs
        count = keras.ops.maximum(keras.ops.sum(goes_on, axis=1), 1)
        return keras.ops.sum(hidden * goes_on, axis=1) / count
