"""Each stage begins where the one before ended."""

from __future__ import annotations

from executor.runtime.clock import Clock
from executor.runtime.log import listen_to_log
from executor.runtime.stage_timer import StageTimer


def test_the_seconds_of_the_stages_add_up_to_those_of_the_run() -> None:
    readings = iter([100.0, 107.5, 109.0])  # the start, and the ends of two stages
    timer = StageTimer(Clock(now=lambda: next(readings)))
    messages: list[str] = []
    with listen_to_log(messages.append):
        with timer.stage("reading and encoding", "456 rows train."):
            pass
        with timer.stage("search"):
            pass
    assert timer.seconds == {"reading and encoding": 7.5, "search": 1.5}
    assert messages == ["Reading and encoding: 456 rows train.", "Search."]
