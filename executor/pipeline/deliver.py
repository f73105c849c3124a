"""The delivered model: trained again on all rows after the evaluation, where time allows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.components.metric import create_metric
from executor.model.all_rows import SHORTEST_SHARE, course_of, train_networks, training_seconds
from executor.model.assemble import network_outputs
from executor.model.refit import NO_TIME, retrain_networks, retraining_seconds
from executor.networks.build import average_networks
from executor.networks.registry import network_kind
from executor.pipeline.finalize import write_model
from executor.preprocessing.encode import encode_hold_out
from executor.runs.delivery import Delivery
from executor.runs.files import SIGNATURE, write_json
from executor.runtime.devices import CPU, training_devices, use_device
from executor.runtime.interrupt import catch_interrupt
from executor.runtime.log import LOG
from executor.search.runners.workspace import create_workspace
from recommender.recommendation.training_work import MAX_SEEDS
from recommender.time_plan import ALL_ROWS_SHARE, SAVE_SECONDS, SECONDS_PER_NETWORK, SEEDS, USED_SHARE
from recommender.training_cost import USUAL_SLOWDOWN
from rules.text.numbers import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from executor.model.all_rows import Course
    from executor.pipeline.encoding.encode_data import EncodedData
    from executor.pipeline.finalize import SavedModel
    from executor.runtime.clock import Clock
    from executor.runtime.cluster import Pool
    from executor.runtime.interrupt import Interrupt
    from executor.search.records.outcome import Outcome
    from executor.search.records.training_size import TrainingSize
    from executor.search.records.trials import Trials
    from executor.search.runners.workspace import Workspace

REPORT_SECONDS: Final = 3.5  # of importance, summary, report and manifest, which come after it, on two cores
FITTING_SHARE: Final = 0.95
"""Share of the time that is left for which networks of tables are planned; their schedule is shortened if the machine
becomes slower."""


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """Why the evaluated model is delivered."""

    why: str


@dataclass(frozen=True, kw_only=True)
class _Refitted:
    """The mean of networks that were trained on all rows."""

    network: keras.Model
    epochs: dict[int, int]
    seeds: int = 1
    is_averaged: bool = False
    is_shortened: bool = False
    rows: int = 0


def deliver(
    data: EncodedData,
    trials: Trials,
    saved: SavedModel,
    clock: Clock,
    *,
    saving: float | None = None,
    pool: Pool | None = None,
) -> Delivery:
    """Train the selected configurations again on all rows, and save the result as the model of the run.

    They are trained up to their best epochs, those of tables from as many seeds as time allows, with the encoding,
    temperatures, thresholds and intervals of the evaluated model. That one stays where time is short, training fails,
    or the result scores lower on the validation rows, with which it was trained, than the evaluated model without them.

    saving: seconds in which the evaluated model was assembled and saved; None estimates them. pool: of a cluster,
    whose workers train.
    """
    start, rows = clock.spent(), data.run.data.rows
    evaluated = len(rows.train) + (len(rows.validation) if saved.selected.retrained else 0)
    result: _Kept | _Refitted
    if why := _why_not(data, trials, saved):
        result = _Kept(why=why)
    else:
        try:
            with catch_interrupt() as interrupt:
                afterwards = _Afterwards.of(_count_networks(data, saved), trials, saving)
                result = _refit(data, trials, saved, clock, interrupt, afterwards=afterwards, pool=pool)
        except Exception as error:  # noqa: BLE001  the evaluated model is saved already
            LOG.warning("The model was not trained on all rows: %s: %s", type(error).__name__, error)
            result = _Kept(why=f"training on all rows failed ({type(error).__name__})")
    if isinstance(result, _Kept):
        delivery = Delivery(is_refitted=False, rows=evaluated, evaluated_rows=evaluated, why=result.why)
    else:
        write_json(data.run.directory / SIGNATURE, saved.signature.model_copy(update={"trained_on": "all_rows"}))
        delivery = Delivery(
            is_refitted=True,
            rows=result.rows,
            evaluated_rows=evaluated,
            seeds=result.seeds,
            is_averaged=result.is_averaged,
            is_shortened=result.is_shortened,
            epochs=result.epochs,
        )
    LOG.info("%s", delivery.sentence)
    return delivery.model_copy(update={"seconds": round(clock.spent() - start, 2)})


def _why_not(data: EncodedData, trials: Trials, saved: SavedModel) -> str:
    """Why nothing is trained on all rows; empty where it is."""
    if data.why_not_all_rows:
        return data.why_not_all_rows
    if data.is_refitted and not saved.selected.retrained:
        return NO_TIME
    return "the search was interrupted" if trials.stopped_by == "interrupt" else ""


def _refit(
    data: EncodedData,
    trials: Trials,
    saved: SavedModel,
    clock: Clock,
    interrupt: Interrupt,
    *,
    afterwards: _Afterwards,
    pool: Pool | None,
) -> _Kept | _Refitted:
    """Train on all rows, and replace model.keras."""
    parts, metric = data.parts, create_metric(data.run.bundle.metric)
    hold_out = encode_hold_out(data.run.data.table, data.run.data.rows, data.preprocessing, parts)
    everything = replace(data, parts=parts.with_all_rows(hold_out))
    train = _train_again if data.is_refitted else _train_seeds
    result = train(everything, trials, saved, clock, interrupt, afterwards=afterwards, pool=pool)
    if isinstance(result, _Kept):
        return result
    outputs = network_outputs(result.network, parts.validation) + parts.validation.offset
    own, before = metric.score(outputs, parts.validation, parts), saved.selected.score
    if not np.isfinite(own) or (before is not None and metric.direction.better(before, own)):
        return _Kept(
            why=f"trained on all rows, it has {metric.name} {number(own)} on the validation rows, which are among "
            f"them, and the evaluated model {'no score' if before is None else number(before)} without them"
        )
    write_model(everything, trials, result.network, saved.signature)
    return replace(result, rows=len(everything.parts.train))


def _train_seeds(
    everything: EncodedData,
    trials: Trials,
    saved: SavedModel,
    clock: Clock,
    interrupt: Interrupt,
    *,
    afterwards: _Afterwards,
    pool: Pool | None,
) -> _Kept | _Refitted:
    """Train networks of tables in stacks, from several seeds, and average their mean with the evaluated network.

    Both are in the model, because without validation rows no epoch is selected: docs/evidence.md#all-rows.
    """
    run, parts, members = everything.run, everything.parts, saved.selected.members
    kind, width = network_kind(run.bundle, parts.inputs), parts.train.dense.shape[1]
    device = training_devices(kind, width=width, directory=run.directory)[0]
    with use_device(device, width=width):
        at = create_workspace(
            run.bundle,
            parts,
            metric=create_metric(run.bundle.metric),
            seed=run.plan.seed,
            directory=run.directory,
            interrupt=interrupt,
        )
        if any(not at.for_trial(one.hyperparameters).is_stacked for one in trials.ranked if one.number in members):
            return _Kept(why="trials with its optimizer train one after the other, and not on all rows")
        planned = [course_of(one, trials.ranked, at) for one in trials.ranked if one.number in members]
        courses, seeds, seconds = _choose_networks(planned, at, trials.size, clock, afterwards)
        if not courses:
            return _Kept(why=_late(clock, seconds))
        deadline = clock.lasting(clock.left - afterwards.seconds(seeds * len(courses)))
        trained = train_networks(
            courses,
            replace(at, clock=deadline),
            seeds=seeds,
            compute=device.compute(width=width),
            pool=pool if device.name == CPU.name else None,
        )
        if trained is None:
            return _Kept(why="training on all rows was interrupted" if interrupt.requested else _late(clock, seconds))
        picks = [members[one.outcome.number] for one in courses]
        times = [count for count, one in zip(picks, trained, strict=True) for _ in one.networks]
        network = average_networks(
            [saved.selected.network, *(own for one in trained for own in one.networks)], [sum(times), *times]
        )
    epochs = {one.outcome.number: own.epochs for one, own in zip(courses, trained, strict=True)}
    is_shortened = any(epochs[one.outcome.number] < one.epochs for one in planned if one.outcome.number in epochs)
    return _Refitted(network=network, seeds=seeds, is_averaged=True, epochs=epochs, is_shortened=is_shortened)


def _train_again(
    everything: EncodedData,
    trials: Trials,
    saved: SavedModel,
    clock: Clock,
    interrupt: Interrupt,
    *,
    afterwards: _Afterwards,
    pool: Pool | None,
) -> _Kept | _Refitted:
    """Train networks of texts and forecasts, which were trained again with the validation rows, with the hold-out."""
    run, parts, retrained = everything.run, everything.parts, saved.selected.retrained
    members = [one for one in trials.ranked if one.number in retrained]
    lengths = [retrained[one.number] for one in members]
    seconds = retraining_seconds(members, lengths, trials, parts, of=len(run.data.rows.train))
    needed = seconds + afterwards.seconds(0)
    if needed > USED_SHARE * clock.left:
        return _Kept(why=_late(clock, needed))
    networks = retrain_networks(
        members,
        lengths,
        parts,
        run.bundle,
        metric=create_metric(run.bundle.metric),
        seconds=seconds,
        seed=run.plan.seed,
        directory=run.directory,
        pool=pool,
    )
    if interrupt.requested:
        return _Kept(why="training on all rows was interrupted")
    return _Refitted(
        network=average_networks(networks),
        epochs={one.number: length.epochs for one, length in zip(members, lengths, strict=True)},
    )


def _choose_networks(
    courses: Sequence[Course], at: Workspace, size: TrainingSize | None, clock: Clock, afterwards: _Afterwards
) -> tuple[Sequence[Course], int, float]:
    """Choose the most networks that fit into the time that is left.

    All courses with several seeds, or with one, or the first courses, or the first one with a shorter schedule.

    courses: the best one first. size: of the trials. Returns the courses, none where no network fits, the seeds of
    each, and the expected seconds of the last option.
    """
    needed = 0.0
    # Networks without an epoch are their start, which is the same for each seed.
    options = [(courses, seeds) for seeds in (SEEDS if any(one.epochs for one in courses) else SEEDS[-1:])]
    for some, seeds in [*options, *((courses[:count], 1) for count in range(len(courses) - 1, 0, -1))]:
        needed = training_seconds(some, at, size, seeds=seeds) + afterwards.seconds(seeds * len(some))
        if needed <= FITTING_SHARE * clock.left:
            return some, seeds, needed
    best = courses[0]
    fixed = training_seconds([replace(best, epochs=0)], at, size, seeds=1) + afterwards.seconds(1)
    share = (FITTING_SHARE * clock.left - fixed) / (needed - fixed) if needed > fixed else 0.0
    if share < SHORTEST_SHARE:
        return (), 0, needed
    return [replace(best, epochs=max(1, int(share * best.epochs)))], 1, fixed + share * (needed - fixed)


def refit_seconds(data: EncodedData, completed: Sequence[Outcome], at: Workspace, size: TrainingSize | None) -> float:
    """Seconds that a search reserves for training the networks of a table on all rows, after the trials so far.

    Those of several seeds of the best trial, at most ALL_ROWS_SHARE of the time limit, but at least those of one seed.
    completed: the best trial first. at, size: of the search.
    """
    course = course_of(completed[0], completed, at)
    more_rows = len(data.run.data.table) / len(at.train)
    members = 1 if data.is_single else min(MAX_SEEDS, len(completed) + 1)
    afterwards = _Afterwards(evaluated=members * at.parts.fold_count, slower=_slower_saving(size))
    several, one = (
        (more_rows * training_seconds([course], at, size, seeds=seeds) + afterwards.seconds(seeds)) / FITTING_SHARE
        - REPORT_SECONDS
        for seeds in (SEEDS[0], 1)
    )
    return max(one, min(several, ALL_ROWS_SHARE * at.clock.limit))


@dataclass(frozen=True, kw_only=True)
class _Afterwards:
    """Time after training on all rows: to build, save and check the model, and to write the report."""

    evaluated: int
    """Networks of the evaluated model."""
    slower: float
    """Duration relative to two cores."""

    @classmethod
    def of(cls, evaluated: int, trials: Trials, saving: float | None) -> _Afterwards:
        """Estimate by the seconds in which the evaluated model was saved, else by the speed of trainings."""
        if saving is None:
            return cls(evaluated=evaluated, slower=_slower_saving(trials.size))
        return cls(evaluated=evaluated, slower=max(1.0, saving / (SAVE_SECONDS + SECONDS_PER_NETWORK * evaluated)))

    def seconds(self, more: int) -> float:
        """Seconds where some networks join those of the evaluated model."""
        return self.slower * (SAVE_SECONDS + SECONDS_PER_NETWORK * (self.evaluated + more) + REPORT_SECONDS)


def _count_networks(data: EncodedData, saved: SavedModel) -> int:
    """Networks of the evaluated model."""
    return len(saved.selected.members) * data.parts.fold_count


def _slower_saving(size: TrainingSize | None) -> float:
    """Seconds to save a model, relative to two idle cores: on one core it takes as long, but a training twice as long.

    size: of the trials, with the measured speed of a training.
    """
    return 1.0 if size is None else max(1.0, size.slowdown / (2 * USUAL_SLOWDOWN))


def _late(clock: Clock, seconds: float) -> str:
    """The reason where time is short. seconds: that training on all rows needs."""
    return f"training on all rows needs about {seconds:.0f} s, and the time limit leaves {clock.left:.0f} s"
