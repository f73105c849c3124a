"""Raw rows of a dataset, read with SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from executor.data.images import ROWS_READ, ImageArray
from executor.data.raw_table import ARRAYS, Form, RawTable, form_of
from executor.data.stored_rows import StoredColumn, StoredColumns
from recommender.dataset.sql import category_text, chunks, is_number, quoted, time_stamp
from recommender.planning.training_memory import NUMBER_BYTES
from rules.errors import TargetError
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from executor.data.stored_rows import RowCache
    from recommender.dataset.dataset import Dataset
    from recommender.roles.roles import Roles


def read_rows(dataset: Dataset, roles: Roles, cache: RowCache | None = None) -> RawTable:
    """Read the rows with a known target.

    Of a series all rows with a time stamp are read: a row without a target is still a step in time (its truth is NaN).
    Rows with weight 0 are left out. cache: where the features are written; None to read them into memory.
    Raises TargetError if no row is left.
    """
    forms = {name: form_of(roles.columns[name].kind, dataset.storage[name]) for name in roles.features}
    if roles.task is Task.FORECASTING:
        kept = [roles.time_column] if roles.time_column is not None else []
    else:
        kept = list(roles.targets)
    tests = [f"{quoted(name)} IS NOT NULL" for name in kept]
    tests += [] if roles.weight_column is None else [f"{quoted(roles.weight_column)} > 0"]
    where = " AND ".join(tests) or "TRUE"
    (rows,) = fetch_columns(dataset, ["rowid"], where)
    if len(rows) == 0:
        raise TargetError(
            f"The target must be known in some rows, but {', '.join(map(repr, roles.targets))} "
            f"{'are' if len(roles.targets) > 1 else 'is'} empty in all {dataset.row_count} rows. Choose another target."
        )
    truth, label_pairs = _truth(dataset, roles, where)
    time, has_clock = read_time(dataset, roles.time_column, where)
    return RawTable(
        features=read_columns(dataset, forms, where) if cache is None else _store_columns(dataset, forms, where, cache),
        forms=forms,
        rows=rows.astype(np.int64),
        truth=truth,
        label_pairs=label_pairs,
        time=time,
        has_clock=has_clock,
        entity=read_names(dataset, roles.entity_column, where, cache),
        part=read_names(dataset, roles.split_column, where, cache),
        weight=None
        if roles.weight_column is None
        else read_columns(dataset, {roles.weight_column: Form.NUMBER}, where)[roles.weight_column],
    )


def read_columns(dataset: Dataset, forms: Mapping[str, Form], where: str = "TRUE") -> dict[str, np.ndarray]:
    """Read columns in their forms, for the rows that meet the SQL condition, in file order."""
    plain = {name: form for name, form in forms.items() if form not in ARRAYS}
    values = fetch_columns(
        dataset, [sql_expression(name, dataset.storage[name], form) for name, form in plain.items()], where
    )
    found: dict[str, Any] = dict(zip(plain, values, strict=True))
    for name in forms.keys() - plain.keys():
        read = _read_images if forms[name] is Form.IMAGE else _read_sequences
        found[name] = read(dataset, name, where)
    return {name: found[name] for name in forms}


def _store_columns(dataset: Dataset, forms: Mapping[str, Form], where: str, cache: RowCache) -> StoredColumns:
    """Write columns of numbers, times and categories to disk, for the rows that meet the SQL condition."""
    (rows,) = dataset.connection.execute(f"SELECT count(*) FROM dataset WHERE {where}").fetchall()[0]  # noqa: S608  quoted
    found: dict[str, StoredColumn] = {}
    for names in chunks([*forms]):
        expressions = [sql_expression(name, dataset.storage[name], forms[name]) for name in names]
        columns = ", ".join(f"{value} AS v{number}" for number, value in enumerate(expressions))
        query = dataset.connection.sql(f"SELECT {columns} FROM dataset WHERE {where}")  # noqa: S608  quoted
        batches = query.to_arrow_reader(cache.rows_of(NUMBER_BYTES * len(names)))
        known: list[dict[str, int]] = [{} for _ in names]
        parts = ([_numbers(values, own) for values, own in zip(batch.columns, known, strict=True)] for batch in batches)
        for name, own, values in zip(names, known, cache.write(rows, parts), strict=True):
            categories = np.array([*own], dtype=object) if forms[name] is Form.LEVEL else None
            found[name] = StoredColumn(values=values, categories=categories)
    return StoredColumns(columns=found, cache=cache, count=rows)


def _numbers(values: pa.Array, known: dict[str, int]) -> np.ndarray:
    """Numbers of a column, or the indices of its texts among the known ones, which new ones join."""
    if not pa.types.is_string(values.type):
        return np.asarray(values.to_numpy(zero_copy_only=False), np.float64)
    texts = values.dictionary_encode()
    places = [known.setdefault(text, len(known)) for text in texts.dictionary.to_pylist()]
    return np.take(np.asarray(places, np.int32), np.asarray(texts.indices))


def _read_images(dataset: Dataset, name: str, where: str) -> ImageArray:
    """Read a column of images, for the rows that meet the SQL condition, in file order."""
    if dataset.images is None:
        raise ValueError("a column of images needs their shape")
    shape = dataset.images.shape
    connection = dataset.connection
    (rows,) = connection.execute(f"SELECT count(*) FROM dataset WHERE {where}").fetchall()[0]  # noqa: S608  quoted
    cells = connection.execute(f"SELECT {quoted(name)} FROM dataset WHERE {where}")  # noqa: S608  quoted
    parts = (
        np.frombuffer(b"".join(cell for (cell,) in some), np.uint8).reshape(-1, *shape)
        for some in iter(lambda: cells.fetchmany(ROWS_READ), [])
    )
    return ImageArray.of((rows, *shape), parts)


def _read_sequences(dataset: Dataset, name: str, where: str) -> np.ndarray:
    """Read a column of sequences: (rows, steps, channels) float32, NaN after the end of each."""
    from recommender.dataset.readers.formats.sequences import numbers_of  # noqa: PLC0415  Arrow, which tables do without

    if dataset.sequences is None:
        raise ValueError("a column of sequences needs their channels")
    cells = dataset.connection.execute(f"SELECT {quoted(name)} FROM dataset WHERE {where}").fetchall()  # noqa: S608  quoted
    return numbers_of([cell for (cell,) in cells], dataset.sequences.channels)


def sql_expression(name: str, storage: str, form: Form) -> str:
    """SQL expression that reads a column in a form; values that cannot be converted are missing."""
    if form is Form.NUMBER:
        return f"coalesce(TRY_CAST({quoted(name)} AS DOUBLE), 'NaN'::DOUBLE)"
    if form is Form.TIME:
        return f"coalesce(epoch({time_stamp(name, storage)}), 'NaN'::DOUBLE)"
    return f"coalesce({category_text(name, storage)}, '')"


def fetch_columns(dataset: Dataset, expressions: Sequence[str], where: str = "TRUE") -> list[np.ndarray]:
    """Fetch SQL expressions that are never NULL, each (rows,), in file order."""
    found: list[np.ndarray] = []
    for some in chunks(expressions):
        # Own names, because column names may differ only in case, and NumPy's dictionary would keep one of them.
        columns = ", ".join(f"{value} AS v{number}" for number, value in enumerate(some))
        # DuckDB keeps the order of insertion through a filter, so no sort is needed.
        arrays = dataset.connection.execute(f"SELECT {columns} FROM dataset WHERE {where}").fetchnumpy()  # noqa: S608  identifiers are quoted
        found += [np.ma.getdata(arrays[f"v{number}"]) for number in range(len(some))]
    return found


def _truth(dataset: Dataset, roles: Roles, where: str) -> tuple[np.ndarray, dict[str, tuple[str, str]]]:
    """Read the targets as RawTable.truth, and the negative and positive text of several labels."""
    label_pairs: dict[str, tuple[str, str]] = {}
    if roles.task in {Task.BINARY, Task.MULTICLASS}:
        index = _index_in(roles.labels, category_text(roles.targets[0], dataset.storage[roles.targets[0]]))
        (classes,) = fetch_columns(dataset, [index], where)
        return classes.astype(np.int64), label_pairs
    if roles.task is Task.MULTILABEL:
        label_pairs = {name: _negative_and_positive(dataset, name) for name in roles.targets}
        indices = [_index_in(label_pairs[name], category_text(name, dataset.storage[name])) for name in roles.targets]
        return np.column_stack(fetch_columns(dataset, indices, where)).astype(np.int64), label_pairs
    values = fetch_columns(
        dataset, [sql_expression(name, dataset.storage[name], Form.NUMBER) for name in roles.targets], where
    )
    return np.column_stack(values).astype(np.float64), label_pairs


def _index_in(labels: Sequence[str], text: str) -> str:
    """SQL of the index of a text among labels, from 0; an unknown label is an internal error."""
    names = ", ".join("'" + label.replace("'", "''") + "'" for label in labels)
    return f"coalesce(list_position([{names}], {text}) - 1, error('a class that is not among the labels'))"


def _negative_and_positive(dataset: Dataset, name: str) -> tuple[str, str]:
    """Find the negative and the positive text of a label: the greater one is positive (0 and 1, false and true).

    Raises TargetError unless there are exactly two.
    """
    text = category_text(name, dataset.storage[name])
    order = quoted(name) if is_number(dataset.storage[name]) else f"lower({text})"
    found = dataset.connection.execute(
        f"SELECT {text} FROM dataset WHERE {quoted(name)} IS NOT NULL "  # noqa: S608  quoted
        f"GROUP BY 1 ORDER BY min({order}) LIMIT 3"
    ).fetchall()
    if len(found) != 2:  # noqa: PLR2004  negative and positive
        raise TargetError(
            f"A label of a multilabel task must have two values, but {name!r} has "
            f"{'more than two' if len(found) > 1 else 'only one'}. Leave it out, or predict it on its own."
        )
    return str(found[0][0]), str(found[1][0])


def read_time(dataset: Dataset, name: str | None, where: str = "TRUE") -> tuple[np.ndarray | None, bool]:
    """Read the order of rows, and whether it is a time stamp; file order where some value is not readable."""
    if name is None:
        return None, False
    form = Form.NUMBER if is_number(dataset.storage[name]) else Form.TIME
    values, order = fetch_columns(dataset, [sql_expression(name, dataset.storage[name], form), "rowid"], where)
    if np.isnan(values).any():
        return order.astype(np.float64), False
    return values.astype(np.float64), form is Form.TIME


def read_names(
    dataset: Dataset, name: str | None, where: str = "TRUE", cache: RowCache | None = None
) -> np.ndarray | None:
    """Read a column as text, (rows,) str objects, "" where missing; None without a column.

    cache: through which equal texts become one object; None where memory does not matter.
    """
    if name is None:
        return None
    if cache is not None:
        return _store_columns(dataset, {name: Form.LEVEL}, where, cache)[name]
    (values,) = fetch_columns(dataset, [sql_expression(name, dataset.storage[name], Form.LEVEL)], where)
    return values
