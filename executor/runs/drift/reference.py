"""Reference of a run: distributions of its training rows and of its predictions on the hold-out, without rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from executor.data.raw_table import ARRAYS, Form
from executor.data.row_arrays import evenly_spaced
from executor.model.prediction_columns import names_in_file
from recommender.profile.characteristics.drift import PART_ROWS
from recommender.profile.characteristics.images import COMPARED_CELLS
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from executor.data.raw_table import RawTable
    from executor.model.signature import Signature

MAX_BINS: Final = 50  # per distribution of numbers; a binned distance is at most 0.02 smaller
MIN_BIN_ROWS: Final = 10  # rows of a bin and of a named category, so that a run holds no rare value
MAX_CATEGORIES: Final = 100  # per column; the others are counted together

Statistic: TypeAlias = Literal["value", "length", "mean", "spread", "brightness", "contrast"]


class NumberDistribution(BaseModel):
    """Distribution of numbers in bins between quantiles.

    edges: inner quantiles; a bin contains its upper edge. counts: rows of each bin, one more than edges. missing: rows
    without a value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["number"] = "number"
    column: str
    statistic: Statistic
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    missing: int


class CategoryDistribution(BaseModel):
    """Distribution of categories.

    counts: rows of each frequent category. others, distinct_others: rows and number of all other categories. missing:
    rows without a value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["category"] = "category"
    column: str
    statistic: Literal["value"] = "value"
    counts: dict[str, int]
    others: int
    distinct_others: int
    missing: int


Distribution: TypeAlias = Annotated[NumberDistribution | CategoryDistribution, Field(discriminator="kind")]


class Reference(BaseModel):
    """The file reference.json. Rows are those of the samples that were counted."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal["pcwat/reference/1"] = "pcwat/reference/1"
    rows: int
    """Training and validation rows."""
    columns: tuple[Distribution, ...]
    hold_out_rows: int
    predictions: tuple[Distribution, ...]


def create_reference(training: RawTable, predictions: Mapping[str, np.ndarray], signature: Signature) -> Reference:
    """Count the distributions of training rows and of the predictions on the hold-out.

    training: training and validation rows. predictions: columns of predictions.csv.
    """
    columns = tuple(distribution(*one) for one in row_statistics(training))
    outputs = prediction_statistics(predictions, signature)
    return Reference(
        rows=len(training),
        columns=columns,
        hold_out_rows=len(next(iter(outputs.values()))),
        predictions=tuple(distribution(name, "value", sample(values)) for name, values in outputs.items()),
    )


def sample(values: np.ndarray) -> np.ndarray:
    """At most PART_ROWS of some values, evenly spaced."""
    return np.asarray(values[evenly_spaced(len(values), PART_ROWS)])


def distribution(column: str, statistic: Statistic, values: np.ndarray) -> NumberDistribution | CategoryDistribution:
    """Distribution of the values of a column; numbers are float64, categories are text, "" where missing."""
    if values.dtype == object:
        return _of_categories(column, values)
    known = values[np.isfinite(values)]
    bins = min(MAX_BINS, max(1, len(known) // MIN_BIN_ROWS))
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    edges = np.unique(np.quantile(known, inner, method="inverted_cdf")) if len(known) else np.zeros(0)
    return NumberDistribution(
        column=column,
        statistic=statistic,
        edges=tuple(edges.tolist()),
        counts=tuple(bin_counts(edges, known).tolist()),
        missing=len(values) - len(known),
    )


def _of_categories(column: str, values: np.ndarray) -> CategoryDistribution:
    found = count_categories(values)
    frequent = [name for name, count in found.items() if count >= MIN_BIN_ROWS]
    named = sorted(frequent, key=lambda name: -found[name])[:MAX_CATEGORIES]
    return CategoryDistribution(
        column=column,
        counts={name: found[name] for name in named},
        others=sum(found.values()) - sum(found[name] for name in named),
        distinct_others=len(found) - len(named),
        missing=len(values) - sum(found.values()),
    )


def count_categories(values: np.ndarray) -> dict[str, int]:
    """Number of rows of each category; empty text is missing and is not counted.

    >>> count_categories(np.array(["b", "", "a", "b"], object))
    {'a': 1, 'b': 2}
    """
    names, counts = np.unique(values.astype(str), return_counts=True)
    return {str(name): int(count) for name, count in zip(names, counts, strict=True) if name}


def bin_counts(edges: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Count finite numbers between edges, (edges + 1,); a bin contains its upper edge.

    >>> bin_counts(np.array([1.0, 2.0]), np.array([0.5, 1.0, 1.5, 9.0])).tolist()
    [2, 1, 1]
    """
    return np.asarray(np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1))


def row_statistics(rows: RawTable) -> list[tuple[str, Statistic, np.ndarray]]:
    """Column, statistic and values of what is compared of each column that a model reads, on evenly spaced rows.

    Numbers, times and categories are compared themselves; texts and sequences of letters by their length; images by
    brightness and contrast; sequences of numbers by length, mean and spread.
    """
    found: list[tuple[str, Statistic, np.ndarray]] = []
    for name, form in rows.forms.items():
        values = rows.features[name]
        most = COMPARED_CELLS if form in ARRAYS else PART_ROWS
        some = values[evenly_spaced(len(values), most)]
        if form is Form.IMAGE:
            pixels = [np.asarray(some[np.array([row])], np.float64) for row in range(len(some))]
            found.append((name, "brightness", np.array([one.mean() for one in pixels])))
            found.append((name, "contrast", np.array([one.std() for one in pixels])))
        elif form is Form.SEQUENCE:
            found += _of_sequences(name, np.asarray(some, np.float64))
        elif form in {Form.TEXT, Form.LETTERS}:
            found.append((name, "length", np.array([len(text) or np.nan for text in some], np.float64)))
        else:
            found.append((name, "value", some))
    return found


def _of_sequences(name: str, cells: np.ndarray) -> list[tuple[str, Statistic, np.ndarray]]:
    """Length, mean and spread of sequences, (rows, steps, channels) with NaN after the end."""
    known = [cell[~np.isnan(cell)] for cell in cells]
    empty = np.array([len(one) == 0 for one in known])
    lengths = (~np.isnan(cells).all(axis=2)).sum(axis=1).astype(np.float64)
    measured = {
        "mean": np.array([one.mean() if len(one) else np.nan for one in known]),
        "spread": np.array([one.std() if len(one) else np.nan for one in known]),
    }
    lengths[empty] = np.nan
    return [(name, "length", lengths), (name, "mean", measured["mean"]), (name, "spread", measured["spread"])]


def prediction_statistics(predictions: Mapping[str, np.ndarray], signature: Signature) -> dict[str, np.ndarray]:
    """Predicted classes as text, probabilities, and numbers, by their names in predictions.csv.

    Of a binary task, only the probability of the second class: the other one is its complement.
    """
    names = names_in_file(signature)
    probabilities = names.probability[1:] if signature.task is Task.BINARY else names.probability
    found = {name: np.asarray(predictions[name], np.float64) for name in probabilities}
    for name in names.prediction:
        is_text = signature.task.is_classification
        found[name] = np.asarray(predictions[name], object if is_text else np.float64)
    return found
