"""Hyperparameter search: the ten steps of the notes, from a bundle and encoded rows to ranked trials."""

from __future__ import annotations

import gc
import itertools
import math
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from executor.components.metric import check_metric, create_metric
from executor.components.training_length import choose_batch_size, whole_epochs
from executor.networks.registry import network_kind
from executor.runtime.devices import CPU
from executor.runtime.interrupt import Interrupt, catch_interrupt
from executor.runtime.log import LOG
from executor.search.choose_devices import Search, use_chosen_devices
from executor.search.cluster.planning import round_size
from executor.search.cluster.runner import ClusterRunner
from executor.search.create_runner import create_runner
from executor.search.fit_to_time import can_start_linear, fit_to_time, resized_parts, training_options
from executor.search.oracle import ask, create_oracle, tell
from executor.search.oracles.base import Objective, defaults
from executor.search.progress import RoundProgress, progress_reporter
from executor.search.records.journal import Journal, search_digest
from executor.search.records.lock import lock_run_directory
from executor.search.records.proposal import Proposal
from executor.search.records.training_size import read_size, write_size
from executor.search.records.trials import StoppedBy, Trials
from executor.search.round_size import epoch_seconds, expected_epoch_seconds, max_at_once, next_round
from executor.search.runners.workspace import create_workspace, is_stacked
from executor.search.space import Scope, search_space
from recommender.recommendation.training_work import TRIALS_WITHOUT_BUDGET
from recommender.speed.machine_speed import known_slowdown, remember_slowdown
from recommender.time_plan import SHORTENED_SHARE
from recommender.training_cost import COMPILE_SECONDS, USUAL_SLOWDOWN, steps_of
from rules.errors import PcwatError, RunError, TrainingError
from rules.vocabulary.bundle import fingerprint
from rules.vocabulary.choices import NoAugmentation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import keras_tuner

    from executor.preprocessing.examples import Parts
    from executor.runtime.budget import Budget
    from executor.runtime.clock import Clock
    from executor.runtime.cluster import Pool
    from executor.runtime.devices import Device
    from executor.search.fit_to_time import TrainingOption
    from executor.search.records.outcome import Outcome
    from executor.search.records.training_size import TrainingSize
    from executor.search.runners.parallel import Runner
    from executor.search.runners.speed import Speed
    from executor.search.runners.workspace import Workspace
    from recommender.time_plan import TimePlan
    from rules.vocabulary.bundle import Bundle

    RefitSeconds = Callable[[Sequence[Outcome], Workspace, TrainingSize | None], float]
    """Seconds of training on all rows, by the completed trials, the best one first."""

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
    plan_for: Callable[[Parts], TimePlan] | None = None,
    refit_seconds: RefitSeconds | None = None,
    at_once: int | None = None,
    seeds: int = 1,
    pool: Pool | None = None,
    progress: Callable[[RoundProgress], None] = lambda _: None,
) -> Trials:
    """Search the bundle's hyperparameters for the best validation score.

    With a time limit, the default configuration is trained first, and completely: a few of its steps are timed, and its
    size is chosen so that it ends in time (`executor.search.fit_to_time`). Further trials follow as long as they can be
    completed.

    directory: the run directory; a search in it is resumed. clock: of the run, by default one that starts now.
    plan_for: the plan of a time limit for parts of some number of folds; by default that of the clock.
    refit_seconds: seconds to reserve for training on all rows, by the trials so far; by default those of the plan.
    at_once: trials that are trained in parallel in one graph, by default chosen by the cost of a stack; 1 trains them
    one by one through Keras layers. Networks for images are always trained one by one, one on each GPU.
    seeds: the most trainings of the default configuration where nothing is searched and a time limit leaves time.
    pool: workers that train the trials; by default this process does. progress: called after each epoch.
    Raises TrainingError if no trial was completed, KeyboardInterrupt on an interrupt before the first score, RunError
    if the directory has another search, is locked or is not writable, ChoiceError if the loss does not fit the task or
    a manual list has an invalid value.
    """
    metric = check_metric(create_metric(bundle.metric), parts)  # 1  P
    objective = Objective(name=metric.name, direction=metric.direction)
    clock = budget.start_clock() if clock is None else clock
    started_late = clock.is_over
    width = parts.train.dense.shape[1]
    searched = Search(
        bundle=bundle,
        parts=parts,
        metric=metric,
        budget=budget,
        clock=clock,
        seed=seed,
        directory=directory,
        first=lambda: defaults(search_space(bundle, scope_of(bundle, parts, budget))),
        epochs=_planned_epochs(bundle, parts),
        at_once=at_once,
    )
    with (
        lock_run_directory(directory),
        use_chosen_devices(searched, is_remote=pool is not None) as (found, choice),
        _light_collection(),
        catch_interrupt() as interrupt,
    ):
        journal = Journal(directory, search=search_digest(fingerprint(bundle), seed), keeps_unfinished=pool is not None)
        journal.remove_unfinished()
        # 2, 3, 4  C, W and A: a trial takes them from the bundle, with its own seed and rate.
        devices = found[:1] if at_once == 1 else found
        together = choice is not None and choice.together

        def start(parts: Parts, clock: Clock) -> _Setup:
            at = create_workspace(
                bundle, parts, metric=metric, clock=clock, seed=seed, directory=directory, interrupt=interrupt
            )
            if pool is None:
                return _Setup(
                    at=at, runner=create_runner(at, devices, width=width, one_by_one=at_once == 1, together=together)
                )
            return _Setup(at=at, runner=ClusterRunner(at, pool, journal=journal, most=at_once))

        setup, size, compiling = _set_up(
            start,
            parts,
            clock,
            plan_for,
            budget,
            is_new=not journal.outcomes,
            remembers=pool is None and devices[0].name == CPU.name,
        )
        at, runner, parts, clock = setup.at, setup.runner, setup.at.parts, setup.at.clock
        epochs = _planned_epochs(bundle, parts) if size is None else _scheduled_epochs(size, at)
        scope = scope_of(bundle, parts, budget, size)
        oracle = create_oracle(  # 5  T
            bundle,
            scope,
            objective=objective,
            seed=seed,
            epochs=epochs,
            seeds=max(1, len(journal.outcomes)) if clock.plan.limit is None else seeds,
        )
        most_trials = _least(_trial_limit(budget), oracle.total)
        schedule = None if most_trials is None else oracle.schedule(most_trials, epochs=epochs)
        number, unfinished = _replay(oracle, journal, epochs)
        earlier = sum(outcome.seconds for outcome in journal.outcomes)
        reserve = partial(_reserve_refit, refit_seconds, at, size, objective)
        reserve(journal.outcomes)
        stopped_by: StoppedBy | None
        try:
            while (stopped_by := _limit(budget, clock, journal.outcomes, interrupt)) is None:
                most = _most_at_once(at, at_once, budget, devices[: 1 if together else None], pool, trials=most_trials)
                if budget.trials is not None:
                    most = min(most, budget.trials - len(journal.outcomes))
                proposals = unfinished or next_round(  # 6  H, proposed by T
                    oracle, at, journal.outcomes, most, epochs, compiling=compiling, devices=devices
                )
                unfinished = []
                if not proposals:
                    stopped_by = "budget" if oracle.ongoing_trials else "exhausted"
                    break
                report = progress_reporter(
                    progress,
                    proposals,
                    journal.outcomes,
                    clock,
                    objective,
                    schedule=schedule,
                    each=partial(epoch_seconds, at),
                    pool=pool,
                )
                outcomes = runner.run(proposals, on_epoch=report)  # 7, 8  start by W, train by A on C
                _keep(journal, outcomes, number=number, asked=len(proposals))
                tell(oracle, outcomes)  # 9  until nothing is left to test
                reserve(journal.outcomes)
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
        size=size,
        seconds=clock.spent() + earlier,
        started_late=started_late,
        workers=None if pool is None else pool.peak,
        devices=choice,
    )


