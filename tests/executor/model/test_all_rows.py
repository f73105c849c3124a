"""Networks on all rows repeat the training of a trial, from several seeds."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest

from executor.components.metric import create_metric
from executor.model.all_rows import course_of, groups_of, rates_of, train_networks, training_seconds
from executor.runtime.clock import Clock
from executor.search.records.outcome import Outcome
from executor.search.records.proposal import Proposal
from executor.search.records.training_size import TrainingSize
from executor.search.records.weights import WEIGHTS, read_weights
from executor.search.runners.stacked import StackRunner
from executor.search.runners.workspace import create_workspace
from recommender.time_plan import TimePlan
from recommender.training_cost import USUAL_SLOWDOWN
from rules.vocabulary.facts import Task
from tests.executor.search.cluster.conftest import CopyingPool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from executor.search.runners.workspace import Workspace
    from rules.vocabulary.bundle import Bundle
    from tests.executor.conftest import MakeParts

SMALL: Final = {"units": 5, "layers": 2, "dropout": 0.2, "batch_size": 30}


@pytest.fixture
def at(make_bundle: Callable[..., Bundle], make_parts: MakeParts, tmp_path: Path) -> Workspace:
    """80 training rows."""
    numbers, bundle = np.random.default_rng(0).normal(size=(100, 3)), make_bundle()
    (tmp_path / WEIGHTS).mkdir()
    return create_workspace(
        bundle,
        make_parts(numbers, numbers[:, :1] > 0.5, task=Task.BINARY),
        metric=create_metric(bundle.metric),
        seed=0,
        directory=tmp_path,
    )


def outcome(number: int = 0, **own: object) -> Outcome:
    values = {
        "hyperparameters": SMALL,
        "configuration": {"batch_size": 30},
        "status": "completed",
        "score": 0.5,
        "epochs": 4,
        "best_epoch": 3,
        "planned_epochs": 4,
        "seconds": 1.0,
        "ended_by": "completed",
    }
    return Outcome.model_validate({"number": number} | values | own)


def test_on_the_same_rows_and_at_a_constant_rate_the_first_network_is_that_of_the_trial(at: Workspace) -> None:
    constant = SMALL | {"schedule": "constant"}
    ended = StackRunner(at).run([Proposal(number=3, hyperparameters=constant, epochs=4)])[0]
    assert ended.best_epoch is not None
    course = course_of(ended, [ended], at)
    assert course.epochs == ended.best_epoch
    trained = train_networks([course], at, seeds=2)
    assert trained is not None
    first, second = trained[0].networks
    wanted = read_weights(at.directory / "trials" / "0003.weights.npz")
    for weight, own in zip(first.get_weights(), wanted, strict=True):
        np.testing.assert_allclose(weight, own.reshape(weight.shape), atol=1e-6)
    assert not np.allclose(second.get_weights()[-2], first.get_weights()[-2])


def test_the_rate_decays_to_its_end_over_the_best_epochs(at: Workspace) -> None:
    course = course_of(outcome(best_epoch=2), [outcome(best_epoch=2)], at)
    rates = rates_of(course, np.arange(30) / 10)
    assert course.epochs == 2
    assert rates[19] < 0.01 * rates.max()
    assert not rates[20:].any()


def test_a_continued_trial_is_repeated_from_its_beginning(at: Workspace) -> None:
    before, after = outcome(0, epochs=2, best_epoch=1), outcome(1, best_epoch=1, continues=0)
    assert course_of(after, [after, before], at).epochs == 3


def test_networks_of_one_shape_and_batch_size_are_one_stack(at: Workspace) -> None:
    wider, others = outcome(2, hyperparameters=SMALL | {"units": 7}), outcome(3, configuration={"batch_size": 20})
    ended = [outcome(0), outcome(1), wider, others]
    groups = groups_of([course_of(one, [one], at) for one in ended])
    assert [[one.outcome.number for one in group] for group in groups] == [[0, 1], [2], [3]]


def test_more_seeds_and_a_slower_machine_are_expected_to_take_longer(at: Workspace) -> None:
    courses = [course_of(outcome(), [outcome()], at)]
    once = training_seconds(courses, at, None, seeds=1)
    assert once < training_seconds(courses, at, None, seeds=5)
    earlier = TrainingSize(
        networks=1, epochs=4, seconds=1, planned_networks=1, planned_epochs=4, planned_seconds=1,
        slowdown=3 * USUAL_SLOWDOWN,
    )  # fmt: skip
    assert training_seconds(courses, at, earlier, seeds=1) == pytest.approx(3 * once)


def test_measured_seconds_of_compiling_and_of_steps_without_validation_are_expected_again(at: Workspace) -> None:
    courses = [course_of(outcome(), [outcome()], at)]
    size = TrainingSize(
        networks=1, epochs=4, seconds=1, planned_networks=1, planned_epochs=4, planned_seconds=1,
        slowdown=50.0, step_slowdown=2.0, compile_seconds=7.0,
    )  # fmt: skip
    twice = size.model_copy(update={"step_slowdown": 4.0})
    steps = training_seconds(courses, at, size, seeds=1) - 7
    assert 0 < steps < 1
    assert training_seconds(courses, at, twice, seeds=1) - 7 == pytest.approx(2 * steps)


@pytest.mark.parametrize(("calls", "epochs"), [(100, 4), (20, 3), (10, None)])
def test_a_deadline_shortens_the_schedule_of_networks_on_all_rows(
    at: Workspace, calls: int, epochs: int | None
) -> None:
    """The clock advances whenever it is read; `calls` times until the deadline."""
    courses = [course_of(outcome(best_epoch=4), [outcome(best_epoch=4)], at)]
    readings = itertools.count()
    clock = Clock(TimePlan(limit=float(calls)), now=lambda: float(next(readings)), start=0.0)
    trained = train_networks(courses, dataclasses.replace(at, clock=clock), seeds=1)
    assert (trained and trained[0].epochs) == epochs


def test_a_deadline_ends_the_training_without_networks(at: Workspace) -> None:
    courses = [course_of(outcome(), [outcome()], at)]
    over = Clock(TimePlan(limit=1.0), now=lambda: 2.0, start=0.0)
    assert train_networks(courses, dataclasses.replace(at, clock=over), seeds=1) is None


def test_on_a_cluster_networks_have_the_same_weights(at: Workspace) -> None:
    courses = [course_of(outcome(epochs=2, best_epoch=1), [outcome(epochs=2, best_epoch=1)], at)]
    here, there = train_networks(courses, at, seeds=2), train_networks(courses, at, seeds=2, pool=CopyingPool())
    assert here is not None
    assert there is not None
    for one, two in zip(here[0].networks, there[0].networks, strict=True):
        for weight, same in zip(one.get_weights(), two.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, same)


def test_a_deadline_cancels_the_training_on_a_cluster(at: Workspace) -> None:
    courses = [course_of(outcome(), [outcome()], at)]
    over = Clock(TimePlan(limit=1.0), now=lambda: 2.0, start=0.0)
    assert train_networks(courses, dataclasses.replace(at, clock=over), seeds=1, pool=CopyingPool()) is None
