"""The model of a run: assembled, calibrated on the validation rows, compiled and saved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from executor.components.configuration import configuration
from executor.components.loss import fit_to_loss
from executor.components.metric import create_metric, outcome_of
from executor.model.assemble import assemble
from executor.model.calibration.conformal_intervals import Intervals, conformal_intervals, intervals_by_group
from executor.model.calibration.conformal_quantiles import Quantiles, conformal_quantiles
from executor.model.calibration.conformal_sets import ClassSets, conformal_sets
from executor.model.calibration.temperature import apply_temperatures, fit_temperatures
from executor.model.compile import compile_model
from executor.model.keras_file import save_model
from executor.model.prediction_columns import class_shares
from executor.model.signature import create_signature
from executor.networks.registry import network_kind
from executor.preprocessing.inputs import WindowInputs
from executor.runs.files import MODEL, SIGNATURE, write_json
from rules.vocabulary.choices import CustomArchitecture
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    import keras
    import numpy as np

    from executor.model.ensemble import SelectedNetwork
    from executor.model.signature import Signature
    from executor.pipeline.encoding.encode_data import EncodedData
    from executor.pipeline.prepare import PreparedRun
    from executor.preprocessing.examples import Parts
    from executor.search.records.trials import Trials
    from rules.decision.request import SequenceReading


@dataclass(frozen=True, kw_only=True)
class SavedModel:
    """The model of a run, from raw rows to predictions, and its signature."""

    model: keras.Model
    signature: Signature
    selected: SelectedNetwork


def finalize(data: EncodedData, trials: Trials, selected: SelectedNetwork) -> SavedModel:
    """Assemble the model from raw rows to predictions, and save it.

    The validation rows set temperatures, thresholds, intervals and quantiles.
    """
    run, parts, table = data.run, data.parts, data.run.data.table
    scale = fit_temperatures(
        parts.validation.raw_target,
        selected.outputs,
        parts.task,
        tuned=run.bundle.validation.temperature_scaling,
        weight=parts.validation.weight,
    )
    signature = create_signature(
        run.dataset,
        run.roles,
        table,
        data.preprocessing,
        parts,
        temperatures=scale,
        windows=run.data.windows,
        sequences=_sequence_reading(run),
    )
    outcome = outcome_of(apply_temperatures(selected.outputs, scale), parts)
    own = run.bundle.architecture
    architecture = {"architecture": own if isinstance(own, CustomArchitecture) else None}
    loss = run.bundle.of_trial(trials.best.hyperparameters).loss
    fitted = replace(data, parts=fit_to_loss(parts, loss, before=run.bundle.loss))
    signature = signature.model_copy(update=set_by_validation(outcome, fitted) | architecture)
    model = write_model(data, trials, selected.network, signature)
    write_json(run.directory / SIGNATURE, signature)
    return SavedModel(model=model, signature=signature, selected=selected)


def set_by_validation(outcome: np.ndarray, data: EncodedData) -> dict[str, Any]:
    """Thresholds, costs, intervals, quantiles and sets of a signature. outcome: predictions of the validation rows."""
    parts, metric = data.parts, create_metric(data.run.bundle.metric)
    return {
        "thresholds": metric.thresholds(outcome, parts.validation, parts, costs=parts.network_costs),
        "costs": _costs(parts),
        "intervals": _intervals(outcome, data),
        "quantiles": _quantiles(outcome, parts),
        "sets": _sets(outcome, parts),
    }


def write_model(data: EncodedData, trials: Trials, network: keras.Model, signature: Signature) -> keras.Model:
    """Assemble a network as a model, compile it with the optimizer of the best trial, and write model.keras."""
    run, parts = data.run, data.parts
    model = assemble(data.preprocessing, network, parts, signature)
    values, defaults = trials.best.hyperparameters, network_kind(run.bundle, parts.inputs).defaults
    own = run.bundle.of_trial(values)
    chosen = configuration(run.bundle, values, defaults=defaults)
    compile_model(model, own, fit_to_loss(parts, own.loss, before=run.bundle.loss), chosen, cuts=tuple(signature.cuts))
    rows = run.data.table.take(run.data.rows.validation)
    save_model(model, run.directory / MODEL, signature=signature, rows=rows)
    return model


def _sequence_reading(run: PreparedRun) -> SequenceReading | None:
    """Reading of new rows as sequences, with the channels of training."""
    found, requested = run.dataset.sequences, run.plan.request.sequences
    if requested is None or found is None:
        return None
    return requested.model_copy(update={"channels": found.names})


def _costs(parts: Parts) -> tuple[tuple[float, ...], ...]:
    """Costs that decide between several classes; two classes have a threshold."""
    if parts.task is not Task.MULTICLASS or parts.network_costs is None:
        return ()
    return tuple(tuple(row) for row in parts.network_costs.tolist())


def _intervals(outcome: np.ndarray, data: EncodedData) -> Intervals | None:
    """Prediction intervals of a regression, or for each step ahead, by the errors on the validation rows.

    Later errors of a series are not distributed as those of its validation rows; the hold-out measures the coverage.
    """
    parts, by = data.parts, data.run.plan.interval_groups
    if parts.task not in {Task.REGRESSION, Task.MULTIOUTPUT_REGRESSION} and not isinstance(parts.inputs, WindowInputs):
        return None
    truth, spread = parts.validation.raw_target, _spread(parts)
    weight = parts.validation.weight
    found = conformal_intervals(truth, outcome, on=parts.target_on, spread=spread, weight=weight)
    if by is None or not found.half_widths:
        return found
    groups = data.run.data.table.take(data.run.data.rows.validation).features[by]
    return intervals_by_group(found, truth, outcome, by=by, groups=groups, weight=weight)


def _quantiles(outcome: np.ndarray, parts: Parts) -> Quantiles | None:
    """Quantiles of a forecast for each step ahead, by the errors on the validation rows."""
    if not isinstance(parts.inputs, WindowInputs):
        return None
    return conformal_quantiles(parts.validation.raw_target, outcome, spread=_spread(parts))


def _sets(outcome: np.ndarray, parts: Parts) -> ClassSets | None:
    """Prediction sets of two or more classes, by the probabilities of the validation rows."""
    if parts.task not in {Task.BINARY, Task.MULTICLASS}:
        return None
    return conformal_sets(parts.validation.raw_target, class_shares(outcome, parts.task), parts.validation.weight)


def _spread(parts: Parts) -> np.ndarray | None:
    """Spread of the windows of the validation rows, (rows, outputs), in the unit of the target; None without it."""
    spread = parts.validation.spread
    return None if spread is None else spread * parts.target_scale
