"""Several trials together: chosen greedily, kept where it certainly helps, saved as one network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from executor.components.metric import create_metric
from executor.model.assemble import network_outputs
from executor.model.ensemble import MIN_ROWS, _gain, _greedy, select_network, validation_outputs
from executor.model.rebuild import rebuild_networks
from executor.runtime.budget import Budget
from executor.runtime.clock import Clock
from executor.search.records.journal import Journal
from executor.search.records.proposal import Proposal
from executor.search.records.trials import Trials
from executor.search.records.weights import write_weights
from executor.search.runners.sequential import SequentialRunner
from executor.search.runners.workspace import create_workspace
from executor.search.search import search
from recommender import training_cost as speed
from recommender.time_plan import TimePlan
from rules.vocabulary.choices import Defaults, HighAndMedium, Manual, Random
from rules.vocabulary.facts import Task
from tests.executor.model.untrained import KINDS, open_untrained

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle
    from tests.executor.conftest import MakeParts


@pytest.fixture(scope="module")
def noisy(make_parts: MakeParts) -> Parts:
    """Rows with so much noise that single networks err apart, one fifth of them validation rows."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(5 * 2 * MIN_ROWS, 6))
    target = (rows[:, :1] + rows[:, 1:2] * rows[:, 2:3] + random.normal(size=(len(rows), 1)) > 0).astype(float)
    return make_parts(rows, target, task=Task.BINARY, numbers=6)


@pytest.fixture(scope="module")
def searched(
    make_bundle: Callable[..., Bundle], noisy: Parts, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Trials, Bundle]:
    bundle = make_bundle(hyperparameters=HighAndMedium(), tuner=Random())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speed, "EPOCHS", 3)
        return search(
            bundle, noisy, budget=Budget(trials=4), seed=0, directory=tmp_path_factory.mktemp("search")
        ), bundle


def accuracy(picks: np.ndarray, rows: np.ndarray) -> float:
    """Of outputs against the truth "yes" in each row."""
    return float((picks[rows] > 0).mean())


def test_picks_are_added_while_the_mean_gets_better() -> None:
    """Each of three is wrong in a part, but less sure there than another one is right."""
    one, two, three = np.ones(9), np.ones(9), np.ones(9)
    one[:4], two[3:7], three[7:] = -0.5, -0.5, -0.5
    outputs = np.stack([one, two, three])
    picks = _greedy(outputs, accuracy, np.arange(9))
    assert picks[0] == 2  # wrong in two rows only
    assert len(set(picks)) > 1
    assert accuracy(outputs[picks].mean(axis=0), np.arange(9)) == 1.0
    assert accuracy(outputs[picks].mean(axis=0), np.arange(9)) == 1.0


def test_one_that_is_always_right_stands_alone() -> None:
    assert _greedy(np.stack([np.ones(5), -np.ones(5)]), accuracy, np.arange(5)) == [0]


