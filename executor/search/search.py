"""Hyperparameter search: the ten steps of the notes, from a bundle and encoded rows to ranked trials."""

from __future__ import annotations

import gc
import itertools
import math
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import tensorflow as tf

from executor.components.metric import create_metric
from executor.components.training_length import whole_epochs
from executor.networks.registry import network_kind
from executor.runtime.devices import training_devices, use_device
from executor.runtime.interrupt import Interrupt, catch_interrupt
from executor.search.oracle import ask, create_oracle, tell
from executor.search.oracles.base import Objective
from executor.search.progress import RoundProgress, progress_reporter
from executor.search.records.journal import Journal, search_digest
from executor.search.records.lock import lock_run_directory
from executor.search.records.trials import StoppedBy, Trials
from executor.search.round_size import epoch_seconds, max_at_once, next_round
from executor.search.runners.parallel import ParallelRunner
from executor.search.runners.sequential import SequentialRunner
from executor.search.runners.stacked import StackRunner
from executor.search.runners.workspace import create_workspace
from executor.search.space import Scope
from rules.errors import RunError, TrainingError
from rules.vocabulary.bundle import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import keras_tuner

    from executor.preprocessing.examples import Parts
    from executor.runtime.budget import Budget
    from executor.runtime.clock import Clock
    from executor.runtime.devices import Device
    from executor.search.records.outcome import Outcome
    from executor.search.records.proposal import Proposal
    from executor.search.runners.parallel import Runner
    from executor.search.runners.workspace import Workspace
    from rules.vocabulary.bundle import Bundle

TRIALS_WITHOUT_BUDGET: Final = 20  # without limits of time or trials
MAX_FAILED_TRIALS: Final = 10  # trials without a completed one before the search fails
MIN_TRIAL_SECONDS: Final = 1.0  # seconds; half of them build and compile a network


def search(
    bundle: Bundle,
    parts: Parts,
    *,
    budget: Budget,
    seed: int,
    directory: Path,
    clock: Clock | None = None,
    at_once: int | None = None,
    progress: Callable[[RoundProgress], None] = lambda _: None,
) -> Trials:
    """Search the bundle's hyperparameters for the best validation score.

    directory: the run directory; a search in it is resumed. clock: of the run, by default one that starts now.
    at_once: trials that are trained in parallel in one graph, by default chosen by the cost of a stack; 1 trains them
    one by one through Keras layers. Networks for images are always trained one by one, one on each GPU.
    progress: called after each epoch.
    Raises TrainingError if no trial was completed, KeyboardInterrupt on an interrupt before the first score, RunError
    if the directory has another search, is locked or is not writable, ChoiceError if the loss does not fit the task or
    a manual list has an invalid value.
    """
    metric = create_metric(bundle.metric)  # 1  P
    objective = Objective(name=metric.name, direction=metric.direction)
    clock = budget.start_clock() if clock is None else clock
    started_late = clock.is_over
    rows, width = parts.train.dense.shape
    kind = network_kind(bundle, parts.inputs)
    epochs = whole_epochs(bundle, kind, rows=rows)
    devices = training_devices(kind, width=width)
    with (
        lock_run_directory(directory),
        use_device(devices[0], width=width),
        _light_collection(),
        catch_interrupt() as interrupt,
    ):
        journal = Journal(directory, search=search_digest(fingerprint(bundle), seed))
        journal.remove_unfinished()
        # 2, 3, 4  C, W and A: a trial takes them from the bundle, with its own seed and rate.
        at = create_workspace(
            bundle, parts, metric=metric, clock=clock, seed=seed, directory=directory, interrupt=interrupt
        )
        oracle = create_oracle(  # 5  T
            bundle, scope_of(bundle, parts, budget), objective=objective, seed=seed, epochs=epochs
        )
        one_by_one = at_once == 1 or not at.is_stacked
        if at_once == 1:
            devices = devices[:1]
        alone = one_by_one and parts.folds is None  # folds of a trial form a stack
        runner = _runner(at, devices, width=width, alone=alone)
        most_trials = _least(_trial_limit(budget), oracle.total)
        schedule = None if most_trials is None else oracle.schedule(most_trials, epochs=epochs)
        number = _replay(oracle, journal, epochs)
        earlier = sum(outcome.seconds for outcome in journal.outcomes)
        stopped_by: StoppedBy | None
        try:
            while (stopped_by := _limit(budget, clock, journal.outcomes, interrupt)) is None:
                each = parts.fold_count
                most = len(devices) if one_by_one else at_once or max_at_once(bundle, devices=len(devices), each=each)
                if budget.trials is not None:
                    most = min(most, budget.trials - len(journal.outcomes))
                proposals = next_round(oracle, at, journal.outcomes, most, epochs)  # 6  H, proposed by T
                if not proposals:
                    stopped_by = "exhausted"
                    break
                report = progress_reporter(
                    progress,
                    proposals,
                    journal.outcomes,
                    clock,
                    objective,
                    schedule=schedule,
                    each=partial(epoch_seconds, at),
                )
                outcomes = runner.run(proposals, on_epoch=report)  # 7, 8  start by W, train by A on C
                together = {"round": number, "asked": len(proposals)}
                journal.append([outcome.model_copy(update=together) for outcome in outcomes])
                tell(oracle, outcomes)  # 9  until nothing is left to test
                number += 1
                gc.collect()  # graphs have reference cycles
        except KeyboardInterrupt:
            stopped_by = "interrupt"
    if stopped_by == "interrupt" and all(outcome.score is None for outcome in journal.outcomes):
        raise KeyboardInterrupt  # no model
    ranked = _ranked(journal.outcomes, objective)  # 10  the best by P comes first
    coming = oracle.epochs_until_whole(len(journal.outcomes))
    return Trials(
        ranked=ranked,
        stopped_by=stopped_by,
        planned=most_trials,
        epochs=epochs,
        coming=coming,
        seconds=clock.spent() + earlier,
        started_late=started_late,
    )


