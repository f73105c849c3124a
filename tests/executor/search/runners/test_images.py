"""Trials on images run one by one, and each as if it were alone."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.datasets import load_digits

from executor.components.augmentation import is_augmented, switch_augmentation
from executor.data.images import ImageArray
from executor.layers.pixels import Pixels
from executor.model.rebuild import rebuild_networks
from executor.networks.build import build_network
from executor.networks.cnn import CNN
from executor.networks.tabular import TABULAR
from executor.preprocessing.encoded_images import EncodedImages
from executor.preprocessing.inputs import ImageInputs
from executor.runtime.budget import Budget
from executor.runtime.clock import Clock
from executor.search.oracles.base import defaults
from executor.search.records.proposal import Proposal
from executor.search.records.weights import read_arrays, read_weights, state_path, weights_path
from executor.search.runners.compiled import compile_outputs
from executor.search.runners.sequential import SequentialRunner
from executor.search.runners.stacked import StackRunner
from executor.search.search import search
from executor.search.space import Scope, search_space
from recommender.time_plan import TimePlan
from recommender.training_cost import AUGMENTED_EPOCHS, IMAGE_EPOCHS
from rules.vocabulary.choices import (
    CategoricalCrossentropy,
    Defaults,
    HighAndMedium,
    RandomTranslation,
    SgdMomentum,
)
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from executor.preprocessing.examples import Parts
    from executor.search.runners.workspace import Workspace
    from rules.vocabulary.bundle import Bundle
    from tests.executor.conftest import MakeParts

SMALL = {"units": 8, "layers": 1}


@pytest.fixture
def digits(make_parts: MakeParts) -> Parts:
    """300 images of 8 x 8 pixels of ten digits."""
    images, classes = load_digits(return_X_y=True)
    parts = make_parts(images[:300] / 8 - 1, np.eye(10)[classes[:300]], task=Task.MULTICLASS)
    return dataclasses.replace(parts, inputs=ImageInputs(shape=(8, 8, 1), mean=(0.0,), scale=(1.0,)))


@pytest.fixture
def at_digits(place: Callable[..., Workspace], digits: Parts) -> Workspace:
    return place(parts=digits, loss=CategoricalCrossentropy(), optimizer=SgdMomentum(nesterov=True))


def test_a_trial_in_a_graph_that_served_another_ends_as_it_does_in_its_own(at_digits: Workspace) -> None:
    def proposal(number: int, **values: float) -> Proposal:
        return Proposal(number=number, hyperparameters={**SMALL, **values}, epochs=3, may_continue=True)

    other = proposal(0, learning_rate=0.2, dropout=0.1, weight_decay=0.0)
    one = proposal(1, learning_rate=0.05, dropout=0.5, weight_decay=0.1)
    runner = SequentialRunner(at_digits)
    _, after_another = runner.run([other, one])
    assert len(runner._graphs) == 1
    kept, state = (read_arrays(path(at_digits.directory, 1)) for path in (weights_path, state_path))

    (alone,) = SequentialRunner(at_digits).run([one])
    assert after_another.status == "completed", after_another.message
    assert after_another.epoch_scores == pytest.approx(alone.epoch_scores, rel=1e-6)
    assert after_another.cost == pytest.approx(alone.cost, rel=1e-5)
    for arrays, path in ((kept, weights_path), (state, state_path)):
        for name, array in read_arrays(path(at_digits.directory, 1)).items():
            np.testing.assert_allclose(arrays[name], array, rtol=1e-4, atol=1e-5, err_msg=name)


def test_the_kept_weights_hold_the_moving_statistics_of_their_epoch(at_digits: Workspace) -> None:
    (outcome,) = SequentialRunner(at_digits).run([Proposal(number=0, hyperparameters=SMALL, epochs=3)])
    assert outcome.weights is not None
    (network,) = rebuild_networks(outcome, at_digits.bundle, at_digits.parts, at_digits.seed)
    assert len(read_weights(outcome.weights)) == len(network.weights)
    outputs = compile_outputs(network)(at_digits.validation)
    assert at_digits.metric.score(outputs, at_digits.parts.validation, at_digits.parts) == outcome.score
    norm = network.get_layer("stage_3_norm")
    assert np.abs(np.asarray(norm.moving_mean)).max() > 0


def test_a_trial_on_images_takes_its_whole_schedule(
    place: Callable[..., Workspace], digits: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executor.search.runners.training_state.PATIENCE", 1)
    at = place(parts=digits, loss=CategoricalCrossentropy(), scores=[0.5, 0.9, 0.1])
    (outcome,) = SequentialRunner(at).run([Proposal(number=0, hyperparameters=SMALL, epochs=5)])
    assert (outcome.epochs, outcome.best_epoch) == (5, 2)


def test_a_search_on_images_never_stacks_them(
    make_bundle: Callable[..., Bundle], digits: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StackRunner, "run", None)
    monkeypatch.setattr("recommender.training_cost.MAX_IMAGE_EPOCHS", 2)
    bundle = make_bundle(loss=CategoricalCrossentropy(), optimizer=SgdMomentum(nesterov=True))
    found = search(bundle, digits, budget=Budget(trials=2), seed=0, directory=tmp_path)
    assert [(outcome.status, outcome.epochs, outcome.asked) for outcome in found.ranked] == [("completed", 2, 1)] * 2


@pytest.mark.parametrize(("steps", "epochs"), [(1, 100), (9, 100), (20, 45), (30, 30), (500, IMAGE_EPOCHS)])
def test_small_datasets_of_images_get_more_epochs(steps: int, epochs: int) -> None:
    assert CNN.epochs(steps) == epochs


@pytest.mark.parametrize(("steps", "epochs"), [(1, 256), (13, 230), (100, 30), (500, 24)])
def test_tables_are_trained_for_as_many_steps_or_few_epochs(steps: int, epochs: int) -> None:
    assert TABULAR.epochs(steps) == epochs


def test_a_smaller_network_is_the_default_of_its_space(make_bundle: Callable[..., Bundle]) -> None:
    scope = Scope(width=784, rows=5_000, kind=CNN, hyperparameters={"layers": 1, "units": 64})
    assert defaults(search_space(make_bundle(hyperparameters=Defaults()), scope)) == {"layers": 1, "units": 64}
    (units,) = (
        item for item in search_space(make_bundle(hyperparameters=HighAndMedium()), scope).space if item.name == "units"
    )
    assert (units.default, units.values) == (64, [64, 128, 256])


def test_a_short_training_is_not_augmented(place: Callable[..., Workspace], digits: Parts) -> None:
    at = place(parts=digits, loss=CategoricalCrossentropy(), augmentation=RandomTranslation())
    assert not is_augmented(CNN, at.bundle, AUGMENTED_EPOCHS - 1)
    assert is_augmented(CNN, at.bundle, AUGMENTED_EPOCHS)
    network = build_network(parts=digits, bundle=at.bundle, hyperparameters=SMALL, seed=1)
    images = np.asarray(digits.train.dense[:50]).reshape(-1, 8, 8, 1)
    shift = network.get_layer("shift")
    assert not np.array_equal(shift(images, training=True), images)
    switch_augmentation(network, on=False)
    assert np.array_equal(shift(images, training=True), images)


def test_an_epoch_that_the_deadline_ends_is_scored(place: Callable[..., Workspace], digits: Parts) -> None:
    readings = itertools.count()
    clock = Clock(TimePlan(limit=60.0), now=lambda: float(next(readings)))
    at = place(parts=digits, loss=CategoricalCrossentropy(), clock=clock)
    (outcome,) = SequentialRunner(at).run([Proposal(number=0, hyperparameters=SMALL, epochs=50)])
    assert outcome.ended_by in {"shortened", "deadline"}
    assert outcome.epochs == len(outcome.epoch_scores)
    assert outcome.epoch_progress[-1] > 0.8  # the incomplete epoch is the last one, near the end of the schedule


def test_the_space_of_images_lies_around_the_small_network(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(hyperparameters=HighAndMedium())
    space = search_space(bundle, Scope(width=784, rows=5_000, kind=CNN))
    values = {item.name: item.values for item in space.space if item.name in {"units", "layers"}}
    assert values == {"units": [128, 64, 256], "layers": [2, 1, 3]}


def test_images_that_are_streamed_from_a_file_are_learned_as_those_in_memory(
    place: Callable[..., Workspace], digits: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same images twice: as bytes in memory, and in a file because no byte is to be in memory."""
    pixels = np.rint((np.asarray(digits.train.dense) + 1) * 8).astype(np.uint8).reshape(-1, 8, 8, 1)
    layer = Pixels(shape=[8, 8, 1], mean=[8.0], scale=[8.0])
    proposal = Proposal(number=0, hyperparameters=SMALL, epochs=2)
    outcomes = []
    for most in (2**20, 0):
        monkeypatch.setattr("executor.data.images.MAX_IN_MEMORY", most)
        stored = EncodedImages(ImageArray.of(pixels.shape, iter([pixels[:100], pixels[100:]])), layer)
        assert stored.pictures.is_in_memory is (most > 0)
        np.testing.assert_allclose(np.asarray(stored), digits.train.dense)
        parts = dataclasses.replace(digits, train=dataclasses.replace(digits.train, dense=stored))
        at = place(parts=parts, loss=CategoricalCrossentropy(), optimizer=SgdMomentum(nesterov=True))
        outcomes += SequentialRunner(at).run([proposal])
    in_memory, streamed = outcomes
    assert streamed.status == "completed", streamed.message
    assert streamed.cost == pytest.approx(in_memory.cost, rel=1e-5)