def test_a_kept_ensemble_is_one_network_that_gives_the_weighted_mean(
    searched: tuple[Trials, Bundle], noisy: Parts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trials, bundle = searched
    first, second = (one.number for one in trials.ranked[:2])
    monkeypatch.setattr("executor.model.ensemble._gain", lambda *_, **__: (1.0, 0.1))
    monkeypatch.setattr("executor.model.ensemble._greedy", lambda *_: [0, 1, 0])
    chosen = select_network(trials, bundle, noisy, metric=create_metric(bundle.metric), seed=0)
    assert chosen.members == {first: 2, second: 1}
    inputs = {"dense": noisy.validation.dense}
    outputs = [np.asarray(rebuild_networks(one, bundle, noisy, 0)[0](inputs)) for one in trials.ranked[:2]]
    mean = (2 * outputs[0] + outputs[1]) / 3
    np.testing.assert_allclose(chosen.network(inputs), mean, rtol=1e-5, atol=1e-6)
    assert chosen.score == create_metric(bundle.metric).score(mean, noisy.validation, noisy)
    chosen.network.save(tmp_path / "mean.keras")
    again = keras.models.load_model(tmp_path / "mean.keras", safe_mode=True)
    np.testing.assert_allclose(again(inputs), mean, rtol=1e-5, atol=1e-6)


def test_outputs_from_the_weights_alone_are_those_of_the_networks(
    searched: tuple[Trials, Bundle], noisy: Parts
) -> None:
    trials, bundle = searched
    for outcome in trials.ranked:
        (network,) = rebuild_networks(outcome, bundle, noisy, 0)
        outputs = np.asarray(network({"dense": noisy.validation.dense}))
        np.testing.assert_allclose(validation_outputs(outcome, bundle, noisy), outputs, rtol=1e-4, atol=1e-5)


def test_weights_of_a_trial_outside_a_stack_have_the_shapes_of_the_keras_model(
    searched: tuple[Trials, Bundle], noisy: Parts, tmp_path: Path
) -> None:
    trials, bundle = searched
    (network,) = rebuild_networks(trials.best, bundle, noisy, 0)
    write_weights(tmp_path / "weights.npz", network.get_weights())
    alone = trials.best.model_copy(update={"weights": tmp_path / "weights.npz"})
    expected = validation_outputs(trials.best, bundle, noisy)
    np.testing.assert_array_equal(validation_outputs(alone, bundle, noisy), expected)


def test_one_network_is_kept_where_several_are_not_certainly_better(
    searched: tuple[Trials, Bundle], noisy: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials, bundle = searched
    monkeypatch.setattr("executor.model.ensemble._gain", lambda *_, **__: (0.001, 0.01))
    chosen = select_network(trials, bundle, noisy, metric=create_metric(bundle.metric), seed=0)
    assert (chosen.members, chosen.score) == ({trials.best.number: 1}, trials.best.score)
    assert "not certainly better (gain 0.001, standard error 0.01" in chosen.why


def test_seeds_of_the_default_configuration_are_averaged_and_need_no_gain(
    make_bundle: Callable[..., Bundle], noisy: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "EPOCHS", 1)
    monkeypatch.setattr("executor.model.ensemble.MIN_ROWS", 10_000)
    bundle = make_bundle(hyperparameters=Defaults())
    clock = Clock(TimePlan(limit=100), now=lambda: 0.0)
    trials = search(bundle, noisy, budget=Budget(seconds=100), clock=clock, seed=0, directory=tmp_path, seeds=2)
    assert (len(trials.ranked), trials.stopped_by) == (2, "exhausted")
    resumed = search(bundle, noisy, budget=Budget(), seed=0, directory=tmp_path, seeds=2)
    assert [one.score for one in resumed.ranked] == [one.score for one in trials.ranked]
    metric = create_metric(bundle.metric)
    chosen = select_network(trials, bundle, noisy, metric=metric, seed=0)
    assert (chosen.members, chosen.why[:11]) == ({0: 1, 1: 1}, "2 trainings")
    outputs = [validation_outputs(one, bundle, noisy) for one in trials.ranked]
    assert not np.allclose(outputs[0], outputs[1])
    np.testing.assert_allclose(chosen.outputs, (outputs[0] + outputs[1]) / 2)
    assert chosen.score == metric.score(chosen.outputs, noisy.validation, noisy)
    assert len(select_network(trials, bundle, noisy, metric=metric, seed=0, single=True).members) == 1


def test_one_network_is_kept_where_it_was_asked_for_or_rows_are_few(
    searched: tuple[Trials, Bundle], noisy: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials, bundle = searched
    metric = create_metric(bundle.metric)
    asked = select_network(trials, bundle, noisy, metric=metric, seed=0, single=True)
    assert (asked.members, asked.why) == ({trials.best.number: 1}, "a single network was requested")
    monkeypatch.setattr("executor.model.ensemble.MIN_ROWS", 10_000)
    assert "too few for an ensemble" in select_network(trials, bundle, noisy, metric=metric, seed=0).why
    assert (
        "one trial"
        in select_network(
            Trials(ranked=trials.ranked[:1], stopped_by="trials"), bundle, noisy, metric=metric, seed=0
        ).why
    )


def test_rows_that_belong_together_choose_together() -> None:
    """Each row twice: by rows, one copy chooses for the other; by groups, what chose is never judged."""
    outputs = np.random.default_rng(0).normal(size=(6, 30, 1)).repeat(2, axis=1)
    halves: list[set[int]] = []

    def remembered(mean: np.ndarray, rows: np.ndarray) -> float:
        halves.append(set((rows // 2).tolist()))
        return float(mean[rows].mean())

    _gain(outputs, remembered, seed=0, groups=np.arange(60) // 2)
    assert all(len(half) == 15 for half in halves)


def test_networks_of_images_from_several_seeds_are_averaged(tmp_path: Path) -> None:
    with open_untrained(KINDS["image CNN"], tmp_path) as (data, _):
        run, metric = data.run, create_metric(data.run.bundle.metric)
        Journal(run.directory)
        bundle = run.bundle.model_copy(update={"hyperparameters": Defaults(), "tuner": Manual()})
        at = create_workspace(bundle, data.parts, metric=metric, seed=0, directory=run.directory)
        outcomes = SequentialRunner(at).run(
            [Proposal(number=number, hyperparameters={}, epochs=1) for number in range(2)]
        )
        trials = Trials(ranked=tuple(outcomes), stopped_by="budget")
        chosen = select_network(trials, bundle, data.parts, metric=metric, seed=0)
        alone = [
            network_outputs(*rebuild_networks(one, bundle, data.parts, 0), data.parts.validation) for one in outcomes
        ]
    assert chosen.members == {0: 1, 1: 1}
    np.testing.assert_allclose(chosen.outputs, np.mean(alone, axis=0), atol=1e-5)
