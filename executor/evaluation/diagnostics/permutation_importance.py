"""Permutation importance of columns (Breiman 2001; Fisher, Rudin and Dominici 2019) on the hold-out."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.components.metric import Predictions
from executor.data.raw_table import ARRAYS
from executor.evaluation.scores import ColumnImportance, Importance
from executor.model.keras_file import predict_rows
from executor.model.prediction_columns import decide

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from executor.components.metric import PerformanceMetric
    from executor.data.raw_table import RawTable
    from executor.model.signature import Signature
    from executor.runtime.clock import Clock

MAX_ROWS: Final = 1_000  # permuted rows; the standard error of an accuracy is then below 0.016
MIN_ROWS: Final = 200  # where that is too slow; the standard error of an accuracy is then below 0.036
REPEATS: Final = 5  # the default of sklearn.inspection.permutation_importance
ROWS_PER_CALL: Final = 8_192  # rows per call, of permutations of several columns
CELLS_PER_CALL: Final = 2**22  # values per call, 32 MiB; limits columns per call of wide tables
IMPORTANCE_SECONDS: Final = 2.0  # time limit; 30 columns of 1,000 rows take 1 s
STREAM: Final = 13  # separates permutations from other random numbers of the same seed


def measure_importance(
    model: keras.Model,
    signature: Signature,
    hold_out: RawTable,
    *,
    metric: PerformanceMetric,
    seed: int,
    clock: Clock,
) -> Importance:
    """Permute each column among rows of the hold-out, all columns once, then again while time is left.

    Where one round would take too long, fewer rows are permuted. The features of a forecast that come from one column
    are permuted together. hold_out: raw rows with their targets. The result is empty for images and sequences of
    numbers, and where the metric is undefined.
    """
    features = _by_column(signature, hold_out)
    none = Importance.unmeasured(metric.name)
    if not {*hold_out.forms.values()}.isdisjoint(ARRAYS):
        return none
    random, start = np.random.default_rng([seed, STREAM]), clock.now()
    rows = hold_out.evenly_spaced(MAX_ROWS)
    predictions = predict_rows(model, signature, rows)
    one_round = (clock.now() - start) * len(features)
    if one_round > clock.limit and len(rows) > MIN_ROWS:  # fewer rows rather than fewer columns
        rows = rows.evenly_spaced(max(MIN_ROWS, int(len(rows) * clock.limit / one_round)))
        predictions = predict_rows(model, signature, rows)

    def score(outcome: np.ndarray) -> float:
        return metric.direction.sign * _score(metric, signature, rows, outcome)

    whole = score(predictions)
    if not math.isfinite(whole):
        return none
    losses: dict[str, list[float]] = {name: [] for name in features}
    at_once = max(1, min(ROWS_PER_CALL, CELLS_PER_CALL // len(rows.features)) // len(rows))
    for _ in range(REPEATS):
        for start in range(0, len(features), at_once):
            names = list(features)[start : start + at_once]
            if clock.is_over:
                break
            outcome = predict_rows(model, signature, _permute(rows, [features[name] for name in names], random))
            for name, own in zip(names, np.split(outcome, len(names)), strict=True):
                losses[name].append(whole - score(own))
    measured = {name: values for name, values in losses.items() if values and np.isfinite(values).all()}
    found = [
        ColumnImportance(name=name, loss=float(np.mean(values)), spread=float(np.std(values)))
        for name, values in measured.items()
    ]
    return Importance(
        metric=metric.name,
        rows=len(rows),
        repeats=max(map(len, measured.values()), default=0),
        columns=tuple(sorted(found, key=lambda one: -one.loss)),
        missing=tuple(name for name in features if name not in measured),
    )


def _permute(rows: RawTable, groups: Sequence[Sequence[str]], random: np.random.Generator) -> RawTable:
    """Stack a copy of the rows for each group of features, with its values permuted."""
    count = len(rows)
    copies = rows.take(np.tile(np.arange(count), len(groups)))
    features = {name: values.copy() for name, values in copies.features.items()}
    for at, group in enumerate(groups):
        order = random.permutation(count)
        for name in group:
            features[name][at * count : (at + 1) * count] = rows.features[name][order]
    return replace(copies, features=features)


def _by_column(signature: Signature, rows: RawTable) -> dict[str, tuple[str, ...]]:
    """Group features by the column of the dataset that they come from."""
    found: dict[str, tuple[str, ...]] = {}
    for feature in rows.features:
        if signature.windows is None:
            column = feature
        elif feature in rows.lagged:
            column = rows.lagged[feature].column
        else:
            column = signature.time_column or feature
        found[column] = (*found.get(column, ()), feature)
    return found


def _score(metric: PerformanceMetric, signature: Signature, rows: RawTable, outcome: np.ndarray) -> float:
    """Score predictions for the rows."""
    decided = decide(signature, outcome)
    truth = np.asarray(rows.truth)
    return metric.of_predictions(
        Predictions(
            task=signature.task,
            truth=truth,
            outcome=outcome,
            decided=decided,
            rare_class=signature.rare_class,
            weight=rows.weight,
        )
    )
