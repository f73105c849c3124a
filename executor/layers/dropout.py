"""Dropout whose rate is a variable, not a constant of the graph."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="pcwat")
class RatedDropout(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Dropout (Srivastava et al. 2014) whose rate is a non-trainable weight.

    One traced graph serves all rates; keras.layers.Dropout needs a trace per rate, which takes a second.

    rate: share of inputs set to zero in training, in [0, 1).
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
