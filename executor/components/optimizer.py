"""Optimizer: the bundle's choice as a Keras optimizer, and learning-rate schedules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import keras
import numpy as np

from rules.errors import ChoiceError
from rules.vocabulary.choices import (
    OPTIMIZER_PROPERTIES,
    Adagrad,
    Adam,
    AdamW,
    RmsProp,
    Sgd,
    SgdMomentum,
    parameters_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from executor.components.configuration import Configuration
    from rules.vocabulary.bundle import Bundle
    from rules.vocabulary.choices import Choice, Schedule

WITHOUT_DECAY: Final = ("bias", "phase", "scale", "gamma", "beta")  # names of weights without weight decay
WARM_UP: Final = 0.05  # share of steps before cosine decay (docs/evidence.md, section 2, A: 5 to 10 %)
CYCLE_RISE: Final = 0.3  # share of steps in which one-cycle rises (Smith and Topin 2017; PyTorch's default)
CYCLE_START: Final = 1 / 25  # of the highest rate (PyTorch's OneCycleLR)
CYCLE_END: Final = 1e-4 / 25  # of the highest rate (the same)


@dataclass(frozen=True, kw_only=True)
class OptimizerKind:
    """An optimizer of the vocabulary as Keras has it."""

    create: Callable[..., keras.optimizers.Optimizer]
    """From the choice, `learning_rate`, `weight_decay` (None for none), and the properties of a configuration."""
    is_adaptive: bool = False
    """Whether it adapts the rate of each weight, so that learning-rate multipliers of layers make sense."""


def _adamw(_choice: AdamW, *, weight_decay: float | None, **own: float) -> keras.optimizers.Optimizer:
    return keras.optimizers.AdamW(weight_decay=weight_decay or 0.0, **own)


def _adagrad(choice: Adagrad, **own: float | None) -> keras.optimizers.Optimizer:
    return keras.optimizers.Adagrad(initial_accumulator_value=choice.initial_accumulator_value, **own)


OPTIMIZERS: Final[dict[type[Choice], OptimizerKind]] = {
    Sgd: OptimizerKind(create=lambda _choice, **own: keras.optimizers.SGD(**own)),
    SgdMomentum: OptimizerKind(create=lambda choice, **own: keras.optimizers.SGD(nesterov=choice.nesterov, **own)),
    Adam: OptimizerKind(create=lambda _choice, **own: keras.optimizers.Adam(**own), is_adaptive=True),
    AdamW: OptimizerKind(create=_adamw, is_adaptive=True),
    RmsProp: OptimizerKind(create=lambda _choice, **own: keras.optimizers.RMSprop(**own), is_adaptive=True),
    Adagrad: OptimizerKind(create=_adagrad, is_adaptive=True),
}
"""The optimizers by the class of their choice. `stacked_optimizer.UPDATE_RULES` has the updates of many trials at once;
an optimizer without one trains one trial after the other."""


def create_optimizer(choice: Choice, configuration: Configuration) -> keras.optimizers.Optimizer:
    """Create the optimizer of one trial, with the configuration's parameters.

    Its weight decay is decoupled and excludes biases and normalization weights.

    Raises ChoiceError on a choice of another slot.
    """
    if type(choice) not in OPTIMIZERS:
        raise ChoiceError(f"An optimizer must be one of the slot's choices, but got {choice}.")
    optimizer = OPTIMIZERS[type(choice)].create(
        choice,
        learning_rate=configuration.learning_rate,
        weight_decay=configuration.weight_decay if configuration.weight_decay > 0 else None,
        **{name.value: value for name in OPTIMIZER_PROPERTIES if (value := getattr(configuration, name)) is not None},
    )
    optimizer.exclude_from_weight_decay(var_names=[*WITHOUT_DECAY])
    return optimizer


def has_layer_rates(bundle: Bundle) -> bool:
    """Whether layers of networks for tables have learning-rate multipliers."""
    return OPTIMIZERS[type(bundle.optimizer)].is_adaptive and parameters_of(bundle.architecture).layer_rates


def take_step(
    optimizer: keras.optimizers.Optimizer,
    gradients: Sequence[keras.KerasTensor],
    weights: Sequence[keras.Variable],
    *,
    rate: keras.KerasTensor | float,
    decay: keras.KerasTensor | float,
    rate_multipliers: Sequence[float] | None = None,
) -> None:
    """Take one step at a learning rate and a weight decay, inside or outside a graph.

    rate_multipliers: learning-rate multiplier of each weight; 1 by default.

    Replaces optimizer.apply, because in TensorFlow 2.21 graphs with an apply are never freed (through tf.distribute's
    update): 6.7 MB per trial. The optimizer must be built.
    """
    for gradient, weight, pace in zip(gradients, weights, rate_multipliers or [1.0] * len(weights), strict=True):
        if weight.name not in WITHOUT_DECAY:
            weight.assign_sub(weight * (decay * rate))
        optimizer.update_step(gradient, weight, pace * rate)
    optimizer.iterations.assign_add(1)


def learning_rates(schedule: Schedule, *, highest: float, progress: np.ndarray) -> np.ndarray:
    """Compute the learning rates of steps, (steps,) float32.

    highest: highest rate of the schedule. progress: (steps,) share of the training before each step, in [0, 1).

    cosine: linear warm-up, then ½ (1 + cos πt) down to zero (Loshchilov and Hutter 2017).
    one_cycle: half a cosine up from 1/25, half a cosine down to nearly zero (Smith and Topin 2017).
    """
    match schedule:
        case "cosine":
            falling = (progress - WARM_UP) / (1 - WARM_UP)
            share = np.where(progress < WARM_UP, (progress + WARM_UP / 10) / (WARM_UP * 1.1), _half_cosine(falling))
        case "one_cycle":
            rise = CYCLE_START + (1 - CYCLE_START) * (1 - _half_cosine(progress / CYCLE_RISE))
            fall = CYCLE_END + (1 - CYCLE_END) * _half_cosine((progress - CYCLE_RISE) / (1 - CYCLE_RISE))
            share = np.where(progress < CYCLE_RISE, rise, fall)
        case _:
            share = np.ones_like(progress)
    return np.asarray(highest * share, np.float32)


def _half_cosine(share: np.ndarray) -> np.ndarray:
    """Half a cosine from 1 at 0 down to 0 at 1."""
    return np.asarray(0.5 * (1 + np.cos(np.pi * np.clip(share, 0, 1))))
