"""The networks for texts."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest

from executor.networks.build import build_network, layer_rate_multipliers
from executor.preprocessing.inputs import TextInputs
from rules.vocabulary.choices import BagOfNgrams, Choice, TextCnn
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle
    from tests.executor.conftest import MakeParts

PLACES = 12


@pytest.fixture
def text_parts(make_parts: MakeParts) -> Callable[[Choice], Parts]:
    """Twenty rows of up to eight terms each, of two classes."""

    def make(text: Choice) -> Parts:
        random = np.random.default_rng(0)
        ids = random.integers(0, PLACES, (20, 8))
        weights = np.where(ids > 0, 1.0 if text == TextCnn() else 0.35, 0.0)
        classes = (np.arange(20) % 2)[:, None]
        parts = make_parts(weights, classes, task=Task.BINARY, codes=ids, vocabulary=PLACES)
        return dataclasses.replace(parts, inputs=TextInputs())

    return make


BAG = BagOfNgrams(linear_start=False)
BOTH = pytest.mark.parametrize("text", [BAG, TextCnn()])


def _inputs(parts: Parts) -> dict[str, np.ndarray]:
    return {"dense": parts.train.dense, "codes": parts.train.codes}


@BOTH
def test_one_seed_gives_one_network(
    text: Choice, text_parts: Callable[..., Parts], make_bundle: Callable[..., Bundle]
) -> None:
    parts = text_parts(text)
    first, second, other = (
        build_network(
            parts=parts, bundle=make_bundle(architecture=text), hyperparameters={"layers": 2, "units": 16}, seed=seed
        )
        for seed in (1, 1, 2)
    )
    said = [np.asarray(network(_inputs(parts), training=False)) for network in (first, second, other)]
    assert said[0].shape == (16, 1)
    assert np.array_equal(said[0], said[1])
    assert not np.array_equal(said[0], said[2])
    assert set(layer_rate_multipliers(first, parts, make_bundle())) == {1.0}


@BOTH
def test_what_fills_a_row_up_says_nothing(
    text: Choice, text_parts: Callable[..., Parts], make_bundle: Callable[..., Bundle]
) -> None:
    parts = text_parts(text)
    network = build_network(parts=parts, bundle=make_bundle(architecture=text), hyperparameters={}, seed=0)
    weights, ids = parts.train.dense[:1].copy(), parts.train.codes[:1].copy()
    weights[0, 5:] = 0
    ids[0, 5:] = 0
    another = ids.copy()
    another[0, 5:] = 7  # without a weight
    said = [np.asarray(network({"dense": weights, "codes": one}, training=False)) for one in (ids, another)]
    assert np.array_equal(*said)


def test_a_bag_does_not_see_the_order_and_a_convolution_does(
    text_parts: Callable[..., Parts], make_bundle: Callable[..., Bundle]
) -> None:
    for text in (BAG, TextCnn()):
        parts = text_parts(text)
        network = build_network(parts=parts, bundle=make_bundle(architecture=text), hyperparameters={}, seed=0)
        ids = np.arange(1, 9, dtype=np.int32)[None]
        weights = np.ones((1, 8), np.float32)
        said = [np.asarray(network({"dense": weights, "codes": one}, training=False)) for one in (ids, ids[:, ::-1])]
        assert np.allclose(*said, atol=1e-5) == (text == BAG)


def test_the_first_hidden_layer_of_a_bag_is_as_the_sparse_row_times_its_kernel(
    text_parts: Callable[..., Parts], make_bundle: Callable[..., Bundle]
) -> None:
    parts = text_parts(BAG)
    network = build_network(parts=parts, bundle=make_bundle(architecture=BAG), hyperparameters={"units": 4}, seed=0)
    kernel, bias = (np.asarray(one) for one in network.get_layer("terms").weights)
    rows = np.zeros((16, PLACES))
    for row in range(16):
        np.add.at(rows[row], parts.train.codes[row], parts.train.dense[row])
    hidden = np.maximum(rows @ kernel + bias, 0)
    out = network.get_layer("output")
    expected = hidden @ np.asarray(out.kernel) + np.asarray(out.bias)
    np.testing.assert_allclose(network(_inputs(parts), training=False), expected, atol=1e-5)
