"""A trial in a stack is the Keras model of its configuration: the same first weights, the same outputs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.components.configuration import EMBEDDING, Configuration, configuration
from executor.layers.periodic import FEATURES, FREQUENCIES
from executor.networks.build import layer_rate_multipliers
from executor.networks.stacked_tabular import (
    StackShape,
    forward,
    initial_weights,
    masks,
    pad_weights,
    set_weights,
    unpad_weights,
)
from executor.networks.tabular import build_network, rate_multiplier
from executor.preprocessing.inputs import TableInputs
from rules.vocabulary.choices import (
    EXTRAS,
    AdamW,
    BinaryCrossentropy,
    Choice,
    He,
    Lecun,
    MiniRocket,
    MseLoss,
    Poisson,
    RandomNormal,
    RandomUniform,
    Relu,
    Selu,
    Sgd,
    Standard,
    Tanh,
    Xavier,
    parameters_of,
)
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle
    from tests.executor.conftest import MakeParts

PLAIN = Standard(**dict.fromkeys(EXTRAS, False))
SIZES = ({"units": 7, "layers": 3}, {"units": 4, "layers": 1, "dropout": 0.0}, {"units": 9, "layers": 2})


@pytest.fixture(params=["numbers only", "numbers and codes", "codes only"])
def parts(request: pytest.FixtureRequest, make_parts: MakeParts) -> Parts:
    """Fifty rows of three numbers, two of them with waves, of two codes out of seven levels, or of both."""
    random = np.random.default_rng(0)
    numbers = random.normal(size=(50, 0 if request.param == "codes only" else 3))
    target = random.integers(0, 2, size=(50, 1))
    waved = min(2, numbers.shape[1])
    if request.param == "numbers only":
        return make_parts(numbers, target, task=Task.BINARY, numbers=waved)
    return make_parts(
        numbers,
        target,
        task=Task.BINARY,
        codes=random.integers(0, 7, size=(50, 2)),
        vocabulary=7,
        numbers=min(2, numbers.shape[1]),
    )


@pytest.fixture(params=["standard", "plain", "ridge start"])
def architecture(request: pytest.FixtureRequest) -> Standard | MiniRocket:
    """The standard network, with all that the notes do not name and without, and one with a linear layer."""
    return {"standard": Standard(), "plain": PLAIN, "ridge start": MiniRocket()}[request.param]


def of(parts: Parts, architecture: Standard | MiniRocket) -> Parts:
    """The parts as they are encoded for an architecture."""
    parameters = parameters_of(architecture)
    waved = parts.inputs_as(TableInputs).numbers if parameters.periodic_features else 0
    started = isinstance(architecture, MiniRocket)
    return replace(
        parts,
        inputs=TableInputs(
            numbers=waved,
            input_scale=parameters.input_scale,
            ridge_start=started,
            hidden=(0, 2) if started and parts.train.dense.shape[1] else (),
        ),
    )


def chosen(units: int, layers: int) -> Configuration:
    return Configuration(learning_rate=0.1, schedule="constant", dropout=0.0, units=units, layers=layers)


@st.composite
def smaller_ones(draw: st.DrawFn) -> tuple[StackShape, Configuration]:
    """A stack's shape, and a configuration that fits into it."""
    units, layers = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    coded = draw(st.integers(0, 2))
    width = draw(st.integers(0 if coded else 1, 4))
    shape = StackShape(
        width=width,
        waved=draw(st.integers(0, width)),
        coded=coded,
        vocabulary=5 if coded else 0,
        embedding=draw(st.integers(1, 3)) if coded else 0,
        outputs=draw(st.integers(1, 3)),
        units=units,
        layers=layers,
    )
    return shape, chosen(draw(st.integers(1, units)), draw(st.integers(1, layers)))


