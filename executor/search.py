"""The search: the ten steps of the strategy notes, from a bundle and encoded rows to ranked trials."""

from __future__ import annotations

import gc
import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from executor.catalog.performance import performance_metric
from executor.catalog.tuning import ask, tell, tuning
from executor.devices import computing_on, detect
from executor.interrupt import Interrupt, noted_interrupt
from executor.oracles.memory import Objective
from executor.trials.journal import Journal, Outcome
from executor.trials.one_by_one import rebuild, run_trial
from executor.trials.workplace import workplace
from rules.errors import RunError, TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import keras_tuner

    from executor.budget import Budget
    from executor.catalog.tuning import Proposal
    from executor.parts import Parts
    from executor.trials.training import Training
    from rules.bundle import Bundle

__all__ = ["Outcome", "StoppedBy", "TrialProgress", "Trials", "rebuild", "search"]

TRIALS_WITHOUT_BUDGET: Final = 20  # trials, where neither time nor their number is limited
HOPELESS: Final = 10  # trials without a completed one; then the next would hardly be completed either
SHORTEST_TRIAL: Final = 1.0  # seconds; building and compiling a network take half of it

StoppedBy = Literal["budget", "trials", "exhausted", "interrupt"]


@dataclass(frozen=True, kw_only=True)
class TrialProgress:
    """Where a search stands after an epoch."""

    number: int
    """Of the trial, from 0."""
    trials: int | None
    """How many the budget allows; None for no limit."""
    epoch: int
    epochs: int
    """Planned ones."""
    score: float | None
    """P after this epoch; None where it is not finite."""
    best: float | None
    """The best P so far, of all trials."""
    elapsed: float
    """Seconds since the budget began."""
    remaining: float | None
    """Seconds until the search ends at the latest, as far as known."""


@dataclass(frozen=True, kw_only=True)
class Trials:
    """All trials of a search."""

    ranked: tuple[Outcome, ...]
    """Completed ones by P, the best first, of equals the one with the lowest C; then the others by number."""
    stopped_by: StoppedBy

    @property
    def best(self) -> Outcome:
        return self.ranked[0]


def search(
    bundle: Bundle,
    parts: Parts,
    *,
    budget: Budget,
    seed: int,
    directory: Path,
    progress: Callable[[TrialProgress], None] = lambda _: None,
) -> Trials:
    """Search the bundle's hyperparameters for the network with the best P on the validation rows.

    directory: the run directory; a search that it holds already goes on. progress: called after each epoch.
    Raises TrainingError if no trial was completed, RunError if the directory holds a search of another space or seed,
    ChoiceError if the loss does not fit the task or a manual list names a bad value.
    """
    metric = performance_metric(bundle.metric)  # 1  P
    objective = Objective(name=metric.name, direction=metric.direction)
    rows, width = parts.train.dense.shape
    journal = Journal(directory)
    with computing_on(detect()[0], width=width), _light_collection(), noted_interrupt() as interrupt:
        # 2, 3, 4  C, W and A: a trial takes them from the bundle, with its own seed and rate.
        at = workplace(bundle, parts, metric=metric, budget=budget, seed=seed, directory=directory, interrupt=interrupt)
        oracle = tuning(bundle, width=width, rows=rows, objective=objective, seed=seed, trials=budget.trials)  # 5  T
        _replay(oracle, journal)
        stopped_by: StoppedBy | None
        try:
            while (stopped_by := _limit(budget, journal.outcomes, interrupt)) is None:
                proposal = ask(oracle)  # 6  H, proposed by T
                if proposal is None:
                    stopped_by = "exhausted"
                    break
                report = _reporter(progress, proposal, journal.outcomes, budget, objective)
                outcome = run_trial(proposal, at, on_epoch=report)  # 7, 8  start by W, train by A on C
                journal.append(outcome)
                tell(oracle, outcome)  # 9  until nothing is left to test
                gc.collect()  # the trial's graphs refer to themselves
        except KeyboardInterrupt:
            stopped_by = "interrupt"
    return Trials(ranked=_ranked(journal.outcomes, objective), stopped_by=stopped_by)  # 10  the best by P comes first


