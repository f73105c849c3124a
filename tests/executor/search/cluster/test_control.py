"""Time limits, progress and interrupts of tasks."""

from __future__ import annotations

import math

import pytest

from executor.search.cluster.control import SearchControl, TaskEpoch


def test_tasks_divide_the_time_by_their_needs_and_the_workers() -> None:
    control = SearchControl()
    control.begin([10.0, 10.0, None], seconds=100.0)
    # One of two equal stacks, which take half of their maximum on average: 10 / (10 + 0.5 · 10).
    assert control.start(0) == pytest.approx(200 / 3, rel=0.01)
    control.update(workers=2, is_interrupted=False, left=[0, 1, 2])
    assert control.start(1) == pytest.approx(100.0, rel=0.01)
    assert control.start(2) == pytest.approx(100.0, rel=0.01)


def test_without_a_time_limit_a_task_has_all_the_time() -> None:
    control = SearchControl()
    control.begin([10.0])
    assert control.start(0) == math.inf


def test_after_the_deadline_tasks_start_only_as_long_as_there_is_no_model() -> None:
    control = SearchControl()
    control.begin([10.0], seconds=0.0)
    assert control.start(0) == pytest.approx(0.001)
    control.begin([10.0], seconds=0.0, may_skip=True)
    assert control.start(0) is None


def test_an_interrupt_reaches_running_tasks_and_keeps_others_from_starting() -> None:
    control = SearchControl()
    control.begin([None, None])
    control.start(0)
    epoch = TaskEpoch(epoch=1, epochs=4, trials=())
    assert control.report([epoch]) is False
    assert control.update(workers=1, is_interrupted=True, left=[0, 1]) == ({0}, [epoch])
    assert control.report([]) is True
    assert control.start(1) is None
