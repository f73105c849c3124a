"""The network that W, the non-linearity and the configuration describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from executor.networks.output_layer import log_prior
from executor.networks.tabular import build_network
from rules.errors import ChoiceError
from rules.vocabulary.choices import BinaryCrossentropy, CategoricalCrossentropy, RandomUniform, Selu, Tanh
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle
    from tests.executor.conftest import MakeParts


@pytest.fixture
def few(make_parts: MakeParts) -> Parts:
    """Eight training rows, two of them of class 1, with three columns."""
    return make_parts(np.ones((10, 3)), np.array([[1], [1], *[[0]] * 8]), task=Task.BINARY)


def kernels(network: keras.Model) -> list[tuple[int, ...]]:
    """Of the layers after the inputs."""
    return [tuple(weight.shape) for weight in network.weights if weight.name == "kernel"]


def test_the_configuration_gives_the_shapes(make_bundle: Callable[..., Bundle], few: Parts) -> None:
    network = build_network(parts=few, bundle=make_bundle(), hyperparameters={"layers": 2, "units": 5}, seed=1)
    assert kernels(network) == [(3, 5), (5, 5), (5, 1)]
    assert [layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)] == [0.1, 0.1]


def test_the_defaults_are_three_layers_of_256_units(make_bundle: Callable[..., Bundle], few: Parts) -> None:
    network = build_network(parts=few, bundle=make_bundle(), hyperparameters={}, seed=1)
    assert kernels(network) == [(3, 256), (256, 256), (256, 256), (256, 1)]


@pytest.mark.parametrize("activation", [Tanh(), Selu()])
def test_hidden_layers_have_the_bundles_non_linearity_and_the_output_none(
    make_bundle: Callable[..., Bundle], few: Parts, activation: object
) -> None:
    network = build_network(parts=few, bundle=make_bundle(activation=activation), hyperparameters={"layers": 1}, seed=1)
    assert network.get_layer("hidden_1").activation.__name__ == activation.name
    assert network.get_layer("output").activation.__name__ == "linear"


def test_weights_are_initialised_by_the_bundles_choice(make_bundle: Callable[..., Bundle], few: Parts) -> None:
    network = build_network(
        parts=few, bundle=make_bundle(initializer=RandomUniform(limit=0.02)), hyperparameters={}, seed=1
    )
    for layer in ("hidden_1", "hidden_2", "hidden_3"):
        assert 0.018 < np.abs(np.asarray(network.get_layer(layer).kernel)).max() <= 0.02


def test_the_output_starts_at_its_bias(make_bundle: Callable[..., Bundle], few: Parts) -> None:
    network = build_network(parts=few, bundle=make_bundle(), hyperparameters={}, seed=1)
    np.testing.assert_array_equal(network({"dense": few.train.dense}), np.zeros((8, 1)))


def test_a_seed_gives_the_same_weights_and_no_two_layers_start_equal(
    make_bundle: Callable[..., Bundle], few: Parts
) -> None:
    first, again, other = (
        build_network(parts=few, bundle=make_bundle(), hyperparameters={}, seed=seed).get_weights()
        for seed in (1, 1, 2)
    )
    for one, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, same)
    assert not np.array_equal(first[1], other[1])
    assert not np.array_equal(first[3], first[5])


def test_codes_are_embedded_beside_the_dense_columns(make_bundle: Callable[..., Bundle], make_parts: MakeParts) -> None:
    codes = np.arange(20).reshape(10, 2) % 7
    parts = make_parts(np.ones((10, 3)), np.zeros((10, 1)), task=Task.REGRESSION, codes=codes, vocabulary=7)
    network = build_network(parts=parts, bundle=make_bundle(), hyperparameters={"layers": 1, "units": 4}, seed=1)
    assert kernels(network)[0] == (3 + 2 * 8, 4)
    outputs = network({"dense": parts.train.dense, "codes": parts.train.codes})
    assert outputs.shape == (8, 1)


def test_log_prior_makes_an_output_answer_with_the_class_shares(make_bundle: Callable[..., Bundle], few: Parts) -> None:
    bundle = make_bundle(loss=BinaryCrossentropy(output_bias="log_prior"))
    network = build_network(parts=few, bundle=bundle, hyperparameters={}, seed=1)
    logit = float(np.asarray(network({"dense": few.train.dense}))[0, 0])
    # Two rows of class 1 among eight, half a row added to each class: 2.5 / 9.
    assert 1 / (1 + np.exp(-logit)) == pytest.approx(2.5 / 9)


def test_log_prior_of_several_classes_and_of_labels(make_parts: MakeParts) -> None:
    target = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]])
    several = make_parts(np.ones((5, 1)), target, task=Task.MULTICLASS)
    np.testing.assert_allclose(log_prior(several), np.log(np.array([3.5, 1.5, 0.5]) / 5.5), rtol=1e-6)
    labels = make_parts(np.ones((5, 1)), target, task=Task.MULTILABEL)
    np.testing.assert_allclose(log_prior(labels), np.log(np.array([3.5 / 1.5, 1.5 / 3.5, 0.5 / 4.5])), rtol=1e-6)


def test_a_network_with_a_log_prior_can_be_loaded_without_custom_code(
    make_bundle: Callable[..., Bundle], few: Parts, tmp_path: Path
) -> None:
    bundle = make_bundle(loss=CategoricalCrossentropy(output_bias="log_prior"))
    network = build_network(parts=few, bundle=bundle, hyperparameters={}, seed=1)
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras", safe_mode=True)
    np.testing.assert_array_equal(again({"dense": few.train.dense}), network({"dense": few.train.dense}))


def test_the_output_stays_in_float32_under_mixed_precision(make_bundle: Callable[..., Bundle], few: Parts) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = build_network(parts=few, bundle=make_bundle(), hyperparameters={}, seed=1)
    finally:
        keras.config.set_dtype_policy(before)
    assert network.get_layer("hidden_1").compute_dtype == "bfloat16"
    assert network.get_layer("output").compute_dtype == "float32"


def test_a_bad_hyperparameter_is_refused(make_bundle: Callable[..., Bundle], few: Parts) -> None:
    with pytest.raises(ChoiceError, match="Did you mean 'layers'"):
        build_network(parts=few, bundle=make_bundle(), hyperparameters={"layer": 2}, seed=1)
