"""Files with several tables, whose values have their own types: which table, and its columns as `dataset`."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from recommender.dataset.readers.distinct_names import distinct_names
from recommender.dataset.sql import quoted
from rules.errors import DatasetError, did_you_mean
from rules.text.wording import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

Mixed = dict[str, tuple[tuple[str, int], ...]]
"""Columns with values of several types: each type with its first row."""

MAX_NAMED: Final = 10  # tables in a message
MAX_INTEGER: Final = 2**63  # of BIGINT
EXACT: Final = 2**53  # integers that a double represents exactly
NAMES: Final = {int: "a number", float: "a number", bool: "true or false", str: "a text"}


def choose_table(names: Sequence[str], path: object, wanted: str | None, *, kind: str = "table", what: str = "") -> str:
    """The table that was named, or the only one of at least one.

    path: the file or server in messages. kind: what it calls a table. what: " sheets with values" after the number of
    tables.
    Raises DatasetError if there is no table of the name, or there are several and none was named.
    """
    if wanted is not None:
        if wanted not in names:
            raise DatasetError(f"{path} has no {kind} {wanted!r}.{did_you_mean(wanted, names)}")
        return wanted
    if len(names) > 1:
        raise DatasetError(
            f"A dataset is one table, but {path} has {len(names)}{what}: "
            f"{listed([repr(name) for name in names], most=MAX_NAMED)}. Give one with --table, such as "
            f"--table {names[0]!r}."
        )
    return names[0]


def load_columns(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], columns: Sequence[Sequence[object]]
) -> Mixed:
    """Create the table `dataset` of columns of numbers, text, booleans, dates and times; None is missing.

    A column with values of several types is text. Returns these columns, each type with its first row, from 1.
    """
    mixed: Mixed = {}
    arrays = []
    distinct = distinct_names(names)
    for name, values in zip(distinct, columns, strict=True):
        first: dict[str, int] = {}
        for row, value in enumerate(values, start=1):
            if value is not None:
                first.setdefault(NAMES.get(type(value), "a date"), row)
        if len(first) > 1:
            mixed[name] = tuple(first.items())
        arrays.append(_array(values, is_mixed=len(first) > 1))
    table = pa.Table.from_arrays(arrays, names=[str(place) for place in range(len(distinct))])
    listed = ", ".join(map(quoted, distinct))
    connection.register("columns", table)
    connection.execute(f"CREATE OR REPLACE TABLE dataset AS FROM columns AS columns({listed})")
    connection.unregister("columns")
    return mixed


def _array(values: Sequence[object], *, is_mixed: bool) -> pa.Array:
    if is_mixed:
        return pa.array([None if value is None else as_text(value) for value in values], pa.string())
    known = [value for value in values if value is not None]
    kinds = {type(value) for value in known}
    if kinds <= {int, float} and kinds and all(_is_integer(value) for value in known):
        return pa.array([None if value is None else int(value) for value in values], pa.int64())  # type: ignore[call-overload]
    if kinds <= {int, float} and kinds:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())  # type: ignore[arg-type]
    if kinds == {dt.date, dt.datetime}:
        return pa.array([_at_midnight(value) for value in values], pa.timestamp("us"))
    return pa.array(values, pa.string() if not kinds else None)


def _is_integer(value: object) -> bool:
    if isinstance(value, int):
        return -MAX_INTEGER <= value < MAX_INTEGER
    return isinstance(value, float) and value.is_integer() and abs(value) <= EXACT


def _at_midnight(value: object) -> object:
    is_date = isinstance(value, dt.date) and not isinstance(value, dt.datetime)
    return dt.datetime.combine(value, dt.time()) if is_date else value  # type: ignore[arg-type]


def as_text(value: object) -> str:
    """A value as text: numbers without a trailing .0, booleans as in SQL.

    >>> as_text(5.0), as_text(True), as_text("5")
    ('5', 'true', '5')
    """
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
