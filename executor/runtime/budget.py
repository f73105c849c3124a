"""How long a search may go on: wall-clock seconds, trials, or both."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

from rules.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable

RESERVED_SECONDS: Final = 8.0
"""To save the model and score the hold-out, 0.4 to 1.5 s on tables of 891 to 48,842 rows, and to fit what the model is
compared with: gradient boosting takes 0.2 to 2 s on them. Two of them are for the importance of columns and the report,
which take at most 1.7 s and 1.4 s of a processor on tables of 392 to 1,000 rows."""
RESERVED_SHARE: Final = 0.05  # of the budget
ENCODINGS: Final = 4  # times that rows were encoded before the search: the hold-out is encoded, scored and compared
AFTERWARDS: Final = 1.5  # seconds that saving, comparing and reporting take at least, on two cores
MIN_PART: Final = 1e-3  # seconds; where no time is left, a part still has a deadline, which passes at once
SECONDS_PER_NETWORK: Final = 0.5  # of a trial in folds, to build, save and load it, beyond the first; on two cores
MAX_RESERVED_SHARE: Final = 0.5  # of the budget: a tiny one is still spent on training for one half
ITERATIONS: Final = 40  # of a limit that is at most doubled by what it keeps: the last one adds under 1e-12 of it


class Budget:
    """A limit in seconds, in trials, in both or in neither, that runs from its construction.

    seconds: wall-clock limit of the whole run, finalisation included; None for no limit.
    trials: most trials of the search; None for no limit.
    reserve: seconds that are kept for what follows the search; by default as much as that usually takes.
    planned: seconds that a resumed run had at first, by which its search was laid out; by default `seconds`.
    clock: seconds of a clock that never goes back; tests put their own.
    Raises TrainingError on a limit with which no trial can run.
    """

    def __init__(
        self,
        *,
        seconds: float | None = None,
        trials: int | None = None,
        reserve: float | None = None,
        planned: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if seconds is not None and not 0 < seconds < math.inf:
            raise TrainingError(f"A time budget must be a positive number of seconds, but got {seconds!r}.")
        if trials is not None and trials < 1:
            raise TrainingError(f"A budget must allow at least 1 trial, but got {trials!r}.")
        self.seconds = seconds
        self.trials = trials
        self.planned = seconds if planned is None else planned
        self._reserve = reserve
        self.encoding = 0.0
        """Seconds that encoding the rows took; what follows the search takes longer where it did."""
        self.answering = 0.0
        """Seconds that a network took for the validation rows; of a small one they are not worth counting."""
        self.answers = 0.0
        """How many times as many rows as those a network answers after the search."""
        self.refitting = 0.0
        """Seconds that are kept for training what was chosen again."""
        self.retrained = 0
        """Networks that are trained again once they are chosen, at most."""
        self.boosting = 0.0
        """Seconds that gradient boosting takes for the comparison where no time is set."""
        self.comparing = 0.0
        """Seconds that are kept for a linear model on texts, with which the model is compared."""
        self.networks = 1
        """Networks of a trial, which are built, saved and loaded after the search."""
        self.follow_up = 0.0
        """Seconds that are kept for training the chosen configuration again after the search."""
        self._clock = clock
        self._start = clock()

    @property
    def reserve(self) -> float:
        """Seconds that are kept for what follows the search."""
        if self.seconds is None:
            return 0.0
        if self._reserve is not None:
            return self._reserve
        return self._kept(self.seconds, self.follow_up + self.refitting)

    def _kept(self, seconds: float, again: float) -> float:
        """Seconds of a limit that are kept for what follows the search; again: of them for training again."""
        wanted = max(RESERVED_SECONDS, RESERVED_SHARE * seconds, ENCODINGS * self.encoding)
        return min(wanted + self._for_answers + again + self.comparing, MAX_RESERVED_SHARE * seconds)

    def limit_for(self, seconds: float, *, again: Callable[[float], float]) -> float:
        """The limit under which a search may run until a number of seconds after the start.

        again: seconds of a limit that are kept for training again.
        """
        limit = seconds
        for _ in range(ITERATIONS):
            limit = seconds + self._kept(limit, again(limit))
        return limit

    def afterwards(self, trial: float) -> float:
        """Seconds that what follows the search will take, about; trial: of a trial in the mean.

        Of a time limit it is never more than is kept for it.
        """
        likely = AFTERWARDS + ENCODINGS * self.encoding + self._for_answers
        again = self.retrained * trial
        if self.seconds is None:
            return likely + again + self.boosting
        return min(likely + self.follow_up + self.comparing + min(again, self.refitting), self.reserve)

    @property
    def _for_answers(self) -> float:
        """Seconds in which the networks are put together and answer."""
        return self.answers * self.answering + SECONDS_PER_NETWORK * (self.networks - 1)

    @property
    def deadline(self) -> float:
        """The clock's reading at which training ends; inf without a time limit."""
        return math.inf if self.seconds is None else self._start + self.seconds - self.reserve

    def part(self, share: float) -> Budget:
        """A budget of a share of the time that is left until the deadline, from now on."""
        if self.seconds is None:
            return Budget(clock=self._clock)
        left = max(self.remaining() * share, MIN_PART)
        return Budget(seconds=left, reserve=0.0, clock=self._clock)

    @property
    def left(self) -> float:
        """Seconds of the whole budget that are left, the reserve included; inf without a time limit."""
        return math.inf if self.seconds is None else max(0.0, self._start + self.seconds - self._clock())

    @property
    def exhausted(self) -> bool:
        return self.remaining() <= 0

    def now(self) -> float:
        """The clock's reading."""
        return self._clock()

    def spent(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._start

    def remaining(self) -> float:
        """Seconds until the deadline, never negative; inf without a time limit."""
        return max(0.0, self.deadline - self._clock())
