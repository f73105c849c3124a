"""OpenAPI schema of a server, generated from the signature of its run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from executor.data.raw_table import Form
from executor.model.prediction_columns import prediction_names
from recommender.dataset.sql import is_integer, is_number
from rules import __version__
from rules.text.html import html_text
from rules.text.wording import counted, listed
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.model.signature import Column, Signature
    from executor.runs.serving.known_values import KnownValues
    from executor.runs.serving.limits import Limits

MAX_CATEGORIES: Final = 20  # of a column in its description
MAX_CHARACTERS: Final = 60  # of a category in a description
JSON, CSV = "application/json", "text/csv"
ERRORS: Final = {
    "406": "The Accept header names neither application/json nor text/csv.",
    "413": "The body is larger than the limit.",
    "415": "The body is neither application/json nor text/csv.",
    "422": "The body is not valid JSON or CSV, or its rows do not fit the model; the message names column and row.",
    "503": "The model is not loaded yet, or too many requests are waiting.",
    "504": "The prediction took longer than the limit.",
}


def openapi_schema(signature: Signature, known: KnownValues, limits: Limits) -> dict[str, Any]:
    """The OpenAPI 3.1 schema. Names and values of the run are escaped where they are in text."""
    properties = {column.name: _property(column, known) for column in signature.columns}
    row = {
        "type": "object",
        "required": [*properties],
        "properties": properties,
        "example": {column.name: known.example(column) for column in signature.columns},
    }
    columns = {
        "type": "object",
        "required": [*properties],
        "properties": {name: {"type": "array", "items": own} for name, own in properties.items()},
    }
    body = {
        JSON: {
            "schema": {
                "oneOf": [
                    {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": limits.rows,
                        "items": {"$ref": "#/components/schemas/Row"},
                    },
                    {"$ref": "#/components/schemas/Columns"},
                ]
            },
            "example": [row["example"]],
        },
        CSV: {"schema": {"type": "string", "description": "A header line with the names of the columns, and rows."}},
    }
    responses = {
        "200": {
            "description": "Predictions in the order of the rows.",
            "content": {JSON: {"schema": _answer(signature)}, CSV: {"schema": {"type": "string"}}},
        }
    } | {status: _error(text) for status, text in ERRORS.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "pcwat", "version": __version__, "description": _description(signature, limits)},
        "paths": {
            "/predict": {
                "post": {
                    "summary": "Predict rows.",
                    "operationId": "predict",
                    "parameters": _parameters(signature),
                    "requestBody": {"required": True, "content": body},
                    "responses": responses,
                }
            },
            "/health": _get("The process responds.", "health"),
            "/ready": _get("The model is loaded.", "ready", {"503": _error("The model is not loaded yet.")}),
            "/metrics": _get("Metrics in the text format of Prometheus.", "metrics"),
        },
        "components": {"schemas": {"Row": row, "Columns": columns, "Error": _ERROR}},
    }


_ERROR: Final = {"type": "object", "required": ["detail"], "properties": {"detail": {"type": "string"}}}


def _error(text: str) -> dict[str, Any]:
    return {"description": text, "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}}


def _get(text: str, name: str, others: dict[str, Any] | None = None) -> dict[str, Any]:
    responses = {"200": {"description": text}} | (others or {})
    return {"get": {"summary": text, "operationId": name, "responses": responses}}


def _parameters(signature: Signature) -> list[dict[str, Any]]:
    """Parameters of the query."""
    key = {
        "name": "key",
        "in": "query",
        "description": "Column that is copied to the predictions; repeatable.",
        "schema": {"type": "array", "items": {"type": "string"}},
    }
    quantiles = {
        "name": "quantiles",
        "in": "query",
        "description": "Whether a forecast has the columns quantile 0.1 to quantile 0.9.",
        "schema": {"type": "boolean", "default": False},
    }
    return [key] if signature.windows is None else [quantiles]


def _description(signature: Signature, limits: Limits) -> str:
    targets = _text(listed(signature.targets, most=MAX_CATEGORIES))
    rows = "the history of the series" if signature.windows is not None else "rows"
    return (
        f"Predicts {targets} ({signature.task}) from {rows}. A body may have {counted(limits.rows, 'row')} and "
        f"{counted(limits.body_bytes, 'byte')}; a prediction may take {limits.seconds:g} s."
    )


def _property(column: Column, known: KnownValues) -> dict[str, Any]:
    """Schema of the values of a column; empty cells are null."""
    kind, what = _type(column)
    categories = [word for word in known.categories.get(column.name, ()) if word]
    if categories:
        shown = listed([repr(word[:MAX_CHARACTERS]) for word in categories], most=MAX_CATEGORIES)
        what += f" Categories of the training: {shown}. Other categories are allowed."
    found: dict[str, Any] = {"type": [*kind, "null"], "description": _text(what)}
    if (example := known.example(column)) is not None:
        found["examples"] = [example]
    return found


def _type(column: Column) -> tuple[list[str], str]:
    """JSON types of a column, and its description."""
    if column.form is Form.TIME:
        format_of = None if column.reading is None else column.reading.time
        shown = "" if format_of is None else f", in the format {format_of.description}"
        return ["string", "number"], f"A date or time{shown}."
    if column.storage == "BOOLEAN":
        return ["boolean"], "True or false."
    if column.form is Form.NUMBER:
        return (["integer", "number"] if is_integer(column.storage) else ["number"]), "A finite number."
    if is_number(column.storage):
        return ["integer", "number"], "A number that stands for a category."
    return ["string"], "A text." if column.form is Form.TEXT else "A category."


def _text(text: str) -> str:
    """Names and values in a description, which viewers render as Markdown and HTML."""
    return html_text(text).replace("[", "&#91;").replace("`", "&#96;")


def _answer(signature: Signature) -> dict[str, Any]:
    """Schema of the predictions of a request with rows."""
    outputs = signature.targets if signature.windows is not None else None
    names = prediction_names(signature, outputs=outputs)
    number = {"type": ["number", "null"]}
    has_numbers = signature.task in {Task.REGRESSION, Task.FORECASTING}
    properties: dict[str, Any] = {name: number if has_numbers else {} for name in names.prediction}
    properties |= dict.fromkeys(names.probability, number)
    if signature.intervals is not None and signature.intervals.half_widths:
        properties |= dict.fromkeys((*names.low, *names.high), number)
    row = {"type": "object", "properties": properties}
    by_column = {"type": "object", "additionalProperties": {"type": "array"}}
    return {
        "type": "object",
        "required": ["predictions", "warnings"],
        "properties": {
            "predictions": {"oneOf": [{"type": "array", "items": row}, by_column]},
            "warnings": {"type": "array", "items": {"type": "string"}},
        },
    }
