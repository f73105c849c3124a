"""The update of stacked weights is Keras' own, for each trial at its own rate and decay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tensorflow as tf

from executor.components.configuration import configuration
from executor.components.metric import create_metric
from executor.components.optimizer import create_optimizer
from executor.components.stacked_optimizer import properties_of, update_rule
from executor.networks.build import build_network
from executor.networks.stacked_tabular import StackShape
from executor.search.runners.stacked_graph import StackedGraph
from executor.search.runners.workspace import create_workspace
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
from tests.effort import long_test

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle

OPTIMIZERS = [
    Sgd(),
    SgdMomentum(momentum=0.8),
    SgdMomentum(momentum=0.8, nesterov=True),
    Adam(),
    Adam(beta_1=0.8, beta_2=0.95, epsilon=1e-3),
    AdamW(),
    AdamW(beta_1=0.5, beta_2=0.99, epsilon=1e-5),
    RmsProp(),
    RmsProp(rho=0.8, momentum=0.9, epsilon=1e-4),
    Adagrad(),
    Adagrad(initial_accumulator_value=1.0, epsilon=1e-3),
    Nadam(beta_1=0.8, beta_2=0.95, epsilon=1e-3),
    Lion(beta_1=0.5, beta_2=0.8),
    Adam(clip_norm=0.5),
]
DEFAULTS = (SgdMomentum(momentum=0.8), Adam(), AdamW(), RmsProp(), Adagrad())  # of others with other properties
STEPS = 10
RATES, DECAYS = (0.3, 0.01, 0.002), (0.0, 0.1, 0.4)  # one of each for each trial


@pytest.mark.parametrize(
    "choice", [pytest.param(one, marks=long_test) if one in DEFAULTS else one for one in OPTIMIZERS], ids=str
)
def test_ten_steps_are_those_of_keras_own_optimizer_for_each_trial(
    make_bundle: Callable[..., Bundle], breast_cancer: Parts, tmp_path: Path, choice: Choice
) -> None:
    """Rates fall from step to step; gradients span five orders of magnitude, and some are exactly zero.

    Keras' Nadam computes 1 - beta_2 in float32, which has an error of 1e-5.
    """
    bundle = make_bundle(optimizer=choice)
    plain = {"schedule": "constant", "dropout": 0, "units": 2, "layers": 1}
    configurations = [
        configuration(bundle, plain | {"learning_rate": rate, "weight_decay": decay})
        for rate, decay in zip(RATES, DECAYS, strict=True)
    ]
    shape = StackShape.of(breast_cancer, configurations)
    metric = create_metric(bundle.metric)
    at = create_workspace(bundle, breast_cancer, metric=metric, seed=0, directory=tmp_path)
    graph = StackedGraph(at, shape, batch=8)
    graph._rate_multipliers = [1.0] * len(shape.weights)
    random = np.random.default_rng(0)
    first = [[random.normal(size=size).astype(np.float32) for size in shape.weights] for _ in configurations]
    gradients = [[_gradient(random, (len(configurations), *size)) for size in shape.weights] for _ in range(STEPS)]
    stack = graph.start(list(zip(first, configurations, strict=True)))
    for step, gradient in enumerate(gradients):
        rates = tf.constant([rate / (1 + step) for rate in RATES], tf.float32)
        stack = graph._update(stack, [tf.constant(one) for one in gradient], rates)

    for trial, chosen in enumerate(configurations):
        network = build_network(parts=breast_cancer, bundle=bundle, hyperparameters={"units": 2, "layers": 1}, seed=0)
        weights = network.trainable_variables
        for variable, value in zip(weights, first[trial], strict=True):
            variable.assign(value.reshape(variable.shape))
        optimizer = create_optimizer(choice, chosen)
        for step, gradient in enumerate(gradients):
            optimizer.learning_rate = chosen.learning_rate / (1 + step)
            optimizer.apply(
                [one[trial].reshape(own.shape) for one, own in zip(gradient, weights, strict=True)], weights
            )
        for ours, theirs in zip(stack.weights, weights, strict=True):
            np.testing.assert_allclose(ours[trial].numpy().reshape(theirs.shape), theirs, rtol=2e-5, atol=5e-6)


def _gradient(random: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    gradient = random.normal(size=size) * 10.0 ** random.integers(-4, 1, size=size)
    return np.where(random.random(size) < 0.1, 0, gradient).astype(np.float32)


def properties(bundle: Bundle) -> dict[str, tf.Tensor]:
    """Those of one trial with the bundle's defaults, (1, 1, 1) each."""
    found = properties_of([configuration(bundle, {})])
    return {name: tf.reshape(values, (1, 1, 1)) for name, values in found.items()}


