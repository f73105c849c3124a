"""From a dataset to a finished run: recommend, read, split, encode, search, assemble, judge."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import csv

from executor.components.configuration import search_space
from executor.components.loss import huber_delta
from executor.components.metric import performance_metric
from executor.data.raw_table import Form
from executor.data.time_zones import zone_of
from executor.evaluation.baselines.gradient_boosting import unhurried_seconds
from executor.evaluation.baselines.tf_idf import tf_idf_seconds
from executor.evaluation.diagnostics.class_imbalance import imbalance_choice
from executor.evaluation.diagnostics.hyperparameter_importance import missing_sensitivity, sensitivities, unvaried
from executor.evaluation.diagnostics.next_steps import next_steps
from executor.evaluation.diagnostics.permutation_importance import IMPORTANCE_SECONDS, importance
from executor.evaluation.diagnostics.retraining import Winner, keep_time, kept_time, train_again
from executor.evaluation.diagnostics.unfinished_training import cut_off
from executor.evaluation.scores import Importance
from executor.model.ensemble import choose
from executor.model.forecast_ensemble import REFIT_SHARE, combined
from executor.model.refit import MOST_MEMBERS, TEXT_REFIT_SHARE, best_on_all_rows
from executor.networks.ridge_start import best_penalty
from executor.pipeline.finalize import judged, saved
from executor.pipeline.prepare import Begun, begin, reopen, resumed_budget
from executor.preprocessing.encode import encode_parts
from executor.preprocessing.fit import fit_preprocessing
from executor.preprocessing.target_scale import scale_of
from executor.runs.measured_drift import with_measured_drift
from executor.runs.prediction_file import located
from executor.runs.report.write import never_fatal, write_report
from executor.runs.run import (
    IMPORTANCE,
    PREDICTIONS,
    REPORT,
    SUMMARY,
    Run,
    Summary,
    as_json,
    read_plan,
    write,
    write_json,
)
from executor.runtime.budget import Budget
from executor.runtime.devices import CPU, computing_on, places, prepare
from executor.runtime.log import LOG, logged
from executor.runtime.stage_timer import Stages
from executor.runtime.versions import versions
from executor.search.search import scope_of, search
from recommender.dataset.dataset import Dataset
from recommender.dataset.readers.types.times import checked_formats
from recommender.profile.measure import modality_of
from recommender.recommendation.recommend import Said, open_dataset
from recommender.recommendation.render import number
from recommender.roles.horizon import Outlook
from recommender.roles.infer import Kind
from recommender.run_manifest import GUARDRAILS, MANIFEST, RECORD, SCORES, Manifest, run_files
from rules.decision.record import Guardrails, Record
from rules.errors import RunError
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.text.files import whole_file
from rules.vocabulary.choices import Huber, RowsApart, parameters_of
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from executor.evaluation.scores import Scores
    from executor.preprocessing.examples import Parts
    from executor.preprocessing.preprocessing import Preprocessing
    from executor.search.search import RoundProgress
    from rules.decision.request import ImageReading, SequenceReading
    from rules.decision.trace import Pin
    from rules.vocabulary.bundle import Bundle

    Progress = Callable[[RoundProgress], None]


def train(
    data: object,
    *,
    target: str | Sequence[str] = (),
    task: str | None = None,
    kinds: Mapping[str, str] | None = None,
    time: str | None = None,
    entity: str | None = None,
    split: str | None = None,
    bundle: Bundle | None = None,
    book: Sequence[str | Path] = SHIPPED_LAYERS,
    pins: Sequence[Pin] = (),
    budget: float | None = None,
    trials: int | None = None,
    seed: int = 0,
    directory: Path | None = None,
    at_once: int | None = None,
    single: bool = False,
    satisfied_at: float | None = None,
    images: ImageReading | None = None,
    sequences: SequenceReading | None = None,
    horizon: int | None = None,
    season: int | None = None,
    known: Sequence[str] = (),
    missing: Sequence[str] | None = None,
    date_formats: Mapping[str, str] = MappingProxyType({}),
) -> Run:
    """Recommend a bundle for a table, search under it, and return the run with the model of the best P.

    data, target, task, kinds, time, entity, split, book, pins: as `recommender.recommend` takes them. bundle: trained
    instead of the recommended one; pins go before it. budget: seconds, a hard limit; trials: at most this many; with
    neither, 20 trials.
    directory: where the run is kept, a new one below runs/ by default. at_once: trials that train at once in one graph,
    by default as many as pay. single: keep the best network alone, where the mean of several may be better.
    satisfied_at: P that would satisfy; without it the run says what to try next where the model does not beat every
    baseline. images: how image files are read. sequences: how the rows of a long table are gathered into sequences.
    horizon, season, known: of a forecast, the steps ahead, those of a season, and the columns known in advance.
    missing: texts that count as missing, besides the empty one; by default the usual ones of the format.
    date_formats: as `recommender.recommend` takes them.
    Raises PcwatError with a message for people on anything that a person can mend.
    """
    said = Said(
        targets=(target,) if isinstance(target, str) else tuple(target),
        task=None if task is None else Task(task),
        kinds={column: Kind(kind) for column, kind in (kinds or {}).items()},
        time_column=time,
        entity_column=entity,
        split_column=split,
        images=images,
        sequences=sequences,
        outlook=Outlook(horizon=horizon, season=season, known=tuple(known)),
        missing=None if missing is None else tuple(missing),
        date_formats=checked_formats(date_formats),
    )
    limit = Budget(seconds=budget, trials=trials)
    with nullcontext(data) if isinstance(data, Dataset) else open_dataset(data, said) as dataset:
        begun = begin(
            dataset,
            said,
            budget=limit,
            bundle=bundle,
            book=book,
            pins=pins,
            seed=seed,
            directory=directory,
            at_once=at_once,
            single=single,
            satisfied_at=satisfied_at,
        )
        return carry_out(begun, budget=limit)


def resume(directory: Path, *, budget: float | None = None) -> Run:
    """Go on with a run that was stopped; budget: seconds from now on, by default what the run was given at first.

    Raises RunError if the directory is not a run, is finished, or its dataset is gone or has changed.
    """
    plan = read_plan(directory)
    limit = resumed_budget(plan, seconds=budget)
    begun = reopen(directory)
    with begun.dataset:
        return carry_out(begun, budget=limit)


def carry_out(begun: Begun, *, budget: Budget, progress: Progress = lambda _: None) -> Run:
    """Encode, search, put the model together, and judge it on the hold-out, once; log.txt of the run tells when."""
    with logged(begun.directory):
        return _carried_out(begun, budget=budget, progress=progress)


def _carried_out(begun: Begun, *, budget: Budget, progress: Progress) -> Run:
    prepare()
    bundle, seed, at_once = begun.bundle, begun.plan.seed, begun.plan.at_once
    single = begun.plan.single or not bundle.validation.ensemble
    table, rows = begun.material.table, begun.material.rows
    stages = Stages(budget)
    stages.begin("reading and encoding", rows.sentence)
    with computing_on(CPU, width=0):  # a GPU would launch more than it computes
        preprocessing, parts = encoded(begun, budget)
    started_late = budget.exhausted

    where = ", ".join(device.name.removeprefix("/") for device in places(parts))
    stages.begin("search", f"by {bundle.tuner}, on {where}")
    trials = search(
        bundle, parts, budget=budget, seed=seed, directory=begun.directory, at_once=at_once, progress=progress
    )
    searched = budget.spent() + trials.earlier
    LOG.info("The search ended by %s after %d trials.", trials.stopped_by, len(trials.ranked))

    stages.begin("training again")
    metric = performance_metric(bundle.metric)
    curve = train_again(
        Winner(ranked=trials.ranked, bundle=bundle, metric=metric, seed=seed, one_by_one=at_once == 1),
        parts,
        budget=budget,
        stopped_by=trials.stopped_by,
        time=None if table.time is None else table.time[rows.train],
    )

    stages.begin("choosing and saving")
    if parts.window is None and parts.text is None:
        together = None if rows.groups is None else rows.groups[rows.validation]
        chosen = choose(trials, bundle, parts, metric=metric, seed=seed, single=single, groups=together)
    else:
        again = combined if parts.text is None else best_on_all_rows
        chosen = again(
            trials,
            bundle,
            parts,
            metric=metric,
            budget=budget,
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
        budget=budget,
        cut_off=cut_off(
            chosen.members,
            trials,
            limit_for=lambda more: budget.limit_for(
                searched + more, again=lambda limit: kept_time(limit) + _refit_share(bundle, parts) * limit
            ),
        ),
    )
    hold_out = table.take(rows.hold_out)
    zone = zone_of(begun.dataset, begun.roles.time_column)
    rows_told = located(judgement.predictions, begun.dataset, hold_out, zone=zone)
    with whole_file(begun.directory / PREDICTIONS, error=RunError) as temporary:
        csv.write_csv(pa.table(rows_told), temporary)

    stages.begin("importance of columns")
    seconds = min(IMPORTANCE_SECONDS, budget.left / 4)
    leaning = Importance.unmeasured(metric.name)
    with never_fatal("The importance of columns was not measured"):
        leaning = importance(model, signature, hold_out, metric=metric, seed=seed, seconds=seconds)
    write_json(begun.directory / IMPORTANCE, leaning)
    stages.end()
    space = search_space(bundle, scope_of(parts, budget))
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
        unvaried=unvaried(space, trials.ranked),
        curve=curve,
        next_steps=next_steps(
            judgement.scores, curve, level=begun.plan.satisfied_at, modality=modality_of(begun.roles)
        ),
        seconds=round(budget.spent(), 1),
        stages=stages.seconds,
        versions=versions(),
    )
    return _sealed(begun, summary, judgement.scores)


def encoded(begun: Begun, budget: Budget) -> tuple[Preprocessing, Parts]:
    """The rows as networks read them; the budget learns what the end of the run will cost."""
    table, roles, rows, loss = begun.material.table, begun.roles, begun.material.rows, begun.bundle.loss
    before = budget.spent()
    preprocessing = fit_preprocessing(table, roles, rows.train, begun.bundle.architecture)
    fitted = budget.spent()
    parts = encode_parts(table, roles, rows, preprocessing, target_on=scale_of(loss))
    if parts.window is not None and parameters_of(begun.bundle.architecture).ridge_start:
        parts = replace(parts, penalty=best_penalty(parts))
    if isinstance(loss, Huber):
        parts = replace(parts, huber_delta=huber_delta(loss, parts))
    # The hold-out of texts is encoded, but their terms are counted once.
    budget.encoding = budget.spent() - (before if parts.text is None else fitted)
    budget.networks = parts.fold_count
    # The validation rows, as many training rows, and the hold-out.
    budget.answers = 2 + len(rows.hold_out) / max(1, len(rows.validation))
    keep_time(budget)
    share = _refit_share(begun.bundle, parts)
    budget.retrained = MOST_MEMBERS if share else 0
    budget.boosting = unhurried_seconds(len(rows.train), len(table.forms) * parts.outputs)
    if budget.seconds is not None:
        budget.comparing = tf_idf_seconds(budget) if table.of_form(Form.TEXT) else 0.0
        budget.refitting = share * budget.seconds
    return preprocessing, parts


def _is_refitted(bundle: Bundle) -> bool:
    """Whether networks of texts and forecasts are trained again on training and validation rows."""
    return not isinstance(bundle.validation, RowsApart) or bundle.validation.refit


def _refit_share(bundle: Bundle, parts: Parts) -> float:
    """Share of a time limit that is kept for training on training and validation rows."""
    if not _is_refitted(bundle):
        return 0.0
    return REFIT_SHARE if parts.window is not None else TEXT_REFIT_SHARE if parts.text is not None else 0.0


def _sealed(begun: Begun, summary: Summary, scores: Scores) -> Run:
    """Write the checks of the split, the summary, the scores and the report, and the manifest with all digests."""
    directory, table, rows = begun.directory, begun.material.table, begun.material.rows
    record = Record.read(directory / RECORD)
    guardrails = with_measured_drift(
        record.guardrails,
        begun.dataset,
        begun.roles,
        training=table.rows[rows.train],
        hold_out=table.rows[rows.hold_out],
    )
    write_json(directory / GUARDRAILS, Guardrails(guardrails=guardrails))
    write_json(directory / SUMMARY, summary)
    text = as_json(scores)
    files: dict[str, Path | bytes] = {**run_files(directory), SCORES: text.encode()}
    write_json(directory / MANIFEST, Manifest.of(record=record.seal, files=files))
    # A run is finished when its scores are there, so they come after a manifest.
    write(directory / SCORES, text)
    said = "undefined" if scores.hold_out.value is None else number(scores.hold_out.value)
    LOG.info("%s is %s on the hold-out. %s", scores.metric, said, scores.verdict)
    run = Run(directory)
    if write_report(run, begun.dataset):
        _seal_report(directory, record=record.seal)
    LOG.info("Seal of the run: %s", run.seal)
    return run


def _seal_report(directory: Path, *, record: str) -> None:
    """Write the manifest anew with the report; where that cannot be done, the report goes, and the first one holds."""
    sealed = False
    try:
        with never_fatal("The report was removed, because it cannot be sealed"):
            write_json(directory / MANIFEST, Manifest.of(record=record, files=run_files(directory)))
            sealed = True
    finally:
        if not sealed:
            (directory / REPORT).unlink(missing_ok=True)