def _replay(oracle: keras_tuner.Oracle, journal: Journal) -> None:
    """Ask the oracle for the finished trials again, and tell it how they ended, so that it stands where it stood."""
    for outcome in journal.outcomes:
        proposal = ask(oracle)
        if proposal is None or _asked(proposal) != (outcome.hyperparameters, outcome.planned_epochs, outcome.continues):
            raise RunError(
                f"A search goes on only from the trials that it would have run itself, but trial {outcome.number} of "
                f"{journal.path} has {outcome.hyperparameters}, where {_described(proposal)} is due. The journal comes "
                "from another bundle, seed, budget of trials or version: start a new run."
            )
        tell(oracle, outcome)


def _asked(proposal: Proposal) -> tuple[dict[str, float | int | str], int, int | None]:
    return dict(proposal.hyperparameters), proposal.epochs, proposal.continues


def _described(proposal: Proposal | None) -> str:
    return "no further trial" if proposal is None else str(dict(proposal.hyperparameters))


def _limit(budget: Budget, outcomes: Sequence[Outcome], interrupt: Interrupt) -> StoppedBy | None:
    """What forbids another trial. Raises TrainingError where trying on is in vain."""
    if interrupt.requested:
        return "interrupt"
    completed = any(outcome.status == "completed" for outcome in outcomes)
    unlimited = budget.trials is None and budget.seconds is None
    most = TRIALS_WITHOUT_BUDGET if unlimited else budget.trials
    if not completed and len(outcomes) >= HOPELESS:
        raise _nothing_completed(outcomes)
    if most is not None and len(outcomes) >= most:
        return "trials"
    # The first trial starts even without time, so that there is a model in the end.
    return "budget" if completed and budget.remaining() < SHORTEST_TRIAL else None


def _ranked(outcomes: Sequence[Outcome], objective: Objective) -> tuple[Outcome, ...]:
    """Completed trials by score, then the others. Raises TrainingError if none was completed."""
    scored = [(outcome.score, outcome) for outcome in outcomes if outcome.score is not None]
    if not scored:
        raise _nothing_completed(outcomes)
    sign = -1 if objective.direction == "max" else 1
    scored.sort(key=lambda pair: (sign * pair[0], math.inf if pair[1].cost is None else pair[1].cost, pair[1].number))
    return (*(outcome for _, outcome in scored), *(outcome for outcome in outcomes if outcome.score is None))


def _nothing_completed(outcomes: Sequence[Outcome]) -> TrainingError:
    if not outcomes:
        return TrainingError(
            "At least one trial must complete an epoch, but the search was interrupted before. Run it again."
        )
    return TrainingError(
        f"At least one trial must be completed, but all {len(outcomes)} failed; the first one: {outcomes[0].message}. "
        "A lower learning rate (--pin optimizer) helps against scores that are not finite, fewer columns or rows "
        "against a lack of memory."
    )


def _reporter(
    progress: Callable[[TrialProgress], None],
    proposal: Proposal,
    outcomes: Sequence[Outcome],
    budget: Budget,
    objective: Objective,
) -> Callable[[Training], None]:
    """A function that reports a trial's epochs as the search's progress."""
    choose = max if objective.direction == "max" else min
    before = [outcome.score for outcome in outcomes if outcome.score is not None]
    seconds = sum(outcome.seconds for outcome in outcomes)

    def report(training: Training) -> None:
        best = before if training.best is None else [*before, training.best]
        limits = [] if budget.seconds is None else [budget.remaining()]
        if budget.trials is not None and outcomes:
            limits.append(seconds / len(outcomes) * (budget.trials - len(outcomes)))
        progress(
            TrialProgress(
                number=proposal.number,
                trials=budget.trials,
                epoch=len(training.scores),
                epochs=proposal.epochs,
                score=training.scores[-1],
                best=choose(best, default=None),
                elapsed=budget.spent(),
                remaining=min(limits, default=None),
            )
        )

    return report


@contextmanager
def _light_collection() -> Iterator[None]:
    """Take what is loaded already out of garbage collection, which would walk all of TensorFlow after each trial."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
