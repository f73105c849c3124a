"""Evaluation of a run's model and the baselines on the hold-out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from executor.components.metric import create_metric
from executor.data.row_arrays import evenly_spaced
from executor.data.time_zones import zone_of
from executor.evaluation.baselines.baseline import create_predictions
from executor.evaluation.baselines.constant import last_value_baseline, seasonal_baseline
from executor.evaluation.baselines.exponential_smoothing import EXPONENTIAL_SECONDS, exponential_baseline
from executor.evaluation.baselines.gradient_boosting import boosting_baseline, boosting_seconds
from executor.evaluation.baselines.linear import LINEAR_SECONDS
from executor.evaluation.baselines.mean_forecast import mean_baseline
from executor.evaluation.baselines.nearest_neighbours import neighbours_baseline
from executor.evaluation.baselines.tf_idf import tf_idf_baseline
from executor.evaluation.baselines.theta import THETA_SECONDS, theta_baseline
from executor.evaluation.diagnostics.partial_dependence import DEPENDENCE_SECONDS, measure_dependence
from executor.evaluation.diagnostics.permutation_importance import IMPORTANCE_SECONDS, measure_importance
from executor.evaluation.diagnostics.unfinished_training import find_cut_off
from executor.evaluation.evaluate import evaluate
from executor.evaluation.scores import Importance
from executor.model.keras_file import predict_rows
from executor.model.prediction_columns import decide
from executor.preprocessing.encode import encode_hold_out
from executor.preprocessing.inputs import ImageInputs, TextInputs
from executor.runs.files import IMPORTANCE, write_json
from executor.runs.prediction_file import write_predictions
from executor.runs.report.write import never_fatal
from recommender.time_plan import tf_idf_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from executor.data.raw_table import RawTable
    from executor.evaluation.baselines.baseline import Baseline
    from executor.evaluation.evaluate import Evaluation
    from executor.pipeline.encoding.encode_data import EncodedData
    from executor.pipeline.finalize import SavedModel
    from executor.preprocessing.examples import Examples
    from executor.runtime.clock import Clock
    from executor.search.records.trials import Trials

NEIGHBOUR_SECONDS: Final = 4.0  # time limit of nearest neighbours
MIN_SECONDS: Final = 1.0  # minimum time of a baseline, which a score needs as a reference


def evaluate_on_hold_out(data: EncodedData, trials: Trials, saved: SavedModel, clock: Clock) -> Evaluation:
    """Score the model and the baselines on the hold-out, and write the predictions."""
    run, table, rows, groups = data.run, data.run.data.table, data.run.data.rows, data.run.data.rows.groups
    hold_out, reads_raw_rows = table.take(rows.hold_out), isinstance(data.parts.inputs, TextInputs)  # the baselines
    encoded = encode_hold_out(table, rows, data.preprocessing, data.parts, has_features=not reads_raw_rows)
    others = tuple(_fit_baselines(data, hold_out, encoded, clock))
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
        clock=clock.lasting(_seconds_with_images(LINEAR_SECONDS, data, clock, share=1 / 2)),
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


def _fit_baselines(data: EncodedData, hold_out: RawTable, encoded: Examples, clock: Clock) -> Iterator[Baseline | None]:
    """The baselines that take raw rows or images; None for those that do not fit the data.

    hold_out, encoded: the rows of the hold-out, raw and encoded.
    """
    run, parts, metric = data.run, data.parts, create_metric(data.run.bundle.metric)
    table, rows = run.data.table, run.data.rows
    train, validation, of_hold_out = table.take(rows.train), table.take(rows.validation), (hold_out, encoded)
    seconds = _allowed_seconds(tf_idf_seconds(clock.plan.limit), clock, share=1 / 2)
    yield tf_idf_baseline(metric, parts, train, validation, of_hold_out, clock=clock.lasting(seconds))
    seconds = max(MIN_SECONDS, boosting_seconds(clock))
    yield boosting_baseline(
        metric, parts, train, validation, of_hold_out, clock=clock.lasting(seconds), seed=run.plan.seed
    )
    seconds = _seconds_with_images(NEIGHBOUR_SECONDS, data, clock, share=1 / 3)
    yield neighbours_baseline(metric, parts, encoded, seconds=seconds)
    yield from _forecast_baselines(data, hold_out, encoded, clock)


def _forecast_baselines(
    data: EncodedData, hold_out: RawTable, encoded: Examples, clock: Clock
) -> Iterator[Baseline | None]:
    """Theta, exponential smoothing, and their mean with the seasonal naive forecast; nothing unless a forecast."""
    parts, series, windows = data.parts, data.run.data.series, data.run.data.windows
    if series is None or windows is None:
        return
    own = clock.lasting(_allowed_seconds(THETA_SECONDS, clock, share=1 / 6))
    theta = theta_baseline(parts, encoded, hold_out, series, windows, clock=own)
    own = clock.lasting(_allowed_seconds(EXPONENTIAL_SECONDS, clock, share=1 / 3))
    smoothed = exponential_baseline(parts, encoded, hold_out, series, windows, clock=own)
    # Without a season the last value is the seasonal naive forecast.
    naive = seasonal_baseline(parts, encoded, hold_out) or last_value_baseline(parts, encoded, hold_out.last)
    yield from (theta, smoothed, mean_baseline(parts, encoded, (theta, smoothed, naive)))


def _allowed_seconds(most: float, clock: Clock, *, share: float) -> float:
    """Seconds that a baseline may take; share: the largest share of the time that is left."""
    return max(MIN_SECONDS, min(most, clock.left * share))


def _seconds_with_images(most: float, data: EncodedData, clock: Clock, *, share: float) -> float:
    """The same; with images, whose predictions take seconds, a share of the time that those leave."""
    if not isinstance(data.parts.inputs, ImageInputs):
        return _allowed_seconds(most, clock, share=share)
    return max(MIN_SECONDS, min(most, clock.spare * share))


def _training_score(data: EncodedData, saved: SavedModel) -> float:
    """The metric on as many training rows as there are validation rows, evenly spaced."""
    run, parts, signature = data.run, data.parts, saved.signature
    train = run.data.rows.train
    some = evenly_spaced(len(train), len(parts.validation))
    outcome = predict_rows(saved.model, signature, run.data.table.take(train[some]))
    decided = decide(signature, outcome)
    metric = create_metric(run.bundle.metric)
    return metric.of_predictions(create_predictions(parts, parts.train.take(some), outcome, decided))
