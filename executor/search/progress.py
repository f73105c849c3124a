"""Progress of a search, and remaining time of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from executor.search.runners.training_state import PATIENCE
from recommender.training_cost import TRAINED_SHARE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from executor.components.configuration import Value
    from executor.runtime.clock import Clock
    from executor.runtime.cluster import Pool
    from executor.search.oracles.base import Objective
    from executor.search.records.outcome import Outcome
    from executor.search.records.proposal import Proposal
    from executor.search.runners.training_state import Epoch


MIN_EPOCHS_BEFORE_STOP: Final = 2 * PATIENCE  # epochs before which trials rarely stop
PRIOR_TRIALS: Final = 4  # weight of the prior TRAINED_SHARE, in long trials


@dataclass(frozen=True, kw_only=True)
class RoundProgress:
    """Progress of a search after an epoch."""

    done: int
    """Finished trials."""
    running: int
    """Running trials."""
    trials: int | None
    """Total number of trials; None where only time limits them."""
    epoch: int
    """Epoch of the running trials."""
    epochs: int
    """Planned ones."""
    best: float | None
    """Best score so far."""
    elapsed: float
    """Seconds since the budget began."""
    remaining: float | None
    """Estimated seconds until the run ends; None where unknown."""
    workers: int | None = None
    """Workers of the cluster that trains; None where this process trains."""


@dataclass(frozen=True, kw_only=True)
class TrialWork:
    """Expected work of a trial."""

    epochs: int
    """Planned ones."""
    each: float
    """Cost of an epoch, in a unit that is common to the search."""


@dataclass(frozen=True, kw_only=True)
class FinishedTrial:
    """Work and time of a finished trial."""

    work: TrialWork
    epochs: int
    """Epochs trained."""
    seconds: float


class RemainingTime:
    """Estimate of the remaining time, from the progress of a round and from finished trials.

    began: time at the start of the round. running: trial → its work. coming: planned epochs of the trials after this
    round.
    """

    def __init__(
        self, *, began: float, running: Mapping[int, TrialWork], before: Sequence[FinishedTrial], coming: Sequence[int]
    ) -> None:
        self._began, self._running, self._coming = began, running, coming
        self._work_before = sum(one.work.each * one.epochs for one in before)
        self._seconds_before = sum(one.seconds for one in before)
        each = [one.work.each for one in before] + [work.each for work in running.values()]
        self._each = sum(each) / len(each)
        long = [
            (one.epochs - MIN_EPOCHS_BEFORE_STOP) / (one.work.epochs - MIN_EPOCHS_BEFORE_STOP)
            for one in before
            if one.work.epochs > MIN_EPOCHS_BEFORE_STOP
        ]
        self._stopping = (PRIOR_TRIALS * TRAINED_SHARE + sum(max(0.0, share) for share in long)) / (
            PRIOR_TRIALS + len(long)
        )
        self._left = {number: work.each * self.epochs_left(work.epochs) for number, work in running.items()}
        self._done = dict.fromkeys(running, 0.0)
        self._first: tuple[float, float] | None = None
        self._first_of: dict[frozenset[int], tuple[float, int]] = {}

    def epochs_left(self, planned: int, done: int = 0) -> float:
        """Expected remaining epochs of a trial; some stop early, but rarely before MIN_EPOCHS_BEFORE_STOP."""
        certain = max(done, min(planned, MIN_EPOCHS_BEFORE_STOP))
        return certain - done + self._stopping * (planned - certain)

    def left(self, *, now: float, epoch: int, stack: Mapping[int, bool]) -> float | None:
        """Estimate the seconds until all trials have ended; None where unknown.

        stack: trials whose epoch has ended, and whether each continues. The first epoch of a search includes
        compilation, so estimates start with the second one.
        """
        continues = any(stack.values())
        for number in stack:
            work = self._running[number]
            self._done[number] = work.each * epoch
            self._left[number] = work.each * self.epochs_left(work.epochs, epoch) if continues else 0.0
        left, done = sum(self._left.values()), sum(self._done.values())
        first_time, first_done = self._first = self._first or (now, done)
        # Of this round, without its first epoch.
        own = (now - first_time) / (done - first_done) if done > first_done else None
        if self._work_before:
            usual = (self._seconds_before + now - self._began) / (self._work_before + done)
        elif own is not None:
            usual = own
        else:
            return None
        share = done / (done + left) if own is not None and done + left > 0 else 0.0
        this = left * (share * (own or 0.0) + (1 - share) * usual)
        if continues:
            this = max(this, self._of_stack(now, epoch, frozenset(stack)))
        return this + usual * self._each * sum(map(self.epochs_left, self._coming))

    def _of_stack(self, now: float, epoch: int, numbers: frozenset[int]) -> float:
        """Seconds until one stack has ended, from its own epochs."""
        time, first = self._first_of.setdefault(numbers, (now, epoch))
        if epoch <= first:
            return 0.0
        longest = max(self.epochs_left(self._running[number].epochs, epoch) for number in numbers)
        return (now - time) / (epoch - first) * longest


def progress_reporter(
    progress: Callable[[RoundProgress], None],
    proposals: Sequence[Proposal],
    outcomes: Sequence[Outcome],
    clock: Clock,
    objective: Objective,
    *,
    schedule: Sequence[int] | None,
    each: Callable[[Mapping[str, Value]], float],
    pool: Pool | None = None,
) -> Callable[[Epoch], None]:
    """Create a function that reports the epochs of a round as progress of the search.

    proposals: of the round. outcomes: of trials before. schedule: planned epochs of all trials of the search. each:
    cost of an epoch of a configuration. pool: workers of a cluster that trains.
    """
    best = {outcome.number: outcome.score for outcome in outcomes if outcome.score is not None}
    done = len(outcomes)
    took = [outcome.seconds for outcome in outcomes if outcome.epochs > 0]
    usual = sum(took) / len(took) if took else 0.0
    estimate = None if schedule is None else _remaining_time(proposals, outcomes, schedule, each, began=clock.now())

    def report(now: Epoch) -> None:
        best.update(
            (member.proposal.number, member.training.best) for member in now.members if member.training.best is not None
        )
        limits = [] if clock.plan.limit is None else [clock.remaining()]
        if estimate is not None:
            stack = {member.proposal.number: member.training.ended_by is None for member in now.members}
            left = estimate.left(now=clock.now(), epoch=now.epoch, stack=stack)
            limits += [] if left is None else [left]
        progress(
            RoundProgress(
                done=len(outcomes),  # on a cluster they are added while others run
                running=done + len(proposals) - len(outcomes),
                trials=None if schedule is None else len(schedule),
                epoch=now.epoch,
                epochs=now.epochs,
                best=objective.direction.best(best.values(), key=float) if best else None,
                elapsed=clock.spent(),
                remaining=min(limits) + clock.expected_after_search(usual) if limits else None,
                workers=None if pool is None else pool.workers,
            )
        )

    return report


def _remaining_time(
    proposals: Sequence[Proposal],
    outcomes: Sequence[Outcome],
    schedule: Sequence[int],
    each: Callable[[Mapping[str, Value]], float],
    *,
    began: float,
) -> RemainingTime:
    """Create the estimate of a round; arguments as in `progress_reporter`."""
    ended = [
        FinishedTrial(
            work=TrialWork(epochs=one.planned_epochs, each=each(one.hyperparameters)),
            epochs=one.epochs,
            seconds=one.seconds,
        )
        for one in outcomes
        if one.epochs > 0
    ]
    return RemainingTime(
        began=began,
        running={one.number: TrialWork(epochs=one.epochs, each=each(one.hyperparameters)) for one in proposals},
        before=ended,
        coming=schedule[len(outcomes) + len(proposals) :],
    )
