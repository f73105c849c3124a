"""The end of a run: its summary, and the manifest that seals its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from executor.components.loss import fit_to_loss
from executor.evaluation.diagnostics.class_imbalance import imbalance_choice
from executor.evaluation.diagnostics.gradients import GRADIENT_FLOW, describe_gradients, gradient_flow
from executor.evaluation.diagnostics.hyperparameter_importance import (
    missing_sensitivity,
    sensitivities,
    unvaried_hyperparameters,
)
from executor.evaluation.diagnostics.next_steps import recommend_next_steps
from executor.runs.drift.reference import create_reference
from executor.runs.files import REFERENCE, write_json
from executor.runs.seal import seal_run
from executor.runs.summary import Summary
from executor.runtime.versions import versions
from executor.search.search import scope_of
from executor.search.space import search_space
from recommender.profile.measure import modality_of
from rules.decision.record import RecordedFact
from rules.vocabulary.choices import Huber

if TYPE_CHECKING:
    from collections.abc import Mapping

    from executor.evaluation.diagnostics.learning_curve import LearningCurve
    from executor.evaluation.evaluate import Evaluation
    from executor.pipeline.encoding.encode_data import EncodedData
    from executor.pipeline.finalize import SavedModel
    from executor.runs.delivery import Continuation, Delivery
    from executor.runs.run import Run
    from executor.search.records.trials import Trials


def seal(
    data: EncodedData,
    trials: Trials,
    curve: LearningCurve,
    saved: SavedModel,
    evaluation: Evaluation,
    *,
    delivery: Delivery,
    continuation: Continuation | None = None,
    seconds: float,
    stages: Mapping[str, float],
) -> Run:
    """Write summary, scores, report and manifest.

    continuation: of a run that continues another one. delivery: how the model of the run was made. seconds: from the
    start of the run. stages: seconds of each.
    """
    run, rows, table = data.run, data.run.data.rows, data.run.data.table
    space = search_space(run.bundle, scope_of(run.bundle, data.parts, run.budget, trials.size))
    own = run.bundle.of_trial(trials.best.hyperparameters)
    fitted = fit_to_loss(data.parts, own.loss, before=run.bundle.loss)
    cut_off = evaluation.scores.cut_off
    summary = Summary(
        split=rows.sentence,
        trials=len(trials.ranked),
        planned=trials.planned,
        workers=trials.workers,
        devices=trials.devices,
        started_late=trials.started_late,
        completed=trials.completed,
        cut_short=trials.cut_short,
        size=trials.size,
        reduction=trials.reduction(
            run.budget.seconds or 0.0, option="" if cut_off is None or cut_off.seconds is None else cut_off.option
        ),
        gradients=describe_gradients(trials.ranked),
        training_facts={GRADIENT_FLOW: RecordedFact.of(GRADIENT_FLOW, gradient_flow(trials.ranked))},
        stopped_by=trials.stopped_by,
        best_trial=trials.best.number,
        members=saved.selected.members,
        members_why=saved.selected.why,
        best_hyperparameters=trials.best.hyperparameters,
        best_configuration=trials.best.configuration,
        imbalance=imbalance_choice(own, data.parts, saved.signature),
        huber_delta=fitted.huber_delta if isinstance(own.loss, Huber) else None,
        sensitivity=sensitivities(space, trials.ranked, seed=run.plan.seed),
        sensitivity_missing=missing_sensitivity(space, trials.ranked),
        unvaried=unvaried_hyperparameters(space, trials.ranked),
        curve=curve,
        next_steps=recommend_next_steps(
            evaluation.scores, curve, level=run.plan.satisfied_at, modality=modality_of(run.roles)
        ),
        continuation=continuation,
        delivery=delivery,
        seconds=round(seconds, 1),
        stages=dict(stages),
        versions=versions(),
    )
    if run.data.windows is None:
        known = np.union1d(rows.train, rows.validation)
        reference = create_reference(table.take(known), evaluation.predictions, saved.signature)
        write_json(run.directory / REFERENCE, reference)
    return seal_run(
        run.directory,
        run.dataset,
        run.roles,
        training=table.rows[rows.train],
        hold_out=table.rows[rows.hold_out],
        summary=summary,
        scores=evaluation.scores,
        report=run.plan.report,
    )
