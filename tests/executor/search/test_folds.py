"""Few rows in folds: a trial is a network for each fold, judged on the rows that it did not train on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from executor.components.metric import create_metric
from executor.data.raw_table import Form, RawTable
from executor.data.split import split
from executor.model.ensemble import select_network
from executor.model.rebuild import rebuild_networks
from executor.runtime.budget import Budget
from executor.search.records.journal import Journal
from executor.search.records.proposal import Proposal
from executor.search.records.weights import read_arrays, state_path
from executor.search.runners.stack import out_of_fold_outputs
from executor.search.runners.stacked import StackRunner
from executor.search.runners.workspace import create_workspace
from executor.search.search import search
from executor.search.space import Scope, search_space
from recommender import training_cost as speed
from recommender.roles.roles import Roles
from rules.vocabulary.choices import CrossValidation, HighAndMedium, Holdout, Hyperband, MostSensitive, Random
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from executor.preprocessing.examples import Parts
    from executor.search.records.trials import Trials
    from executor.search.runners.workspace import Workspace
    from rules.vocabulary.bundle import Bundle
    from tests.executor.conftest import MakeParts

ROLES = Roles(task=Task.MULTICLASS, task_reason="", targets=("y",), target_reason="", columns={})
SMALL = {"units": 6, "layers": 2, "dropout": 0.2}


def table(rows: int, classes: int, **columns: np.ndarray) -> RawTable:
    return RawTable(
        features={"x": np.arange(rows, dtype=np.float64)},
        forms={"x": Form.NUMBER},
        rows=np.arange(rows),
        truth=np.arange(rows) % classes,
        **columns,
    )


def test_few_rows_train_and_select_in_five_folds_of_the_same_classes() -> None:
    rows = table(500, 4)
    parts = split(rows, ROLES, seed=0, validation_by=CrossValidation())
    assert parts.folds is not None
    assert parts.folds.shape == (400, 1)
    np.testing.assert_array_equal(parts.train, parts.validation)
    assert sorted([*parts.train, *parts.hold_out]) == list(range(500))
    assert rows.truth is not None
    first = parts.folds[:, 0]
    counts = np.array([np.bincount(rows.truth[parts.train[first == fold]], minlength=4) for fold in range(5)])
    np.testing.assert_array_equal(counts, np.full((5, 4), 20))
    assert parts.sentence.startswith("400 rows for 5-fold cross-validation, 100 in the hold-out; split at")


def test_an_entity_lies_in_one_fold() -> None:
    entities = np.array([f"person {index // 5}" for index in range(500)], dtype=object)
    parts = split(
        table(500, 4, entity=entities), replace(ROLES, entity_column="who"), seed=0, validation_by=CrossValidation()
    )
    assert parts.folds is not None
    for person in np.unique(entities[parts.train]):
        assert len(np.unique(parts.folds[entities[parts.train] == person])) == 1


@pytest.mark.parametrize(("rows", "choice"), [(20, CrossValidation()), (500, Holdout())])
def test_rows_that_are_very_few_or_kept_apart_have_no_folds(rows: int, choice: CrossValidation | Holdout) -> None:
    parts = split(table(rows, 2), ROLES, seed=0, validation_by=choice)
    assert parts.folds is None
    assert not set(parts.train) & set(parts.validation)


def test_repeats_divide_the_rows_anew_and_number_their_folds_through() -> None:
    parts = split(table(100, 2), ROLES, seed=0, validation_by=CrossValidation(folds=4, repeats=2))
    assert parts.folds is not None
    assert [np.unique(column).tolist() for column in parts.folds.T] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert (parts.folds[:, 0] + 4 != parts.folds[:, 1]).any()
    assert "80 rows for 4-fold cross-validation, repeated 2 times, 20 in the hold-out" in parts.sentence


@pytest.fixture(scope="module")
def folded(make_parts: MakeParts) -> Parts:
    """Two hundred and forty rows of two classes in three folds."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(300, 4))
    target = (rows[:, :1] + 0.5 * rows[:, 1:2] + random.normal(size=(300, 1)) > 0).astype(float)
    parts = make_parts(rows, target, task=Task.BINARY, numbers=4)
    train = replace(parts.train, fold=(np.arange(240) % 3).astype(np.int32)[:, None])
    return replace(parts, train=train, validation=train)


@pytest.fixture
def place(make_bundle: Callable[..., Bundle], tmp_path: Path) -> Callable[..., Workspace]:
    def make(parts: Parts, name: str = "run") -> Workspace:
        bundle = make_bundle()
        Journal(tmp_path / name)
        metric = create_metric(bundle.metric)
        return create_workspace(bundle, parts, metric=metric, seed=0, directory=tmp_path / name)

    return make


