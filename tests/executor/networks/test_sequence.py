"""The networks that read a sequence step by step."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from executor.layers.steps import EndedMean
from executor.networks.build import build_network
from executor.preprocessing.inputs import SequenceInputs
from rules.errors import ChoiceError
from rules.vocabulary.choices import Gru, InceptionTime
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle
    from tests.executor.conftest import MakeParts

STEPS, CHANNELS = 12, 3  # the last channel tells where a sequence ends


@pytest.fixture
def parts(make_parts: MakeParts) -> Parts:
    values = np.random.default_rng(0).normal(size=(20, STEPS, CHANNELS))
    values[..., -1] = np.arange(STEPS) < np.arange(1, 21).clip(4, STEPS)[:, None]
    values[..., :-1] *= values[..., -1:]
    found = make_parts(values.reshape(20, -1), np.repeat([[1], [0]], [5, 15], axis=0), task=Task.BINARY)
    return dataclasses.replace(found, inputs=SequenceInputs(steps=STEPS, channels=CHANNELS))


@pytest.fixture(params=[InceptionTime(), Gru()], ids=str)
def bundle(request: pytest.FixtureRequest, make_bundle: Callable[..., Bundle]) -> Bundle:
    return make_bundle(architecture=request.param)


def test_the_mean_is_over_the_steps_before_the_end() -> None:
    hidden = np.array([[[2.0], [4.0], [9.0]]])
    assert EndedMean()([hidden, np.array([[[1.0], [1.0], [0.0]]])]).numpy().tolist() == [[3.0]]


def test_the_networks_answer_each_row_and_say_nothing_of_what_lies_after_the_end(parts: Parts, bundle: Bundle) -> None:
    network = build_network(parts=parts, bundle=bundle, hyperparameters={"units": 8}, seed=1)
    short = parts.train.dense[:1].reshape(1, STEPS, CHANNELS).copy()
    changed = short.copy()
    changed[0, 8:, :-1] = 7 * (1 - short[0, 8:, -1:])
    if bundle.architecture == Gru():
        answers = [network({"dense": one.reshape(1, -1)}).numpy() for one in (short, changed)]
        np.testing.assert_allclose(*answers)
    assert network({"dense": parts.train.dense}).shape == (16, 1)


def test_the_recurrent_kernels_are_orthogonal_at_first(parts: Parts, bundle: Bundle) -> None:
    if bundle.architecture != Gru():
        return
    network = build_network(parts=parts, bundle=bundle, hyperparameters={"units": 8}, seed=1)
    kernel = network.get_layer("recurrent_1").cell.recurrent_kernel.numpy()
    np.testing.assert_allclose(kernel @ kernel.T, np.eye(8), atol=1e-5)


def test_one_seed_gives_one_network(parts: Parts, bundle: Bundle) -> None:
    one, other, third = (
        build_network(parts=parts, bundle=bundle, hyperparameters={"units": 8, "layers": 2}, seed=seed)
        for seed in (1, 1, 2)
    )
    assert all((a == b).all() for a, b in zip(one.get_weights(), other.get_weights(), strict=True))
    assert any((a != b).any() for a, b in zip(one.get_weights(), third.get_weights(), strict=True))


def test_a_network_is_the_same_when_it_is_loaded(parts: Parts, bundle: Bundle, tmp_path) -> None:
    network = build_network(parts=parts, bundle=bundle, hyperparameters={"units": 8}, seed=1)
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    inputs = {"dense": parts.train.dense}
    np.testing.assert_allclose(again(inputs), network(inputs), atol=1e-6)


def test_a_hyperparameter_that_is_none_is_refused(parts: Parts, bundle: Bundle) -> None:
    with pytest.raises(ChoiceError, match="'unit'"):
        build_network(parts=parts, bundle=bundle, hyperparameters={"unit": 8}, seed=1)
