"""Tables in memory: pandas, polars, and whatever offers an Arrow stream."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import duckdb

from rules.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence

LIBRARIES: Final = {"pandas": "pandas", "polars": "polars", "pyarrow": "arrow"}


class _ArrowStream:
    """The Arrow stream of a table and nothing else, so that DuckDB reads every library's tables in the same way."""

    def __init__(self, table: Any) -> None:  # noqa: ANN401  the protocol is all that is known of it
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def read_frame(connection: duckdb.DuckDBPyConnection, frame: Any) -> str:  # noqa: ANN401  any library's table
    """Copy a frame into the table `dataset`, in its order; returns the name of its format.

    In pandas NaN means "no value"; in polars and Arrow it is a number that is none, and null means "no value".
    Raises DatasetError when it is not a frame, or its columns are not distinct texts.
    """
    library = LIBRARIES.get(type(frame).__module__.split(".")[0])
    if library != "pandas" and not hasattr(frame, "__arrow_c_stream__"):
        if hasattr(frame, "collect"):
            raise DatasetError(
                f"The dataset must be a table in memory, but got a {type(frame).__name__}, which is a plan of one. "
                "Give what its collect() returns."
            )
        raise DatasetError(
            "The dataset must be a path, or a pandas, polars or Arrow table, "
            f"but got a value of type {type(frame).__name__!r}."
        )
    check_names(_names(frame))
    view: object = frame if library == "pandas" else _ArrowStream(frame)
    try:
        connection.register("frame", view)
        connection.execute("CREATE OR REPLACE TABLE dataset AS FROM frame")
        connection.unregister("frame")
    except duckdb.Error as error:
        raise DatasetError(f"The frame must hold plain columns, but DuckDB cannot read it: {error}.") from None
    return library or "arrow"


def _names(frame: Any) -> Sequence[object]:  # noqa: ANN401  any library's table
    names = getattr(frame, "column_names", None)
    return list(names if isinstance(names, list) else getattr(frame, "columns", ()))


def check_names(names: Sequence[object]) -> None:
    """Raises DatasetError unless the names are distinct texts."""
    for name in names:
        if not isinstance(name, str):
            raise DatasetError(
                f"Column names must be text, but one is {name!r}, a {type(name).__name__}. "
                "With pandas: frame.columns = frame.columns.map(str)."
            )
    twice = next((name for name, times in Counter(names).items() if times > 1), None)
    if twice is not None:
        raise DatasetError(f"Column names must be distinct, but {twice!r} occurs twice. Rename one of the two.")
