"""The clock of a run: how much of its time limit is spent and remains."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from recommender.time_plan import MIN_SECONDS_AFTERWARDS, TimePlan, limit_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MIN_PART: Final = 1e-3  # seconds; where no time is left, a part still has a deadline, which passes at once


class Clock:
    """Counts the seconds of a run from its start, and those that remain until the deadline of its search.

    plan: how the time limit is divided; the deadline leaves what it reserves. now: seconds of a clock that never goes
    back; tests pass their own. start: the reading at which the run began; by default the present one.
    """

    def __init__(
        self, plan: TimePlan | None = None, *, now: Callable[[], float] = time.monotonic, start: float | None = None
    ) -> None:
        self.plan = TimePlan() if plan is None else plan
        self._now = now
        self._start = now() if start is None else start
        self._prediction_seconds = 0.0

    def with_plan(self, plan: TimePlan) -> Clock:
        """The clock of the same run with another division of its time."""
        clock = Clock(plan, now=self._now, start=self._start)
        clock.note_prediction(self._prediction_seconds)
        return clock

    def without_refit(self) -> Clock:
        """The clock of the same run without time for training on all rows."""
        return self.with_plan(replace(self.plan, refit=0.0))

    def part(self, share: float) -> Clock:
        """A clock for a share of the seconds that remain until the deadline, from now on."""
        if self.plan.limit is None:
            return Clock(now=self._now)
        return self.lasting(max(self.remaining() * share, MIN_PART))

    def lasting(self, seconds: float) -> Clock:
        """A clock for a number of seconds from now on."""
        return Clock(TimePlan(limit=seconds), now=self._now)

    def note_prediction(self, seconds: float) -> None:
        """Reserve time for predictions after the search, by what a network took for the validation rows."""
        self._prediction_seconds = seconds

    @property
    def noted_prediction(self) -> float:
        """Seconds that a network took to predict the validation rows; 0 if unknown."""
        return self._prediction_seconds

    @property
    def limit(self) -> float:
        """Seconds of the whole time limit; inf without one."""
        return math.inf if self.plan.limit is None else self.plan.limit

    def now(self) -> float:
        """The present reading."""
        return self._now()

    def spent(self) -> float:
        """Seconds since the start of the run."""
        return self._now() - self._start

    @property
    def prediction_seconds(self) -> float:
        """Seconds of the predictions of one network after the search."""
        return self.plan.predictions * self._prediction_seconds

    @property
    def deadline(self) -> float:
        """The reading at which training ends; inf without a time limit."""
        if self.plan.limit is None:
            return math.inf
        return self._start + self.plan.limit - self.plan.reserve(self._prediction_seconds)

    def remaining(self) -> float:
        """Seconds until the deadline, never negative; inf without a time limit."""
        return max(0.0, self.deadline - self._now())

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return self.remaining() <= 0

    @property
    def left(self) -> float:
        """Seconds of the whole time limit that are left, the reserve included; inf without a time limit."""
        return math.inf if self.plan.limit is None else max(0.0, self._start + self.plan.limit - self._now())

    @property
    def spare(self) -> float:
        """Seconds of the time limit that predictions and the report leave to others; inf without a time limit."""
        return max(0.0, self.left - self.prediction_seconds - MIN_SECONDS_AFTERWARDS)

    def expected_after_search(self, trial_seconds: float) -> float:
        """Seconds that the stages after the search are expected to take; trial_seconds: of a trial on average."""
        return self.plan.expected_after_search(trial_seconds, self._prediction_seconds)

    def limit_for(self, search: float, plan: Callable[[float], TimePlan]) -> float:
        """The time limit with which a search may run for a number of seconds after the start."""
        return limit_for(search, plan, prediction_seconds=self._prediction_seconds)


def time_share(need: float, others: Iterable[float], *, streams: int, share: float = 1.0) -> float:
    """Share of the remaining time for a stack that starts now: what it needs, leaving the others what they take.

    need: its maximum seconds. others: expected seconds of the running and waiting stacks. streams: stacks that train at
    once. share: of the time, that all stacks take.
    """
    return share * min(1.0, streams * need / (need + sum(others)))


class RestartedClock(Clock):
    """The clock of a process that runs one task after the other, each with a time limit of its own."""

    def restart(self, seconds: float) -> None:
        """Begin a time limit from now on; inf for none."""
        super().__init__(TimePlan(limit=None if math.isinf(seconds) else seconds))
