"""How much a model leans on each column: by how much P gets worse when the column's values are dealt out anew.

Permutation importance (Breiman 2001; Fisher, Rudin and Dominici 2019) of the finished model, on rows of the hold-out.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.components.metric import Predictions, apply_thresholds
from executor.data.raw_table import ARRAYS
from executor.evaluation.scores import ColumnImportance, Importance
from executor.model.keras_file import predict_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from executor.components.metric import PerformanceMetric
    from executor.data.raw_table import RawTable
    from executor.model.signature import Signature
    from executor.runtime.clock import Clock

MAX_ROWS: Final = 1_000  # rows that are dealt out: the standard error of an accuracy is then below 0.016
MIN_ROWS: Final = 200  # where that is too slow: the standard error of an accuracy is then below 0.036
REPEATS: Final = 5  # the default of sklearn.inspection.permutation_importance
ROWS_PER_CALL: Final = 8_192  # rows of several columns' copies that the model answers in one call
CELLS_PER_CALL: Final = 2**22  # values in them, 32 MiB: of a very wide table, fewer columns are answered together
IMPORTANCE_SECONDS: Final = 2.0  # that it may take where the budget leaves them: 30 columns of 1,000 rows take 1 s
STREAM: Final = 13  # tells these permutations from other random numbers of the same seed


def measure_importance(
    model: keras.Model,
    signature: Signature,
    hold_out: RawTable,
    *,
    metric: PerformanceMetric,
    seed: int,
    clock: Clock,
) -> Importance:
    """Deal out each column's values anew among rows of the hold-out, all columns once, then again while time lasts.

    Where one round of all columns would take longer, fewer rows are dealt out.
    The features that a forecast makes of one column are dealt out together. hold_out: raw rows with their truth.
    No column is told of where rows hold images or sequences of numbers, and where P is undefined.
    """
    features = _by_column(signature, hold_out)
    none = Importance.unmeasured(metric.name)
    if not {*hold_out.forms.values()}.isdisjoint(ARRAYS):
        return none
    random, start = np.random.default_rng([seed, STREAM]), clock.now()
    rows = hold_out.evenly_spaced(MAX_ROWS)
    answers = predict_rows(model, signature, rows)
    one_round = (clock.now() - start) * len(features)
    if one_round > clock.limit and len(rows) > MIN_ROWS:  # fewer rows rather than fewer columns
        rows = rows.evenly_spaced(max(MIN_ROWS, int(len(rows) * clock.limit / one_round)))
        answers = predict_rows(model, signature, rows)

    def score(outcome: np.ndarray) -> float:
        return metric.direction.sign * _score(metric, signature, rows, outcome)

    whole = score(answers)
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
    told = {name: values for name, values in losses.items() if values and np.isfinite(values).all()}
    found = [
        ColumnImportance(name=name, loss=float(np.mean(values)), spread=float(np.std(values)))
        for name, values in told.items()
    ]
    return Importance(
        metric=metric.name,
        rows=len(rows),
        repeats=max(map(len, told.values()), default=0),
        columns=tuple(sorted(found, key=lambda one: -one.loss)),
        missing=tuple(name for name in features if name not in told),
    )


def _permute(rows: RawTable, groups: Sequence[Sequence[str]], random: np.random.Generator) -> RawTable:
    """A copy of the rows for each group of features, one below the other, in which its values stand in other rows."""
    count = len(rows)
    copies = rows.take(np.tile(np.arange(count), len(groups)))
    features = {name: values.copy() for name, values in copies.features.items()}
    for at, group in enumerate(groups):
        order = random.permutation(count)
        for name in group:
            features[name][at * count : (at + 1) * count] = rows.features[name][order]
    return replace(copies, features=features)


def _by_column(signature: Signature, rows: RawTable) -> dict[str, tuple[str, ...]]:
    """The features that are made of each column of the dataset; of a series those of its lags and steps."""
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
    """P of some answers for the rows."""
    decided = apply_thresholds(outcome, signature.task, thresholds=signature.cuts, rare_class=signature.rare_class)
    truth = np.asarray(rows.truth)
    return metric.of_predictions(
        Predictions(task=signature.task, truth=truth, outcome=outcome, decided=decided, rare_class=signature.rare_class)
    )