def test_a_log_link_makes_predictions_positive_in_a_stack_as_in_a_keras_model(
    make_parts: MakeParts, make_bundle: Callable[..., Bundle]
) -> None:
    numbers = np.random.default_rng(0).normal(size=(50, 3))
    parts = make_parts(numbers, np.exp(numbers[:, :1]), task=Task.REGRESSION)
    parts = replace(parts, target_mean=np.array([3.0]), target_scale=np.array([2.0]))
    outputs = {}
    for loss in (MseLoss(), Poisson()):
        bundle, own = make_bundle(loss=loss, architecture=PLAIN), chosen(5, 1)
        weights = initial_weights(parts, bundle, own, seed=0)
        shape = StackShape.of(parts, [own])
        units, layers = masks([own], shape)
        inputs = {"dense": tf.constant(parts.train.dense)}
        stacked = [tf.constant(weight)[None] for weight in weights]
        outputs[loss.name] = forward(stacked, inputs, bundle=bundle, shape=shape, units=units, layers=layers)[0].numpy()
        network = build_network(parts=parts, bundle=bundle, hyperparameters={"units": 5, "layers": 1}, seed=0)
        set_weights(network, weights)
        np.testing.assert_allclose(network(inputs), outputs[loss.name], rtol=1e-5, atol=1e-6)
    # The value is 3 times the exponential of the output without a link.
    np.testing.assert_allclose(outputs["poisson"] * 2 + 3, 3 * np.exp(outputs["mse"]), rtol=1e-5)


