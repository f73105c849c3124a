"""From a dataset to a finished run: recommend, read, split, encode, search, assemble, judge."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
from pyarrow import csv

from executor.assemble import assemble, predict_rows, save
from executor.baselines import LINEAR_SECONDS, predictions_of
from executor.begin import Begun, begin, reopen
from executor.boosting import boosting_baseline, boosting_seconds
from executor.budget import Budget
from executor.catalog.hyperparameters import search_space
from executor.catalog.performance import decide, performance_metric
from executor.evaluate import evaluate
from executor.guardrails import with_measured_drift
from executor.next_steps import next_steps
from executor.preprocess import encode_hold_out, encode_parts, fit_preprocessing
from executor.retraining import Chosen, keep_time, train_again
from executor.run import (
    BUNDLE,
    MODEL,
    PLAN,
    PREDICTIONS,
    SCORES,
    SIGNATURE,
    SUMMARY,
    Run,
    Summary,
    as_json,
    read_plan,
    write,
    write_json,
)
from executor.search import rebuild, search
from executor.sensitivity import sensitivities
from executor.signature import describe
from executor.trials.journal import JOURNAL
from recommender.dataset import Dataset
from recommender.manifest import GUARDRAILS, MANIFEST, RECORD, Manifest
from recommender.profile import modality_of
from recommender.recommend import Said
from recommender.roles import Kind
from rules.facts import Task
from rules.record import Guardrails, Record
from rules.rulebook import SHIPPED_LAYERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from executor.catalog.performance import PerformanceMetric
    from executor.parts import Parts
    from executor.search import RoundProgress
    from executor.signature import Signature
    from rules.bundle import Bundle
    from rules.decision import Pin

    Progress = Callable[[RoundProgress], None]

SEALED: Final = (BUNDLE, RECORD, PLAN, JOURNAL, MODEL, SIGNATURE, PREDICTIONS, SUMMARY, GUARDRAILS)
"""Files of a run whose digests its manifest keeps, beside its scores."""


def train(
    data: object,
    *,
    target: str | Sequence[str] = (),
    task: str | None = None,
    kinds: Mapping[str, str] | None = None,
    bundle: Bundle | None = None,
    book: Sequence[str | Path] = SHIPPED_LAYERS,
    pins: Sequence[Pin] = (),
    budget: float | None = None,
    trials: int | None = None,
    seed: int = 0,
    directory: Path | None = None,
    at_once: int | None = None,
    satisfied_at: float | None = None,
) -> Run:
    """Recommend a bundle for a table, search under it, and return the run with the model of the best P.

    data, target, task, kinds, book, pins: as `recommender.recommend` takes them. bundle: trained instead of the
    recommended one; pins go before it. budget: seconds, a hard limit; trials: at most so many; with neither, 20 trials.
    directory: where the run is kept, a new one below runs/ by default. at_once: trials that train at once in one graph,
    by default as many as pay. satisfied_at: P that would
    satisfy; without it the run says what to try next where the model does not beat every baseline.
    Raises PcwatError with a message for people on anything that a person can mend.
    """
    said = Said(
        targets=(target,) if isinstance(target, str) else tuple(target),
        task=None if task is None else Task(task),
        kinds={column: Kind(kind) for column, kind in (kinds or {}).items()},
    )
    limit = Budget(seconds=budget, trials=trials)
    with nullcontext(data) if isinstance(data, Dataset) else Dataset.open(data) as dataset:
        begun = begin(
            dataset,
            said,
            budget=limit,
            bundle=bundle,
            book=book,
            pins=pins,
            seed=seed,
            directory=directory,
            satisfied_at=satisfied_at,
        )
        return carry_out(begun, budget=limit, at_once=at_once)


def resume(directory: Path, *, budget: float | None = None, at_once: int | None = None) -> Run:
    """Go on with a run that was stopped; budget: seconds from now on, by default what the run was given at first.

    Raises RunError if the directory is not a run, is finished, or its dataset is gone or has changed.
    """
    plan = read_plan(directory)
    limit = Budget(seconds=budget or plan.budget, trials=plan.trials)
    begun = reopen(directory)
    with begun.dataset:
        return carry_out(begun, budget=limit, at_once=at_once)


def carry_out(begun: Begun, *, budget: Budget, at_once: int | None = None, progress: Progress = lambda _: None) -> Run:
    """Encode, search, put the model together, and judge it on the hold-out, once."""
    directory, roles, bundle, seed = begun.directory, begun.roles, begun.bundle, begun.plan.seed
    table, windows, rows = begun.material.table, begun.material.windows, begun.material.rows
    record = Record.read(directory / RECORD)
    before = budget.spent()
    preprocessing = fit_preprocessing(table, roles, rows.train)
    parts = encode_parts(table, roles, rows, preprocessing)
    budget.encoding = budget.spent() - before
    # The validation rows, as many training rows, and the hold-out.
    budget.answers = 2 + len(rows.hold_out) / max(1, len(rows.validation))
    keep_time(budget)

    started_late = budget.exhausted
    trials = search(bundle, parts, budget=budget, seed=seed, directory=directory, at_once=at_once, progress=progress)

    metric = performance_metric(bundle.metric)
    curve = train_again(
        Chosen(ranked=trials.ranked, bundle=bundle, metric=metric, seed=seed, one_by_one=at_once == 1),
        parts,
        budget=budget,
        stopped_by=trials.stopped_by,
        time=None if table.time is None else table.time[rows.train],
    )

    network = rebuild(trials.best, bundle, parts, seed)
    signature = describe(begun.dataset, roles, table, preprocessing, parts, windows=windows)
    model = assemble(preprocessing, network, parts, signature)
    validation = table.take(rows.validation)
    thresholds = metric.thresholds(predict_rows(model, signature, validation), parts.validation, parts)
    signature = signature.model_copy(update={"thresholds": thresholds})
    save(model, directory / MODEL, signature=signature, rows=validation)
    write_json(directory / SIGNATURE, signature)

    some = np.linspace(0, len(rows.train) - 1, min(len(rows.train), len(rows.validation))).astype(np.int64)
    trained = predict_rows(model, signature, table.take(rows.train[some]))
    hold_out = table.take(rows.hold_out)
    judged = encode_hold_out(table, rows, preprocessing, parts)
    judgement = evaluate(
        predict_rows(model, signature, hold_out),
        metric=metric,
        parts=parts,
        hold_out=judged,
        rows=hold_out,
        signature=signature,
        validation=trials.best.score,
        training=_training_score(trained, some, signature, parts, metric),
        seed=seed,
        boosting=boosting_baseline(
            metric,
            parts,
            table.take(rows.train),
            validation,
            (hold_out, judged),
            seconds=boosting_seconds(budget),
            seed=seed,
        ),
        linear_seconds=min(LINEAR_SECONDS, budget.left / 2),
    )
    csv.write_csv(pa.table(judgement.predictions), directory / PREDICTIONS)
    guardrails = with_measured_drift(
        record.guardrails, begun.dataset, roles, training=table.rows[rows.train], hold_out=table.rows[rows.hold_out]
    )
    write_json(directory / GUARDRAILS, Guardrails(guardrails=guardrails))
    rows_trained, width = parts.train.dense.shape
    space = search_space(
        bundle, width=width, rows=rows_trained, budget_trials=budget.trials, architecture=parts.architecture
    )
    summary = Summary(
        split=rows.sentence,
        trials=len(trials.ranked),
        planned=budget.trials,
        started_late=started_late,
        completed=sum(outcome.status == "completed" for outcome in trials.ranked),
        stopped_by=trials.stopped_by,
        best_trial=trials.best.number,
        best_hyperparameters=trials.best.hyperparameters,
        sensitivity=sensitivities(space, trials.ranked, seed=seed),
        curve=curve,
        next_steps=next_steps(judgement.scores, curve, level=begun.plan.satisfied_at, modality=modality_of(roles)),
        seconds=round(budget.spent(), 1),
    )
    write_json(directory / SUMMARY, summary)
    scores = as_json(judgement.scores)
    files: dict[str, Path | bytes] = {name: directory / name for name in SEALED} | {SCORES: scores.encode()}
    write_json(directory / MANIFEST, Manifest.of(record=record.seal, files=files))
    # Last, for a run is finished when its scores are there.
    write(directory / SCORES, scores)
    return Run(directory)


def _training_score(
    outcome: np.ndarray, some: np.ndarray, signature: Signature, parts: Parts, metric: PerformanceMetric
) -> float:
    """P on some training rows, with the thresholds that the validation rows gave.

    outcome: the model's answers for them; some: their places among the training rows.
    """
    decided = decide(outcome, parts.task, thresholds=signature.cuts, rare_class=signature.rare_class)
    return metric.of_predictions(predictions_of(parts, parts.train.take(some), outcome, decided))
