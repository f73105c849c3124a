"""A budget's limits, on a clock that the test moves."""

from __future__ import annotations

import math

import pytest

from executor.runtime.budget import Budget
from rules.errors import TrainingError


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.reading = 1_000.0

    def __call__(self) -> float:
        return self.reading


@pytest.mark.parametrize(
    ("seconds", "encoding", "reserve"),
    [
        (600, 0.1, 30),  # 5 %
        (160, 0.1, 8),  # both rules agree
        (20, 0.1, 8),  # at least 8 s
        (4, 0.1, 2),  # at most half
        (100, 5, 20),  # four times as long as the rows took to encode
        (20, 5, 10),  # at most half, also then
    ],
)
def test_a_part_of_the_budget_is_reserved_for_what_follows_the_search(
    seconds: float, encoding: float, reserve: float
) -> None:
    budget = Budget(seconds=seconds)
    budget.encoding = encoding
    assert budget.reserve == pytest.approx(reserve)


def test_the_answers_of_a_slow_network_after_the_search_are_reserved_time_for() -> None:
    budget = Budget(seconds=100)
    budget.answering, budget.answers = 2.0, 3.0
    assert budget.reserve == pytest.approx(8 + 6)


def test_remaining_counts_down_to_the_deadline_and_stays_at_zero() -> None:
    clock = Clock()
    budget = Budget(seconds=100, clock=clock)
    assert (budget.deadline, budget.remaining(), budget.spent()) == (1_092, 92, 0)
    clock.reading += 30
    assert (budget.remaining(), budget.spent(), budget.exhausted) == (62, 30, False)
    clock.reading += 68
    assert (budget.remaining(), budget.spent(), budget.exhausted) == (0, 98, True)


def test_a_budget_of_trials_alone_never_runs_out_of_time() -> None:
    budget = Budget(trials=3)
    assert (budget.remaining(), budget.deadline, budget.exhausted) == (math.inf, math.inf, False)


@pytest.mark.parametrize("seconds", [0, -1, math.inf, math.nan])
def test_a_time_budget_must_be_positive_and_finite(seconds: float) -> None:
    with pytest.raises(TrainingError, match="positive number of seconds"):
        Budget(seconds=seconds)


def test_a_budget_must_allow_a_trial() -> None:
    with pytest.raises(TrainingError, match="at least 1 trial, but got 0"):
        Budget(trials=0)