def test_no_network_learns_from_its_own_fold(folded: Parts, place: Callable[..., Workspace]) -> None:
    """Other answers in fold 1 change the networks of folds 0 and 2 alone."""
    other = folded.train.target.copy()
    other[folded.folds[:, 0] == 1] = 1 - other[folded.folds[:, 0] == 1]
    changed = replace(folded, train=replace(folded.train, target=other))
    proposal = Proposal(number=0, hyperparameters=SMALL, epochs=3, may_continue=True)
    states = []
    for name, parts in (("one", folded), ("two", changed)):
        at = place(parts, name)
        StackRunner(at).run([proposal])
        states.append(read_arrays(state_path(at.directory, 0)))
    same = {key: np.array_equal(states[0][key], states[1][key]) for key in states[0] if " 0 " in key}
    assert all(equal for key, equal in same.items() if key.startswith("1 "))
    assert not any(equal for key, equal in same.items() if key.startswith(("0 0", "2 0")) and "kernel" in key)
    assert not np.array_equal(states[0]["0 0 005"], states[1]["0 0 005"])


def test_the_score_is_that_of_rows_that_were_not_trained_on(folded: Parts, place: Callable[..., Workspace]) -> None:
    at = place(folded)
    proposals = [Proposal(number=number, hyperparameters=SMALL, epochs=4) for number in range(2)]
    outcomes = StackRunner(at).run(proposals)
    for outcome in outcomes:
        networks = rebuild_networks(outcome, at.bundle, folded, at.seed)
        assert len(networks) == 3
        outputs = np.stack([np.asarray(one({"dense": folded.train.dense})) for one in networks])
        for row, fold in enumerate(folded.folds[:, 0] if folded.folds is not None else ()):
            np.testing.assert_array_equal(out_of_fold_outputs(outputs, folded.folds)[row], outputs[fold, row])
        assert at.metric.score(out_of_fold_outputs(outputs, folded.folds), folded.validation, folded) == pytest.approx(
            outcome.score
        )
    first, second = (rebuild_networks(one, at.bundle, folded, at.seed)[0].get_weights() for one in outcomes)
    assert not np.array_equal(first[-2], second[-2])


@pytest.fixture(scope="module")
def hyperband(
    folded: Parts, make_bundle: Callable[..., Bundle], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Trials, Bundle]:
    """Eight trials of up to nine epochs, some of which continue others."""
    bundle = make_bundle(hyperparameters=MostSensitive(), tuner=Hyperband())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speed, "EPOCHS", 9)
        directory = tmp_path_factory.mktemp("hyperband")
        return search(bundle, folded, budget=Budget(trials=8), seed=0, directory=directory), bundle


def test_a_chosen_trial_is_the_mean_of_its_networks_and_is_known_by_their_unseen_rows(
    folded: Parts, hyperband: tuple[Trials, Bundle], tmp_path: Path
) -> None:
    trials, bundle = hyperband
    chosen = select_network(trials, bundle, folded, metric=create_metric(bundle.metric), seed=0, single=True)
    inputs = {"dense": folded.train.dense}
    outputs = np.stack([np.asarray(one(inputs)) for one in rebuild_networks(trials.best, bundle, folded, 0)])
    np.testing.assert_allclose(chosen.network(inputs), outputs.mean(axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(chosen.outputs, out_of_fold_outputs(outputs, folded.folds), rtol=1e-5, atol=1e-6)
    chosen.network.save(tmp_path / "mean.keras")
    again = keras.models.load_model(tmp_path / "mean.keras", safe_mode=True)
    np.testing.assert_allclose(again(inputs), chosen.network(inputs), rtol=1e-6)


def test_hyperband_goes_on_with_every_network_of_a_trial(folded: Parts, hyperband: tuple[Trials, Bundle]) -> None:
    found, bundle = hyperband
    assert all(outcome.status == "completed" for outcome in found.ranked)
    promoted = [outcome for outcome in found.ranked if outcome.continues is not None]
    assert promoted
    for outcome in promoted:
        assert outcome.weights is not None
        kept = read_arrays(state_path(outcome.weights.parents[1], int(outcome.continues or 0)))
        assert {key.split()[0] for key in kept} == {"0", "1", "2"}
        assert len(rebuild_networks(outcome, bundle, folded, 0)) == 3


def test_without_folds_the_first_one_validates(folded: Parts) -> None:
    divided = folded.divided()
    assert divided.folds is None
    assert (len(divided.train), len(divided.validation)) == (160, 80)
    assert divided.divided() is divided


def test_units_are_searched_where_the_time_allows_all_networks_of_a_trial(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(hyperparameters=HighAndMedium(), tuner=Random())

    def units(folds: int) -> list[int]:
        space = search_space(bundle, Scope(width=20, rows=16_000, folds=folds, seconds=300.0))
        return next(item.values for item in space.space if item.name == "units")

    assert 512 in units(1)
    assert 512 not in units(5)
