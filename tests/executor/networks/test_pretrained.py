"""Transfer learning from a file of weights."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from executor.networks.build import build_network
from executor.preprocessing.inputs import ImageInputs
from rules.errors import ChoiceError
from rules.vocabulary.choices import Backbone
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle
    from tests.executor.conftest import MakeParts


@pytest.fixture
def grey_images(make_parts: MakeParts) -> Parts:
    values = np.random.default_rng(0).normal(size=(20, 64))
    parts = make_parts(values, np.repeat([[1], [0]], 10, axis=0), task=Task.BINARY)
    return dataclasses.replace(parts, inputs=ImageInputs(shape=(8, 8, 1), mean=(128.0,), scale=(60.0,)))


def test_a_backbone_takes_its_weights_from_a_file_and_keeps_them(
    make_bundle: Callable[..., Bundle], grey_images: Parts, tmp_path: Path
) -> None:
    whole = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(96, 96, 3))
    whole.save_weights(tmp_path / "trained.weights.h5")
    bundle = make_bundle(transfer=Backbone(weights=str(tmp_path / "trained.weights.h5")))
    network = build_network(parts=grey_images, bundle=bundle, hyperparameters={}, seed=1)
    assert [weight.path for weight in network.trainable_variables] == ["output/kernel", "output/bias"]
    body = next(layer for layer in network.layers if isinstance(layer, keras.Model))
    for one, other in zip(body.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert network({"dense": grey_images.validation.dense}).shape == (4, 1)


def test_without_weights_the_small_network_is_trained_from_scratch(
    make_bundle: Callable[..., Bundle], grey_images: Parts
) -> None:
    network = build_network(parts=grey_images, bundle=make_bundle(transfer=Backbone()), hyperparameters={}, seed=1)
    assert network.get_layer("stage_2_block_1")


def test_a_file_of_other_weights_is_refused(
    make_bundle: Callable[..., Bundle], grey_images: Parts, tmp_path: Path
) -> None:
    (tmp_path / "other.weights.h5").write_bytes(b"no weights")
    bundle = make_bundle(transfer=Backbone(weights=str(tmp_path / "other.weights.h5")))
    with pytest.raises(ChoiceError, match=r"must be those of keras\.applications without the top layer"):
        build_network(parts=grey_images, bundle=bundle, hyperparameters={}, seed=1)
