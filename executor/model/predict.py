"""Prediction of new rows, with labels, probabilities and intervals as columns."""

from __future__ import annotations

import math
import warnings
from contextlib import closing, nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from executor.data.labels import LabelType, label_type
from executor.data.read_rows import fetch_columns
from executor.data.series.lag_table import empty_ahead, future_rows, next_times, rows_of_shortest
from executor.data.series.regular_steps import fill_missing_steps
from executor.data.time_zones import to_zone, zone_of
from executor.model.calibration.conformal_sets import PERCENTS
from executor.model.prediction_columns import (
    FILE,
    Names,
    class_shares,
    free_name,
    interval_groups,
    prediction_columns,
    prediction_names,
    set_column,
    step_columns,
)
from executor.model.validate_rows import PartsOfWords, open_rows, read_new_rows
from recommender.dataset.address import LocalPath, address_of
from recommender.dataset.dataset import open_connection
from recommender.dataset.readers.row_parts import find_parts
from recommender.dataset.readers.table import DELIMITERS
from recommender.dataset.readers.types.settle import MAX_QUOTED, Exceptions
from recommender.dataset.sql import BLOB, category_text, is_integer, quoted
from recommender.profile.guardrails.images import remarks
from recommender.profile.guardrails.readings import quoted_exceptions
from rules.errors import ColumnError, DatasetError, PcwatError, RunError, did_you_mean
from rules.text.wording import counted, listed
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from executor.data.raw_table import RawTable
    from executor.model.signature import Signature
    from recommender.dataset.dataset import Dataset
    from recommender.dataset.readers.row_parts import RowParts
    from rules.decision.request import Unreadable

STEPS: Final = "steps after the last row"  # column of a forecast where its time is unknown
MAX_NAMED: Final = 5  # rows in a message
DECIMALS: Final = 9  # of numeric times; more are rounding errors of sums