def test_each_trial_of_a_stack_has_its_own_decays_momentum_and_epsilon(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(optimizer=Adam())
    found = properties_of([configuration(bundle, one) for one in ({}, {"beta_2": 0.9, "epsilon": 0.5})])
    assert set(found) == {"beta_1", "1 - beta_1", "beta_2", "1 - beta_2", "epsilon", "1 - epsilon"}
    np.testing.assert_allclose(found["1 - beta_2"], [0.001, 0.1], rtol=1e-6)
    np.testing.assert_allclose(found["epsilon"], [1e-7, 0.5], rtol=1e-6)
    assert properties_of([configuration(make_bundle(optimizer=Sgd()), {})]) == {}


@pytest.mark.parametrize(
    ("choice", "change"),
    [
        # The first step at rate 0.5 along the gradient 2, worked by hand; epsilon is 1e-7.
        (Sgd(), -1.0),
        (SgdMomentum(momentum=0.9), -1.0),
        (SgdMomentum(momentum=0.9, nesterov=True), -1.9),  # 0.9 · (-1) - 1
        (Adam(), -0.5),  # the mean 0.2 / 0.1 over the root of the square 0.004 / 0.001
        (AdamW(), -0.5),
        # epsilon is added before the square is corrected, as in Keras: 0.5 · √0.001 / 0.1 · 0.2 / (√0.004 + 1)
        (Adam(epsilon=1.0), -(0.001**0.5) / (0.004**0.5 + 1)),
        (RmsProp(), -0.5 * 2 / 0.4**0.5),  # the square is a tenth of 4
        (RmsProp(rho=0.5, momentum=0.9), -0.5 * 2 / 2**0.5),  # half of 4; the velocity starts at the first change
        (RmsProp(epsilon=0.6), -0.5 * 2 / (0.4 + 0.6) ** 0.5),
        (Adagrad(), -0.5 * 2 / 4.1**0.5),  # the accumulator starts at 0.1
        (Adagrad(initial_accumulator_value=5.0), -0.5 * 2 / 9**0.5),
        (Lion(), -0.5),
        # Momenta of 0.9 · 0.52 now and 0.9 · 0.5392 in the next step; the mean is 0.2, the root of the square 2.
        (Nadam(), -0.5 * (0.48528 * 0.2 / (1 - 0.468 * 0.48528) + 0.532 * 2 / (1 - 0.468)) / 2),
    ],
    ids=str,
)
def test_the_first_step_is_the_formulas(make_bundle: Callable[..., Bundle], choice: Choice, change: float) -> None:
    rule, own = update_rule(choice), properties(make_bundle(optimizer=choice))
    weight = tf.zeros((1, 1, 1))
    found, slots = rule.update(
        tf.fill((1, 1, 1), 2.0), rule.slots(weight), tf.fill((1, 1, 1), 0.5), tf.ones((1, 1, 1)), own
    )
    assert found.numpy().item() == pytest.approx(change, rel=1e-5)
    assert len(slots) == len(rule.starts)


@pytest.mark.parametrize("choice", OPTIMIZERS, ids=str)
def test_what_has_no_gradient_stays_zero(make_bundle: Callable[..., Bundle], choice: Choice) -> None:
    """So what fills a narrow trial up to the stack's width stays without effect."""
    rule, own = update_rule(choice), properties(make_bundle(optimizer=choice))
    weight = tf.zeros((2, 3, 4))
    slots, column = rule.slots(weight), tf.ones((2, 1, 1))
    for step in range(1, 4):
        change, slots = rule.update(tf.zeros_like(weight), slots, column, column * step, own)
        np.testing.assert_array_equal(change, 0)


def test_a_choice_of_another_slot_is_refused() -> None:
    with pytest.raises(ChoiceError, match="must be one with an update rule, but got he"):
        update_rule(He())


@pytest.mark.parametrize("choice", [Muon(), Adafactor()], ids=str)
def test_an_optimizer_that_reads_whole_matrices_has_no_update_rule(choice: Choice) -> None:
    with pytest.raises(ChoiceError, match="must be one with an update rule"):
        update_rule(choice)
