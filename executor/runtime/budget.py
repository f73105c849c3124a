"""The limits of a training that the user sets: seconds, trials, both or neither."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from executor.runtime.clock import Clock
from recommender.time_plan import plan_time
from rules.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Limits of a training.

    Raises TrainingError on a limit with which no trial can run.
    """

    seconds: float | None = None
    """Wall-clock limit of the whole run, from reading the rows to the report; None for no limit."""
    trials: int | None = None
    """The maximum number of trials of the search; None for no limit."""
    first_seconds: float | None = None
    """The wall-clock limit with which a resumed run began; its search space stays laid out for it."""

    def __post_init__(self) -> None:
        if self.seconds is not None and not 0 < self.seconds < math.inf:
            raise TrainingError(f"A time budget must be a positive number of seconds, but got {self.seconds!r}.")
        if self.trials is not None and self.trials < 1:
            raise TrainingError(f"A budget must allow at least 1 trial, but got {self.trials!r}.")

    @property
    def planned_seconds(self) -> float | None:
        """The wall-clock limit for which the search space is laid out."""
        return self.seconds if self.first_seconds is None else self.first_seconds

    def start_clock(self, now: Callable[[], float] = time.monotonic, *, start: float | None = None) -> Clock:
        """A clock that counts down the seconds of the budget. start: reading at which they began; by default now."""
        return Clock(plan_time(self.seconds), now=now, start=start)