def predict(
    compute: Callable[[RawTable], np.ndarray],
    signature: Signature,
    data: object,
    *,
    delimiter: str | None = None,
    table: str | None = None,
    ignore_extra: bool = False,
    key: str | Sequence[str] = (),
    say: Callable[[str], None] = warnings.warn,
    unreadable: Unreadable = "refuse",
    as_text: bool = False,
    quantiles: bool = False,
    coverage: float | None = None,
    by_class: bool = False,
    report_exceptions: Callable[[Mapping[str, Exceptions]], None] | None = None,
    words: PartsOfWords | None = None,
) -> pa.Table:
    """Predict every row of a table, or the steps after the last row of a series, each with its time.

    The rows keep their order. Predictions of image files have a column `file`.

    compute: function from validated rows to the outputs of the model, (rows, outputs). key: columns of the rows that
    are copied to the output. say: receives warnings: a series shorter than the model's window, skipped images, missing
    future values, a renamed output column. unreadable: what to do with image files that cannot be read. as_text: write
    labels as text, not in their own type. quantiles: whether a forecast has columns of its quantiles. coverage: of the
    classes in the column `set`; None for no sets. by_class: whether the sets cover each class. report_exceptions:
    receives values that are not numbers and count as missing, by column; by default, say receives a sentence for each.
    words: columns of words in the parts of a table, of which data is one.

    Raises ColumnError on missing, extra or retyped columns, and on a key that is not a column; RunError on quantiles or
    sets of a model that has none.
    """
    levels = _levels(signature) if quantiles else ()
    members_of = None if coverage is None else class_sets(signature, coverage, by_class=by_class)
    keys = (key,) if isinstance(key, str) else tuple(dict.fromkeys(key))
    opened = open_rows(signature, data, delimiter=delimiter, table=table, unreadable=unreadable, keys=keys)
    with nullcontext(opened) if opened is data else opened as dataset:
        if signature.image is not None:
            dataset.rename_images(signature.image.name)
        _check_keys(signature, dataset, keys)
        is_folder = dataset.format in {"folder", "archive"}  # whose columns the user did not choose
        with dataset.name_failing_columns():
            rows = read_new_rows(signature, dataset, ignore_extra=ignore_extra or is_folder, keys=keys, parts=words)
        source = None if dataset.images is None else dataset.images.source
        zone = zone_of(dataset, signature.time_column)
        columns = _keys(dataset, keys)
        if signature.sequences is not None and signature.sequences.by not in keys:
            columns |= _names(dataset, signature.sequences.by, as_text=as_text)
        entity = signature.entity_column
        series = label_type(dataset, entity) if entity is not None and entity in dataset.storage else LabelType()
        (report_exceptions or partial(_report_exceptions, say=say))(_exceptions(signature, dataset))
    for sentence in () if source is None else remarks(source):
        say(sentence)
    if signature.windows is None:
        if source is not None:
            columns[free_name(FILE, columns)] = np.array(source.files, dtype=object)
        names = prediction_names(signature, taken=columns, has_sets=members_of is not None)
        _report_changed(names, say)
        outcome = outcome_of(compute, rows)
        columns |= prediction_columns(
            signature, outcome, names, as_text=as_text, groups=interval_groups(signature, rows)
        )
        if members_of is not None:
            members = members_of(class_shares(outcome, signature.task))
            columns[names.set[0]] = set_column(signature, members, as_text=as_text)
        return pa.table(columns)
    past = fill_missing_steps(rows, signature.windows.regular)
    steps = future_rows(past, signature.windows)
    if (shortest := rows_of_shortest(rows)) < signature.windows.lookback:
        say(
            f"The model reads {signature.windows.lookback} past steps, but the {'shortest ' * (len(steps) > 1)}series "
            f"has {shortest} rows; earlier values count as missing. Give more history for a better forecast."
        )
    for name, empty in empty_ahead(past, signature.windows).items():
        _report_empty(name, empty, len(steps) * signature.windows.horizon, say)
    if steps.entity is not None:
        names_of_series = steps.entity.repeat(signature.windows.horizon)
        columns[str(signature.entity_column)] = (
            names_of_series if as_text else series.to_arrow(names_of_series.tolist())
        )
    columns |= _step_times(signature, rows, steps, zone, taken=columns)
    names = prediction_names(signature, taken=columns, outputs=signature.targets, levels=levels)
    _report_changed(names, say)
    outcome = outcome_of(compute, steps)
    return pa.table({**columns, **step_columns(signature, outcome, names, spread=steps.spread)})


def find_row_parts(
    signature: Signature, data: object, *, delimiter: str | None = None, table: str | None = None
) -> RowParts | None:
    """Find the parts of a table whose rows are predicted independently of each other; None for any other data.

    Series, images and sequences are read whole, and so are rows for models of older versions, which infer the types of
    columns from all new rows.
    """
    is_apart = signature.windows is None and signature.image is None and signature.sequences is None
    if not is_apart or any(own.reading is None for own in signature.columns):
        return None
    try:
        address = address_of(data)
    except DatasetError:
        return None
    if not isinstance(address, LocalPath):
        return None
    return find_parts(address.path, delimiter=delimiter, table=table)


def predict_parts(
    compute: Callable[[RawTable], np.ndarray],
    signature: Signature,
    parts: RowParts,
    *,
    rows: int,
    say: Callable[[str], None],
    key: str | Sequence[str] = (),
    **options: Any,  # noqa: ANN401  those of predict
) -> Generator[pa.Table]:
    """Predict the rows of files in parts of `rows` rows, in their order; options as of `predict`.

    The parts together are the table of `predict`, to the bit, if compute takes batches of a size that divides rows.
    What say receives is said once for all parts, after the last one.
    """
    keys = (key,) if isinstance(key, str) else tuple(key)
    said: dict[str, None] = {}
    found: dict[str, Exceptions] = {}
    words = PartsOfWords()
    with open_connection() as connection, closing(parts.read(connection, rows)) as every:
        for part in every:
            with open_rows(signature, part, keys=keys) as dataset:
                predictions = predict(
                    compute,
                    signature,
                    dataset,
                    key=keys,
                    say=said.setdefault,
                    report_exceptions=partial(_collect, found, before=part.files.before),
                    words=words,
                    **options,
                )
            yield predictions
            files = replace(part.files, before=0)
    words.check()
    _report_exceptions(found, lambda sentence: say(files.with_files(sentence)))
    for sentence in said:
        say(sentence)


