"""Arrays, frames and targets as columns of an Arrow table."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from executor.model.prediction_columns import free_name
from recommender.dataset.readers.formats.frame import arrow_of_pandas
from rules.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from sklearn.base import BaseEstimator


@contextmanager
def value_errors() -> Iterator[None]:
    """Raise errors of the data as ValueError, as scikit-learn expects."""
    try:
        yield
    except DatasetError as error:
        raise ValueError(str(error)) from error


def require_targets(truth: object, estimator: BaseEstimator) -> None:
    """Raise ValueError unless there are labels or targets."""
    if truth is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None.")


def target_names(table: pa.Table, truth: object, several: int) -> list[str]:
    """Names of targets: those of `truth` where it has names, otherwise "target"; no column of the table has them."""
    used = {*table.column_names}
    name = getattr(truth, "name", None)
    own = [name] if isinstance(name, str) else column_names(truth)
    wanted = own if len(own) == several else ["target"] if several == 1 else [f"target{at}" for at in range(several)]
    names: list[str] = []
    for one in wanted:
        names.append(free_name(one, used))
        used.add(names[-1])
    return names


def is_array(data: object) -> bool:
    """Whether data are an array or a list, not a table with columns."""
    return not column_names(data)


def column_names(table: object) -> list[str]:
    """Names of the columns of a pandas, polars or Arrow table; none unless all are text."""
    names = getattr(table, "column_names", None)
    names = names if isinstance(names, list) else list(getattr(table, "columns", ()))
    return names if all(isinstance(name, str) for name in names) else []


def arrow_table(frame: Any) -> pa.Table:  # noqa: ANN401  any kind of table
    if isinstance(frame, pa.Table):
        return frame
    if type(frame).__module__.split(".")[0] == "pandas":
        return arrow_of_pandas(frame)
    return pa.table(frame)


def array_column(values: np.ndarray) -> pa.Array:
    """A column of an array; objects of several types become text."""
    if values.dtype.kind != "O":
        return pa.array(values, from_pandas=True)
    try:
        return pa.array(values.tolist(), from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if value is None or value != value else str(value) for value in values])  # noqa: PLR0124  NaN
