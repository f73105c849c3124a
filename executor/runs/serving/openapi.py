"""OpenAPI schema of a server, generated from the signature of its run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from executor.data.raw_table import Form
from executor.model.prediction_columns import prediction_names
from executor.runs.serving.array_rows import BASE64_KEY, contents_of
from executor.runs.serving.limits import CSV, FORM, JSON, NPZ
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
ERRORS: Final = {
    "406": "The Accept header names neither application/json nor text/csv.",
    "413": "The body is larger than the limit.",
    "415": "The body is of another media type.",
    "422": "The body is not valid, or its rows do not fit the model; the message names column and row.",
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
    bodies: dict[str, Any] = {
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
        FORM: {
            "schema": {
                "type": "object",
                "properties": {
                    "file": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": limits.rows,
                        "items": {"type": "string", "contentMediaType": "image/*"},
                        "description": "Image files, one for each row. Fields may have any name.",
                    }
                },
            }
        },
        NPZ: {
            "schema": {
                "type": "string",
                "contentMediaType": NPZ,
                "description": "An .npz with the arrays of the training, as numpy.savez writes it.",
            }
        },
    }
    body = {content: bodies[content] for content in contents_of(signature)}
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
    if signature.windows is not None:
        return [quantiles]
    return [key] if signature.sets is None else [key, *SETS]


SETS: Final = (
    {
        "name": "sets",
        "in": "query",
        "description": "Whether each prediction has the column set: classes that contain the true one.",
        "schema": {"type": "boolean", "default": False},
    },
    {
        "name": "coverage",
        "in": "query",
        "description": "Share of rows whose set contains the true class, in steps of 0.01; with sets=true.",
        "schema": {"type": "number", "minimum": 0.5, "maximum": 0.99, "default": 0.9},
    },
    {
        "name": "by_class",
        "in": "query",
        "description": "Whether the sets cover each class, not only all rows on average; with sets=true.",
        "schema": {"type": "boolean", "default": False},
    },
)


def _description(signature: Signature, limits: Limits) -> str:
    has_arrays = CSV not in contents_of(signature)
    targets = _text(listed(signature.targets, most=MAX_CATEGORIES))
    rows = "the history of the series" if signature.windows is not None else "rows"
    return (
        f"Predicts {targets} ({signature.task}) from {rows}. A body may have {counted(limits.rows, 'row')} and "
        f"{counted(limits.body_bytes, 'byte')}; a prediction may take {limits.seconds:g} s."
        + (f" Images, sequences and .npz may have {limits.values:,} pixels, numbers or bytes." if has_arrays else "")
    )


def _property(column: Column, known: KnownValues) -> dict[str, Any]:
    """Schema of the values of a column; empty cells are null."""
    if column.form is Form.IMAGE:
        return _IMAGE
    if column.form is Form.SEQUENCE:
        return _sequence(column.shape[-1])
    kind, what = _type(column)
    categories = [word for word in known.categories.get(column.name, ()) if word]
    if categories:
        shown = listed([repr(word[:MAX_CHARACTERS]) for word in categories], most=MAX_CATEGORIES)
        what += f" Categories of the training: {shown}. Other categories are allowed."
    found: dict[str, Any] = {"type": [*kind, "null"], "description": _text(what)}
    if (example := known.example(column)) is not None:
        found["examples"] = [example]
    return found


_BASE64: Final = {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/*"}
_IMAGE: Final = {
    "oneOf": [_BASE64, {"type": "object", "required": [BASE64_KEY], "properties": {BASE64_KEY: _BASE64}}],
    "description": "The content of an image file in base64. Images of other sizes than those of the training are "
    "resized.",
}


def _sequence(channels: int) -> dict[str, Any]:
    """Schema of a sequence of numbers: a list of steps."""
    number = {"type": ["number", "null"]}
    step = {"type": "array", "items": number, "minItems": channels, "maxItems": channels}
    return {
        "type": "array",
        "minItems": 1,
        "items": step if channels > 1 else {"oneOf": [number, step]},
        "description": f"Steps of {counted(channels, 'number')} each.",
    }


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
    properties |= {"set": {"type": "array"}} if signature.sets is not None else {}
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
