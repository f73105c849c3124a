"""The end of a run: its summary, and the manifest that seals its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from executor.evaluation.diagnostics.class_imbalance import imbalance_choice
from executor.evaluation.diagnostics.gradients import describe_gradients
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

if TYPE_CHECKING:
    from collections.abc import Mapping

    from executor.evaluation.diagnostics.learning_curve import LearningCurve
    from executor.evaluation.evaluate import Evaluation
    from executor.pipeline.encode_data import EncodedData
    from executor.pipeline.finalize import SavedModel
    from executor.runs.delivery import Delivery
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
    seconds: float,
    stages: Mapping[str, float],
) -> Run:
    """Write summary, scores, report and manifest.

    delivery: how the model of the run was made. seconds: from the start of the run. stages: seconds of each.
    """
    run, rows, table = data.run, data.run.data.rows, data.run.data.table
    space = search_space(run.bundle, scope_of(run.bundle, data.parts, run.budget, trials.size))
    summary = Summary(
        split=rows.sentence,
        trials=len(trials.ranked),
        planned=trials.planned,
        started_late=trials.started_late,
        completed=trials.completed,
        cut_short=trials.cut_short,
        size=trials.size,
        reduction=trials.reduction(run.budget.seconds or 0.0),
        gradients=describe_gradients(trials.ranked),
        stopped_by=trials.stopped_by,
        best_trial=trials.best.number,
        members=saved.selected.members,
        members_why=saved.selected.why,
        best_hyperparameters=trials.best.hyperparameters,
        best_configuration=trials.best.configuration,
        imbalance=imbalance_choice(run.bundle, data.parts, saved.signature),
        huber_delta=data.parts.huber_delta,
        sensitivity=sensitivities(space, trials.ranked, seed=run.plan.seed),
        sensitivity_missing=missing_sensitivity(space, trials.ranked),
        unvaried=unvaried_hyperparameters(space, trials.ranked),
        curve=curve,
        next_steps=recommend_next_steps(
            evaluation.scores, curve, level=run.plan.satisfied_at, modality=modality_of(run.roles)
        ),
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
