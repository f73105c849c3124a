"""Evaluation of a run's model and the baselines on the hold-out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from executor.components.metric import create_metric
from executor.data.row_arrays import evenly_spaced
from executor.data.time_zones import zone_of
from executor.evaluation.baselines.baseline import create_predictions
from executor.evaluation.baselines.fit import BaselineRows, fit_baselines, seconds_with_images
from executor.evaluation.baselines.linear import LINEAR_SECONDS
from executor.evaluation.diagnostics.partial_dependence import DEPENDENCE_SECONDS, measure_dependence
from executor.evaluation.diagnostics.permutation_importance import IMPORTANCE_SECONDS, measure_importance
from executor.evaluation.diagnostics.unfinished_training import find_cut_off
from executor.evaluation.evaluate import evaluate
from executor.evaluation.scores import Importance
from executor.model.keras_file import predict_rows
from executor.model.prediction_columns import decide
from executor.preprocessing.encode import encode_hold_out
from executor.preprocessing.inputs import TextInputs
from executor.runs.files import IMPORTANCE, write_json
from executor.runs.prediction_file import write_predictions
from executor.runs.report.write import never_fatal

if TYPE_CHECKING:
    from executor.evaluation.evaluate import Evaluation
    from executor.pipeline.encoding.encode_data import EncodedData
    from executor.pipeline.finalize import SavedModel
    from executor.runtime.clock import Clock
    from executor.runtime.cluster import Pool
    from executor.search.records.trials import Trials


def evaluate_on_hold_out(
    data: EncodedData, trials: Trials, saved: SavedModel, clock: Clock, *, pool: Pool | None = None
) -> Evaluation:
    """Score the model and the baselines on the hold-out, and write the predictions.

    pool: of a cluster, whose workers fit the baselines.
    """
    run, table, rows, groups = data.run, data.run.data.table, data.run.data.rows, data.run.data.rows.groups
    hold_out, reads_raw_rows = table.take(rows.hold_out), isinstance(data.parts.inputs, TextInputs)  # the baselines
    encoded = encode_hold_out(table, rows, data.preprocessing, data.parts, has_features=not reads_raw_rows)
    own = BaselineRows(
        metric=run.bundle.metric,
        parts=data.parts,
        train=table.take(rows.train),
        validation=table.take(rows.validation),
        hold_out=hold_out,
        encoded=encoded,
        series=run.data.series,
        windows=run.data.windows,
        seed=run.plan.seed,
    )
    others = fit_baselines(own, clock, pool=pool)
    evaluation = evaluate(
        predict_rows(saved.model, saved.signature, hold_out),
        metric=create_metric(run.bundle.metric),
        parts=data.parts,
        hold_out=encoded,
        rows=hold_out,
        signature=saved.signature,
        validation=saved.selected.score,
        training=_training_score(data, saved),
        seed=run.plan.seed,
        others=others,
        groups=None if groups is None else groups[rows.hold_out],
        clock=clock.lasting(seconds_with_images(LINEAR_SECONDS, data.parts, clock, share=1 / 2)),
        cut_off=find_cut_off(
            saved.selected.members,
            trials,
            limit_for=lambda more: clock.limit_for(trials.seconds + more, data.plan_time),
        ),
    )
    zone = zone_of(run.dataset, run.roles.time_column)
    write_predictions(run.directory, evaluation.predictions, run.dataset, hold_out, zone=zone)
    return evaluation


def write_importance(data: EncodedData, saved: SavedModel, clock: Clock) -> None:
    """Measure permutation importance and partial dependence on the hold-out, and write them; failures are logged."""
    run, metric = data.run, create_metric(data.run.bundle.metric)
    hold_out = run.data.table.take(run.data.rows.hold_out)
    own = clock.lasting(min(IMPORTANCE_SECONDS, clock.left / 4))
    importance = Importance.unmeasured(metric.name)
    with never_fatal("The importance of columns was not measured"):
        importance = measure_importance(
            saved.model, saved.signature, hold_out, metric=metric, seed=run.plan.seed, clock=own
        )
    own = clock.lasting(min(DEPENDENCE_SECONDS, clock.left / 4))
    with never_fatal("Partial dependence was not measured"):
        dependence = measure_dependence(saved.model, saved.signature, hold_out, importance, clock=own)
        importance = importance.model_copy(update={"dependence": dependence})
    write_json(run.directory / IMPORTANCE, importance)


def _training_score(data: EncodedData, saved: SavedModel) -> float:
    """The metric on as many training rows as there are validation rows, evenly spaced."""
    run, parts, signature = data.run, data.parts, saved.signature
    train = run.data.rows.train
    some = evenly_spaced(len(train), len(parts.validation))
    outcome = predict_rows(saved.model, signature, run.data.table.take(train[some]))
    decided = decide(signature, outcome)
    metric = create_metric(run.bundle.metric)
    return metric.of_predictions(create_predictions(parts, parts.train.take(some), outcome, decided))
