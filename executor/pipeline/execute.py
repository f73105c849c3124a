"""The stages of a run, in order."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Final

from executor.components.metric import create_metric
from executor.evaluation.diagnostics.learning_curve import learning_curve
from executor.evaluation.diagnostics.retraining import SelectedConfiguration, retrain
from executor.model.ensemble import can_average_seeds
from executor.networks.registry import network_kind
from executor.pipeline.continuation.continue_run import execute_continuation
from executor.pipeline.deliver import deliver, refit_seconds
from executor.pipeline.encoding.encode_data import EncodedData, encode
from executor.pipeline.evaluate_hold_out import evaluate_on_hold_out, write_importance
from executor.pipeline.finalize import finalize
from executor.pipeline.seal import seal
from executor.pipeline.select import select
from executor.runtime.cluster import connect
from executor.runtime.devices import available_devices, check_request, configure_tensorflow
from executor.runtime.log import LOG, write_run_log
from executor.runtime.stage_timer import StageTimer
from executor.search.search import search
from recommender.planning.cluster_address import parse_cluster
from recommender.recommendation.training_work import MAX_SEEDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.evaluation.diagnostics.learning_curve import LearningCurve
    from executor.pipeline.prepare import PreparedRun
    from executor.runs.run import Run
    from executor.runtime.clock import Clock
    from executor.runtime.cluster import Pool
    from executor.search.progress import RoundProgress
    from executor.search.records.trials import Trials

    Progress = Callable[[RoundProgress], None]

NO_REPORT: Final = "Seed variance and learning curve: not measured, because no report was requested."


def execute(run: PreparedRun, *, clock: Clock, progress: Progress = lambda _: None) -> Run:
    """Encode the rows, search, save the best model and evaluate it on the hold-out, once.

    A run that continues another one trains its model instead. clock: of the run, started before its rows were read.
    progress: called after each epoch of the search.
    """
    if run.plan.parent:
        return execute_continuation(run, clock=clock)
    with run.data.cache or nullcontext(), write_run_log(run.directory), ExitStack() as during:
        configure_tensorflow()
        if run.plan.cluster is None:
            check_request()
        timer = StageTimer(clock)
        with timer.stage("reading and encoding", run.data.rows.sentence):
            data = encode(run, clock)
        clock = clock.with_plan(data.plan_time(run.budget.seconds))
        with timer.stage("search", f"by {run.bundle.tuner}, on {_devices(data)}"):
            pool = None if run.plan.cluster is None else during.enter_context(connect(parse_cluster(run.plan.cluster)))
            trials = run_search(data, clock, progress, pool=pool)
            data = data.at_size(trials.size)
            clock = clock.with_plan(data.plan_time(run.budget.seconds))
        with timer.stage("training again"):
            curve = measure_learning_curve(data, trials, clock)
        with timer.stage("choosing and saving"):
            selected = select(data, trials, seconds=clock.plan.refit, pool=pool)
            start = clock.spent()
            saved = finalize(data, trials, selected)
            saving = clock.spent() - start
        with timer.stage("hold-out and baselines"):
            evaluation = evaluate_on_hold_out(data, trials, saved, clock, pool=pool)
        with timer.stage("training on all rows"):
            delivery = deliver(data, trials, saved, clock, saving=saving, pool=pool)
        if run.plan.report:
            with timer.stage("importance of columns"):
                write_importance(data, saved, clock)
        return seal(
            data, trials, curve, saved, evaluation, delivery=delivery, seconds=clock.spent(), stages=timer.seconds
        )


def _devices(data: EncodedData) -> str:
    if data.run.plan.cluster is not None:
        return f"the cluster {data.run.plan.cluster}"
    kind = network_kind(data.run.bundle, data.parts.inputs)
    return " or ".join(device.label for device in available_devices(kind))


def run_search(data: EncodedData, clock: Clock, progress: Progress, *, pool: Pool | None) -> Trials:
    """Search the hyperparameters of the bundle. pool: of a cluster, whose workers train."""
    run = data.run
    trials = search(
        run.bundle,
        data.parts,
        budget=run.budget,
        clock=clock,
        plan_for=lambda parts: data.plan_time_for(parts, run.budget.seconds),
        refit_seconds=partial(refit_seconds, data) if data.trains_seeds_on_all_rows else None,
        seed=run.plan.seed,
        directory=run.directory,
        at_once=run.plan.at_once,
        seeds=MAX_SEEDS if not data.is_single and can_average_seeds(run.bundle, data.parts) else 1,
        pool=pool,
        progress=progress,
    )
    LOG.info("The search ended by %s after %d trials.", trials.stopped_by, len(trials.ranked))
    return trials


def measure_learning_curve(data: EncodedData, trials: Trials, clock: Clock) -> LearningCurve:
    """Train the best configuration again from other seeds and on fewer rows, for the report."""
    run, table = data.run, data.run.data.table
    if not run.plan.report:
        metric = create_metric(run.bundle.metric)
        return learning_curve(
            (), metric=metric.name, direction=metric.direction, rows=len(data.parts.train), missing=NO_REPORT
        )
    best = SelectedConfiguration(
        ranked=trials.ranked,
        bundle=run.bundle,
        metric=create_metric(run.bundle.metric),
        seed=run.plan.seed,
        one_by_one=run.plan.at_once == 1,
        directory=run.directory,
    )
    time = None if table.time is None else table.time[run.data.rows.train]
    return retrain(best, data.parts, clock=clock, stopped_by=trials.stopped_by, time=time)
