"""The time of a run, on a clock that the test moves."""

from __future__ import annotations

import math

import pytest

from executor.runtime.clock import Clock
from recommender.time_plan import TimePlan


class Time:
    """A reading that stands until it is moved."""

    def __init__(self) -> None:
        self.reading = 1_000.0

    def __call__(self) -> float:
        return self.reading


def test_remaining_counts_down_to_the_deadline_and_stays_at_zero() -> None:
    time = Time()
    clock = Clock(TimePlan(limit=100, finishing=8), now=time)
    assert (clock.deadline, clock.remaining(), clock.left, clock.spent()) == (1_092, 92, 100, 0)
    time.reading += 30
    assert (clock.remaining(), clock.left, clock.spent(), clock.is_over) == (62, 70, 30, False)
    time.reading += 68
    assert (clock.remaining(), clock.left, clock.spent(), clock.is_over) == (0, 2, 98, True)
    time.reading += 68
    assert clock.left == 0


def test_without_a_limit_time_never_runs_out() -> None:
    clock = Clock()
    assert (clock.remaining(), clock.left, clock.deadline, clock.is_over) == (math.inf, math.inf, math.inf, False)
    assert clock.part(0.5).remaining() == math.inf


def test_another_plan_leaves_the_start_where_it_was() -> None:
    time = Time()
    clock = Clock(TimePlan(limit=100), now=time)
    time.reading += 30
    assert clock.with_plan(TimePlan(limit=100, finishing=20)).remaining() == 50


def test_time_is_reserved_for_the_predictions_of_a_slow_network() -> None:
    clock = Clock(TimePlan(limit=100, finishing=8, predictions=3.0), now=Time())
    clock.note_prediction(2.0)
    assert clock.remaining() == 100 - 8 - 6
    assert clock.with_plan(TimePlan(limit=100, predictions=3.0)).remaining() == 100 - 6
    assert clock.spare == 100 - 6 - 1.5  # the report


def test_a_part_is_a_share_of_what_remains_until_the_deadline() -> None:
    time = Time()
    clock = Clock(TimePlan(limit=100, finishing=20), now=time)
    time.reading += 30
    part = clock.part(0.5)
    assert (part.remaining(), part.left) == (25, 25)
    time.reading += 60
    assert part.is_over
    assert clock.part(0.5).remaining() == pytest.approx(1e-3)
