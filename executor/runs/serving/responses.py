"""Predictions as JSON and CSV."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import csv

if TYPE_CHECKING:
    from executor.runs.serving.service import Predictions


def to_json(predictions: Predictions, *, by_column: bool) -> bytes:
    """A JSON object with `predictions`, a list of rows or an object of columns, and `warnings`.

    Missing values are null, times are ISO 8601, and all other characters than those of ASCII are escaped.
    """
    rows: Any = _rows(predictions)
    if by_column:
        rows = {name: [row[name] for row in rows] for name in rows[0]}
    document = {"predictions": rows, "warnings": [*predictions.warnings]}
    try:
        text = json.dumps(document, allow_nan=False, default=_plain, separators=(",", ":"))
    except ValueError:  # a NaN
        text = json.dumps(_without_nan(document), allow_nan=False, default=_plain, separators=(",", ":"))
    return text.encode()


def _rows(predictions: Predictions) -> list[dict[str, object]]:
    if predictions.rows is not None:
        return [*predictions.rows]
    return [] if predictions.table is None else predictions.table.to_pylist()


def to_csv(predictions: Predictions) -> bytes:
    """The predictions as `recommend predict` writes them to a CSV file."""
    sink = pa.BufferOutputStream()
    csv.write_csv(pa.Table.from_pylist(_rows(predictions)) if predictions.table is None else predictions.table, sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _plain(value: object) -> object:
    """A value that JSON lacks."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)


def _without_nan(value: Any) -> Any:  # noqa: ANN401  any JSON
    if isinstance(value, dict):
        return {name: _without_nan(own) for name, own in value.items()}
    if isinstance(value, list):
        return [_without_nan(own) for own in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
