"""Rows of dataclasses whose fields are arrays: selection, concatenation, evenly spaced samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from executor.data.stored_rows import StoredArray, StoredColumns

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import DataclassInstance

    Record = TypeVar("Record", bound=DataclassInstance)


def map_arrays(record: Record, function: Callable[[Any], Any]) -> Record:
    """Return a copy with a function applied to each array, also to those in mappings; other fields stay as they are.

    An array is what has a shape: of NumPy, a tensor, or rows that are read when they are used.
    """

    def mapped(value: object) -> object:
        if isinstance(value, Mapping) and not isinstance(value, StoredColumns):
            return {name: mapped(own) for name, own in value.items()}
        return function(value) if hasattr(value, "shape") or isinstance(value, StoredColumns) else value

    return replace(record, **{field.name: mapped(getattr(record, field.name)) for field in fields(record)})


def take_rows(record: Record, rows: np.ndarray | slice) -> Record:
    """Return some rows of each array; rows: (n,) indices, a mask of all rows, or a slice."""
    return map_arrays(record, lambda own: own.take(rows) if isinstance(own, StoredColumns) else own[rows])


def join_rows(upper: Record, lower: Record) -> Record:
    """Return the rows of two records, one below the other; an array that one of them lacks becomes None.

    What is no array is that of the upper record.
    """

    def joined(first: object, second: Any) -> object:  # noqa: ANN401  of the kind of the first
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            return {name: joined(own, second[name]) for name, own in first.items()}
        if not hasattr(first, "shape"):
            return first
        if second is None:
            return None
        return first.joined(second) if isinstance(first, StoredArray) else np.concatenate([first, second])

    return replace(
        upper, **{field.name: joined(getattr(upper, field.name), getattr(lower, field.name)) for field in fields(upper)}
    )


def evenly_spaced(rows: int, most: int) -> np.ndarray:
    """Indices of at most `most` of some rows, from the first to the last, (n,) int64.

    >>> evenly_spaced(7, 3).tolist()
    [0, 3, 6]
    """
    return np.linspace(0, rows - 1, min(rows, most)).astype(np.int64)
