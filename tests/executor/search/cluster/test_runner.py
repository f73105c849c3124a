"""A search on a cluster, with workers in the process of the test."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from executor.data.images import ImageArray
from executor.layers.pixels import Pixels
from executor.preprocessing.encoded_images import EncodedImages
from executor.runtime import cluster
from executor.runtime.budget import Budget
from executor.search.cluster.runner import ClusterRunner
from executor.search.records.journal import Journal
from rules.errors import ClusterError
from rules.vocabulary.choices import Hyperband
from tests.effort import long_test
from tests.executor.search.cluster.conftest import TestPool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from executor.search.records.trials import Trials

TRIALS = {"budget": Budget(trials=6)}


def table(trials: Trials) -> list[tuple[object, ...]]:
    return [(one.number, one.hyperparameters, one.score, one.cost, one.epoch_scores) for one in trials.ranked]


def test_neither_workers_nor_the_order_of_tasks_nor_a_killed_driver_change_a_trial_or_repeat_one(
    run: Callable[..., Trials], tmp_path: Path
) -> None:
    one = run(TestPool(), directory="one", settings=TRIALS)
    backwards: dict[str, Any] = {"workers": 10, "order": lambda tasks: [*reversed(tasks)]}
    with pytest.raises(ConnectionError):
        run(before := TestPool(fails_after=2, **backwards), settings=TRIALS)
    many = run(after := TestPool(**backwards), settings=TRIALS)
    assert table(one) == table(many)
    assert (one.workers, many.workers) == (1, 10)
    assert len(before.ran) == 4
    assert sorted(before.ran + after.ran) == [*range(6)]
    numbers = [outcome.number for outcome in Journal(tmp_path / "run").outcomes]
    assert sorted(numbers) == [*range(6)] != numbers


@long_test
def test_states_of_hyperband_trials_reach_the_workers_that_continue_them(
    run: Callable[..., Trials], tmp_path: Path
) -> None:
    trials = run(TestPool(), settings={"budget": Budget(trials=5)}, tuner=Hyperband(factor=2))
    continued = [one for one in trials.ranked if one.continues is not None]
    assert continued
    assert all(one.score is not None for one in continued)
    assert all(one.weights is not None and one.weights.parent.parent == tmp_path / "run" for one in trials.ranked)


def test_a_task_that_crashes_each_worker_fails_without_ending_the_search(run: Callable[..., Trials]) -> None:
    trials = run(TestPool(lost=(1,)), settings=TRIALS)
    failed = [one for one in trials.ranked if one.status == "failed"]
    assert len(failed) == 2
    assert {one.message for one in failed} == {"ClusterError: it died"}


def test_waiting_tasks_are_dropped_on_ctrl_c(run: Callable[..., Trials], monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = ClusterRunner._outcomes

    def interrupted(self: Any, *arguments: Any, **named: Any) -> Any:
        self._at.interrupt.requested = True
        return outcomes(self, *arguments, **named)

    monkeypatch.setattr(ClusterRunner, "_outcomes", interrupted)
    trials = run(TestPool(), settings=TRIALS)
    assert trials.stopped_by == "interrupt"
    assert len(trials.ranked) == 2


def test_a_head_that_is_gone_ends_the_search(run: Callable[..., Trials], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "HEAD_SECONDS", -1.0)
    with pytest.raises(ClusterError, match="head of the cluster does not respond"):
        run(TestPool(is_reachable=False), settings=TRIALS)


def test_a_time_limit_is_measured_on_a_worker(run: Callable[..., Trials]) -> None:
    trials = run(TestPool(), settings={"budget": Budget(seconds=30.0, trials=2)})
    assert trials.size is not None
    assert trials.completed == 2


def test_images_reach_a_worker_as_they_are() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (6, 2, 2, 1)).astype(np.uint8)
    images = EncodedImages(ImageArray(pixels)[np.array([4, 1])], Pixels(shape=[2, 2, 1], mean=[7.0], scale=[3.0]))
    copied = pickle.loads(pickle.dumps(images))  # noqa: S301  as Ray copies it
    np.testing.assert_array_equal(np.asarray(copied), np.asarray(images))
    assert copied.pictures.shape == (2, 2, 2, 1)
