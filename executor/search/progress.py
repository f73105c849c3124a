"""Where a search stands after an epoch, and how long the run will still take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from executor.search.runners.training_state import PATIENCE
from recommender.training_cost import STOPPING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from executor.components.configuration import Value
    from executor.runtime.clock import Clock
    from executor.search.oracles.base import Objective
    from executor.search.records.outcome import Outcome
    from executor.search.records.proposal import Proposal
    from executor.search.runners.training_state import Epoch


MIN_EPOCHS_BEFORE_STOP: Final = 2 * PATIENCE  # epochs before which hardly a trial ends
PRIOR_TRIALS: Final = 4  # long trials, by which it is believed that STOPPING holds


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


@dataclass(frozen=True, kw_only=True)
class TrialWork:
    """What a trial takes, as far as it is known before."""

    epochs: int
    """Planned ones."""
    each: float
    """What an epoch takes, in a unit that all trials of a search share."""


@dataclass(frozen=True, kw_only=True)
class FinishedTrial:
    """What a trial took."""

    work: TrialWork
    epochs: int
    """Until it stopped."""
    seconds: float


class RemainingTime:
    """How long the trials still to come take, by how far those of this round are and by those before.

    began: the clock's reading at the round's start. running: trial → its work. coming: planned epochs of the trials
    after this round.
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
        self._stopping = (PRIOR_TRIALS * STOPPING + sum(max(0.0, share) for share in long)) / (PRIOR_TRIALS + len(long))
        self._left = {number: work.each * self.epochs_left(work.epochs) for number, work in running.items()}
        self._done = dict.fromkeys(running, 0.0)
        self._first: tuple[float, float] | None = None
        self._first_of: dict[frozenset[int], tuple[float, int]] = {}

    def epochs_left(self, planned: int, done: int = 0) -> float:
        """Epochs that a trial is expected to go on after so many: some end early, hardly one before SURE."""
        sure = max(done, min(planned, MIN_EPOCHS_BEFORE_STOP))
        return sure - done + self._stopping * (planned - sure)

    def left(self, *, now: float, epoch: int, stack: Mapping[int, bool]) -> float | None:
        """Seconds until all trials have ended; None until that can be told.

        stack: the trials whose epoch has ended now, and whether each goes on. The first epoch of a search holds the
        compilation of its graph, so that nothing is told before a second one.
        """
        goes_on = any(stack.values())
        for number in stack:
            work = self._running[number]
            self._done[number] = work.each * epoch
            self._left[number] = work.each * self.epochs_left(work.epochs, epoch) if goes_on else 0.0
        left, done = sum(self._left.values()), sum(self._done.values())
        first_time, first_done = self._first = self._first or (now, done)
        # Of this round alone, without the time until its first epoch had ended.
        own = (now - first_time) / (done - first_done) if done > first_done else None
        if self._work_before:
            usual = (self._seconds_before + now - self._began) / (self._work_before + done)
        elif own is not None:
            usual = own
        else:
            return None
        share = done / (done + left) if own is not None and done + left > 0 else 0.0
        this = left * (share * (own or 0.0) + (1 - share) * usual)
        if goes_on:
            this = max(this, self._of_stack(now, epoch, frozenset(stack)))
        return this + usual * self._each * sum(map(self.epochs_left, self._coming))

    def _of_stack(self, now: float, epoch: int, numbers: frozenset[int]) -> float:
        """Seconds until one stack has ended, by its own epochs: the last one of a round runs alone."""
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
) -> Callable[[Epoch], None]:
    """A function that reports the epochs of a round as the search's progress.

    proposals: the round's. outcomes: of those before. schedule: planned epochs of all trials of the search, as
    RoundProgress has their number. each: what an epoch of a configuration takes, as Work has it.
    """
    best = {outcome.number: outcome.score for outcome in outcomes if outcome.score is not None}
    done = len(outcomes)
    took = [outcome.seconds for outcome in outcomes if outcome.epochs > 0]
    usual = sum(took) / len(took) if took else 0.0
    pace = None if schedule is None else _remaining_time(proposals, outcomes, schedule, each, began=clock.now())

    def report(now: Epoch) -> None:
        best.update(
            (member.proposal.number, member.training.best) for member in now.members if member.training.best is not None
        )
        limits = [] if clock.plan.limit is None else [clock.remaining()]
        if pace is not None:
            stack = {member.proposal.number: member.training.ended_by is None for member in now.members}
            left = pace.left(now=clock.now(), epoch=now.epoch, stack=stack)
            limits += [] if left is None else [left]
        progress(
            RoundProgress(
                done=done,
                running=len(proposals),
                trials=None if schedule is None else len(schedule),
                epoch=now.epoch,
                epochs=now.epochs,
                best=objective.direction.best(best.values(), key=float) if best else None,
                elapsed=clock.spent(),
                remaining=min(limits) + clock.expected_after_search(usual) if limits else None,
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
    """The pace of a round, by its trials and by those before; arguments as of `reporter`."""
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
