"""Partial dependence on columns (Friedman 2001) with the spread of individual conditional expectations."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.data.raw_table import Form
from executor.evaluation.scores import ColumnDependence, OutputDependence
from executor.model.keras_file import predict_rows
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from executor.data.raw_table import RawTable
    from executor.evaluation.scores import Importance
    from executor.model.signature import Signature
    from executor.runtime.clock import Clock

DEPENDENCE_SECONDS: Final = 2.0  # time limit
MAX_COLUMNS: Final = 6  # the most important ones
MAX_ROWS: Final = 200  # of the hold-out
MAX_VALUES: Final = 20  # of a number, at equal shares of rows
MAX_CATEGORIES: Final = 8  # the most frequent ones
MIN_ROWS: Final = 5  # of the hold-out with a category
MAX_OUTPUTS: Final = 4  # classes, labels or targets; of classes the most frequent ones
TAIL: Final = 0.1  # share of rows below and above the band
OUTER: Final = 0.02  # share of rows beyond the first and the last value of a number


def measure_dependence(
    model: keras.Model, signature: Signature, hold_out: RawTable, importance: Importance, *, clock: Clock
) -> tuple[ColumnDependence, ...]:
    """Predict rows of the hold-out with each value of a column, for the most important numbers and categories.

    hold_out: raw rows with their targets. Columns that raise no score when they are known are left out; the result is
    empty for forecasts.
    """
    if signature.task is Task.FORECASTING:
        return ()
    rows, found = hold_out.evenly_spaced(MAX_ROWS), list[ColumnDependence]()
    outputs = _outputs(signature, hold_out)
    for column in importance.columns:
        values = _values(hold_out, column.name)
        if column.loss <= 0 or len(values) < 2:  # noqa: PLR2004  a line has two ends
            continue
        if len(found) == MAX_COLUMNS or clock.is_over:
            break
        outcome = predict_rows(model, signature, _with_values(rows, column.name, values))
        curves = outcome.reshape(len(values), len(rows), -1)
        found.append(
            ColumnDependence(
                name=column.name,
                is_number=rows.forms[column.name] is Form.NUMBER,
                values=tuple(values),
                rows=len(rows),
                outputs=tuple(_dependence(name, curves[..., at], sign) for name, at, sign in outputs),
            )
        )
    return tuple(found)


def _outputs(signature: Signature, hold_out: RawTable) -> list[tuple[str, int, int]]:
    """Name, number and sign of each measured output; -1 where its complement is measured."""
    if signature.task is Task.BINARY:
        positive = 1 if signature.rare_class is None else signature.rare_class
        return [(f"probability of {signature.labels[positive]}", 0, 1 if positive else -1)]
    if signature.task is Task.MULTICLASS:
        counts = np.bincount(np.asarray(hold_out.truth), minlength=len(signature.labels))
        most = np.argsort(-counts, kind="stable")[:MAX_OUTPUTS].tolist()
        return [(f"probability of {signature.labels[at]}", at, 1) for at in most]
    of = "probability of " if signature.task is Task.MULTILABEL else ""
    return [(f"{of}{name}", at, 1) for at, name in enumerate(signature.output_names[:MAX_OUTPUTS])]


def _dependence(name: str, curves: np.ndarray, sign: int) -> OutputDependence:
    """Mean and band of the curves of all rows, (values, rows)."""
    own = curves if sign > 0 else 1 - curves
    low, high = np.quantile(own, [TAIL, 1 - TAIL], axis=1)
    return OutputDependence(name=name, mean=tuple(own.mean(axis=1)), low=tuple(low), high=tuple(high))


def _values(rows: RawTable, name: str) -> list[float] | list[str]:
    """Values of a column: quantiles of a number, or the most frequent categories; none of other columns."""
    form = rows.forms.get(name)
    if form is Form.NUMBER:
        known = rows.features[name][np.isfinite(rows.features[name])]
        if not len(known):
            return []
        shares = np.linspace(OUTER, 1 - OUTER, MAX_VALUES)
        return [float(value) for value in np.unique(np.quantile(known, shares, method="nearest"))]
    if form is Form.LEVEL:
        counts = Counter(rows.features[name])
        return [str(value) for value, count in counts.most_common(MAX_CATEGORIES) if count >= MIN_ROWS]
    return []


def _with_values(rows: RawTable, name: str, values: Sequence[float] | Sequence[str]) -> RawTable:
    """The rows once for each value, value by value."""
    copies = rows.take(np.tile(np.arange(len(rows)), len(values)))
    set_to = np.repeat(np.array(values, dtype=rows.features[name].dtype), len(rows))
    return replace(copies, features={**copies.features, name: set_to})