@given(smaller_ones(), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_cut_takes_off_what_padded_filled_up(drawn: tuple[StackShape, Configuration], seed: int) -> None:
    shape, own = drawn
    small = StackShape(**{**vars(shape), "units": own.units, "layers": own.layers})
    random = np.random.default_rng(seed)
    weights = [random.normal(size=size).astype(np.float32) for size in small.weights]
    filled = pad_weights(weights, own, shape)
    assert [weight.shape for weight in filled] == shape.weights
    for before, after in zip(weights, unpad_weights(filled, own, shape), strict=True):
        np.testing.assert_array_equal(before, after)
    # Nothing is put twice or lost: the filled weights add up to the trial's own.
    assert sum(map(np.count_nonzero, filled)) == sum(map(np.count_nonzero, weights))


def test_the_shape_of_a_stack_is_that_of_its_widest_and_its_deepest_trial(parts: Parts) -> None:
    shape = StackShape.of(parts, [chosen(5, 1), chosen(2, 3)])
    assert (shape.units, shape.layers) == (5, 3)
    columns = (
        parts.train.dense.shape[1]
        + parts.inputs_as(TableInputs).numbers * FEATURES
        + 2 * EMBEDDING * (parts.vocabulary > 0)
    )
    assert shape.weights[-8:] == [(columns, 5), (1, 5), (5, 5), (1, 5), (5, 5), (1, 5), (5, 1), (1, 1)]
    before = (
        7 * EMBEDDING * (parts.vocabulary > 0) + parts.inputs_as(TableInputs).numbers * (2 + FEATURES) * FREQUENCIES
    )
    assert (
        shape.size == before + parts.inputs_as(TableInputs).numbers * FEATURES + columns + columns * 5 + 5 + 2 * 30 + 6
    )
    assert shape.decay_free[-9:] == [True, *[False, True] * 4]  # the scale, then kernels and biases
    assert len(shape.decay_free) == len(shape.rate_multipliers) == len(shape.weights)


def test_the_first_layer_the_scale_and_the_waves_learn_at_paces_of_their_own(
    make_bundle: Callable[..., Bundle], parts: Parts
) -> None:
    shape = StackShape.of(parts, [chosen(5, 2)])
    adaptive, other = make_bundle(optimizer=AdamW()), make_bundle(optimizer=Sgd())
    network = build_network(parts=parts, bundle=adaptive, hyperparameters={"units": 5, "layers": 2}, seed=0)
    assert shape.rate_multipliers == layer_rate_multipliers(network, parts, adaptive)
    assert layer_rate_multipliers(network, parts, other) == [1.0] * len(shape.rate_multipliers)
    assert shape.rate_multipliers[-6:] == [pytest.approx((256 / shape.joined) ** 0.5), *[1.0] * 5]
    assert shape.rate_multipliers[-7] > 1.0


def test_the_linear_layer_starts_at_the_ridge_regression_of_the_rows_that_a_fold_trains_on(
    make_bundle: Callable[..., Bundle], make_parts: MakeParts
) -> None:
    random = np.random.default_rng(0)
    parts = make_parts(random.normal(size=(50, 3)), random.integers(0, 2, size=(50, 1)), task=Task.BINARY)
    folded = replace(parts.train, fold=(np.arange(40) % 2)[:, None])
    parts = of(replace(parts, train=folded, validation=folded), MiniRocket())
    bundle = make_bundle(architecture=MiniRocket())
    for fold in range(2):
        *_, kernel, bias = initial_weights(parts, bundle, chosen(5, 2), seed=0, fold=fold)
        alone = replace(folded.take(np.arange(40) % 2 != fold), fold=None)
        (expected,) = replace(parts, train=alone, validation=alone).linear_starts
        np.testing.assert_allclose(kernel, expected.kernel, rtol=1e-5)
        np.testing.assert_allclose(bias[0], expected.bias, rtol=1e-5)
    shape = StackShape.of(parts, [chosen(5, 2)])
    assert [*shape.named][-2:] == [("linear", "kernel"), ("linear", "bias")]
    assert shape.rate_multipliers[-2:] == pytest.approx([0.1, 0.1])
    assert rate_multiplier("linear", "kernel", joined=1, width=2_560) == pytest.approx(0.01)


def test_a_plain_network_learns_at_one_rate_and_has_no_weights_but_those_of_its_layers(
    make_bundle: Callable[..., Bundle], parts: Parts
) -> None:
    bundle, parts = make_bundle(optimizer=AdamW(), architecture=PLAIN), of(parts, PLAIN)
    network = build_network(parts=parts, bundle=bundle, hyperparameters={"units": 5, "layers": 2}, seed=0)
    assert layer_rate_multipliers(network, parts, bundle) == [1.0] * len(network.trainable_variables)
    levels = {"levels"} if parts.vocabulary else set()
    assert {layer.name for layer in network.layers if layer.weights} == {"hidden_1", "hidden_2", "output"} | levels
    assert {layer for layer, _ in StackShape.of(parts, [chosen(5, 2)]).named} == {
        "hidden_1",
        "hidden_2",
        "output",
    } | levels
    kernel = network.get_layer("output").kernel.numpy()
    assert np.std(kernel) > 0
    assert type(network.get_layer("output").kernel_initializer) is type(
        network.get_layer("hidden_1").kernel_initializer
    )


@pytest.mark.parametrize(
    "initializer",
    [
        He(),
        He(distribution="uniform"),
        Xavier(),
        Xavier(distribution="normal"),
        Lecun(),
        RandomUniform(limit=0.1),
        RandomNormal(stddev=0.1),
    ],
    ids=str,
)
def test_a_trial_starts_from_the_weights_of_its_keras_model(
    make_bundle: Callable[..., Bundle], parts: Parts, architecture: Standard | MiniRocket, initializer: Choice
) -> None:
    parts, loss = of(parts, architecture), BinaryCrossentropy(output_bias="log_prior")
    bundle = make_bundle(initializer=initializer, loss=loss, architecture=architecture)
    for seed, size in enumerate(SIZES):
        network = build_network(parts=parts, bundle=bundle, hyperparameters=size, seed=seed)
        own = initial_weights(parts, bundle, configuration(bundle, size), seed=seed)
        for ours, theirs in zip(own, network.get_weights(), strict=True):
            np.testing.assert_array_equal(ours.reshape(theirs.shape), theirs)


@pytest.mark.parametrize("activation", [Relu(), Tanh(), Selu()], ids=str)
def test_every_trial_of_a_stack_answers_as_its_keras_model(
    make_bundle: Callable[..., Bundle], parts: Parts, architecture: Standard | MiniRocket, activation: Choice
) -> None:
    parts, bundle = of(parts, architecture), make_bundle(activation=activation, architecture=architecture)
    configurations = [configuration(bundle, size) for size in SIZES]
    shape = StackShape.of(parts, configurations)
    networks = [
        _with_random_biases(build_network(parts=parts, bundle=bundle, hyperparameters=size, seed=seed))
        for seed, size in enumerate(SIZES)
    ]
    own = [
        pad_weights([_two_dimensional(weight) for weight in network.get_weights()], one, shape)
        for network, one in zip(networks, configurations, strict=True)
    ]
    units, layers = masks(configurations, shape)
    answers = forward(
        [tf.constant(np.stack(weights)) for weights in zip(*own, strict=True)],
        _inputs(parts),
        bundle=bundle,
        shape=shape,
        units=tf.constant(units),
        layers=tf.constant(layers),
    )
    assert answers.dtype == tf.float32
    for trial, network in enumerate(networks):
        np.testing.assert_allclose(answers[trial], network(_inputs(parts)), rtol=1e-5, atol=1e-6)


def _two_dimensional(weight: np.ndarray) -> np.ndarray:
    return weight[None] if weight.ndim == 1 else weight


def _with_random_biases(network: keras.Model) -> keras.Model:
    """With zeros an error in their places would not be seen, nor one before an output of zeros."""
    random = np.random.default_rng(1)
    weights = network.get_weights()
    drawn = [random.normal(size=one.shape) if one.ndim == 1 or not one.any() else one for one in weights]
    network.set_weights(drawn)
    return network


def _filled_outputs(weights: list[np.ndarray]) -> list[np.ndarray]:
    """The output starts at zeros, which would hide what comes before it; so do biases."""
    random = np.random.default_rng(2)
    return [weight if weight.any() else random.normal(size=weight.shape).astype(np.float32) for weight in weights]


def _inputs(parts: Parts) -> dict[str, tf.Tensor]:
    inputs = {"dense": tf.constant(parts.train.dense)}
    return inputs | ({"codes": tf.constant(parts.train.codes)} if parts.vocabulary else {})


def test_a_keras_model_filled_with_a_trials_weights_answers_as_the_trial_did(
    make_bundle: Callable[..., Bundle], parts: Parts, architecture: Standard | MiniRocket
) -> None:
    parts, bundle = of(parts, architecture), make_bundle(architecture=architecture)
    configurations = [configuration(bundle, size) for size in SIZES]
    shape = StackShape.of(parts, configurations)
    stacked = [
        pad_weights(_filled_outputs(initial_weights(parts, bundle, one, seed=10 + trial)), one, shape)
        for trial, one in enumerate(configurations)
    ]
    units, layers = masks(configurations, shape)
    answers = forward(
        [tf.constant(np.stack(weights)) for weights in zip(*stacked, strict=True)],
        _inputs(parts),
        bundle=bundle,
        shape=shape,
        units=tf.constant(units),
        layers=tf.constant(layers),
    )
    for trial, (size, one) in enumerate(zip(SIZES, configurations, strict=True)):
        network = build_network(parts=parts, bundle=bundle, hyperparameters=size, seed=99)
        set_weights(network, unpad_weights(stacked[trial], one, shape))
        np.testing.assert_allclose(network(_inputs(parts)), answers[trial], rtol=1e-5, atol=1e-6)


def test_masks_say_which_units_and_layers_a_trial_has(parts: Parts) -> None:
    configurations = [chosen(1, 3), chosen(3, 1)]
    units, layers = masks(configurations, StackShape.of(parts, configurations))
    np.testing.assert_array_equal(units[:, 0], [[1, 0, 0], [1, 1, 1]])
    np.testing.assert_array_equal(layers[:, :, 0, 0], [[1, 1], [1, 0], [1, 0]])
