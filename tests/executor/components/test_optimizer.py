"""Optimizers take the bundle's settings; schedules are worked by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from executor.components.configuration import Configuration
from executor.components.configuration import configuration as configured
from executor.components.optimizer import create_optimizer, learning_rates, take_step
from rules.errors import ChoiceError
from rules.vocabulary.choices import (
    Adafactor,
    Adagrad,
    Adam,
    AdamW,
    Choice,
    He,
    Lion,
    Muon,
    Nadam,
    RmsProp,
    Sgd,
    SgdMomentum,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules.vocabulary.bundle import Bundle


def configuration(*, weight_decay: float = 0.0) -> Configuration:
    return Configuration(learning_rate=0.25, schedule="constant", dropout=0.0, weight_decay=weight_decay)


@pytest.mark.parametrize(
    ("choice", "kind"),
    [
        (Sgd(), keras.optimizers.SGD),
        (SgdMomentum(), keras.optimizers.SGD),
        (Adam(), keras.optimizers.Adam),
        (AdamW(), keras.optimizers.AdamW),
        (RmsProp(), keras.optimizers.RMSprop),
        (Adagrad(), keras.optimizers.Adagrad),
        (Nadam(), keras.optimizers.Nadam),
        (Lion(), keras.optimizers.Lion),
        (Muon(), keras.optimizers.Muon),
        (Adafactor(), keras.optimizers.Adafactor),
    ],
)
def test_each_choice_gives_its_optimizer_at_the_configured_rate(choice: Choice, kind: type) -> None:
    optimizer = create_optimizer(choice, configuration())
    assert type(optimizer) is kind
    assert float(optimizer.learning_rate) == 0.25


@pytest.mark.parametrize(
    ("choice", "values", "own"),
    [
        (SgdMomentum(momentum=0.8, nesterov=True), {}, {"momentum": 0.8, "nesterov": True}),
        (SgdMomentum(momentum=0.8), {"momentum": 0.5}, {"momentum": 0.5, "nesterov": False}),
        (Adam(), {}, {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}),
        (Adam(beta_1=0.8, epsilon=1e-3), {"beta_2": 0.95}, {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}),
        (Adam(clip_norm=0.5), {}, {"global_clipnorm": 0.5}),
        (Lion(beta_2=0.9), {"beta_1": 0.8}, {"beta_1": 0.8, "beta_2": 0.9}),
        (Muon(nesterov=False), {"beta_1": 0.8}, {"adam_beta_1": 0.8, "momentum": 0.95, "nesterov": False}),
        (Adafactor(clip_threshold=2.0), {}, {"clip_threshold": 2.0, "beta_2_decay": -0.8}),
        (AdamW(beta_2=0.99), {}, {"beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-7}),
        (RmsProp(rho=0.8), {"momentum": 0.5}, {"rho": 0.8, "momentum": 0.5, "epsilon": 1e-7}),
        (
            Adagrad(initial_accumulator_value=0.5),
            {"epsilon": 1e-5},
            {"initial_accumulator_value": 0.5, "epsilon": 1e-5},
        ),
    ],
)
def test_properties_are_the_bundles_or_the_trials(
    make_bundle: Callable[..., Bundle], choice: Choice, values: dict[str, float], own: dict[str, float]
) -> None:
    optimizer = create_optimizer(choice, configured(make_bundle(optimizer=choice), values))
    assert {name: getattr(optimizer, name) for name in own} == own


def test_adafactor_leaves_a_weight_whose_row_and_column_have_no_gradient() -> None:
    layer = keras.layers.Dense(2, use_bias=False)
    layer.build((None, 2))
    layer.set_weights([np.ones((2, 2), np.float32)])
    optimizer = create_optimizer(Adafactor(), configuration())
    optimizer.build(layer.trainable_variables)
    gradient = keras.ops.convert_to_tensor(np.array([[0.0, 0.0], [0.0, 1.0]], np.float32))
    for _ in range(3):
        take_step(optimizer, [gradient], layer.trainable_variables, rate=0.01, decay=0.0)
    kernel = layer.get_weights()[0]
    assert kernel[0, 0] == 1
    assert 0.9 < kernel[1, 1] < 1


@pytest.mark.parametrize(
    "choice",
    [
        Sgd(),
        SgdMomentum(),
        Adam(),
        AdamW(),
        RmsProp(),
        Adagrad(),
        Nadam(),
        Lion(),
        Muon(),
        Adafactor(),
        Adam(clip_norm=0.1),
    ],
    ids=str,
)
def test_a_step_is_that_of_the_optimizers_own_apply(choice: Choice) -> None:
    random = np.random.default_rng(0)
    start, gradients = random.normal(size=(2, 1)).astype(np.float32), random.normal(size=(3, 2, 1)).astype(np.float32)
    results = []
    for own in (True, False):
        layer = keras.layers.Dense(1)
        layer.build((None, 2))
        layer.set_weights([start, np.ones(1, np.float32)])
        optimizer = create_optimizer(choice, configuration(weight_decay=0.1))
        optimizer.build(layer.trainable_variables)
        for gradient in gradients:
            both = [keras.ops.convert_to_tensor(gradient), keras.ops.convert_to_tensor(gradient[0])]
            if own:
                take_step(optimizer, both, layer.trainable_variables, rate=0.25, decay=0.1)
            else:
                optimizer.apply(both, layer.trainable_variables)
        results.append([*layer.get_weights(), *(variable.numpy() for variable in optimizer.variables)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("choice", [Sgd(), SgdMomentum(), Adam(), AdamW(), RmsProp(), Adagrad()])
def test_weight_decay_shrinks_weights_by_rate_times_decay_and_spares_biases(choice: Choice) -> None:
    layer = keras.layers.Dense(1, kernel_initializer="ones", bias_initializer="ones")
    layer.build((None, 2))
    optimizer = create_optimizer(choice, configuration())
    optimizer.build(layer.trainable_variables)
    gradients = [np.zeros((2, 1), np.float32), np.zeros(1, np.float32)]
    take_step(optimizer, gradients, layer.trainable_variables, rate=0.25, decay=0.1)
    np.testing.assert_allclose(np.asarray(layer.kernel), 1 - 0.25 * 0.1)
    np.testing.assert_array_equal(np.asarray(layer.bias), 1)


def test_weight_decay_spares_what_a_normalisation_learns() -> None:
    layer = keras.layers.BatchNormalization(beta_initializer="ones")
    layer.build((None, 2))
    optimizer = create_optimizer(AdamW(), configuration())
    optimizer.build(layer.trainable_variables)
    take_step(optimizer, [np.zeros(2, np.float32)] * 2, layer.trainable_variables, rate=0.25, decay=0.1)
    np.testing.assert_array_equal([np.asarray(weight) for weight in layer.trainable_variables], np.ones((2, 2)))


def test_a_choice_of_another_slot_is_refused() -> None:
    with pytest.raises(ChoiceError, match="must be one of the slot's choices, but got he"):
        create_optimizer(He(), configuration())


def test_a_constant_rate_stays() -> None:
    np.testing.assert_array_equal(learning_rates("constant", highest=0.5, progress=np.array([0, 0.5, 0.9])), [0.5] * 3)


def test_cosine_warms_up_over_a_twentieth_and_falls_along_half_a_cosine() -> None:
    # After the warm-up the rate is ½ (1 + cos π t) with t from 0 at 0.05 to 1 at 1: t = ½ at 0.525.
    rates = learning_rates("cosine", highest=2.0, progress=np.array([0.05, 0.2875, 0.525, 0.7625, 1.0]))
    np.testing.assert_allclose(rates, [2, 1 + 2**-0.5, 1, 1 - 2**-0.5, 0], atol=1e-6)
    rising = learning_rates("cosine", highest=2.0, progress=np.linspace(0, 0.05, 20))
    assert 0 < rising[0] < 0.2
    assert (np.diff(rising) > 0).all()


def test_one_cycle_starts_at_a_25th_peaks_at_three_tenths_and_ends_near_zero() -> None:
    rates = learning_rates("one_cycle", highest=1.0, progress=np.array([0.0, 0.15, 0.3, 0.65, 1.0]))
    # Half-way up and half-way down are the means of the ends.
    np.testing.assert_allclose(rates, [0.04, 0.52, 1.0, 0.500002, 4e-6], atol=1e-6)
