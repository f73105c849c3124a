"""Rows of plain JSON values, read without DuckDB.

Reading a row by `executor.model.validate_rows` takes tens of milliseconds, since DuckDB plans about 20 queries. Most
requests have values whose meaning does not depend on other rows or formats, such as a finite number in a column of
numbers. Rows with any other value are left to DuckDB, so that both ways read the same values and raise the same errors.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.data.raw_table import Form, RawTable
from recommender.dataset.readers.types.reading import PLAIN_NUMBER
from recommender.dataset.readers.types.times import ISO
from recommender.dataset.sql import is_integer, is_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from executor.model.signature import Column, Signature
    from executor.runs.serving.json_rows import JsonRows

    Values = list[float] | list[str] | list[float | str]
    """Values of a column, of one type."""
    Reader = Callable[[Sequence[object]], Values | None]

MAX_EXACT: Final = 2**53  # integers up to this one are exact as doubles, and short as text
LETTER: Final = re.compile(r"[^\W\d_]")
SPELLED_NUMBERS: Final = frozenset({"nan", "inf", "infinity"})  # words that DuckDB casts to a double
DAY: Final = re.compile(r"[1-9]\d{3}-\d{2}-\d{2}", re.ASCII)
DAY_AND_CLOCK: Final = re.compile(r"[1-9]\d{3}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}", re.ASCII)
PLAIN: Final = frozenset({str, int, float, bool, type(None)})


class FastReader:
    """Reads rows for a model without DuckDB, or returns None.

    ignore_extra: whether columns that were not in training are ignored.
    """

    def __init__(self, signature: Signature, *, ignore_extra: bool = False) -> None:
        self._known = frozenset(signature.known)
        self._ignore_extra = ignore_extra
        readers = {column.name: _reader(column) for column in signature.columns}
        is_table = signature.windows is None and signature.sequences is None
        self._readers = {name: reader for name, reader in readers.items() if reader is not None}
        self._is_usable = is_table and len(self._readers) == len(readers) > 0

    def read(self, rows: JsonRows) -> dict[str, Values] | None:
        """The values of each column as in `RawTable.features`; None if DuckDB must read the rows."""
        if not self._is_usable or len(rows.columns) < len(self._readers):
            return None
        for name in rows.columns.keys() - self._readers.keys():
            if not (name in self._known or self._ignore_extra) or not _are_plain(rows.columns[name]):
                return None
        found = {}
        for name, reader in self._readers.items():
            values = None if name not in rows.columns else reader(rows.columns[name])
            if values is None:
                return None
            found[name] = values
        return found


def to_table(signature: Signature, columns: Mapping[str, Values], count: int) -> RawTable:
    """The rows as `executor.model.validate_rows.read_new_rows` reads them."""
    forms = {column.name: column.form for column in signature.columns}
    return RawTable(
        features={
            name: np.array(values, dtype=object if forms[name].is_words else np.float64)
            for name, values in columns.items()
        },
        forms=forms,
        rows=np.arange(count),
    )


def _are_plain(values: Sequence[object]) -> bool:
    return all(type(value) in PLAIN and not (type(value) is float and math.isinf(value)) for value in values)


def _reader(column: Column) -> Reader | None:  # noqa: PLR0911  the first test decides
    """The reader of a column; None if DuckDB must read it."""
    reading = column.reading
    if reading is None:
        return None
    if column.form is Form.TIME:
        time = reading.time
        is_iso = time is not None and time.format == ISO and time.zone is None and not time.weekdays
        if time is None or not is_iso or time.clock == "12-hour":
            return None
        return _times(reading.missing, DAY_AND_CLOCK if time.clock else None)
    if reading.time is not None:
        return None
    if column.storage == "BOOLEAN":
        return _booleans(1.0, 0.0, math.nan) if column.form is Form.NUMBER else _booleans("true", "false", "")
    if column.form is Form.NUMBER and is_number(column.storage):
        return _numbers(reading.missing)
    if column.form is Form.LEVEL and is_integer(column.storage):
        return _whole_numbers(reading.missing)
    if column.form in {Form.LEVEL, Form.TEXT} and column.storage == reading.storage == "VARCHAR":
        return _words(reading.missing, reading.booleans, may_be_numbers=column.had_numbers)
    return None


def _markers(missing: Sequence[str]) -> frozenset[float]:
    """Numbers that mean "no value"."""
    return frozenset(float(text) for text in missing if re.fullmatch(PLAIN_NUMBER, text))


def _numbers(missing: Sequence[str]) -> Reader:
    markers = _markers(missing)

    def read(values: Sequence[object]) -> list[float] | None:
        found = []
        for value in values:
            if value is None:
                found.append(math.nan)
            elif type(value) is float and math.isfinite(value) and value not in markers:
                found.append(value)
            elif type(value) is int and -MAX_EXACT <= value <= MAX_EXACT and value not in markers:
                found.append(float(value))
            else:
                return None
        return found

    return read


def _whole_numbers(missing: Sequence[str]) -> Reader:
    markers = _markers(missing)

    def read(values: Sequence[object]) -> list[str] | None:
        found = []
        for value in values:
            if value is None:
                found.append("")
            elif type(value) is int and -MAX_EXACT <= value <= MAX_EXACT and value not in markers:
                found.append(str(value))
            else:
                return None
        return found

    return read


def _booleans(yes: float | str, no: float | str, missing: float | str) -> Reader:
    def read(values: Sequence[object]) -> Values | None:
        if not all(value is None or type(value) is bool for value in values):
            return None
        return [missing if value is None else yes if value else no for value in values]

    return read


def _words(missing: Sequence[str], booleans: tuple[str, str] | None, *, may_be_numbers: bool) -> Reader:
    """Reader of text. booleans: spelling of false and true. may_be_numbers: whether training had numbers, too."""
    tokens = frozenset({"", *missing})
    spelled = {} if booleans is None else {word.lower(): word for word in booleans}

    def read(values: Sequence[object]) -> list[str] | None:
        found = []
        for value in values:
            if value is None:
                found.append("")
                continue
            if type(value) is not str or "\0" in value:
                return None
            bare = value.strip(" ")
            if bare in tokens:
                found.append("")
                continue
            if not may_be_numbers and (not LETTER.match(bare) or bare.lower() in SPELLED_NUMBERS):
                return None
            if spelled and not value.isascii():
                return None
            found.append(spelled.get(bare.lower(), value) if spelled else value)
        return found

    return read


def _times(missing: Sequence[str], clock: re.Pattern[str] | None) -> Reader:
    """Reader of ISO 8601 dates. clock: of dates with a time; None where training had none."""
    tokens = frozenset({"", *missing})

    def read(values: Sequence[object]) -> list[float] | None:
        found = []
        for value in values:
            if value is None:
                found.append(math.nan)
                continue
            if type(value) is not str:
                return None
            if value in tokens:
                found.append(math.nan)
                continue
            if not (DAY.fullmatch(value) or (clock is not None and clock.fullmatch(value))):
                return None
            try:
                time = dt.datetime.fromisoformat(value).replace(tzinfo=dt.UTC)
            except ValueError:
                return None
            found.append(time.timestamp())
        return found

    return read