@dataclass(frozen=True, kw_only=True)
class _Setup:
    """What trials share, and what trains them."""

    at: Workspace
    runner: Runner


def _most_at_once(
    at: Workspace,
    at_once: int | None,
    budget: Budget,
    devices: Sequence[Device],
    pool: Pool | None,
    *,
    trials: int | None,
) -> int:
    """Maximum number of trials of a round. trials: of the search; at_once: as the user sets it."""
    each = at.parts.fold_count
    if pool is not None:
        return round_size(at.bundle, budget, trials=trials, each=each, workers=pool.workers)
    if at_once == 1 or not at.is_stacked:
        return len(devices)
    most = at_once or max_at_once(at.bundle, devices=len(devices), each=each, networks=devices[0].networks)
    return max(1, at.parts.networks_at_once(most * each) // each)


def _keep(journal: Journal, outcomes: Sequence[Outcome], *, number: int, asked: int) -> None:
    """Append the outcomes of a round to the journal, unless they are there already, as those of a cluster."""
    known = {outcome.number for outcome in journal.outcomes}
    together = {"round": number, "asked": asked}
    journal.append([one.model_copy(update=together) for one in outcomes if one.number not in known])


def _planned_epochs(bundle: Bundle, parts: Parts) -> int:
    """Epochs of a full trial, without a time limit."""
    return whole_epochs(bundle, network_kind(bundle, parts.inputs), rows=len(parts.train))


def _scheduled_epochs(size: TrainingSize, at: Workspace) -> int:
    """Epochs of the learning-rate schedule of a trial.

    Of stacks, more than are expected to fit: most of their trainings stop early, and `ScheduleClock` shortens others.
    """
    if not at.is_stacked:
        return size.epochs
    return min(size.planned_epochs, round(size.epochs / SHORTENED_SHARE))


def _shortest_epochs(at: Workspace, planned: int) -> float:
    """Epochs that must fit into a time limit, else a training is made smaller; planned: of a full training."""
    if at.kind.shortest_epochs is None:
        return SHORTENED_SHARE * planned
    rows = len(at.train)
    batch = choose_batch_size(at.kind, rows, at.bundle.optimizer.batch_size)
    return min(planned, at.kind.shortest_epochs(steps_of(rows, batch)))


def _set_up(
    start: Callable[[Parts, Clock], _Setup],
    parts: Parts,
    clock: Clock,
    plan_for: Callable[[Parts], TimePlan] | None,
    budget: Budget,
    *,
    is_new: bool,
    remembers: bool,
) -> tuple[_Setup, TrainingSize | None, float]:
    """Start a search at the size that its time limit allows; returns the size, and seconds to compile a graph.

    A resumed search keeps its size. is_new: whether no trial has ended yet. remembers: whether the measured speed is
    that of the CPU of this machine.
    """

    def planned_clock(option: Parts) -> Clock:
        return clock if plan_for is None or option is parts else clock.with_plan(plan_for(option))

    setup = start(parts, planned_clock(parts))
    directory, bundle = setup.at.directory, setup.at.bundle
    size = read_size(directory)
    if size is not None:
        chosen = resized_parts(parts, size)
        setup = setup if chosen is parts else start(chosen, planned_clock(chosen))
        return _within(setup, size), size, COMPILE_SECONDS
    if clock.plan.limit is None or not is_new:
        return setup, None, COMPILE_SECONDS
    setups: dict[int, _Setup] = {}
    planned, kind = _planned_epochs(bundle, parts), setup.at.kind
    can_start = can_start_linear(bundle, parts)
    first = defaults(search_space(bundle, scope_of(bundle, parts, budget)))

    def measure(option: TrainingOption, epochs: int) -> Speed:
        if id(option.parts) not in setups:
            own = option.parts
            setups[id(own)] = setup if own is parts else start(own, planned_clock(own))
        values = {**first, **option.hyperparameters}
        return setups[id(option.parts)].runner.measure(Proposal(number=0, hyperparameters=values, epochs=epochs))

    def expected(option: TrainingOption) -> float:
        return expected_epoch_seconds(setup.at, option.parts, {**first, **option.hyperparameters})

    try:
        option, size, speed = fit_to_time(
            training_options(parts, kind, can_start=can_start),
            epochs=planned,
            shortest=_shortest_epochs(setup.at, planned),
            fills_time=bool(kind.smaller),
            augmented_epochs=0 if isinstance(bundle.augmentation, NoAugmentation) else kind.augmented_epochs,
            slowdown=(known_slowdown() or USUAL_SLOWDOWN) if setup.at.is_stacked else 1.0,
            expected=expected,
            measure=measure,
            available=lambda option: planned_clock(option.parts).remaining(),
            most=(lambda option: planned_clock(option.parts).without_refit().remaining()) if can_start else None,
        )
    except PcwatError:
        raise
    except Exception as error:  # noqa: BLE001 - the first trial fails in the same way, and its outcome says why
        LOG.warning("The speed of a training could not be measured: %s", error)
        return setup, None, COMPILE_SECONDS
    write_size(directory, size)
    if setup.at.is_stacked and remembers:
        remember_slowdown(size.slowdown)
    return _within(setups[id(option.parts)], size), size, speed.compile_seconds


def _reserve_refit(
    refit_seconds: RefitSeconds | None,
    at: Workspace,
    size: TrainingSize | None,
    objective: Objective,
    outcomes: Sequence[Outcome],
) -> None:
    """Let the search leave the time that training on all rows takes, by the trials so far."""
    gives_up = size is not None and not size.reserves_refit
    completed = [one for one in outcomes if one.score is not None]
    if refit_seconds is not None and at.clock.plan.limit is not None and completed and not gives_up:
        at.clock.plan = replace(at.clock.plan, refit=refit_seconds(_ranked(completed, objective), at, size))


def _within(setup: _Setup, size: TrainingSize) -> _Setup:
    """Let the search use the time that its size does not reserve."""
    if not size.reserves_refit:
        setup.at.clock.plan = setup.at.clock.without_refit().plan
    return setup


def scope_of(bundle: Bundle, parts: Parts, budget: Budget, size: TrainingSize | None = None) -> Scope:
    """Scope of a search on these rows. size: the measured size of a full training."""
    rows, width = parts.train.dense.shape
    kind = network_kind(bundle, parts.inputs)
    return Scope(
        width=width,
        rows=rows,
        folds=parts.fold_count,
        trials=budget.trials,
        seconds=budget.planned_seconds,
        slowdown=size.slowdown if size is not None and is_stacked(bundle, kind) else 1.0,
        hyperparameters={} if size is None else size.hyperparameters,
        kind=kind,
        has_embeddings=parts.vocabulary > 0 and kind.has_embeddings,
    )


def _replay(oracle: keras_tuner.Oracle, journal: Journal, epochs: int) -> tuple[int, list[Proposal]]:
    """Replay the finished rounds, which restores the state of the oracle.

    Returns the number of the next round, and the trials of one that was begun on a cluster, some of which have ended.
    """
    rounds = _rounds(journal.outcomes)
    for number, ended in enumerate(rounds):
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
        if journal.keeps_unfinished and len(ended) < ended[0].asked:
            return number, proposals
        tell(oracle, ended)
    return len(rounds), []


def _rounds(outcomes: Sequence[Outcome]) -> list[list[Outcome]]:
    """Group outcomes by round, in the order of their trials: on a cluster they end in any order."""
    rounds = itertools.groupby(outcomes, key=lambda outcome: outcome.round)
    return [sorted(group, key=lambda outcome: outcome.number) for _, group in rounds]


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
