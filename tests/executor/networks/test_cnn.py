"""The network for images."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from executor.networks.build import build_network
from executor.networks.output_layer import log_prior
from executor.preprocessing.inputs import ImageInputs
from rules.errors import ChoiceError
from rules.vocabulary.choices import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    NoAugmentation,
    RandomTranslation,
    RandomTranslationAndFlip,
    RandomUniform,
    Tanh,
)
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle
    from rules.vocabulary.choices import Choice
    from tests.executor.conftest import MakeParts


@pytest.fixture
def image_parts(make_parts: MakeParts) -> Callable[..., Parts]:
    """Twenty noisy images of a shape, of two classes, five and fifteen of each."""

    def make(height: int = 8, width: int = 8, channels: int = 1) -> Parts:
        values = np.random.default_rng(0).normal(size=(20, height * width * channels))
        classes = np.repeat([[1], [0]], [5, 15], axis=0)
        parts = make_parts(values, classes, task=Task.BINARY)
        return dataclasses.replace(
            parts, inputs=ImageInputs(shape=(height, width, channels), mean=(0.0,) * channels, scale=(1.0,) * channels)
        )

    return make


def last_side(network: keras.Model) -> tuple[int, int, int]:
    return tuple(network.get_layer("pixels").input.shape[1:])


@pytest.mark.parametrize(
    ("shape", "last"),
    [
        ((8, 8, 1), (4, 4, 128)),  # pooled once: 2 x 2 would be too small
        ((28, 28, 1), (7, 7, 128)),
        ((32, 32, 3), (4, 4, 128)),
        ((47, 64, 3), (5, 8, 128)),
        ((48, 64, 3), (6, 8, 128)),  # halved by the first layer
        ((160, 160, 3), (5, 5, 128)),  # halved, and four stages
        ((2, 3, 1), (2, 3, 128)),
    ],
)
def test_stages_halve_the_image_but_not_to_nothing(
    make_bundle: Callable[..., Bundle],
    image_parts: Callable[..., Parts],
    shape: tuple[int, int, int],
    last: tuple[int, int, int],
) -> None:
    parts = image_parts(*shape)
    network = build_network(parts=parts, bundle=make_bundle(), hyperparameters={}, seed=1)
    assert last_side(network) == last
    outputs = network({"dense": parts.train.dense})
    assert outputs.shape == (16, 1)
    assert outputs.dtype == "float32"


def test_the_defaults_have_some_180_thousand_weights_to_train(
    make_bundle: Callable[..., Bundle], image_parts: Callable[..., Parts]
) -> None:
    """Kernels: 9 · (1 · 32 + 32 · 64 + 64 · 128), the block 2 · 9 · 64², output 7 · 7 · 128 and its bias 1.

    Normalizations: four numbers, two of which are statistics, for 32, 64, 64, 64 and 128 channels.
    """
    network = build_network(parts=image_parts(28, 28), bundle=make_bundle(), hyperparameters={}, seed=1)
    kernels = 288 + 18_432 + 73_728 + 2 * 9 * 4_096 + 6_272 + 1
    assert network.count_params() == kernels + 4 * (32 + 3 * 64 + 128) + 1  # a dropout rate


def test_units_are_the_channels_of_the_last_stage_and_layers_add_blocks_between_the_first_and_the_last(
    make_bundle: Callable[..., Bundle], image_parts: Callable[..., Parts]
) -> None:
    hyperparameters = {"units": 12, "layers": 2, "dropout": 0.4}
    network = build_network(parts=image_parts(), bundle=make_bundle(), hyperparameters=hyperparameters, seed=1)
    assert last_side(network)[-1] == 12
    blocks = [layer.name for layer in network.layers if isinstance(layer, keras.layers.Add)]
    assert blocks == ["stage_2_block_1"]
    assert float(network.get_layer("dropout").rate) == pytest.approx(0.4)


def test_before_training_the_answer_is_the_class_shares(
    make_bundle: Callable[..., Bundle], image_parts: Callable[..., Parts], make_parts: MakeParts
) -> None:
    parts = image_parts()
    bundle = make_bundle(loss=BinaryCrossentropy(output_bias="log_prior"))
    network = build_network(parts=parts, bundle=bundle, hyperparameters={}, seed=1)
    np.testing.assert_array_equal(network.get_layer("output").bias, log_prior(parts))

    classes = np.eye(3)[np.repeat([0, 1, 2], [10, 5, 5])]
    several = dataclasses.replace(
        make_parts(np.zeros((20, 64)), classes, task=Task.MULTICLASS),
        inputs=ImageInputs(shape=(8, 8, 1), mean=(0.0,), scale=(1.0,)),
    )
    bundle = make_bundle(loss=CategoricalCrossentropy(output_bias="log_prior"))
    network = build_network(parts=several, bundle=bundle, hyperparameters={}, seed=1)
    # Images of zeros, moving means of 0 and no biases: all that answers is the prior.
    shares = keras.ops.softmax(network({"dense": several.train.dense}))[0]
    np.testing.assert_allclose(shares, [10.5 / 17.5, 5.5 / 17.5, 1.5 / 17.5], rtol=1e-5)


def test_kernels_and_activations_are_the_bundles(
    make_bundle: Callable[..., Bundle], image_parts: Callable[..., Parts]
) -> None:
    bundle = make_bundle(initializer=RandomUniform(limit=0.02), activation=Tanh())
    network = build_network(parts=image_parts(), bundle=bundle, hyperparameters={}, seed=1)
    kernels = [np.asarray(weight) for weight in network.weights if weight.name == "kernel"]
    assert all(0 < np.abs(kernel).max() <= 0.02 for kernel in kernels)
    assert len({kernel.ravel()[0] for kernel in kernels}) == len(kernels)  # each from a seed of its own
    activations = [layer for layer in network.layers if isinstance(layer, keras.layers.Activation)]
    assert {layer.activation.__name__ for layer in activations} == {"tanh"}


def test_a_seed_gives_the_same_weights(make_bundle: Callable[..., Bundle], image_parts: Callable[..., Parts]) -> None:
    first, same, other = (
        build_network(parts=image_parts(), bundle=make_bundle(), hyperparameters={}, seed=seed).get_weights()
        for seed in (1, 1, 2)
    )
    assert all(np.array_equal(one, two) for one, two in zip(first, same, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_a_network_answers_as_before_when_it_is_read_again(
    make_bundle: Callable[..., Bundle], image_parts: Callable[..., Parts], tmp_path: Path
) -> None:
    parts = image_parts()
    network = build_network(parts=parts, bundle=make_bundle(), hyperparameters={}, seed=1)
    network({"dense": parts.train.dense}, training=True)  # moves the statistics
    network.save(tmp_path / "cnn.keras")
    again = keras.saving.load_model(tmp_path / "cnn.keras", compile=False)
    rows = {"dense": parts.validation.dense}
    np.testing.assert_allclose(again(rows), network(rows), rtol=1e-6)


@pytest.mark.parametrize(
    ("augmentation", "layers"),
    [
        (NoAugmentation(), []),
        (RandomTranslation(), [("shift", 1)]),
        (RandomTranslation(pixels=3), [("shift", 3)]),
        (RandomTranslationAndFlip(), [("shift", 1), ("mirror", None)]),
    ],
)
def test_images_are_varied_as_the_bundle_says(
    make_bundle: Callable[..., Bundle],
    image_parts: Callable[..., Parts],
    tmp_path: Path,
    augmentation: Choice,
    layers: list[tuple[str, int | None]],
) -> None:
    parts = image_parts()
    network = build_network(parts=parts, bundle=make_bundle(augmentation=augmentation), hyperparameters={}, seed=1)
    found = [layer for layer in network.layers if layer.name in {"shift", "mirror"}]
    assert [(layer.name, getattr(layer, "most", None)) for layer in found] == layers
    network.save(tmp_path / "cnn.keras")
    again = keras.saving.load_model(tmp_path / "cnn.keras", compile=False)
    rows = {"dense": parts.validation.dense}
    np.testing.assert_allclose(again(rows), network(rows), rtol=1e-6)


def test_a_hyperparameter_that_does_not_exist_is_refused(
    make_bundle: Callable[..., Bundle], image_parts: Callable[..., Parts]
) -> None:
    with pytest.raises(ChoiceError, match="got 'layer'"):
        build_network(parts=image_parts(), bundle=make_bundle(), hyperparameters={"layer": 2}, seed=1)
