"""Tasks and rounds depend on the trials alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from executor.runtime.budget import Budget
from executor.search.cluster import planning
from executor.search.cluster.planning import plan_tasks, round_size
from executor.search.records.proposal import Proposal
from rules.vocabulary.choices import Bayesian, Random

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from executor.search.runners.workspace import Workspace
    from rules.vocabulary.bundle import Bundle

LIKE = [Proposal(number=number, hyperparameters={"learning_rate": 0.001 * (1 + number)}) for number in range(8)]


def numbers(at: Workspace, **settings: int | None) -> list[list[int]]:
    return [[one.number for one in task.proposals] for task in plan_tasks(LIKE, at, **settings)]


def test_a_short_stack_is_one_task_and_a_long_one_is_split(
    place: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = place()
    assert numbers(at) == [[*range(8)]]
    (whole,) = plan_tasks(LIKE, at)
    assert whole.need is not None
    monkeypatch.setattr(planning, "TASK_SECONDS", whole.need / 2)
    assert numbers(at) == [[0, 2, 4, 6], [1, 3, 5, 7]]


def test_the_user_limits_the_trials_of_a_task(place: Callable[..., Workspace]) -> None:
    assert numbers(place(), most=3) == [[0, 3, 6], [1, 4, 7], [2, 5]]
    assert numbers(place(), most=1) == [[number] for number in range(8)]
    (first, *_) = plan_tasks(LIKE, place(), most=1)
    assert first.need is None


def test_rounds_are_independent_of_the_workers_unless_time_is_limited(make_bundle: Callable[..., Bundle]) -> None:
    bayesian, random = make_bundle(tuner=Bayesian()), make_bundle(tuner=Random())

    def size(bundle: Bundle, trials: int, workers: int, seconds: float | None = None) -> int:
        budget = Budget(trials=trials, seconds=seconds)
        return round_size(bundle, budget, trials=trials, each=1, workers=workers)

    assert size(random, 100, 1) == size(random, 100, 10) == 100
    assert size(bayesian, 100, 1) == size(bayesian, 100, 10) == 25  # four rounds
    assert size(bayesian, 10, 1) == 8
    assert size(random, 10_000, 1) == 256
    assert (size(random, 100, 1, seconds=60.0), size(random, 100, 2, seconds=60.0)) == (32, 64)
