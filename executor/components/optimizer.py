"""Optimizer: the bundle's choice as a Keras optimizer, and learning-rate schedules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import keras
import numpy as np
import tensorflow as tf

from rules.errors import ChoiceError
from rules.vocabulary.choices import (
    OPTIMIZER_PROPERTIES,
    Adafactor,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    Muon,
    Nadam,
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
WITHOUT_MUON: Final = ("output", "linear", "waves")  # layers whose matrices are not kernels of hidden layers
MOMENTUM_DECAY: Final = 0.96  # per step, of the warm-up of Nadam's momentum (Dozat 2016; Keras)
MIN_SQUARE: Final = 1e-16
"""Added by Adafactor to squared gradients. A row and a column without gradients have its square as their mean square;
with Keras' default, 1e-30, that is 0 in float32, and the update NaN."""
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


def _muon(choice: Muon, *, weight_decay: float | None, **own: float) -> keras.optimizers.Optimizer:
    return keras.optimizers.Muon(
        nesterov=choice.nesterov,
        weight_decay=weight_decay,
        adam_weight_decay=weight_decay,
        exclude_layers=[*WITHOUT_MUON],
        **{f"adam_{name}" if name.startswith("beta") else name: value for name, value in own.items()},
    )


def _adafactor(choice: Adafactor, **own: float | None) -> keras.optimizers.Optimizer:
    return keras.optimizers.Adafactor(
        beta_2_decay=choice.beta_2_decay, clip_threshold=choice.clip_threshold, epsilon_1=MIN_SQUARE, **own
    )


OPTIMIZERS: Final[dict[type[Choice], OptimizerKind]] = {
    Sgd: OptimizerKind(create=lambda _choice, **own: keras.optimizers.SGD(**own)),
    SgdMomentum: OptimizerKind(create=lambda choice, **own: keras.optimizers.SGD(nesterov=choice.nesterov, **own)),
    Adam: OptimizerKind(create=lambda _choice, **own: keras.optimizers.Adam(**own), is_adaptive=True),
    AdamW: OptimizerKind(create=_adamw, is_adaptive=True),
    RmsProp: OptimizerKind(create=lambda _choice, **own: keras.optimizers.RMSprop(**own), is_adaptive=True),
    Adagrad: OptimizerKind(create=_adagrad, is_adaptive=True),
    Nadam: OptimizerKind(create=lambda _choice, **own: keras.optimizers.Nadam(**own), is_adaptive=True),
    Lion: OptimizerKind(create=lambda _choice, **own: keras.optimizers.Lion(**own), is_adaptive=True),
    Muon: OptimizerKind(create=_muon, is_adaptive=True),
    Adafactor: OptimizerKind(create=_adafactor, is_adaptive=True),
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
        global_clipnorm=configuration.clip_norm or getattr(choice, "clip_norm", None),
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
    if isinstance(optimizer, keras.optimizers.Nadam):  # its own apply updates it outside update_step
        step = keras.ops.cast(optimizer.iterations + 1, "float32")
        optimizer._u_product.assign(momentum_product(optimizer.beta_1, step))  # noqa: SLF001
    if optimizer.global_clipnorm is not None:
        gradients, _ = tf.clip_by_global_norm(gradients, optimizer.global_clipnorm)
    for gradient, weight, pace in zip(gradients, weights, rate_multipliers or [1.0] * len(weights), strict=True):
        if weight.name not in WITHOUT_DECAY:
            weight.assign_sub(weight * (decay * rate))
        optimizer.update_step(gradient, weight, pace * rate)
    optimizer.iterations.assign_add(1)


WARMED_UP: Final = np.cumprod(1 - 0.5 * MOMENTUM_DECAY ** np.arange(1, 513))
"""Product of the factors of Nadam's momentum up to each step, from 1; it converges to 0.0000… within 512 steps."""


def momentum_product(beta_1: tf.Tensor | float, step: tf.Tensor) -> tf.Tensor:
    """Product of Nadam's momenta up to a step, from 1, of its shape: beta_1^t · ∏ (1 - 0.96^i / 2)."""
    last = tf.minimum(tf.cast(step, tf.int32), len(WARMED_UP)) - 1
    return tf.pow(beta_1, step) * tf.gather(tf.constant(WARMED_UP, tf.float32), last)


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
