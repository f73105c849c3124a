"""Optimizers for stacks: the update as a function of stacked weights, each trial with its own rate.

Keras' optimizers have one learning rate, one weight decay and one value of each parameter for all weights. Here a
weight is (trials, …), and these are (trials, 1, 1). The formulas are those of Keras 3; a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import tensorflow as tf

from executor.components.optimizer import MOMENTUM_DECAY, momentum_product
from rules.errors import ChoiceError
from rules.vocabulary.choices import (
    OPTIMIZER_PROPERTIES,
    Adagrad,
    Adam,
    AdamW,
    Hyperparameter,
    Lion,
    Nadam,
    RmsProp,
    Sgd,
    SgdMomentum,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from executor.components.configuration import Configuration
    from rules.vocabulary.choices import Choice

    Slots = Sequence[tf.Tensor]
    Properties = Mapping[str, tf.Tensor]
    Update = Callable[[tf.Tensor, Slots, tf.Tensor, tf.Tensor, Properties], tuple[tf.Tensor, list[tf.Tensor]]]

COMPLEMENT: Final = "1 - "  # prefix of the complement of a decay; in float32, 1 - 0.999 has an error of 1e-5


@dataclass(frozen=True, kw_only=True)
class UpdateRule:
    """Update of one stacked weight.

    starts: initial value of each slot. update: function from a gradient, the slots, the rate (trials, 1, 1), the number
    of the step, from 1, and the parameters of `properties_of`, each (trials, 1, 1), to the change of the weight and the
    new slots.
    """

    starts: tuple[float, ...]
    update: Update

    def slots(self, weight: tf.Tensor) -> list[tf.Tensor]:
        """Create the slots of a weight before the first step."""
        return [tf.fill(tf.shape(weight), start) for start in self.starts]


def properties_of(configurations: Sequence[Configuration]) -> dict[str, np.ndarray]:
    """Collect the optimizer parameters of each trial, (trials,) float32; of decays also the complement.

    Clipping is one of them where the search varies it.
    """
    found = {}
    for name in OPTIMIZER_PROPERTIES:
        values = [getattr(one, name) for one in configurations]
        if None not in values:
            found[name.value] = np.asarray(values, np.float32)
            found[f"{COMPLEMENT}{name.value}"] = np.asarray([1 - value for value in values], np.float32)
    clipped = [one.clip_norm for one in configurations]
    if None not in clipped:
        found[Hyperparameter.CLIP_NORM.value] = np.asarray(clipped, np.float32)
    return found


def update_rule(choice: Choice, *, has_momentum: bool = True) -> UpdateRule:
    """Create the update of the bundle's optimizer.

    has_momentum: whether some trial of RMSprop may have momentum, which needs another slot.
    Raises ChoiceError on a choice of another slot.
    """
    if not has_update_rule(choice):
        raise ChoiceError(f"An optimizer of several trials must be one with an update rule, but got {choice}.")
    return UPDATE_RULES[type(choice)](choice, has_momentum)


def has_update_rule(choice: Choice) -> bool:
    """Whether an optimizer can train many trials at once."""
    return type(choice) in UPDATE_RULES


def _sgd(
    gradient: tf.Tensor, _slots: Slots, rate: tf.Tensor, _step: tf.Tensor, _own: Properties
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    return -rate * gradient, []


def _with_momentum(*, nesterov: bool) -> Update:
    def update(
        gradient: tf.Tensor, slots: Slots, rate: tf.Tensor, _step: tf.Tensor, own: Properties
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        velocity = own["momentum"] * slots[0] - rate * gradient
        return (own["momentum"] * velocity - rate * gradient) if nesterov else velocity, [velocity]

    return update


def _adam(
    gradient: tf.Tensor, slots: Slots, rate: tf.Tensor, step: tf.Tensor, own: Properties
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    mean = slots[0] + (gradient - slots[0]) * own[f"{COMPLEMENT}beta_1"]
    square = slots[1] + (tf.square(gradient) - slots[1]) * own[f"{COMPLEMENT}beta_2"]
    corrected = rate * tf.sqrt(1 - tf.pow(own["beta_2"], step)) / (1 - tf.pow(own["beta_1"], step))
    return -corrected * mean / (tf.sqrt(square) + own["epsilon"]), [mean, square]


def _nadam(
    gradient: tf.Tensor, slots: Slots, rate: tf.Tensor, step: tf.Tensor, own: Properties
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    mean = slots[0] + (gradient - slots[0]) * own[f"{COMPLEMENT}beta_1"]
    square = slots[1] + (tf.square(gradient) - slots[1]) * own[f"{COMPLEMENT}beta_2"]
    now, following = (own["beta_1"] * (1 - 0.5 * tf.pow(MOMENTUM_DECAY, at)) for at in (step, step + 1))
    product = momentum_product(own["beta_1"], step)
    corrected = following * mean / (1 - product * following) + (1 - now) * gradient / (1 - product)
    root = tf.sqrt(square / (1 - tf.pow(own["beta_2"], step)))
    return -rate * corrected / (root + own["epsilon"]), [mean, square]


def _lion(
    gradient: tf.Tensor, slots: Slots, rate: tf.Tensor, _step: tf.Tensor, own: Properties
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    direction = tf.sign(own["beta_1"] * slots[0] + own[f"{COMPLEMENT}beta_1"] * gradient)
    return -rate * direction, [own["beta_2"] * slots[0] + own[f"{COMPLEMENT}beta_2"] * gradient]


def _rmsprop(
    gradient: tf.Tensor, slots: Slots, rate: tf.Tensor, _step: tf.Tensor, own: Properties
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    square = own["rho"] * slots[0] + own[f"{COMPLEMENT}rho"] * tf.square(gradient)
    return -rate * gradient / tf.sqrt(square + own["epsilon"]), [square]


def _rmsprop_with_momentum(
    gradient: tf.Tensor, slots: Slots, rate: tf.Tensor, step: tf.Tensor, own: Properties
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    change, (square,) = _rmsprop(gradient, slots[:1], rate, step, own)
    velocity = own["momentum"] * slots[1] + change
    return velocity, [square, velocity]


def _adagrad(
    gradient: tf.Tensor, slots: Slots, rate: tf.Tensor, _step: tf.Tensor, own: Properties
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    total = slots[0] + tf.square(gradient)
    return -rate * gradient / tf.sqrt(total + own["epsilon"]), [total]


def _rmsprop_rule(_choice: RmsProp, has_momentum: bool) -> UpdateRule:
    if has_momentum:
        return UpdateRule(starts=(0.0, 0.0), update=_rmsprop_with_momentum)
    return UpdateRule(starts=(0.0,), update=_rmsprop)


ADAM: Final = UpdateRule(starts=(0.0, 0.0), update=_adam)
UPDATE_RULES: Final[dict[type[Choice], Callable[[Any, bool], UpdateRule]]] = {
    Sgd: lambda _choice, _has_momentum: UpdateRule(starts=(), update=_sgd),
    SgdMomentum: lambda choice, _: UpdateRule(starts=(0.0,), update=_with_momentum(nesterov=choice.nesterov)),
    Adam: lambda _choice, _has_momentum: ADAM,
    AdamW: lambda _choice, _has_momentum: ADAM,
    RmsProp: _rmsprop_rule,
    Nadam: lambda _choice, _has_momentum: UpdateRule(starts=(0.0, 0.0), update=_nadam),
    Lion: lambda _choice, _has_momentum: UpdateRule(starts=(0.0,), update=_lion),
    Adagrad: lambda choice, _: UpdateRule(starts=(choice.initial_accumulator_value,), update=_adagrad),
}
"""The update of each optimizer by the class of its choice, and whether a trial may have momentum."""
