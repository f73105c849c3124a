"""Progress of a training along its learning-rate schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from recommender.time_plan import SHORTENED_SHARE

if TYPE_CHECKING:
    from executor.runtime.clock import Clock
    from executor.search.records.outcome import EndedBy

MAX_STEPS: Final = 32  # steps per call: 0.05 s at 1.5 ms per step
MAX_CALL_SECONDS: Final = 0.25  # seconds between two checks of the clock
MIN_SHARE: Final = SHORTENED_SHARE / 2
"""Share of the planned steps with which a shortened training counts as complete: SHORTENED_SHARE of them was expected
to fit, and the machine may become slower."""
NEAR_THE_END: Final = 0.9  # position on the schedule from which it counts as ended
UNCHANGED_TIME_SHARE: Final = 0.5
"""Share of the time in which the rate follows the planned steps although they do not fit: most trainings stop early,
and those that do not are better so (docs/evidence.md#folds-or-epochs)."""


class ScheduleClock:
    """The progress of one training, in planned steps or, in the second half of a time limit that they exceed, in time.

    As long as the planned steps fit, progress depends on the steps alone, so that a seed gives the same rates.
    """

    def __init__(self, clock: Clock, *, steps: int) -> None:
        self._clock = clock
        self._planned = steps
        self._done = 0
        self._position = 0.0
        self._bound = False
        self._window = clock.remaining()
        self._last = self._start = clock.now()
        self._first_steps = 0
        self._seconds_per_step = 0.0

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed and the speed is known, from which the time needed is estimated."""
        return self._clock.is_over and self.seconds_per_step is not None

    @property
    def trained_share(self) -> float:
        """Steps taken, relative to the planned ones; 1 where none are planned."""
        return self._done / self._planned if self._planned else 1.0

    @property
    def ended_by(self) -> EndedBy:
        """How the deadline ended the training: with a completed, shortened schedule, or cut off."""
        done = self._done >= MIN_SHARE * self._planned and self._position >= NEAR_THE_END
        return "shortened" if done else "deadline"

    def steps(self, left: int) -> int:
        """Number of steps before the next check of the clock, at most `left`."""
        if self._done == 0 or self._clock.is_over:
            return 1  # the first call compiles
        affordable = MAX_CALL_SECONDS / max(self._seconds_per_step, MAX_CALL_SECONDS / MAX_STEPS)
        return max(1, min(left, int(affordable)))

    def advance(self, steps: int) -> np.ndarray:
        """Advance by some steps; returns the progress before each, (steps,) in [0, 1]."""
        self._measure()
        self._bound = self._bound or self._is_too_slow()
        if self._bound:
            left = max(min(self._planned - self._done, self._affordable()), steps)
            share = (1 - self._position) / left
            progress = self._position + share * np.arange(steps)
            self._position += share * steps
        else:
            progress = (self._done + np.arange(steps)) / self._planned
            self._position = (self._done + steps) / self._planned
        self._done += steps
        return np.asarray(progress)

    def _measure(self) -> None:
        """Measure seconds per step from the second call, validation included."""
        now = self._clock.now()
        if self._first_steps == 0:
            self._first_steps, self._start = self._done, now
        elif self._done > self._first_steps:
            self._seconds_per_step = (now - self._start) / (self._done - self._first_steps)

    @property
    def seconds_per_step(self) -> float | None:
        """Seconds per step without the first steps, which compile, but with validation; None if unknown."""
        if self._done <= self._first_steps or self._first_steps == 0:
            return None
        return (self._clock.now() - self._start) / (self._done - self._first_steps)

    def _affordable(self) -> float:
        """Steps until the deadline."""
        return self._clock.remaining() / max(self._seconds_per_step, np.finfo(float).tiny)

    def _is_too_slow(self) -> bool:
        is_known = self._clock.now() - self._start >= UNCHANGED_TIME_SHARE * self._window
        return is_known and self._done > 0 and self._affordable() < self._planned - self._done
