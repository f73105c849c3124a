"""Predictions for new rows: checked against the signature of the model, in the dataset's own terms."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from executor.data.labels import LabelType, label_type
from executor.data.lag_table import empty_ahead, future_rows, next_times, rows_of_shortest
from executor.data.read_rows import fetch_columns
from executor.data.regular_steps import fill_missing_steps
from executor.data.time_zones import to_zone, zone_of
from executor.model.keras_file import predict_rows
from executor.model.new_rows import open_rows, read_new_rows
from executor.model.prediction_columns import FILE, Names, free_name, prediction_columns, prediction_names, step_columns
from recommender.dataset.readers.table import DELIMITERS
from recommender.dataset.sql import BLOB, category_text, is_integer, quoted
from recommender.profile.guardrails.pictures import remarks
from recommender.profile.guardrails.readings import quoted_exceptions
from rules.errors import ColumnError, PcwatError, RunError, did_you_mean
from rules.text.wording import counted, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import keras

    from executor.data.raw_table import RawTable
    from executor.model.signature import Signature
    from recommender.dataset.dataset import Dataset
    from rules.decision.request import Unreadable

STEPS: Final = "steps after the last row"  # the column that stands for the time of a forecast where it cannot be told
MAX_NAMED: Final = 5  # rows that a sentence names
DECIMALS: Final = 9  # of a number that stands for a time: more come from adding up floats


def predict(
    model: Callable[[], keras.Model],
    signature: Signature,
    data: object,
    *,
    delimiter: str | None = None,
    ignore_extra: bool = False,
    key: str | Sequence[str] = (),
    say: Callable[[str], None] = warnings.warn,
    unreadable: Unreadable = "refuse",
    as_text: bool = False,
) -> pa.Table:
    """Predict every row of a table; of a series, the steps after its last row, each with its time.

    model: returns the opened model; called once the rows are known to fit the signature.
    The rows keep their order. Of image files, the column `file` says which image each row is.
    key: columns of the rows that are written first, as they are; the model need not know them.
    say: receives a sentence where a series is shorter than what the model looks back to, images were left out, future
    values are missing, or a column of predictions has another name because its own is taken.
    unreadable: what is done about image files that cannot be read.
    as_text: labels as text files spell them, and not in their own type.
    Raises ColumnError on missing, extra or retyped columns, and on a key that is no column.
    """
    keys = (key,) if isinstance(key, str) else tuple(dict.fromkeys(key))
    opened = open_rows(signature, data, delimiter=delimiter, unreadable=unreadable, keys=keys)
    with nullcontext(opened) if opened is data else opened as dataset:
        if signature.image is not None:
            dataset.rename_images(signature.image.name)
        _check_keys(signature, dataset, keys)
        is_folder = dataset.format in {"folder", "archive"}  # whose columns are not of the user's making
        with dataset.name_failing_columns():
            rows = read_new_rows(signature, dataset, ignore_extra=ignore_extra or is_folder, keys=keys)
        source = None if dataset.images is None else dataset.images.source
        zone = zone_of(dataset, signature.time_column)
        located = _keys(dataset, keys)
        if signature.sequences is not None and signature.sequences.by not in keys:
            located |= _names(dataset, signature.sequences.by, as_text=as_text)
        entity = signature.entity_column
        series = label_type(dataset, entity) if entity is not None and entity in dataset.storage else LabelType()
        _report_exceptions(signature, dataset, say)
    for sentence in () if source is None else remarks(source):
        say(sentence)
    if signature.windows is None:
        if source is not None:
            located[free_name(FILE, located)] = np.array(source.files, dtype=object)
        names = prediction_names(signature, taken=located)
        _report_changed(names, say)
        outcome = _outcome(model, signature, rows)
        return pa.table({**located, **prediction_columns(signature, outcome, names, as_text=as_text)})
    past = fill_missing_steps(rows, signature.windows.regular)
    steps = future_rows(past, signature.windows)
    if (shortest := rows_of_shortest(rows)) < signature.windows.lookback:
        say(
            f"The model looks back {signature.windows.lookback} steps, but the {'shortest ' * (len(steps) > 1)}series "
            f"has {shortest} rows: what lies before counts as unknown. Give more of the past for a better forecast."
        )
    for name, empty in empty_ahead(past, signature.windows).items():
        _report_empty(name, empty, len(steps) * signature.windows.horizon, say)
    if steps.entity is not None:
        names_of_series = steps.entity.repeat(signature.windows.horizon)
        located[str(signature.entity_column)] = (
            names_of_series if as_text else series.to_arrow(names_of_series.tolist())
        )
    located |= _step_times(signature, rows, steps, zone, taken=located)
    names = prediction_names(signature, taken=located, outputs=signature.targets)
    _report_changed(names, say)
    outcome = _outcome(model, signature, steps)
    return pa.table({**located, **step_columns(signature, outcome, names)})


def _outcome(model: Callable[[], keras.Model], signature: Signature, rows: RawTable) -> np.ndarray:
    """Compute the outputs of the model, (rows, outputs). Raises RunError where its graph cannot be computed."""
    opened = model()
    try:
        return predict_rows(opened, signature, rows)
    except PcwatError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(
            f"The model cannot compute predictions for these rows: {reason}. Restore the files of the run from a copy, "
            "or train again."
        ) from error


def _check_keys(signature: Signature, dataset: Dataset, keys: Sequence[str]) -> None:
    """Raise ColumnError unless each key is a column whose values can be written beside the predictions."""
    if keys and signature.windows is not None:
        raise ColumnError(
            f"A forecast has a row for each step ahead, which no row of {dataset.name} stands for, but got the key "
            f"{keys[0]!r}. Leave --key out: the time and the series are written with each prediction."
        )
    for name in keys:
        if name not in dataset.columns:
            raise ColumnError(
                f"A key must be a column of the rows to predict, but {dataset.name} has no column {name!r}."
                f"{did_you_mean(name, dataset.columns)} Columns: {', '.join(dataset.columns)}."
            )
        if dataset.storage[name] == BLOB:
            raise ColumnError(f"A key must be a column of plain values, but {name!r} holds arrays. Choose another one.")


def _keys(dataset: Dataset, keys: Sequence[str]) -> dict[str, np.ndarray | pa.ChunkedArray]:
    """The columns that identify rows, as the file or frame has them and in the rows' order."""
    if not keys:
        return {}
    # Rows without an image are left out of the dataset, and not of what was kept of it.
    is_kept = {*keys} <= {*dataset.kept} and _rows(dataset, "kept") == dataset.row_count
    is_text = dataset.format in DELIMITERS
    cells = [f"nullif({quoted(name)}, '')" if is_kept and is_text else quoted(name) for name in keys]
    columns = ", ".join(f"{cell} AS k{number}" for number, cell in enumerate(cells))
    found = dataset.connection.sql(f"SELECT {columns} FROM {'kept' if is_kept else 'dataset'}")  # noqa: S608  quoted
    return dict(zip(keys, found.to_arrow_table().columns, strict=True))


