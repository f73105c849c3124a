"""Where a search stands after an epoch, and how long the run will still take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from executor.budget import Budget
    from executor.oracles.memory import Objective
    from executor.trials.journal import Outcome
    from executor.trials.training import Epoch


AFTER_SEARCH: Final = 5.0  # seconds for what follows the search of a small dataset, on two cores; kept by a time limit


@dataclass(frozen=True, kw_only=True)
class RoundProgress:
    """Where a search stands after an epoch."""

    done: int
    """Trials that have ended."""
    running: int
    """Trials that run at once."""
    trials: int | None
    """How many the budget allows, and the strategy has; None where time alone limits them."""
    epoch: int
    """Of those that run."""
    epochs: int
    """Planned ones."""
    best: float | None
    """The best P so far, of all trials."""
    elapsed: float
    """Seconds since the budget began."""
    remaining: float | None
    """Seconds until the run ends, as far as known: the time limit's, or those of the trials still to come."""


class Pace:
    """How long the trials still to come take, by the epochs of this round and by the rounds before it.

    began: the clock's reading at the round's start. running: its trials. before: those of earlier rounds.
    """

    def __init__(self, *, began: float, running: int, before: Sequence[Outcome]) -> None:
        self._began = began
        self._running = running
        self._done = len(before)
        self._each = sum(one.seconds for one in before) / len(before) if before else None
        # A round goes on as long as its longest trial, and few trials reach their last epoch.
        self._share = max((one.epochs / one.planned_epochs for one in before), default=1.0)
        self._first: tuple[int, float] | None = None

    def left(self, *, now: float, epoch: int, epochs: int, trials: int) -> float | None:
        """Seconds until so many trials have ended; None until that can be told.

        The first epoch holds the compilation of the graph, so the pace is that of the epochs after it.
        """
        if self._first is None or epoch < self._first[0]:
            self._first = (epoch, now)
        first_epoch, first_time = self._first
        if epoch > first_epoch:
            last = max(epoch, self._share * epochs)
            this = (now - first_time) / (epoch - first_epoch) * (last - epoch)
        elif self._each is not None:
            this = max(0.0, self._each * self._running - (now - self._began))
        else:
            return None
        each = self._each if self._each is not None else (now - self._began + this) / self._running
        return this + each * max(0, trials - self._done - self._running)


def reporter(
    progress: Callable[[RoundProgress], None],
    running: int,
    outcomes: Sequence[Outcome],
    budget: Budget,
    objective: Objective,
    *,
    trials: int | None,
) -> Callable[[Epoch], None]:
    """A function that reports the epochs of a round as the search's progress.

    running: trials of the round. trials: of the whole search at most, as RoundProgress has it.
    """
    choose = max if objective.direction == "max" else min
    before = [outcome.score for outcome in outcomes if outcome.score is not None]
    done = len(outcomes)
    pace = Pace(began=budget.now(), running=running, before=tuple(outcomes))

    def report(now: Epoch) -> None:
        scores = [member.training.best for member in now.members if member.training.best is not None]
        limits = [] if budget.seconds is None else [budget.left]
        if trials is not None:
            left = pace.left(now=budget.now(), epoch=now.epoch, epochs=now.epochs, trials=trials)
            after = AFTER_SEARCH if budget.seconds is None else budget.reserve
            limits += [] if left is None else [left + after]
        progress(
            RoundProgress(
                done=done,
                running=running,
                trials=trials,
                epoch=now.epoch,
                epochs=now.epochs,
                best=choose([*before, *scores], default=None),
                elapsed=budget.spent(),
                remaining=min(limits, default=None),
            )
        )

    return report
