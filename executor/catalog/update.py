"""A for many trials at once: the optimizer's update as a function of stacked weights, each trial with its own rate.

Keras' optimizers take one learning rate and one weight decay for all weights. Here a weight is (trials, …), the rate
and the decay are (trials, 1, 1). Formulas and constants are those of Keras 3, which a test holds them against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import tensorflow as tf

from rules.choices import Adagrad, Adam, AdamW, RmsProp, Sgd, SgdMomentum
from rules.errors import ChoiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rules.choices import Choice

    Slots = Sequence[tf.Tensor]
    Update = Callable[[tf.Tensor, Slots, tf.Tensor, tf.Tensor], tuple[tf.Tensor, list[tf.Tensor]]]

BETA_1, BETA_2 = 0.9, 0.999  # Adam: Kingma and Ba 2015
RHO: Final = 0.9  # RMSprop: Hinton 2012
EPSILON: Final = 1e-7  # Keras' for all of them
FIRST_ACCUMULATOR: Final = 0.1  # Adagrad: Duchi et al. 2011; Keras' start


@dataclass(frozen=True, kw_only=True)
class UpdateRule:
    """What an optimizer does to one stacked weight.

    starts: what each of its slots is filled with at first. update: from a gradient, the slots, the rate (trials, 1, 1)
    and the number of the step, from 1, to the change of the weight and the new slots.
    """

    starts: tuple[float, ...]
    update: Update

    def slots(self, weight: tf.Tensor) -> list[tf.Tensor]:
        """The slots of a weight before the first step."""
        return [tf.fill(tf.shape(weight), start) for start in self.starts]


def update_rule(choice: Choice) -> UpdateRule:
    """The update of the bundle's optimizer. Raises ChoiceError on a choice of another slot."""
    match choice:
        case Sgd():
            return UpdateRule(starts=(), update=_sgd)
        case SgdMomentum(momentum=momentum, nesterov=nesterov):
            return UpdateRule(starts=(0.0,), update=_with_momentum(momentum, nesterov=nesterov))
        case Adam() | AdamW():
            return UpdateRule(starts=(0.0, 0.0), update=_adam)
        case RmsProp():
            return UpdateRule(starts=(0.0,), update=_rmsprop)
        case Adagrad():
            return UpdateRule(starts=(FIRST_ACCUMULATOR,), update=_adagrad)
    raise ChoiceError(f"An optimizer must be one of the slot's choices, but got {choice}.")


def _sgd(gradient: tf.Tensor, _slots: Slots, rate: tf.Tensor, _step: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
    return -rate * gradient, []


def _with_momentum(momentum: float, *, nesterov: bool) -> Update:
    def update(
        gradient: tf.Tensor, slots: Slots, rate: tf.Tensor, _step: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        velocity = momentum * slots[0] - rate * gradient
        return (momentum * velocity - rate * gradient) if nesterov else velocity, [velocity]

    return update


def _adam(gradient: tf.Tensor, slots: Slots, rate: tf.Tensor, step: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
    mean = slots[0] + (gradient - slots[0]) * (1 - BETA_1)
    square = slots[1] + (tf.square(gradient) - slots[1]) * (1 - BETA_2)
    corrected = rate * tf.sqrt(1 - tf.pow(BETA_2, step)) / (1 - tf.pow(BETA_1, step))
    return -corrected * mean / (tf.sqrt(square) + EPSILON), [mean, square]


def _rmsprop(gradient: tf.Tensor, slots: Slots, rate: tf.Tensor, _step: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
    square = RHO * slots[0] + (1 - RHO) * tf.square(gradient)
    return -rate * gradient / tf.sqrt(square + EPSILON), [square]


def _adagrad(gradient: tf.Tensor, slots: Slots, rate: tf.Tensor, _step: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
    total = slots[0] + tf.square(gradient)
    return -rate * gradient / tf.sqrt(total + EPSILON), [total]
