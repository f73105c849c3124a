"""Example row and known categories, from the layers of the model: a run keeps no rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from executor.data.raw_table import Form
from executor.layers.numbers import ColumnLayer, Numbers
from executor.layers.words import CategoryLayer
from recommender.dataset.sql import is_integer, is_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import keras

    from executor.model.signature import Column, Signature


@dataclass(frozen=True, kw_only=True)
class KnownValues:
    """What a model knows of the values of its columns.

    medians: of columns of numbers. categories: of columns of categories, the most frequent first.
    """

    medians: Mapping[str, float] = field(default_factory=dict)
    categories: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def example(self, column: Column) -> object:
        """A typical value of a column; None where none is known."""
        if column.form is Form.NUMBER:
            return _number(column, self.medians.get(column.name))
        if known := [word for word in self.categories.get(column.name, ()) if word]:
            return int(known[0]) if is_integer(column.storage) and known[0].lstrip("-").isdigit() else known[0]
        return None


def _number(column: Column, median: float | None) -> object:
    if column.storage == "BOOLEAN":
        return True
    if median is None or not np.isfinite(median):
        return 0 if is_number(column.storage) else None
    return round(median) if is_integer(column.storage) else float(f"{median:.6g}")


def known_values(signature: Signature, model: keras.Model) -> KnownValues:
    """Read the medians and the categories of the layers of a model."""
    medians: dict[str, float] = {}
    categories: dict[str, Sequence[str]] = {}
    read = {column.name for column in signature.columns}
    for layer, columns in _column_layers(signature, model):
        if isinstance(layer, Numbers):
            medians |= dict(zip(columns, layer.center, strict=False))
        elif isinstance(layer, CategoryLayer):
            categories |= dict(zip(columns, layer.levels, strict=False))
    return KnownValues(
        medians={name: value for name, value in medians.items() if name in read},
        categories={name: own for name, own in categories.items() if name in read},
    )


def _column_layers(signature: Signature, model: keras.Model) -> Iterator[tuple[ColumnLayer, list[str]]]:
    """The layers that read raw columns, each with the columns."""
    columns = {entry.name: entry.columns for entry in signature.inputs}
    for layer in model.layers:
        if isinstance(layer, ColumnLayer):
            tensors = layer.input if isinstance(layer.input, list | tuple) else [layer.input]
            yield layer, [name for tensor in tensors for name in columns.get(tensor.name, ())]
