"""In-memory tables: pandas, polars, Hugging Face datasets, and others with an Arrow stream."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import duckdb

from recommender.dataset.readers.distinct_names import distinct_names
from recommender.dataset.sql import quoted
from rules.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence

LIBRARIES: Final = {"pandas": "pandas", "polars": "polars", "pyarrow": "arrow"}


class ArrowStream:
    """Wrapper with only the Arrow stream of a table, so that DuckDB reads tables of all libraries in the same way."""

    def __init__(self, table: Any) -> None:  # noqa: ANN401  only the protocol is known
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def read_frame(connection: duckdb.DuckDBPyConnection, frame: Any) -> str:  # noqa: ANN401  any library's table
    """Copy a frame into the table `dataset`, in its order; return the name of its format.

    NaN means missing in pandas; in polars and Arrow it is a value, and null means missing.
    Raises DatasetError if it is not a frame, or its column names are not distinct text.
    """
    library = LIBRARIES.get(type(frame).__module__.split(".")[0])
    if library != "pandas" and not hasattr(frame, "__arrow_c_stream__"):
        if hasattr(frame, "collect"):
            raise DatasetError(
                f"The dataset must be an in-memory table, but got a {type(frame).__name__}, which is a query plan. "
                "Use the result of its collect()."
            )
        raise DatasetError(
            "The dataset must be a path, a URL, or a pandas, polars, Arrow or Hugging Face table, "
            f"but got a value of type {type(frame).__name__!r}."
        )
    given = _names(frame)
    check_names(given)
    names = ", ".join(quoted(name) for name in distinct_names([str(name) for name in given]))
    view = ArrowStream(arrow_of_pandas(frame) if library == "pandas" else frame)
    try:
        connection.register("frame", view)
        connection.execute(
            f"CREATE OR REPLACE TABLE dataset AS FROM frame AS frame({names})"
            if names
            else "CREATE OR REPLACE TABLE dataset AS FROM frame"
        )
        connection.unregister("frame")
    except duckdb.Error as error:
        raise DatasetError(f"The frame must have plain columns, but DuckDB cannot read it: {error}.") from None
    return library or "arrow"


def is_hugging_face(frame: object) -> bool:
    """Whether a value is a dataset of the library `datasets`, which we do not import."""
    return type(frame).__module__.split(".")[0] == "datasets"


def arrow_of_hugging_face(dataset: Any) -> Any:  # noqa: ANN401  the library is not imported
    """Arrow table of a Hugging Face dataset, with the names of its class labels, of which -1 is missing.

    Raises DatasetError on a dictionary of splits, and on a dataset that is streamed.
    """
    import pyarrow as pa  # noqa: PLC0415  only frames need it
    import pyarrow.compute as pc  # noqa: PLC0415  as above

    if isinstance(dataset, dict):
        splits = ", ".join(map(repr, dataset))
        raise DatasetError(
            f"The dataset must be one table, but got a {type(dataset).__name__} with the splits {splits}. Give one of "
            f"them, such as dataset[{next(iter(dataset), 'train')!r}]."
        )
    if not hasattr(dataset, "with_format") or not hasattr(dataset, "num_rows"):
        raise DatasetError(
            f"The dataset must be a table in memory or on disk, but got a {type(dataset).__name__}, which is streamed. "
            "Load it with streaming=False."
        )
    table = dataset.with_format("arrow")[:]
    for place, (name, feature) in enumerate(dataset.features.items()):
        if type(feature).__name__ == "ClassLabel":
            codes = table.column(name).combine_chunks()
            known = pc.if_else(pc.greater_equal(codes, 0), codes, None).cast(pa.int32())
            table = table.set_column(place, name, pa.DictionaryArray.from_arrays(known, pa.array(feature.names)))
    return table


def categorical_columns(frame: Any) -> frozenset[str]:  # noqa: ANN401  any library's table
    """Categorical columns of a pandas, polars or Arrow table; none for tables of other libraries."""
    names, schema = _names(frame), getattr(frame, "schema", None)
    if hasattr(frame, "dtypes"):
        types = [str(kind) for kind in frame.dtypes]
    else:
        types = [str(kind) for kind in getattr(schema, "types", ())]
    if len(types) != len(names):
        return frozenset()
    return frozenset(str(name) for name, kind in zip(names, types, strict=True) if kind.startswith(CATEGORICAL))


CATEGORICAL: Final = ("category", "Categorical", "Enum", "dictionary")
"""Prefixes of the names of categorical types in pandas, polars and Arrow."""


def arrow_of_pandas(frame: Any) -> Any:  # noqa: ANN401  pandas and Arrow are imported by the caller
    """Arrow table of a pandas frame, which preserves the values of object columns.

    Raises DatasetError if a column has values that are not plain.
    """
    import pyarrow as pa  # noqa: PLC0415  only frames need it

    if not len(frame.columns):
        raise DatasetError("The frame must have columns and rows, but it has no columns.")
    columns = {name: _arrow_column(frame[name], name) for name in frame.columns}
    return pa.table(columns)


def _arrow_column(series: Any, name: str) -> Any:  # noqa: ANN401  as above
    import pyarrow as pa  # noqa: PLC0415  as above

    kind = str(series.dtype)
    if (refused := next((one for one in NOT_PLAIN if kind.startswith(one)), None)) is not None:
        what, fix = NOT_PLAIN[refused]
        raise _not_plain(name, what, fix.format(f"frame[{name!r}]"))
    if kind == "object":
        return _arrow_objects(series, name)
    if kind.startswith("period"):
        series = series.dt.to_timestamp()
    elif kind.startswith("Sparse"):
        series = series.sparse.to_dense()
    elif kind == "float16":
        series = series.astype("float32")
    return pa.array(series, from_pandas=True)


def _arrow_objects(series: Any, name: str) -> Any:  # noqa: ANN401  as above
    """Column of Python objects: as their type if there is only one, otherwise as text."""
    import pyarrow as pa  # noqa: PLC0415  as above

    values = series.tolist()
    missing = series.isna().tolist()
    kinds = {type(value).__name__ for value, is_missing in zip(values, missing, strict=True) if not is_missing}
    if kinds <= PERIODS:
        return pa.array([None if gone else one.to_timestamp() for one, gone in zip(values, missing, strict=True)])
    if strange := sorted(kinds - PLAIN_TYPES):
        convert = NOT_PLAIN["timedelta"][1] if strange[0].lower() == "timedelta" else AS_TEXT
        raise _not_plain(name, f"values of type {strange[0]}", convert.format(f"frame[{name!r}]"))
    if len(kinds) <= 1 or kinds <= INTEGERS | FLOATS or kinds <= {"datetime", "Timestamp"}:
        try:
            return pa.array(values, from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            pass  # integers beyond 64 bits or the precision of a double are kept as text
    return pa.array(
        [None if is_missing else str(value) for value, is_missing in zip(values, missing, strict=True)], pa.string()
    )


AS_TEXT: Final = "{0} = {0}.astype(str), or remove the column"
NOT_PLAIN: Final = {
    "timedelta": ("durations", "{0} = pandas.to_timedelta({0}).dt.total_seconds()"),
    "interval": ("intervals", AS_TEXT),
    "complex": ("complex numbers", "store {0}.map(lambda z: z.real) and z.imag in separate columns"),
}
"""Prefixes of the names of unsupported dtypes: their content, and how to convert it."""
INTEGERS: Final = frozenset({"int", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))})
FLOATS: Final = frozenset({"float", "float32", "float64"})
PERIODS: Final = frozenset({"Period"})
PLAIN_TYPES: Final = (
    INTEGERS | FLOATS | {"str", "str_", "bool", "bool_", "Decimal", "date", "datetime", "Timestamp", "time", "UUID"}
)
"""Types of values of an object column, which may be mixed."""


def _not_plain(name: str, what: str, fix: str) -> DatasetError:
    return DatasetError(f"All columns of a frame must have plain values, but {name!r} has {what}. Convert it: {fix}.")


def _names(frame: Any) -> Sequence[object]:  # noqa: ANN401  any library's table
    names = getattr(frame, "column_names", None)
    return list(names if isinstance(names, list) else getattr(frame, "columns", ()))


def check_names(names: Sequence[object]) -> None:
    """Raise DatasetError unless the names are distinct text."""
    for name in names:
        if not isinstance(name, str):
            raise DatasetError(
                f"Column names must be text, but one is {name!r}, a {type(name).__name__}. "
                "In pandas, use frame.columns = frame.columns.map(str)."
            )
    twice = next((name for name, times in Counter(names).items() if times > 1), None)
    if twice is not None:
        raise DatasetError(f"Column names must be distinct, but {twice!r} occurs twice. Rename one of them.")