def _rows(dataset: Dataset, table: str) -> int:
    return int(dataset.connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])  # noqa: S608  a name of ours


def _report_exceptions(signature: Signature, dataset: Dataset, say: Callable[[str], None]) -> None:
    """Report values that are no numbers and count as missing, as others did in training."""
    trained = [column.name for column in signature.columns if column.reading is not None and column.reading.exceptions]
    found = {name: dataset.notes[name].exceptions for name in trained if name in dataset.notes}
    for name, exceptions in found.items():
        if exceptions is not None:
            verbs = "is no number and counts" if exceptions.count == 1 else "are no numbers and count"
            say(
                f"{counted(exceptions.count, 'value')} of {name!r} {verbs} as missing, as others did in training. "
                f"{quoted_exceptions(exceptions)}"
            )


def _report_empty(name: str, empty: np.ndarray, ahead: int, say: Callable[[str], None]) -> None:
    """Report the rows in which a column known in advance is empty; raise ColumnError where it is in all.

    empty: as `executor.data.lag_table.empty_ahead` gives them. ahead: steps ahead of all series together.
    """
    numbers = np.sort(empty[empty >= 0]) + 1
    rows = listed([f"{row:,}" for row in numbers], most=MAX_NAMED)
    where = f" ({'row' if len(numbers) == 1 else 'rows'} {rows})" if len(numbers) else ""
    if len(empty) == ahead:
        raise ColumnError(
            f"Column {name!r} is known in advance in this model, so the rows ahead must have its values, but "
            f"{'the only one is' if ahead == 1 else f'all {ahead:,} are'} empty{where}. Fill them in, or train without "
            f"--known {name}."
        )
    say(
        f"Column {name!r} is known in advance in this model, but {len(empty):,} of its {ahead:,} values at the steps "
        f"ahead {'is' if len(empty) == 1 else 'are'} empty{where} and "
        f"{'counts' if len(empty) == 1 else 'count'} as missing. Fill them in for a better forecast."
    )


def _report_changed(names: Names, say: Callable[[str], None]) -> None:
    for name, free in names.changed:
        say(f"Another column is called {name!r}: the model's column of that name is called {free!r}.")


def _names(dataset: Dataset, by: str, *, as_text: bool) -> dict[str, np.ndarray | pa.Array]:
    """The column that names each sequence, beside its prediction."""
    (names,) = fetch_columns(dataset, [category_text(by, dataset.storage[by])])
    return {by: names if as_text else label_type(dataset, by).to_arrow(names.tolist())}


def _times(signature: Signature, rows: RawTable, steps: RawTable) -> np.ndarray:
    """The time of each step ahead of each entity, (entities · horizon,)."""
    if steps.time is None or rows.time is None or signature.windows is None:
        raise ValueError("only rows with a time are continued in time")
    times = [steps.time]
    while len(times) < signature.windows.horizon:
        times.append(next_times(times[-1], rows.time, signature.windows))
    return np.column_stack(times).ravel()


def _step_times(
    signature: Signature, rows: RawTable, steps: RawTable, zone: str | None, *, taken: Iterable[str]
) -> dict[str, np.ndarray | pa.Array]:
    """The time for which each forecast is, in its own column; or how many steps it lies ahead.

    zone: that of the rows; None where their times have none. taken: names of other columns.
    """
    name = signature.time_column
    windows = signature.windows
    if name is None or steps.time is None or windows is None or windows.regular is None:
        return {free_name(STEPS, taken): np.tile(np.arange(1, (windows.horizon if windows else 1) + 1), len(steps))}
    time = _times(signature, rows, steps)
    if steps.has_clock and zone is not None:
        return {name: to_zone(time, zone)}
    if steps.has_clock:
        stamps = time.astype("M8[s]")
        days = stamps.astype("M8[D]")
        return {name: days if (days == stamps).all() else stamps}
    storage = next(column.storage for column in signature.columns if column.name == name)
    rounded = time.round(DECIMALS)
    return {name: rounded.astype(np.int64) if is_integer(storage) and (rounded % 1 == 0).all() else rounded}
