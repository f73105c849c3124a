"""From a dataset to a finished run: recommend, read, split, encode, search, assemble, judge."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import csv

from executor.components.loss import huber_delta
from executor.components.metric import create_metric
from executor.data.raw_table import Form
from executor.data.time_zones import zone_of
from executor.evaluation.baselines.gradient_boosting import unlimited_fit_seconds
from executor.evaluation.diagnostics.class_imbalance import imbalance_choice
from executor.evaluation.diagnostics.hyperparameter_importance import (
    missing_sensitivity,
    sensitivities,
    unvaried_hyperparameters,
)
from executor.evaluation.diagnostics.next_steps import recommend_next_steps
from executor.evaluation.diagnostics.permutation_importance import IMPORTANCE_SECONDS, measure_importance
from executor.evaluation.diagnostics.retraining import SelectedConfiguration, retrain
from executor.evaluation.diagnostics.unfinished_training import find_cut_off
from executor.evaluation.scores import Importance
from executor.model.ensemble import select_network
from executor.model.forecast_ensemble import REFIT_SHARE, average_forecasters
from executor.model.refit import MAX_MEMBERS, TEXT_REFIT_SHARE, refit_best_trials
from executor.networks.ridge_start import best_penalty
from executor.pipeline.finalize import judged, saved
from executor.preprocessing.encode import encode_parts
from executor.preprocessing.fit import fit_preprocessing
from executor.preprocessing.target_scale import target_scale_of
from executor.runs.files import IMPORTANCE, PREDICTIONS, write_json
from executor.runs.prediction_file import add_row_locations
from executor.runs.report.write import never_fatal
from executor.runs.seal import seal_run
from executor.runs.summary import Summary
from executor.runtime.devices import CPU, configure_tensorflow, training_devices, use_device
from executor.runtime.log import LOG, write_run_log
from executor.runtime.stage_timer import Stages
from executor.runtime.time_plan import plan_time
from executor.runtime.versions import versions
from executor.search.search import scope_of, search
from executor.search.space import search_space
from recommender.profile.measure import modality_of
from rules.errors import RunError
from rules.text.files import whole_file
from rules.vocabulary.choices import Holdout, Huber, parameters_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.pipeline.prepare import Begun
    from executor.preprocessing.examples import Parts
    from executor.preprocessing.preprocessing import Preprocessing
    from executor.runs.run import Run
    from executor.runtime.clock import Clock
    from executor.runtime.time_plan import TimePlan
    from executor.search.progress import RoundProgress
    from rules.vocabulary.bundle import Bundle

    Progress = Callable[[RoundProgress], None]


def carry_out(begun: Begun, *, clock: Clock, progress: Progress = lambda _: None) -> Run:
    """Encode, search, put the model together, and judge it on the hold-out, once; log.txt of the run tells when."""
    with write_run_log(begun.directory):
        return _carried_out(begun, clock=clock, progress=progress)


def _carried_out(begun: Begun, *, clock: Clock, progress: Progress) -> Run:
    configure_tensorflow()
    bundle, seed, at_once = begun.bundle, begun.plan.seed, begun.plan.at_once
    single = begun.plan.single or not bundle.validation.ensemble
    table, rows = begun.material.table, begun.material.rows
    stages = Stages(clock)
    stages.begin("reading and encoding", rows.sentence)
    with use_device(CPU, width=0):  # a GPU would launch more than it computes
        preprocessing, parts, planned = encoded(begun, clock)
    clock = clock.with_plan(planned(clock.plan.limit))
    started_late = clock.is_over

    where = ", ".join(device.name.removeprefix("/") for device in training_devices(parts))
    stages.begin("search", f"by {bundle.tuner}, on {where}")
    trials = search(
        bundle,
        parts,
        budget=begun.budget,
        clock=clock,
        seed=seed,
        directory=begun.directory,
        at_once=at_once,
        progress=progress,
    )
    searched = clock.spent() + trials.earlier
    LOG.info("The search ended by %s after %d trials.", trials.stopped_by, len(trials.ranked))

    stages.begin("training again")
    metric = create_metric(bundle.metric)
    curve = retrain(
        SelectedConfiguration(ranked=trials.ranked, bundle=bundle, metric=metric, seed=seed, one_by_one=at_once == 1),
        parts,
        clock=clock,
        stopped_by=trials.stopped_by,
        time=None if table.time is None else table.time[rows.train],
    )

    stages.begin("choosing and saving")
    if parts.window is None and parts.text is None:
        together = None if rows.groups is None else rows.groups[rows.validation]
        chosen = select_network(trials, bundle, parts, metric=metric, seed=seed, single=single, groups=together)
    else:
        again = average_forecasters if parts.text is None else refit_best_trials
        chosen = again(
            trials,
            bundle,
            parts,
            metric=metric,
            seconds=clock.plan.refit,
            seed=seed,
            directory=begun.directory,
            single=single,
            refit=_is_refitted(bundle),
        )
    LOG.info("The model is made of %s.", ", ".join(f"trial {number}" for number in chosen.members))
    model, signature = saved(begun, preprocessing, parts, chosen, trials.best.hyperparameters)

    stages.begin("hold-out and baselines")
    judgement = judged(
        begun,
        preprocessing,
        parts,
        model=model,
        signature=signature,
        validation=chosen.score,
        clock=clock,
        cut_off=find_cut_off(chosen.members, trials, limit_for=lambda more: clock.limit_for(searched + more, planned)),
    )
    hold_out = table.take(rows.hold_out)
    zone = zone_of(begun.dataset, begun.roles.time_column)
    rows_told = add_row_locations(judgement.predictions, begun.dataset, hold_out, zone=zone)
    with whole_file(begun.directory / PREDICTIONS, error=RunError) as temporary:
        csv.write_csv(pa.table(rows_told), temporary)

    stages.begin("importance of columns")
    seconds = min(IMPORTANCE_SECONDS, clock.left / 4)
    leaning = Importance.unmeasured(metric.name)
    with never_fatal("The importance of columns was not measured"):
        leaning = measure_importance(model, signature, hold_out, metric=metric, seed=seed, seconds=seconds)
    write_json(begun.directory / IMPORTANCE, leaning)
    stages.end()
    space = search_space(bundle, scope_of(parts, begun.budget))
    summary = Summary(
        split=rows.sentence,
        trials=len(trials.ranked),
        planned=trials.planned,
        started_late=started_late,
        completed=trials.completed,
        cut_short=trials.cut_short,
        stopped_by=trials.stopped_by,
        best_trial=trials.best.number,
        members=chosen.members,
        members_why=chosen.why,
        best_hyperparameters=trials.best.hyperparameters,
        best_configuration=trials.best.configuration,
        imbalance=imbalance_choice(bundle, parts, signature),
        huber_delta=parts.huber_delta,
        sensitivity=sensitivities(space, trials.ranked, seed=seed),
        sensitivity_missing=missing_sensitivity(space, trials.ranked),
        unvaried=unvaried_hyperparameters(space, trials.ranked),
        curve=curve,
        next_steps=recommend_next_steps(
            judgement.scores, curve, level=begun.plan.satisfied_at, modality=modality_of(begun.roles)
        ),
        seconds=round(clock.spent(), 1),
        stages=stages.seconds,
        versions=versions(),
    )
    return seal_run(
        begun.directory,
        begun.dataset,
        begun.roles,
        training=table.rows[rows.train],
        hold_out=table.rows[rows.hold_out],
        summary=summary,
        scores=judgement.scores,
    )


def encoded(begun: Begun, clock: Clock) -> tuple[Preprocessing, Parts, Callable[[float | None], TimePlan]]:
    """The rows as networks read them, and how a time limit is divided given the seconds that this took."""
    table, roles, rows, loss = begun.material.table, begun.roles, begun.material.rows, begun.bundle.loss
    before = clock.spent()
    preprocessing = fit_preprocessing(table, roles, rows.train, begun.bundle.architecture)
    fitted = clock.spent()
    parts = encode_parts(table, roles, rows, preprocessing, target_on=target_scale_of(loss))
    if parts.window is not None and parameters_of(begun.bundle.architecture).ridge_start:
        parts = replace(parts, penalty=best_penalty(parts))
    if isinstance(loss, Huber):
        parts = replace(parts, huber_delta=huber_delta(loss, parts))
    share = _refit_share(begun.bundle, parts)
    planned = partial(
        plan_time,
        # The hold-out of texts is encoded, but their terms are counted once.
        encoding=clock.spent() - (before if parts.text is None else fitted),
        # The validation rows, as many training rows, and the hold-out.
        predictions=2 + len(rows.hold_out) / max(1, len(rows.validation)),
        networks=parts.fold_count,
        refit_share=share,
        refitted=MAX_MEMBERS if share else 0,
        has_text=bool(table.of_form(Form.TEXT)),
        boosting=unlimited_fit_seconds(len(rows.train), len(table.forms) * parts.outputs),
    )
    return preprocessing, parts, planned


def _is_refitted(bundle: Bundle) -> bool:
    """Whether networks of texts and forecasts are trained again on training and validation rows."""
    return not isinstance(bundle.validation, Holdout) or bundle.validation.refit


def _refit_share(bundle: Bundle, parts: Parts) -> float:
    """Share of a time limit that is kept for training on training and validation rows."""
    if not _is_refitted(bundle):
        return 0.0
    return REFIT_SHARE if parts.window is not None else TEXT_REFIT_SHARE if parts.text is not None else 0.0
