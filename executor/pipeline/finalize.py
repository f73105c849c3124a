"""After the search: the model as it is saved, with all that validation rows set, and what the hold-out says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from executor.components.configuration import configuration
from executor.components.metric import apply_thresholds, create_metric, outcome_of
from executor.data.row_arrays import evenly_spaced
from executor.evaluation.baselines.baseline import create_predictions
from executor.evaluation.baselines.exponential_smoothing import EXPONENTIAL_SECONDS, exponential_baseline
from executor.evaluation.baselines.gradient_boosting import boosting_baseline, boosting_seconds
from executor.evaluation.baselines.linear import LINEAR_SECONDS
from executor.evaluation.baselines.nearest_neighbours import neighbours_baseline
from executor.evaluation.baselines.tf_idf import tf_idf_baseline
from executor.evaluation.evaluate import evaluate
from executor.model.assemble import assemble
from executor.model.calibration.conformal_intervals import Intervals, conformal_intervals
from executor.model.calibration.temperature import apply_temperatures, fit_temperatures
from executor.model.compile import compile_model
from executor.model.keras_file import predict_rows, save_model
from executor.model.signature import create_signature
from executor.preprocessing.encode import encode_hold_out
from executor.runs.files import MODEL, SIGNATURE, write_json
from executor.runtime.time_plan import tf_idf_seconds
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    import keras
    import numpy as np

    from executor.components.configuration import Value
    from executor.evaluation.evaluate import Evaluation
    from executor.evaluation.scores import CutOff
    from executor.model.ensemble import SelectedNetwork
    from executor.model.signature import Signature
    from executor.pipeline.prepare import Begun
    from executor.preprocessing.examples import Parts
    from executor.preprocessing.preprocessing import Preprocessing
    from executor.runtime.clock import Clock
    from rules.decision.request import SequenceReading

NEIGHBOUR_SECONDS: Final = 4.0  # that comparing images may take
MIN_SECONDS: Final = 1.0  # that a simple answer may take however late it is: without it a score says little


def saved(
    begun: Begun,
    preprocessing: Preprocessing,
    parts: Parts,
    chosen: SelectedNetwork,
    hyperparameters: Mapping[str, Value],
) -> tuple[keras.Model, Signature]:
    """The model from raw rows to predictions, with all that the validation rows set, compiled, as it is saved.

    hyperparameters: of the best trial, whose optimizer the model is compiled with.
    """
    table, rows, metric = begun.material.table, begun.material.rows, create_metric(begun.bundle.metric)
    cooling = fit_temperatures(
        parts.validation.raw_target, chosen.outputs, parts.task, tuned=begun.bundle.validation.temperature_scaling
    )
    signature = create_signature(
        begun.dataset,
        begun.roles,
        table,
        preprocessing,
        parts,
        temperatures=cooling,
        windows=begun.material.windows,
        sequences=_gathering(begun),
    )
    said = outcome_of(apply_temperatures(chosen.outputs, cooling), parts)
    set_by_validation = {
        "thresholds": metric.thresholds(said, parts.validation, parts),
        "intervals": _intervals(said, parts),
    }
    signature = signature.model_copy(update=set_by_validation)
    model = assemble(preprocessing, chosen.network, parts, signature)
    configured = configuration(begun.bundle, hyperparameters, architecture=parts.architecture)
    compile_model(model, begun.bundle, parts, configured, cuts=tuple(signature.cuts))
    save_model(model, begun.directory / MODEL, signature=signature, rows=table.take(rows.validation))
    write_json(begun.directory / SIGNATURE, signature)
    return model, signature


def _gathering(begun: Begun) -> SequenceReading | None:
    """How new rows are gathered into sequences: by the channels of training, whichever change in them."""
    found = begun.dataset.sequences
    if begun.plan.request.sequences is None or found is None:
        return None
    return begun.plan.request.sequences.model_copy(update={"channels": found.names})


def judged(
    begun: Begun,
    preprocessing: Preprocessing,
    parts: Parts,
    *,
    model: keras.Model,
    signature: Signature,
    validation: float | None,
    clock: Clock,
    cut_off: CutOff | None = None,
) -> Evaluation:
    """What the hold-out, looked at once, says of the model and of the simple answers beside it.

    validation: P of what was chosen. cut_off: of a model that was not trained to its end.
    """
    table, rows, seed = begun.material.table, begun.material.rows, begun.plan.seed
    metric = create_metric(begun.bundle.metric)
    hold_out, encoded = table.take(rows.hold_out), encode_hold_out(table, rows, preprocessing, parts)
    train, validating = table.take(rows.train), table.take(rows.validation)
    words = tf_idf_baseline(
        metric,
        parts,
        train,
        validating,
        (hold_out, encoded),
        seconds=max(MIN_SECONDS, min(tf_idf_seconds(clock.plan.limit), clock.left / 2)),
    )
    boosting = boosting_baseline(
        metric,
        parts,
        train,
        validating,
        (hold_out, encoded),
        seconds=max(MIN_SECONDS, boosting_seconds(clock)),
        seed=seed,
    )
    neighbours = neighbours_baseline(
        metric, parts, encoded, seconds=max(MIN_SECONDS, min(NEIGHBOUR_SECONDS, clock.left / 3))
    )
    smoothing = None
    if begun.material.series is not None and begun.material.windows is not None:
        seconds = max(MIN_SECONDS, min(EXPONENTIAL_SECONDS, clock.left / 3))
        series, windows = begun.material.series, begun.material.windows
        smoothing = exponential_baseline(parts, encoded, hold_out, series, windows, seconds=seconds)
    return evaluate(
        predict_rows(model, signature, hold_out),
        metric=metric,
        parts=parts,
        hold_out=encoded,
        rows=hold_out,
        signature=signature,
        validation=validation,
        training=_training_score(begun, parts, model, signature),
        seed=seed,
        others=(words, boosting, neighbours, smoothing),
        groups=None if rows.groups is None else rows.groups[rows.hold_out],
        linear_seconds=max(MIN_SECONDS, min(LINEAR_SECONDS, clock.left / 2)),
        cut_off=cut_off,
    )


def _training_score(begun: Begun, parts: Parts, model: keras.Model, signature: Signature) -> float:
    """P on as many training rows as there are validation rows, evenly spaced."""
    train = begun.material.rows.train
    some = evenly_spaced(len(train), len(parts.validation))
    outcome = predict_rows(model, signature, begun.material.table.take(train[some]))
    decided = apply_thresholds(outcome, parts.task, thresholds=signature.cuts, rare_class=signature.rare_class)
    metric = create_metric(begun.bundle.metric)
    return metric.of_predictions(create_predictions(parts, parts.train.take(some), outcome, decided))


def _intervals(said: np.ndarray, parts: Parts) -> Intervals | None:
    """Prediction intervals of a regression, or for each step ahead, by what a model says of the validation rows.

    Later errors of a series are not drawn as those of its validation rows: the hold-out says how many are held.
    """
    if parts.task not in {Task.REGRESSION, Task.MULTIOUTPUT_REGRESSION} and parts.window is None:
        return None
    return conformal_intervals(parts.validation.raw_target, said, on=parts.target_on)
