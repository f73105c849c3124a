"""Encoding of raw rows as examples, with fitted preprocessing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.preprocessing.examples import Examples, Parts
from executor.preprocessing.inputs import TableInputs, WindowInputs
from executor.preprocessing.target_scale import to_learning_scale
from rules.vocabulary.choices import parameters_of
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.data.raw_table import RawTable
    from executor.data.split import Split
    from executor.preprocessing.inputs import Inputs
    from executor.preprocessing.preprocessing import Preprocessing
    from recommender.roles.roles import Roles
    from rules.vocabulary.choices import TargetScale

MIN_SCALE: Final = 1e-12  # relative to the target; smaller scales are rounding errors


def encode_parts(
    table: RawTable, roles: Roles, split: Split, preprocessing: Preprocessing, *, target_on: TargetScale = "as_is"
) -> Parts:
    """Encode training and validation rows.

    Numeric targets are standardized on the training rows, with their weights. The target of a forecast is scaled by the
    standard deviation of its change from the last value, which is the target of the network. target_on: learning scale
    of numeric targets.
    Raises ChoiceError if a value is not on this scale.
    """
    train = table.take(split.train)
    outputs = roles.outputs
    if table.window is not None:
        outputs = known_truth(train).shape[1]
    mean, scale = _standardisation(train, roles.task, outputs, target_on)
    encoding = _Encoding(
        preprocessing=preprocessing, task=roles.task, outputs=outputs, mean=mean, scale=scale, target_on=target_on
    )
    training = replace(_examples(train, encoding), fold=split.folds)
    return Parts(
        task=roles.task,
        train=training,
        validation=_examples(table.take(split.validation), encoding) if split.folds is None else training,
        vocabulary=preprocessing.vocabulary,
        outputs=outputs,
        inputs=_inputs(table, roles.task, preprocessing),
        naive_error=naive_error(train) if roles.task is Task.FORECASTING else None,
        rare_class=_rare_class(train) if roles.task is Task.BINARY else None,
        costs=np.array(roles.costs) if roles.costs else None,
        target_mean=mean,
        target_scale=scale,
        target_on=target_on,
        target_range=_range(train, roles, target_on) if parameters_of(preprocessing.architecture).clamp else None,
    )


def _inputs(table: RawTable, task: Task, preprocessing: Preprocessing) -> Inputs:
    """Description of the inputs; numbers of a forecast have no periodic features."""
    inputs = preprocessing.inputs
    if table.window is not None:
        lags, targets = table.window
        return WindowInputs(lags=lags, targets=targets)
    if task is Task.FORECASTING and isinstance(inputs, TableInputs):
        return replace(inputs, numbers=0)
    return inputs


def encode_hold_out(
    table: RawTable, split: Split, preprocessing: Preprocessing, parts: Parts, *, has_features: bool = True
) -> Examples:
    """Encode the hold-out. has_features: whether not only its targets are encoded."""
    encoding = _Encoding(
        preprocessing=preprocessing,
        task=parts.task,
        outputs=parts.outputs,
        mean=parts.target_mean,
        scale=parts.target_scale,
        target_on=parts.target_on,
    )
    return _examples(table.take(split.hold_out), encoding, has_features=has_features)


@dataclass(frozen=True, kw_only=True)
class _Encoding:
    """Parameters of the encoding."""

    preprocessing: Preprocessing
    task: Task
    outputs: int
    mean: np.ndarray
    scale: np.ndarray
    target_on: TargetScale


def _examples(table: RawTable, encoding: _Encoding, *, has_features: bool = True) -> Examples:
    truth = known_truth(table)
    none = np.zeros((len(table), 0), np.float32), np.zeros((len(table), 0), np.int32), None
    dense, codes, column_features = encoding.preprocessing.encode(table) if has_features else none
    offset = np.zeros((len(table), encoding.outputs))
    if encoding.task is Task.MULTICLASS:
        target = np.eye(encoding.outputs)[truth]
    elif encoding.task.is_classification:
        target = truth.reshape(len(table), encoding.outputs)
    else:
        target = (to_learning_scale(truth, encoding.target_on) - encoding.mean) / encoding.scale
        if table.offset is not None:
            offset = (table.offset - encoding.mean) / encoding.scale
    spread = None if table.spread is None else table.spread / encoding.scale
    theta = None if table.theta is None else (table.theta - encoding.mean) / encoding.scale - offset
    return Examples(
        dense=dense,
        codes=codes,
        target=target.astype(np.float32),
        offset=offset.astype(np.float32),
        raw_target=truth,
        weight=table.weight,
        spread=None if spread is None else spread.astype(np.float32),
        theta_change=None if theta is None else (theta if spread is None else theta / spread).astype(np.float32),
        column_features=column_features,
    )


def naive_error(train: RawTable) -> np.ndarray:
    """Mean absolute error of the seasonal or last-value naive forecast, (outputs,) (Hyndman and Koehler 2006).

    All steps of a target have the error of the first step.
    """
    truth, before = known_truth(train), train.season_before if train.season_before is not None else train.offset
    if before is None:
        raise ValueError("a forecast starts from a last value")
    errors = np.nanmean(np.abs(truth - before), axis=0)
    if train.window is None:
        return np.asarray(errors)
    horizon = truth.shape[1] // train.window[1]
    return np.repeat(errors[::horizon], horizon)


def known_truth(table: RawTable) -> np.ndarray:
    """Targets of rows that have them."""
    if table.truth is None:
        raise ValueError("rows without targets cannot be used for training or evaluation")
    return table.truth


def _standardisation(
    train: RawTable, task: Task, outputs: int, target_on: TargetScale
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale of each target, (outputs,) float64 each, of weighted rows weighted; 1 for a constant target."""
    if task.is_classification:
        return np.zeros(outputs), np.ones(outputs)
    truth = to_learning_scale(known_truth(train), target_on)
    if train.weight is None:
        mean = truth.mean(axis=0)
        scale = (truth if train.offset is None else truth - train.offset).std(axis=0)
    else:  # not a forecast, which has no weights
        mean = np.average(truth, axis=0, weights=train.weight)
        scale = np.sqrt(np.average(np.square(truth - mean), axis=0, weights=train.weight))
    return mean, np.where(scale > MIN_SCALE * np.abs(truth).max(axis=0), scale, 1.0)


def _range(train: RawTable, roles: Roles, target_on: TargetScale) -> tuple[np.ndarray, np.ndarray] | None:
    """Range of each target in training rows; None where later rows may exceed it."""
    if roles.task.is_classification or roles.task is Task.FORECASTING or roles.time_column is not None:
        return None
    truth = to_learning_scale(known_truth(train), target_on)
    return truth.min(axis=0), truth.max(axis=0)


def _rare_class(train: RawTable) -> int:
    """The class with fewer training rows; class 1 for ties."""
    zeros, ones = np.bincount(known_truth(train), minlength=2)
    return 1 if ones <= zeros else 0
