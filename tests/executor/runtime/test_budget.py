"""The limits that a user sets."""

from __future__ import annotations

import math

import pytest

from executor.runtime.budget import Budget
from rules.errors import TrainingError


def test_a_budget_of_trials_alone_never_runs_out_of_time() -> None:
    clock = Budget(trials=3).start_clock()
    assert (clock.remaining(), clock.left, clock.deadline, clock.is_over) == (math.inf, math.inf, math.inf, False)


def test_the_clock_of_a_budget_leaves_time_for_the_stages_after_the_search() -> None:
    assert Budget(seconds=60).start_clock(lambda: 1_000.0).deadline == 1_055.5


@pytest.mark.parametrize("seconds", [0, -1, math.inf, math.nan])
def test_a_time_budget_must_be_positive_and_finite(seconds: float) -> None:
    with pytest.raises(TrainingError, match="positive number of seconds"):
        Budget(seconds=seconds)


def test_a_budget_must_allow_a_trial() -> None:
    with pytest.raises(TrainingError, match="at least 1 trial, but got 0"):
        Budget(trials=0)


def test_the_search_space_of_a_resumed_run_is_that_of_its_first_budget() -> None:
    assert Budget(seconds=60).planned_seconds == 60
    assert Budget(seconds=60, first_seconds=600).planned_seconds == 600
