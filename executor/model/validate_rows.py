"""New rows, validated against the model's signature and read like training rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.data.raw_table import Form, RawTable
from executor.data.read_rows import fetch_columns, read_columns, read_names, read_time
from recommender.dataset.dataset import Dataset
from recommender.dataset.readers.formats.arrays import Images
from recommender.dataset.sql import chunks, is_number, is_text, quoted, time_stamp
from rules.decision.request import ImageReading
from rules.errors import ColumnError, did_you_mean
from rules.text.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.model.signature import Column, Signature
    from recommender.dataset.readers.formats.sequences import Sequences
    from rules.decision.request import SequenceReading, Unreadable

EXTRA_REMEDY: Final = (
    "Remove them, ignore them with --ignore-extra, or write one that identifies the rows next to the predictions with "
    "--key"
)
WORDS: Final = "words"  # that a column must hold, in an error
MAX_NAMED: Final = 5  # columns that an error names


@dataclass(frozen=True, kw_only=True)
class PartsOfWords:
    """Columns of words in the parts of a table: all values of a part may look like numbers, but not those of the table.

    known: columns with a word in some part. numbers: error about a part that has only numbers, by column.
    """

    known: set[str] = field(default_factory=set)
    numbers: dict[str, ColumnError] = field(default_factory=dict)

    def check(self) -> None:
        """Raise ColumnError if a column has only numbers in all parts."""
        for name, error in self.numbers.items():
            if name not in self.known:
                raise error


def read_new_rows(
    signature: Signature,
    dataset: Dataset,
    *,
    ignore_extra: bool = False,
    keys: Sequence[str] = (),
    where: str = "TRUE",
    parts: PartsOfWords | None = None,
) -> RawTable:
    """Read rows of a dataset for the model, in file order; all of them by default.

    Of a series these are the rows of its history with a time; `executor.data.series.lag_table.future_rows` creates the
    rows to predict from them.

    ignore_extra: whether columns that were not in training are ignored. keys: columns that are always permitted.
    where: SQL condition of the rows that are read. parts: those of the table of which the dataset is one.
    Raises ColumnError on missing, extra or retyped columns, and on infinite values.
    """
    check_names(signature, dataset, ignore_extra=ignore_extra, keys=keys)
    check_readable(signature, dataset, parts)
    forms = {column.name: column.form for column in signature.columns}
    is_series = signature.windows is not None
    apart = {signature.time_column, signature.entity_column, *signature.targets} if is_series else set()
    if is_series and signature.time_column:
        where = f"{where} AND {quoted(signature.time_column)} IS NOT NULL"
    time, has_clock = read_time(dataset, signature.time_column, where) if is_series else (None, False)
    return RawTable(
        features=read_columns(dataset, {name: form for name, form in forms.items() if name not in apart}, where),
        forms={name: form for name, form in forms.items() if name not in apart},
        rows=fetch_columns(dataset, ["rowid"], where)[0],
        truth=_past(signature, dataset, where) if is_series else None,
        time=time,
        has_clock=has_clock,
        entity=read_names(dataset, signature.entity_column, where) if is_series else None,
    )


def _past(signature: Signature, dataset: Dataset, where: str) -> np.ndarray:
    values = read_columns(dataset, dict.fromkeys(signature.targets, Form.NUMBER), where)
    return np.column_stack([values[target] for target in signature.targets])


def check_names(
    signature: Signature,
    dataset: Dataset,
    *,
    ignore_extra: bool = False,
    keys: Sequence[str] = (),
    what: str = "The rows to predict",
    extra_remedy: str = EXTRA_REMEDY,
) -> None:
    """Raise ColumnError on missing columns, and on extra ones unless they are ignored.

    what: the rows, as the errors call them. extra_remedy: what to do about extra columns.
    """
    required = [column.name for column in signature.columns]
    had, has = {*required, *signature.known, *keys}, {*dataset.columns}
    missing = [name for name in required if name not in has]
    extra = [name for name in dataset.columns if name not in had]
    if missing:
        raise ColumnError(
            f"{what} must have all columns of the training, but {dataset.name} lacks "
            f"{_quote_names(missing)}.{did_you_mean(missing[0], extra).replace('Did you mean', 'Is it called')} "
            "Add or rename columns; empty cells are allowed."
        )
    if extra and not ignore_extra:
        raise ColumnError(
            f"{what} must have only columns of the training, but {dataset.name} also has "
            f"{_quote_names(extra)}.{did_you_mean(extra[0], required)} {extra_remedy}."
        )


def _quote_names(names: list[str]) -> str:
    """Quote at most MAX_NAMED names."""
    shown = ", ".join(repr(name) for name in names[:MAX_NAMED])
    return f"{shown} and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else shown


def check_readable(signature: Signature, dataset: Dataset, parts: PartsOfWords | None = None) -> None:
    """Check that columns can be read as in training. Raises ColumnError with the first row and value.

    parts: receives the errors about columns of words with only numbers.
    """
    wanted = {}
    tests = {}
    for column in signature.columns:
        if column.form is Form.IMAGE:
            _check_images(column, dataset)
            continue
        if column.form is Form.SEQUENCE:
            _check_sequences(column, dataset)
            continue
        wanted[column.name], test = _unreadable(column, dataset.storage[column.name])
        if test:
            tests[column.name] = f"min(rowid) FILTER (WHERE {quoted(column.name)} IS NOT NULL AND {test})"
    for names in chunks([*tests]):
        query = f"SELECT {', '.join(tests[name] for name in names)} FROM dataset"  # noqa: S608  quoted
        (rows,) = dataset.connection.execute(query).fetchall()
        for name, row in zip(names, rows, strict=True):
            if row is not None:
                value = f"SELECT CAST({quoted(name)} AS VARCHAR) FROM dataset WHERE rowid = ?"  # noqa: S608  quoted
                (found,) = dataset.connection.execute(value, [row]).fetchall()
                message = dataset.with_files(
                    f"Column {name!r} must hold {wanted[name]}, as it did in training, but {dataset.name} has "
                    f"{found[0]!r} in row {row + 1:,}. Correct the value, or leave the cell empty if it is unknown."
                )
                if parts is None or wanted[name] != WORDS or is_number(dataset.storage[name]):
                    raise ColumnError(message)
                parts.numbers.setdefault(name, ColumnError(message))
            elif parts is not None and wanted[name] == WORDS and _has_values(dataset, name):
                parts.known.add(name)


def _has_values(dataset: Dataset, name: str) -> bool:
    found = dataset.connection.execute(f"SELECT count({quoted(name)}) FROM dataset").fetchall()  # noqa: S608  quoted
    return bool(found[0][0])


def _check_images(column: Column, dataset: Dataset) -> None:
    """Raise ColumnError unless a column has images of the training's shape."""
    found = dataset.images
    if found is None or found.name != column.name or found.shape != column.shape:
        height, width, channels = column.shape
        expected = Images(name=column.name, height=height, width=width, channels=channels)
        has = "no images there" if found is None or found.name != column.name else f"images of {found}"
        raise ColumnError(
            f"Column {column.name!r} must hold images of {expected}, as it did in training, but {dataset.name} has "
            f"{has}. Resize the images, or give them as files, which are resized when they are read."
        )
    if found.value_range is not None and found.value_range != column.value_range:
        low, high = found.value_range
        raise ColumnError(
            f"Column {column.name!r} held 8-bit images in training, but {dataset.name} has images of more "
            f"bits, with values of {low:g} to {high:g}. Convert them to 8 bits as the training images were."
        )