def _collect(found: dict[str, Exceptions], own: Mapping[str, Exceptions], *, before: int) -> None:
    """Add the exceptions of a part to those found. before: rows before the part."""
    for name, exceptions in own.items():
        earlier = found.get(name, Exceptions(count=0, quoted=()))
        rows = {value: row + before for row, value in exceptions.quoted} | {value: row for row, value in earlier.quoted}
        found[name] = Exceptions(
            count=earlier.count + exceptions.count,
            quoted=tuple(sorted((row, value) for value, row in rows.items())[:MAX_QUOTED]),
        )


def outcome_of(compute: Callable[[RawTable], np.ndarray], rows: RawTable) -> np.ndarray:
    """Compute the outputs of a model, (rows, outputs). Raises RunError if its graph fails."""
    try:
        return compute(rows)
    except PcwatError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(
            f"The model cannot compute predictions for these rows: {reason}. Restore the files of the run from a copy, "
            "or train again."
        ) from error


def class_sets(signature: Signature, coverage: float, *, by_class: bool = False) -> Callable[[np.ndarray], np.ndarray]:
    """Function from probabilities (rows, classes) to whether each class is in the set of the row, (rows, classes) bool.

    Raises RunError unless the model has sets of this coverage.
    """
    found = signature.sets
    if found is None:
        has_classes = signature.task in {Task.BINARY, Task.MULTICLASS}
        reason = (
            "an older version of pcwat trained it. Train it again"
            if has_classes
            else f"the task is {signature.task}. Leave the sets out"
        )
        raise RunError(f"Prediction sets need a model of two or more classes that was trained with them, but {reason}.")
    percent = round(100 * coverage)
    if percent not in PERCENTS or not math.isclose(100 * coverage, percent):
        raise RunError(
            f"The coverage of prediction sets must be 0.5 to 0.99 in steps of 0.01, but got {coverage:g}. Choose "
            "another coverage."
        )
    return lambda shares: found.sets(shares, percent=percent, by_class=by_class)


def _levels(signature: Signature) -> tuple[float, ...]:
    """Levels of the quantiles of a forecast. Raises RunError where it has none."""
    found = signature.quantiles
    if signature.windows is None:
        reason = f"the task is {signature.task}. Leave --quantiles out"
    elif found is None:
        reason = "an older version of pcwat trained it. Train it again, or leave --quantiles out"
    elif not found.is_measured:
        reason = f"{found.reason_missing}. Collect more rows, or leave --quantiles out"
    else:
        return found.levels
    raise RunError(f"Quantiles need a forecast that was trained with them, but {reason}.")


def _check_keys(signature: Signature, dataset: Dataset, keys: Sequence[str]) -> None:
    """Raise ColumnError unless each key is a column whose values can be written next to the predictions."""
    if keys and signature.windows is not None:
        raise ColumnError(
            f"A forecast has new rows, so it has no keys, but got the key {keys[0]!r}. Leave --key out: the time and "
            "the series are written with each prediction."
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
    """Read the columns that identify rows, with their original values."""
    if not keys:
        return {}
    # Rows without an image are missing in the dataset, but not in its kept columns.
    is_kept = {*keys} <= {*dataset.kept} and _rows(dataset, "kept") == dataset.row_count
    is_text = dataset.format in DELIMITERS
    cells = [f"nullif({quoted(name)}, '')" if is_kept and is_text else quoted(name) for name in keys]
    columns = ", ".join(f"{cell} AS k{number}" for number, cell in enumerate(cells))
    found = dataset.connection.sql(f"SELECT {columns} FROM {'kept' if is_kept else 'dataset'}")  # noqa: S608  quoted
    return dict(zip(keys, found.to_arrow_table().columns, strict=True))


def _rows(dataset: Dataset, table: str) -> int:
    return int(dataset.connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])  # noqa: S608  own name


