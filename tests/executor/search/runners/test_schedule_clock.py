"""Progress in steps as long as they fit into the time limit, in time where they do not."""

from __future__ import annotations

import numpy as np
import pytest

from executor.runtime.clock import Clock
from executor.search.runners.schedule_clock import MAX_CALL_SECONDS, MAX_STEPS, ScheduleClock
from recommender.time_plan import TimePlan


class Time:
    def __init__(self) -> None:
        self.reading = 0.0

    def __call__(self) -> float:
        return self.reading


def run(pace: ScheduleClock, time: Time, *, steps: int, seconds_per_step: float) -> list[float]:
    """The progress before each step, in a training whose steps take so long."""
    progress: list[float] = []
    while len(progress) < steps and not pace.is_over:
        some = pace.steps(steps - len(progress))
        progress += pace.advance(some).tolist()
        time.reading += some * seconds_per_step
    return progress


def test_progress_depends_on_the_steps_alone_where_they_fit() -> None:
    time = Time()
    progress = run(
        ScheduleClock(Clock(TimePlan(limit=100), now=time), steps=200), time, steps=200, seconds_per_step=0.01
    )
    assert progress == [step / 200 for step in range(200)]


def test_a_slow_first_call_does_not_change_progress() -> None:
    time = Time()
    pace = ScheduleClock(Clock(TimePlan(limit=100), now=time), steps=10)
    first = pace.advance(1)
    time.reading += 30  # compiling
    rest = pace.advance(9)
    assert [*first, *rest] == [step / 10 for step in range(10)]


def test_the_time_of_a_step_is_measured_without_the_first_call() -> None:
    time = Time()
    pace = ScheduleClock(Clock(TimePlan(limit=100), now=time), steps=10)
    pace.advance(1)
    time.reading += 30  # compiling
    assert pace.seconds_per_step is None
    pace.advance(4)
    time.reading += 2
    assert pace.seconds_per_step == 0.5


def test_where_compiling_takes_all_of_the_time_one_step_is_timed_after_it() -> None:
    time = Time()
    pace = ScheduleClock(Clock(TimePlan(limit=20), now=time), steps=100)
    assert pace.steps(100) == 1
    pace.advance(1)
    time.reading += 30  # compiling
    assert not pace.is_over
    assert pace.steps(99) == 1
    pace.advance(1)
    time.reading += 0.5
    assert pace.is_over
    assert pace.seconds_per_step == 0.5


def test_a_training_that_cannot_finish_comes_near_the_end_of_its_schedule_at_the_deadline() -> None:
    time = Time()
    clock = Clock(TimePlan(limit=100, finishing=3), now=time)  # 97 s for training, of 1,000 s that the steps would take
    progress = run(ScheduleClock(clock, steps=10_000), time, steps=10_000, seconds_per_step=0.1)
    assert time.reading == pytest.approx(97, abs=MAX_CALL_SECONDS)
    assert progress[-1] > 0.99
    assert progress == sorted(progress)
    assert max(progress) <= 1


def test_the_rate_follows_the_plan_in_the_first_half_of_the_time_and_decays_in_the_second() -> None:
    time = Time()
    clock = Clock(TimePlan(limit=100), now=time)  # for 1,000 of 3,000 steps
    progress = run(ScheduleClock(clock, steps=3_000), time, steps=3_000, seconds_per_step=0.1)
    assert progress[:500] == [step / 3_000 for step in range(500)]
    np.testing.assert_allclose(np.diff(progress[505:990]), 5 / 3_000, rtol=0.05)  # five sixths in 500 steps
    assert progress[-1] > 0.95


@pytest.mark.parametrize(("steps", "ended_by"), [(3_000, "shortened"), (8_000, "deadline")])
def test_a_schedule_that_is_completed_with_15_percent_of_its_steps_is_shortened_and_not_cut(
    steps: int, ended_by: str
) -> None:
    time = Time()
    pace = ScheduleClock(Clock(TimePlan(limit=100), now=time), steps=steps)  # for 1,000 steps
    run(pace, time, steps=steps, seconds_per_step=0.1)
    assert (pace.is_over, pace.ended_by) == (True, ended_by)


def test_a_call_takes_at_most_a_quarter_of_a_second() -> None:
    time = Time()
    pace = ScheduleClock(Clock(TimePlan(limit=100), now=time), steps=1_000)
    assert pace.steps(1_000) == 1
    for _ in range(3):
        pace.advance(1)
        time.reading += 0.1
    assert pace.steps(1_000) == 2  # 0.25 s at 0.1 s a step


def test_a_fast_training_looks_at_the_clock_every_32_steps() -> None:
    time = Time()
    pace = ScheduleClock(Clock(now=time), steps=1_000)
    pace.advance(1)
    assert pace.steps(1_000) == MAX_STEPS == 32
    assert pace.steps(5) == 5


def test_without_a_deadline_progress_ends_with_the_planned_steps() -> None:
    time = Time()
    progress = run(ScheduleClock(Clock(now=time), steps=64), time, steps=64, seconds_per_step=1)
    np.testing.assert_allclose(progress, np.arange(64) / 64)