def scope_of(bundle: Bundle, parts: Parts, budget: Budget) -> Scope:
    """Scope of a search on these rows."""
    rows, width = parts.train.dense.shape
    kind = network_kind(bundle, parts.inputs)
    return Scope(
        width=width,
        rows=rows,
        folds=parts.fold_count,
        trials=budget.trials,
        seconds=budget.planned_seconds,
        kind=kind,
        has_embeddings=parts.vocabulary > 0 and kind.has_embeddings,
    )


def _runner(at: Workspace, devices: Sequence[Device], *, width: int, alone: bool) -> Runner:
    """Create the runner of stacks, or of single trials, on the devices."""

    def on(device: Device, at: Workspace) -> Runner:
        return SequentialRunner(at) if alone else StackRunner(at, device=device, compute=device.compute(width=width))

    if len(devices) == 1:
        return on(devices[0], at)
    runners = []
    for device in devices:
        with tf.device(device.name):
            runners.append((device, on(device, at.copy_to_device())))
    return ParallelRunner(runners, width=width)


def _replay(oracle: keras_tuner.Oracle, journal: Journal, epochs: int) -> int:
    """Replay the finished rounds, which restores the state of the oracle.

    Returns the number of the next round.
    """
    rounds = _rounds(journal.outcomes)
    for ended in rounds:
        proposals = ask(oracle, ended[0].asked, epochs=epochs)
        due = [_request_of(proposal) for proposal in proposals]
        for outcome in ended:
            if (outcome.hyperparameters, outcome.planned_epochs, outcome.continues) not in due:
                described = "; ".join(str(dict(one.hyperparameters)) for one in proposals) or "no further trial"
                raise RunError(
                    f"A search can only be resumed from its own trials, but trial {outcome.number} of {journal.path} "
                    f"has {outcome.hyperparameters} instead of {described}. The journal is from another bundle, seed, "
                    "number of trials or version. Start a new run."
                )
        tell(oracle, ended)
    return len(rounds)


def _rounds(outcomes: Sequence[Outcome]) -> list[list[Outcome]]:
    """Group outcomes by round."""
    return [list(group) for _, group in itertools.groupby(outcomes, key=lambda outcome: outcome.round)]


def _request_of(proposal: Proposal) -> tuple[dict[str, float | int | str], int, int | None]:
    return dict(proposal.hyperparameters), proposal.epochs, proposal.continues


def _trial_limit(budget: Budget) -> int | None:
    """Maximum number of trials of a budget; None where only time is limited."""
    return TRIALS_WITHOUT_BUDGET if budget.trials is None and budget.seconds is None else budget.trials


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _limit(budget: Budget, clock: Clock, outcomes: Sequence[Outcome], interrupt: Interrupt) -> StoppedBy | None:
    """Return the stop reason, if any. Raises TrainingError if no trial can succeed."""
    if interrupt.requested:
        return "interrupt"
    completed = any(outcome.status == "completed" for outcome in outcomes)
    most = _trial_limit(budget)
    if not completed and len(outcomes) >= MAX_FAILED_TRIALS:
        raise _nothing_completed(outcomes)
    if most is not None and len(outcomes) >= most:
        return "trials"
    # The first trial starts even without time, so that there is a model.
    return "budget" if completed and clock.remaining() < MIN_TRIAL_SECONDS else None


def _ranked(outcomes: Sequence[Outcome], objective: Objective) -> tuple[Outcome, ...]:
    """Rank completed trials by score, then the others. Raises TrainingError if none was completed."""
    scored = [(outcome.score, outcome) for outcome in outcomes if outcome.score is not None]
    if not scored:
        raise _nothing_completed(outcomes)
    sign = objective.direction.sign
    scored.sort(key=lambda pair: (-sign * pair[0], math.inf if pair[1].cost is None else pair[1].cost, pair[1].number))
    return (*(outcome for _, outcome in scored), *(outcome for outcome in outcomes if outcome.score is None))


def _nothing_completed(outcomes: Sequence[Outcome]) -> TrainingError:
    return TrainingError(
        f"At least one trial must be completed, but all {len(outcomes)} failed; the first one: {outcomes[0].message}. "
        "Use a lower learning rate (--pin optimizer) if scores are not finite, or fewer columns or rows if memory is "
        "short."
    )


@contextmanager
def _light_collection() -> Iterator[None]:
    """Freeze already-loaded objects out of garbage collection (gc.freeze), which would scan all of TensorFlow."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