def _exceptions(signature: Signature, dataset: Dataset) -> dict[str, Exceptions]:
    """Values that are not numbers and count as missing, by column that also had some in training."""
    trained = [column.name for column in signature.columns if column.reading is not None and column.reading.exceptions]
    found = {name: dataset.notes[name].exceptions for name in trained if name in dataset.notes}
    return {name: exceptions for name, exceptions in found.items() if exceptions is not None}


def _report_exceptions(found: Mapping[str, Exceptions], say: Callable[[str], None]) -> None:
    """Report values that are not numbers and count as missing, as in training."""
    for name, exceptions in found.items():
        verbs = "is not a number and counts" if exceptions.count == 1 else "are not numbers and count"
        say(
            f"{counted(exceptions.count, 'value')} of {name!r} {verbs} as missing, as in training. "
            f"{quoted_exceptions(exceptions)}"
        )


def _report_empty(name: str, empty: np.ndarray, ahead: int, say: Callable[[str], None]) -> None:
    """Report rows in which a column known in advance is empty. Raises ColumnError where it is empty in all.

    empty: from `executor.data.series.lag_table.empty_ahead`. ahead: number of steps ahead of all series.
    """
    numbers = np.sort(empty[empty >= 0]) + 1
    rows = listed([f"{row:,}" for row in numbers], most=MAX_NAMED)
    where = f" ({'row' if len(numbers) == 1 else 'rows'} {rows})" if len(numbers) else ""
    if len(empty) == ahead:
        raise ColumnError(
            f"Column {name!r} is known in advance, so the rows ahead must have its values, but "
            f"{'the only one is' if ahead == 1 else f'all {ahead:,} are'} empty{where}. Fill them in, or train without "
            f"--known {name}."
        )
    say(
        f"Column {name!r} is known in advance, but {len(empty):,} of its {ahead:,} values at the steps ahead "
        f"{'is' if len(empty) == 1 else 'are'} empty{where} and "
        f"{'counts' if len(empty) == 1 else 'count'} as missing. Fill them in for a better forecast."
    )


def _report_changed(names: Names, say: Callable[[str], None]) -> None:
    for name, free in names.changed:
        say(f"The output has a column {name!r} already, so the column of the model is called {free!r}.")


def _names(dataset: Dataset, by: str, *, as_text: bool) -> dict[str, np.ndarray | pa.Array]:
    """Read the name of each sequence."""
    (names,) = fetch_columns(dataset, [category_text(by, dataset.storage[by])])
    return {by: names if as_text else label_type(dataset, by).to_arrow(names.tolist())}


def _times(signature: Signature, rows: RawTable, steps: RawTable) -> np.ndarray:
    """Compute the time of each step ahead of each entity, (entities · horizon,)."""
    if steps.time is None or rows.time is None or signature.windows is None:
        raise ValueError("only rows with a time are continued in time")
    times = [steps.time]
    while len(times) < signature.windows.horizon:
        times.append(next_times(times[-1], rows.time, signature.windows))
    return np.column_stack(times).ravel()


def _step_times(
    signature: Signature, rows: RawTable, steps: RawTable, zone: str | None, *, taken: Iterable[str]
) -> dict[str, np.ndarray | pa.Array]:
    """Create the column with the time of each forecast, or with the number of steps ahead.

    zone: time zone of the rows, or None. taken: names of other columns.
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