def _check_sequences(column: Column, dataset: Dataset) -> None:
    """Raise ColumnError unless a column has sequences with the training's channels."""
    found, channels = dataset.sequences, column.shape[-1]
    if found is None or found.name != column.name or found.channels != channels:
        has = "no sequences there" if found is None or found.name != column.name else f"sequences of {found}"
        raise ColumnError(
            f"Column {column.name!r} must hold sequences of {counted(channels, 'channel')}, as it did in training, but "
            f"{dataset.name} has {has}. Give them as in training, the channels last."
        )


def _unreadable(column: Column, storage: str) -> tuple[str, str]:
    """What a column must contain, and an SQL test for other values; "" where any value is permitted."""
    name = quoted(column.name)
    if column.form is Form.TIME:
        return "dates or times", f"{time_stamp(column.name, storage)} IS NULL"
    if column.form is Form.NUMBER or is_number(column.storage):
        return "finite numbers", f"NOT coalesce(isfinite(TRY_CAST({name} AS DOUBLE)), FALSE)"
    if is_number(storage) and not column.had_numbers:
        return WORDS, "TRUE"
    if is_text(storage) and not column.had_numbers:  # for instance a text format with numbers in every row
        words = f"SELECT 1 FROM dataset WHERE {name} IS NOT NULL AND TRY_CAST({name} AS DOUBLE) IS NULL"  # noqa: S608
        return WORDS, f"NOT EXISTS ({words})"
    return WORDS, ""


def open_rows(
    signature: Signature,
    data: object,
    *,
    delimiter: str | None = None,
    table: str | None = None,
    unreadable: Unreadable = "refuse",
    keys: Sequence[str] = (),
    frame_name: str = "DataFrame",
    reads_image_files: bool = True,
    arrays: Images | Sequences | None = None,
) -> Dataset:
    """Open rows to predict; image files are resized to the training's shape, long tables are gathered into sequences.

    keys: columns whose original values are kept. table, frame_name, reads_image_files, arrays: as of `Dataset.open`.
    """
    if isinstance(data, Dataset):
        return data
    image = signature.image
    reading: ImageReading | SequenceReading | None = signature.sequences
    if image is not None:
        height, width, channels = image.shape
        reading = ImageReading(
            size=(height, width),
            channels=1 if channels == 1 else 3,
            fit=image.fit,
            unreadable=unreadable,
            value_range=image.value_range,
        )
    return Dataset.open(
        data,
        delimiter=delimiter,
        table=table,
        reading=reading,
        readings={column.name: column.reading for column in signature.columns if column.reading is not None},
        kept=keys,
        frame_name=frame_name,
        reads_image_files=reads_image_files,
        arrays=arrays,
    )
