"""Dropout whose rate is a value of the network, not of its graph."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="pcwat")
class RatedDropout(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """In training, zeros for a random share of the inputs, the others scaled to the same mean; else what comes in.

    Srivastava et al. 2014. The share is a weight that is not trained: a graph that was traced with one serves all of
    them, where keras.layers.Dropout takes a trace each, which costs a second.

    rate: the share, in [0, 1).
    """

    def __init__(self, rate: float, *, seed: int, name: str | None = None) -> None:
        super().__init__(name=name)
        self.share = rate
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)
        self.rate = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(rate), trainable=False, dtype="float32", name="rate"
        )

    def call(self, inputs: Any, training: bool = False) -> Any:  # noqa: ANN401 - tensors; Keras' name
        if not training:
            return inputs
        drawn = keras.random.uniform(keras.ops.shape(inputs), dtype="float32", seed=self.generator)
        kept = keras.ops.cast(drawn >= self.rate, inputs.dtype)
        return inputs * kept / keras.ops.cast(1 - self.rate, inputs.dtype)

    def compute_output_spec(self, inputs: Any, training: bool = False) -> keras.KerasTensor:  # noqa: ANN401
        del training
        return keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "rate": self.share, "seed": self.seed}
