"""An optimizer that steps by the sign of the gradient."""

from __future__ import annotations

from typing import Any, Literal

import keras

from executor.components.optimizer import OptimizerKind
from rules.vocabulary.choices import Choice


class SignSgd(Choice):
    name: Literal["sign_sgd"] = "sign_sgd"
    learning_rate: float = 0.05
    schedule: Literal["constant"] = "constant"
    batch_size: int | None = None


@keras.saving.register_keras_serializable(package="pcwat")
class ToyOptimizer(keras.optimizers.Optimizer):
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        self.assign_sub(variable, keras.ops.sign(gradient) * keras.ops.cast(learning_rate, gradient.dtype))


SIGN_SGD = OptimizerKind(create=lambda _choice, **own: ToyOptimizer(**own))
