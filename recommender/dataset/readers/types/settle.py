"""Set the type of each text column from all rows, and parse new rows with the types of the training.

A column becomes numeric only if conversion is lossless for all values except at most MAX_EXCEPTION_SHARE. A sample of
cells proposes the number format; queries over all rows decide.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from recommender.dataset.readers.types.reading import (
    FALSE_AND_TRUE,
    MIN_NUMERIC_SHARE,
    PLAIN_NUMBER,
    ColumnReading,
    NumberReading,
    boolean_spelling,
    forced_reading,
    number_reading,
)
from recommender.dataset.readers.types.times import (
    COMPACT,
    COMPACT_MONTH,
    EPOCH_UNITS,
    TimeReading,
    is_compact,
    is_plausible,
    may_be_serial,
    settle_time,
    unreadable,
)
from recommender.dataset.sql import (
    COLUMNS_A_QUERY,
    category_text,
    chunks,
    columns_as_rows,
    columns_of,
    is_number,
    is_text,
    is_time_stamp,
    literal,
    one_in,
    quoted,
    replace_dataset,
)
from rules.errors import ColumnError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from decimal import Decimal

    import duckdb

MAX_UNPIVOTED_ROWS: Final = 20_000
"""Largest number of rows at which columns are unpivoted, for a faster query plan (see characteristics/columns.py)."""
MAX_UNPIVOTED_CELLS: Final = 4_000_000
"""Largest number of cells in one unpivoted table (about 100 MB); larger tables use MAX_UNPIVOTED_COLUMNS per query."""
MAX_UNPIVOTED_COLUMNS: Final = 512
"""Columns per query: for 9,000 columns of 60 rows, 128 per query take twice the time."""
MAX_SAMPLED_CELLS: Final = 200_000
"""Cells of the sample for number formats, which are parsed in 0.2 s."""
MAX_SAMPLED_ROWS: Final = 2_000
MIN_SAMPLED_ROWS: Final = 50
MAX_EXCEPTION_SHARE: Final = 0.05
"""Largest share of values of a numeric column that are not numbers; they are read as missing (docs/evidence.md 1,
numbers as words)."""
MAX_CODES: Final = 20
"""Largest number of distinct numbers at which a column with exceptions stays text, because it may contain codes."""
MAX_VERSIONS: Final = 100
"""Largest number of distinct values at which numbers such as 3.9 and 3.10 may be versions."""
MAX_VERSION_DECIMALS: Final = 2
EXACT_DIGITS: Final = 15
"""Largest number of digits that a double represents exactly."""
HUGEINT_DIGITS: Final = 38
TIME_SAMPLES: Final = 50
"""Distinct values of the sample for date formats."""
MIN_DATE_SHARE: Final = MIN_NUMERIC_SHARE
"""Smallest share of sampled numbers that are dates of eight digits for the column to be a candidate for dates."""
NUMERIC_TIME_FORMATS: Final = frozenset({COMPACT, COMPACT_MONTH, *EPOCH_UNITS})
"""Date formats without separators, for which the years must be plausible."""
MAX_QUOTED: Final = 3
"""Exceptions in a message."""
MAX_RECORDED: Final = 50
"""Distinct exceptions in a reading."""


Share = Literal["", "most", "all"]


@dataclass(frozen=True, kw_only=True)
class Exceptions:
    """Values of a numeric column that are not numbers."""

    count: int
    quoted: tuple[tuple[int, str], ...]
    """Examples: row (from 1) and value."""


@dataclass(frozen=True, kw_only=True)
class Note:
    """Findings about a column's type for the guardrails."""

    column: str
    exceptions: Exceptions | None = None
    missing: Mapping[str, int] = field(default_factory=dict)
    """Number of rows by missing-value marker."""
    doubt: str = ""
    """Reason why a column that resembles numbers stays text; empty if there is none."""
    mixed: tuple[tuple[str, int], ...] = ()
    """Types of the values of a text column, each with its first row; empty if all have one type."""
    dates: Share = ""
    """Whether "most" or "all" values of a numeric column resemble dates of eight digits."""


@dataclass(frozen=True, kw_only=True)
class Settled:
    """Types of the columns of a dataset, and findings about them."""

    readings: Mapping[str, ColumnReading]
    notes: Mapping[str, Note]
    parsed: frozenset[str] = frozenset()
    """Former text columns; their numbers are finite."""

    def with_notes(self, notes: Mapping[str, Note]) -> Settled:
        """The same with notes about columns with exceptions."""
        readings = {
            column: reading.model_copy(
                update={
                    "exceptions": note.exceptions.count,
                    "exception_rows": tuple(row for row, _ in note.exceptions.quoted),
                }
            )
            for column, note in notes.items()
            if (reading := self.readings.get(column)) is not None and note.exceptions is not None
        }
        return replace(self, readings={**self.readings, **readings}, notes={**self.notes, **notes})


CELL: Final = "\x00"  # placeholder of the cell in SQL that is shared by many columns


@dataclass(frozen=True, kw_only=True)
class _Text:
    """A text column before its type is set."""

    name: str
    form: str
    """SQL of a CELL: trimmed if some cells have outer spaces, NULL for missing-value markers."""
    values: int
    tokens: tuple[str, ...]

    @property
    def cell(self) -> str:
        return self.form.replace(CELL, quoted(self.name))


@dataclass(frozen=True, kw_only=True)
class _Test:
    """Counts of a number format over all rows of a column."""

    reading: NumberReading
    values: int
    numbers: int
    integers: int
    """Numbers with a lossless conversion to BIGINT."""
    long_integers: int
    """Numbers without decimals that have more than EXACT_DIGITS digits."""
    padded: int
    """Numbers with a trailing zero after the decimal point."""

    @property
    def exceptions(self) -> int:
        return self.values - self.numbers


def settle(
    connection: duckdb.DuckDBPyConnection,
    *,
    name: str,
    missing: Sequence[str],
    given: Mapping[str, ColumnReading] | None = None,
    formats: Mapping[str, str] | None = None,
    times: Collection[str] = (),
    not_times: Collection[str] = (),
    text_type: str = "",
) -> Settled:
    """Set the types of the columns of the table `dataset`.

    name: name of the dataset in messages. missing: missing-value markers in addition to the empty text. given: readings
    of the training; other columns are inferred. formats: date formats of the user. times: columns that the user
    declared as times, whose numbers may be seconds since 1970 or spreadsheet day numbers. not_times: columns that the
    user declared as another kind. text_type: type of text in file formats with typed numbers.
    Raises ColumnError if a cell does not have the format of the training, and on a date format of a column of another
    type.
    """
    storage = columns_of(connection)
    for column in formats or {}:
        if column not in storage:
            raise ColumnError(
                f"--date-format must name a column of {name}, but got {column!r}.{did_you_mean(column, [*storage])}"
            )
        if not (is_text(storage[column]) or is_number(storage[column])):
            raise ColumnError(
                f"--date-format needs a column of text or numbers, but {column!r} of {name} has the type "
                f"{storage[column]}. Remove --date-format {column}=…."
            )
    known = {column: reading for column, reading in (given or {}).items() if column in storage}
    rows: int = connection.execute("SELECT count(*) FROM dataset").fetchall()[0][0]
    tokens = {
        column: ("", *(known[column].missing if column in known else missing))
        for column, kind in storage.items()
        if kind == "VARCHAR"
    }
    numbers_missing = _clear_missing(
        connection,
        {
            column: known[column].missing if column in known else tuple(missing)
            for column, kind in storage.items()
            if is_number(kind)
        },
    )
    found = _lay_out(connection, name=name, texts=tokens, rows=rows)
    quick = _quick_numbers(found, tokens, known)
    texts, absent = _first_look(found, {column: own for column, own in tokens.items() if column not in quick})
    texts |= {column: text for column, (text, _) in quick.items()}
    found = replace(found, texts={column: texts[column] for column in tokens})
    tests = {column: test for column, (_, test) in quick.items()}
    numbers = _numbers(found, {column: known[column] for column in texts if column in known}, tests)
    absent |= numbers_missing
    typed = {
        column: _Text(name=column, form=f"nullif({category_text(column, kind)}, 'nan')", values=rows, tokens=())
        for column, kind in storage.items()
        if is_number(kind)
    }
    asked = _Asked(formats=formats or {}, times=frozenset(times), not_times=frozenset(not_times))
    read_as_times, like_dates = _times(found, typed, numbers, known, asked)
    words = _words(found, [column for column in texts if column not in numbers | read_as_times], known)
    settled = numbers | words | read_as_times
    for column, kind in storage.items():
        if column not in settled:
            settled[column] = _typed(column, kind, known.get(column))
            if is_number(kind) and missing:
                one = settled[column]
                settled[column] = replace(one, reading=one.reading.model_copy(update={"missing": tuple(missing)}))
    for column in texts if text_type else ():
        one = settled[column]
        if one.reading.storage != text_type:
            settled[column] = replace(one, reading=one.reading.model_copy(update={"source": text_type}))
    settled |= {column: replace(settled[column], dates=share) for column, share in like_dates.items()}
    if any(settled[column].sql != quoted(column) for column in storage):
        listed = ", ".join(f"{settled[column].sql} AS {quoted(column)}" for column in storage)
        replace_dataset(connection, f"SELECT {listed} FROM dataset")
    connection.execute(f"DROP TABLE IF EXISTS {CELLS}")
    notes = {
        column: Note(
            column=column,
            exceptions=settled[column].exceptions,
            missing=absent.get(column, {}),
            doubt=settled[column].doubt,
            dates=settled[column].dates,
        )
        for column in storage
        if settled[column].exceptions or absent.get(column) or settled[column].doubt or settled[column].dates
    }
    return Settled(
        readings={
            column: (
                read_as_times[column].reading
                if column in read_as_times
                else known.get(column) or settled[column].reading
            )
            for column in storage
        },
        notes=notes,
        parsed=frozenset(texts),
    )


@dataclass(kw_only=True)
class Settler:
    """Settings of the type inference from user and training, and its result."""

    missing: tuple[str, ...] | None = None
    """Missing-value markers in addition to the empty text; None for those of the file format."""
    given: Mapping[str, ColumnReading] | None = None
    """Readings of the training."""
    formats: Mapping[str, str] | None = None
    """Date formats of the user, by column."""
    times: frozenset[str] = frozenset()
    """Columns that the user declared as times."""
    not_times: frozenset[str] = frozenset()
    """Columns that the user declared as another kind."""
    kept: tuple[str, ...] = ()
    """Columns whose original values are also stored in the table `kept`."""
    mixed: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    """Types, each with its first row, of columns with values of several types."""
    settled: Settled = field(default_factory=lambda: Settled(readings={}, notes={}))
    has_kept: bool = False
    """Whether the table `kept` exists; it does not for arrays, whose types are not inferred."""

    def settle(self, connection: duckdb.DuckDBPyConnection, *, name: str, usual: Sequence[str] = ()) -> None:
        """Set the types of the table `dataset`. usual: missing-value markers of an untyped file format."""
        missing = usual if self.missing is None else self.missing
        storage = columns_of(connection)
        if listed := ", ".join(quoted(column) for column in self.kept if column in storage):
            connection.execute(f"CREATE OR REPLACE TABLE kept AS SELECT {listed} FROM dataset")
            self.has_kept = True
        self.settled = settle(
            connection,
            name=name,
            missing=missing,
            given=self.given,
            formats=self.formats,
            times=self.times,
            not_times=self.not_times,
            text_type="" if usual else "VARCHAR",
        )
        notes = dict(self.settled.notes)
        for column, kinds in self.mixed.items():
            if self.settled.readings[column].storage == "VARCHAR":
                notes[column] = replace(notes.get(column, Note(column=column)), mixed=kinds)
        self.settled = replace(self.settled, notes=notes)


def settle_as_numbers(
    connection: duckdb.DuckDBPyConnection, column: str, *, name: str, was: ColumnReading | None
) -> tuple[ColumnReading, Note]:
    """Convert a text column of the table `dataset`, which the user declared numeric, to numbers.

    was: the inferred reading. Raises ColumnError with the first exception if more than MAX_EXCEPTION_SHARE of the
    values are not numbers.
    """
    rows: int = connection.execute("SELECT count(*) FROM dataset").fetchall()[0][0]
    found = _Columns(connection=connection, texts={}, rows=rows, name=name)
    texts, _ = _first_look(found, {column: ("",)})
    found = replace(found, texts=texts, samples=_sample(found, texts))
    reading = forced_reading(_samples(found, column))
    test = _tests(found, {column: reading})[column]
    few = test.exceptions <= MAX_EXCEPTION_SHARE * test.values
    if not test.numbers or not few:
        row, value = _exceptions(found, column, reading, test).quoted[0]
        raise ColumnError(
            f"The values of a numeric column must be numbers, but {column!r} is {value!r} in row {row:,}. Correct the "
            "value, leave the cell empty, or choose another kind."
        )
    details = _details(found, {column: test})
    one = _as_numbers(found, column, test, details.get(column), _huge_or_double(test, details.get(column)))
    replace_dataset(connection, f"SELECT * REPLACE ({one.sql} AS {quoted(column)}) FROM dataset")
    missing = () if was is None else was.missing
    return one.reading.model_copy(update={"missing": missing}), Note(column=column, exceptions=one.exceptions)


@dataclass(frozen=True, kw_only=True)
class _Columns:
    """Text columns of a dataset during type inference."""

    connection: duckdb.DuckDBPyConnection
    texts: Mapping[str, _Text]
    rows: int
    name: str
    samples: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Sampled original cells by column."""
    places: Mapping[str, int] = field(default_factory=dict)
    """Number of each column in the unpivoted table CELLS; empty without that table."""


CELLS: Final = "cells"


def _lay_out(
    connection: duckdb.DuckDBPyConnection, *, name: str, texts: Mapping[str, tuple[str, ...]], rows: int
) -> _Columns:
    """Unpivot the text columns of a short table, so that one query scans all of them, and sample cells."""
    found = _Columns(connection=connection, texts={}, rows=rows, name=name)
    if texts and rows <= MAX_UNPIVOTED_ROWS and rows * len(texts) <= MAX_UNPIVOTED_CELLS:
        listed = ", ".join(f'{quoted(column)} AS "{place}"' for place, column in enumerate(texts))
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {CELLS} AS SELECT CAST(place AS INTEGER) AS place, line, cell "
            f"FROM (SELECT rowid AS line, {listed} FROM dataset) "
            "UNPIVOT (cell FOR place IN (COLUMNS(* EXCLUDE (line))))"
        )
        found = replace(found, places={column: place for place, column in enumerate(texts)})
    return replace(found, samples=_sample(found, texts))


@dataclass(frozen=True, kw_only=True)
class _One:
    """Result for one column: reading, SQL of its values, and findings."""

    reading: ColumnReading
    sql: str
    exceptions: Exceptions | None = None
    doubt: str = ""
    dates: Share = ""


def _aggregated(
    found: _Columns, forms: Mapping[str, str], parts: Sequence[str], *, plain: str = "{cell}"
) -> dict[str, tuple[int, ...]]:
    """Aggregates by column. forms: SQL of the CELL by column. parts: SQL aggregates of {cell} and {plain}.

    plain: SQL of a cell as a plain number.
    """
    aggregates = ", ".join(part.format(cell="cell", plain="plain") for part in parts)
    values: dict[str, tuple[int, ...]] = {}
    if found.places:
        values = dict.fromkeys(forms, (0,) * len(parts))  # columns without values have no row in CELLS
        named = {found.places[column]: column for column in forms}
        for form in dict.fromkeys(forms.values()):
            own = [str(found.places[column]) for column, its in forms.items() if its == form]
            where = "" if len(own) == len(found.places) else f" WHERE place IN ({', '.join(own)})"
            cells = f"(SELECT place, {form.replace(CELL, 'cell')} AS cell FROM {CELLS}{where})"
            inner = f"SELECT place, cell, {plain.format(cell='cell')} AS plain FROM {cells}"
            query = f"SELECT place, {aggregates} FROM ({inner}) GROUP BY place"
            values |= {named[place]: tuple(row) for place, *row in found.connection.execute(query).fetchall()}
        return {column: tuple(value or 0 for value in row) for column, row in values.items()}
    if found.rows <= MAX_UNPIVOTED_ROWS:
        for names in chunks(tuple(forms), MAX_UNPIVOTED_COLUMNS):
            laid = columns_as_rows([forms[column].replace(CELL, quoted(column)) for column in names])
            inner = f"SELECT place, cell, {plain.format(cell='cell')} AS plain FROM {laid}"
            query = f"SELECT place, {aggregates} FROM ({inner}) GROUP BY place"
            values |= dict.fromkeys(names, (0,) * len(parts))
            values |= {names[int(place)]: tuple(row) for place, *row in found.connection.execute(query).fetchall()}
    else:
        values = _side_by_side(found, forms, dict.fromkeys(forms, tuple(parts)), plain=plain)
    return {column: tuple(value or 0 for value in row) for column, row in values.items()}


def _side_by_side(
    found: _Columns, forms: Mapping[str, str], parts: Mapping[str, Sequence[str]], *, plain: str = "{cell}"
) -> dict[str, tuple[int, ...]]:
    """As `_aggregated`, without unpivoting, and with separate parts for each column."""
    values: dict[str, tuple[int, ...]] = {}
    for names in chunks(tuple(forms)):
        inner = ", ".join(
            f"{forms[column].replace(CELL, quoted(column))} AS c{place}" for place, column in enumerate(names)
        )
        outer = ", ".join(f"c{place}, {plain.format(cell=f'c{place}')} AS p{place}" for place, _ in enumerate(names))
        aggregates = ", ".join(
            part.format(cell=f"c{place}", plain=f"p{place}")
            for place, column in enumerate(names)
            for part in parts[column]
        )
        query = f"SELECT {aggregates} FROM (SELECT {outer} FROM (SELECT {inner} FROM dataset))"
        remaining = iter(found.connection.execute(query).fetchall()[0])
        values |= {column: tuple(next(remaining) for _ in parts[column]) for column in names}
    return values


LOSSLESS_INTEGER: Final = "-?(?:0|[1-9][0-9]{0,17})"
LOSSLESS_DECIMAL: Final = r"-?(?:(?:0|[1-9][0-9]{0,14})|(?:0|[1-9][0-9]*)\.[0-9]+)(?:e[+-]?[0-9]{1,2})?"
"""Numbers that are converted without further tests: a double represents their integers exactly."""
MAX_FINITE_LENGTH: Final = 200  # characters up to which such a number is finite


def _quick_numbers(
    found: _Columns, tokens: Mapping[str, tuple[str, ...]], known: Mapping[str, ColumnReading]
) -> dict[str, tuple[_Text, _Test]]:
    """Columns whose values are all lossless numbers, without outer spaces or missing-value markers.

    The sample proposes them, and one query over all rows decides.
    """
    proposed: dict[str, tuple[str, ...]] = {}
    whole = "count_if(CAST(TRY_CAST({cell} AS BIGINT) AS VARCHAR) = {cell})"
    decimal = _braced(f"count_if(regexp_full_match({CELL}, {literal(LOSSLESS_DECIMAL)}))")
    padded = "count_if(contains({cell}, '.') AND ends_with({cell}, '0') AND NOT ends_with({cell}, '.0'))"
    plain = NumberReading()
    is_integer, is_decimal = re.compile(LOSSLESS_INTEGER).fullmatch, re.compile(LOSSLESS_DECIMAL).fullmatch
    for column, own in tokens.items():
        cells = found.samples[column]
        before = known.get(column)
        is_other = before is not None and (before.number != plain or not is_number(before.storage))
        if not cells or is_other or any(map(is_decimal, own)):
            continue
        if all(map(is_integer, cells)):
            proposed[column] = ("count({cell})", "max(length({cell}))", whole, "0", "0")
        elif all(map(is_decimal, cells)):
            no_version = any(len(cell.rpartition(".")[2]) > MAX_VERSION_DECIMALS for cell in cells if "." in cell)
            proposed[column] = ("count({cell})", "max(length({cell}))", "0", decimal, "0" if no_version else padded)
    if found.places:
        parts = ("count({cell})", "max(length({cell}))", whole, decimal, padded)
        counted = _aggregated(found, dict.fromkeys(proposed, CELL), parts)
    else:
        counted = _side_by_side(found, dict.fromkeys(proposed, CELL), proposed)
    sure = {}
    for column, (values, longest, integers, decimals, zeros) in counted.items():
        is_whole = proposed[column][2] == whole
        if values and (integers if is_whole else decimals) == values and longest <= MAX_FINITE_LENGTH:
            no_version = not is_whole and proposed[column][-1] == "0"
            test = _Test(
                reading=plain,
                values=values,
                numbers=values,
                integers=values if is_whole else integers,
                long_integers=0,
                padded=0 if is_whole or no_version else zeros,
            )
            sure[column] = (_Text(name=column, form=CELL, values=values, tokens=tokens[column]), test)
    return sure


def _first_look(
    found: _Columns, tokens: Mapping[str, tuple[str, ...]]
) -> tuple[dict[str, _Text], dict[str, dict[str, int]]]:
    """The text columns with the SQL of their cells, and the number of rows by column and missing-value marker."""
    texts: dict[str, _Text] = {}
    absent: dict[str, dict[str, int]] = {}
    for own in dict.fromkeys(tokens.values()):
        listed = ", ".join(map(literal, own))
        columns = dict.fromkeys((column for column, its in tokens.items() if its == own), CELL)
        parts = (
            "count({cell})",
            _braced(f"count_if({CELL} IN ({listed}))"),
            "count_if(starts_with({cell}, ' ') OR ends_with({cell}, ' '))",
        )
        looked = _aggregated(found, columns, parts)
        odd = {
            column: f"trim({CELL})" if padded else CELL
            for column, (_, hits, padded) in looked.items()
            if hits or padded
        }
        counts = _missing(found, odd, listed)
        for column, (count, _, _) in looked.items():
            if column not in odd:
                texts[column] = _Text(name=column, form=CELL, values=count, tokens=own)
                continue
            bare = odd[column]
            form = f"CASE WHEN {bare} IN ({listed}) THEN NULL ELSE {bare} END"
            values = count - sum(counts[column].values())
            texts[column] = _Text(name=column, form=form, values=values, tokens=own)
            absent[column] = {text: times for text, times in counts[column].items() if text}
    return {column: texts[column] for column in tokens}, absent


def _missing(found: _Columns, forms: Mapping[str, str], listed: str) -> dict[str, dict[str, int]]:
    """Number of rows by column and missing-value marker.

    forms: as for `_aggregated`. listed: the markers in SQL.
    """
    counts: dict[str, dict[str, int]] = {column: {} for column in forms}
    names = {found.places[column]: column for column in forms} if found.places else {}
    for form in dict.fromkeys(forms.values()) if found.places else ():
        places = ", ".join(str(found.places[column]) for column, own in forms.items() if own == form)
        bare = form.replace(CELL, "cell")
        rows = found.connection.execute(
            f"SELECT place, {bare}, count(*) FROM {CELLS} WHERE place IN ({places}) AND {bare} IN ({listed}) "
            "GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()
        for place, text, times in rows:
            counts[names[place]][text] = times
    for column, form in () if found.places else forms.items():
        bare = form.replace(CELL, quoted(column))
        rows = found.connection.execute(
            f"SELECT {bare}, count(*) FROM dataset WHERE {bare} IN ({listed}) GROUP BY 1 ORDER BY 1"
        ).fetchall()
        counts[column] = dict(rows)
    return counts


def _sample(found: _Columns, texts: Iterable[str]) -> dict[str, list[str]]:
    """Sampled cells of each column, evenly distributed over the rows, without empty ones."""
    columns = tuple(texts)
    if not columns:
        return {}
    size = min(MAX_SAMPLED_ROWS, max(MIN_SAMPLED_ROWS, MAX_SAMPLED_CELLS // len(columns)))
    every = found.rows // size
    sampled: dict[str, list[str]] = {}
    if found.places:
        where = one_in(every, "line")
        query = f"SELECT place, list(cell ORDER BY line) FROM {CELLS} WHERE {where} GROUP BY place"
        cells = dict(found.connection.execute(query).fetchall())
        return {column: cells.get(found.places[column], []) for column in columns}
    for names in chunks(columns, MAX_UNPIVOTED_COLUMNS):
        listed = ", ".join(f"{quoted(column)} AS c{place}" for place, column in enumerate(names))
        query = f"SELECT {listed} FROM dataset WHERE {one_in(every)} LIMIT {2 * size}"
        rows = found.connection.execute(query).fetchall()
        for place, column in enumerate(names):
            sampled[column] = [row[place] for row in rows if row[place] is not None]
    return sampled


def _samples(found: _Columns, column: str) -> list[str]:
    """Sampled cells of a column, trimmed if some have outer spaces, without missing-value markers."""
    text = found.texts[column]
    cells = found.samples[column]
    if text.form == CELL:
        return [*cells]
    bare = [cell.strip(" ") for cell in cells] if "trim(" in text.form else cells
    return [cell for cell in bare if cell not in text.tokens]


def _tests(found: _Columns, readings: Mapping[str, NumberReading]) -> dict[str, _Test]:
    """Count over all rows how many cells of each column have its number format."""
    parts = (
        "count({plain})",
        "count_if(CAST(TRY_CAST({plain} AS BIGINT) AS VARCHAR) = {plain})",
        f"count_if({LONG_INTEGER})",
        "count_if(contains({plain}, '.') AND ends_with({plain}, '0') AND NOT ends_with({plain}, '.0'))",
    )
    tests = {}
    for reading in dict.fromkeys(readings.values()):
        forms = {column: found.texts[column].form for column, own in readings.items() if own == reading}
        counted = _aggregated(found, forms, parts, plain=_braced(reading.plain(CELL)))
        for column, (numbers, integers, long_integers, padded) in counted.items():
            tests[column] = _Test(
                reading=reading,
                values=found.texts[column].values,
                numbers=numbers,
                integers=integers,
                long_integers=long_integers,
                padded=padded,
            )
    return tests


LONG_INTEGER: Final = (
    f"length({{plain}}) > {EXACT_DIGITS} AND NOT contains({{plain}}, '.') AND NOT contains(lower({{plain}}), 'e')"
)
"""SQL condition for integers that a double may not represent exactly."""


def _braced(sql: str) -> str:
    """Convert SQL of a CELL to a format string."""
    return sql.replace("{", "{{").replace("}", "}}").replace(CELL, "{cell}")


@dataclass(frozen=True, kw_only=True)
class _Details:
    """Further counts of a column whose conversion to numbers may be lossy."""

    huge: int
    """Numbers with a lossless conversion to HUGEINT."""
    lost: int
    """Integers that a double does not represent exactly."""
    not_finite: int
    """Cells with infinity or NaN."""
    distinct: int
    decimals: tuple[int, int]
    """Smallest and largest number of digits after the decimal point."""


def _details(found: _Columns, tests: Mapping[str, _Test]) -> dict[str, _Details]:
    doubtful = {
        column: test.reading
        for column, test in tests.items()
        if test.numbers and (test.long_integers or test.padded or test.exceptions)
    }
    fits = f"length({{plain}}) <= {HUGEINT_DIGITS}"
    as_double = "CAST(TRY_CAST(TRY_CAST({plain} AS DOUBLE) AS HUGEINT) AS VARCHAR)"
    digits = "CASE WHEN contains({plain}, '.') THEN length({plain}) - instr({plain}, '.') END"
    parts = (
        f"count_if({fits} AND CAST(TRY_CAST({{plain}} AS HUGEINT) AS VARCHAR) = {{plain}})",
        f"count_if(CASE WHEN {LONG_INTEGER} THEN coalesce({as_double} <> {{plain}}, TRUE) ELSE FALSE END)",
        "count_if(NOT isfinite(TRY_CAST({cell} AS DOUBLE)))",
        "approx_count_distinct({plain})",
        f"coalesce(min({digits}), 0)",
        f"coalesce(max({digits}), 0)",
    )
    details = {}
    for reading in dict.fromkeys(doubtful.values()):
        forms = {column: found.texts[column].form for column, own in doubtful.items() if own == reading}
        counted = _aggregated(found, forms, parts, plain=_braced(reading.plain(CELL)))
        for column, (huge, lost, not_finite, distinct, fewest, most) in counted.items():
            details[column] = _Details(
                huge=huge, lost=lost, not_finite=not_finite, distinct=distinct, decimals=(fewest, most)
            )
    return details


def _numbers(found: _Columns, known: Mapping[str, ColumnReading], quick: Mapping[str, _Test]) -> dict[str, _One]:
    """The text columns that are numbers, or that resemble numbers and have a doubt.

    quick: tests of the columns found by `_quick_numbers`.
    """
    samples = {column: _samples(found, column) for column in found.texts if column not in quick}
    guesses = {
        column: reading.number or NumberReading()
        for column, reading in known.items()
        if is_number(reading.storage) and column not in quick
    }
    ambiguous: list[str] = []
    for column in [column for column in samples if column not in known]:
        reading, is_ambiguous = number_reading(samples[column])
        if is_ambiguous:
            ambiguous.append(column)
        if reading is not None or (found.texts[column].values and not samples[column]):
            guesses[column] = reading or NumberReading()
    tests = _tests(found, guesses)
    wider = {
        column: better
        for column, test in tests.items()
        if column not in known and test.exceptions and (better := _wider(found, column, test)) != test.reading
    }
    tests |= _tests(found, wider)
    tests |= quick
    details = _details(found, tests)
    settled: dict[str, _One] = {}
    for column, test in tests.items():
        if column in known:
            settled[column] = _as_in_training(found, column, test, details.get(column), known[column])
            continue
        kind, doubt = _storage(test, details.get(column))
        if kind:
            settled[column] = _as_numbers(found, column, test, details.get(column), kind)
        elif doubt:
            settled[column] = _as_text(found.texts[column], doubt)
            if doubt == "exceptions":
                left = _exceptions(found, column, test.reading, test)
                settled[column] = replace(settled[column], exceptions=left)
    return _with_one_decimal_sign(found, settled, ambiguous)


def _wider(found: _Columns, column: str, test: _Test) -> NumberReading:
    """The number format extended by thousands separators or parentheses that only some rows have."""
    texts = [value for _, value in _exceptions(found, column, test.reading, test, most=MAX_RECORDED).quoted]
    variants = [
        test.reading.model_copy(update={"thousands": thousands, "parentheses": parentheses})
        for thousands in dict.fromkeys((test.reading.thousands, ",", " ", "'"))
        for parentheses in dict.fromkeys((test.reading.parentheses, True))
        if thousands != test.reading.decimal
    ]
    return max(variants, key=lambda one: sum(re.fullmatch(one.pattern, text) is not None for text in texts))


def _storage(test: _Test, details: _Details | None) -> tuple[str, str]:  # noqa: PLR0911  the first test decides
    """The type of a numeric column and "", or "" and the doubt for which it stays text."""
    if not test.numbers:
        return "", ""
    if test.exceptions and details is not None:
        share = test.exceptions / test.values
        words = test.exceptions - details.not_finite
        if words and (words > MAX_EXCEPTION_SHARE * test.values or details.distinct <= MAX_CODES):
            return "", "exceptions" if share <= 1 - MIN_NUMERIC_SHARE else ""
    if test.integers == test.numbers:
        return "BIGINT", ""
    if details is None:
        return "DOUBLE", ""
    if details.huge == test.numbers:
        return "HUGEINT", ""
    if details.lost:
        return "", "digits"
    fewest, most = details.decimals
    is_version = test.padded and fewest != most <= MAX_VERSION_DECIMALS and details.distinct <= MAX_VERSIONS
    return ("", "versions") if is_version and test.reading.is_plain else ("DOUBLE", "")


def _huge_or_double(test: _Test, details: _Details | None) -> str:
    """The type with the smallest loss."""
    if test.integers == test.numbers:
        return "BIGINT"
    return "HUGEINT" if details is not None and details.huge == test.numbers else "DOUBLE"


def _as_numbers(found: _Columns, column: str, test: _Test, details: _Details | None, kind: str) -> _One:
    del details
    text = found.texts[column]
    exceptions = _exceptions(found, column, test.reading, test) if test.exceptions else None
    recorded = _exceptions(found, column, test.reading, test, most=MAX_RECORDED) if test.exceptions else None
    reading = ColumnReading(
        storage=kind,
        number=test.reading,
        missing=_own(text),
        exceptions=test.exceptions,
        exception_rows=() if recorded is None else tuple(row for row, _ in recorded.quoted),
    )
    return _One(reading=reading, sql=_number(text, test, kind), exceptions=exceptions)


def _number(text: _Text, test: _Test, kind: str) -> str:
    """SQL of a cell as a number."""
    is_simple = test.reading.is_plain and not test.exceptions
    plain = text.cell if is_simple else test.reading.plain(f"({text.cell})")
    return f"CAST({plain} AS {kind})"


def _as_in_training(found: _Columns, column: str, test: _Test, details: _Details | None, known: ColumnReading) -> _One:
    """Result for a column with a reading of the training.

    Exceptions are missing values if the training had exceptions in this column; otherwise raises ColumnError.
    """
    text = found.texts[column]
    exceptions = _exceptions(found, column, test.reading, test) if test.exceptions else None
    if exceptions is not None and not known.exceptions:
        row, value = exceptions.quoted[0]
        raise _not_as_in_training(column, test.reading.description, name=found.name, row=row, value=value)
    kind = _huge_or_double(test, details) if test.numbers else known.storage
    return _One(reading=known, sql=_number(text, test, kind), exceptions=exceptions)


def _not_as_in_training(column: str, written: str, *, name: str, row: int, value: str) -> ColumnError:
    """Error about an exception in a numeric column. written: the number format in words, empty for plain numbers."""
    return ColumnError(
        f"Column {column!r} must contain finite numbers{f' ({written})' if written else ''}, as in training, but "
        f"{name} has {value!r} in row {row:,}. Correct the value, or leave the cell empty if it is unknown."
    )


def _exceptions(
    found: _Columns,
    column: str,
    reading: NumberReading,
    test: _Test,
    *,
    most: int = MAX_QUOTED,
) -> Exceptions:
    """The exceptions of a column; of equal ones the first."""
    plain = reading.plain("cell")
    rows = found.connection.execute(
        f"SELECT min(row), cell FROM (SELECT rowid + 1 AS row, {found.texts[column].cell} AS cell FROM dataset) "
        f"WHERE cell IS NOT NULL AND {plain} IS NULL GROUP BY cell ORDER BY 1 LIMIT {most}"
    ).fetchall()
    return Exceptions(count=test.exceptions, quoted=tuple((row, value) for row, value in rows))


def _with_one_decimal_sign(found: _Columns, settled: dict[str, _One], ambiguous: Sequence[str]) -> dict[str, _One]:
    """Resolve commas across columns: they are decimal commas only if no column has decimal points.

    Columns with both signs (12.573,02) are unambiguous and stay as they are. Ambiguous commas (1,288) are decimal if
    another column of the dataset has decimal commas.
    """
    decided = dict(settled)
    numbers = {column: one.reading.number for column, one in settled.items() if one.reading.number is not None}
    points = any(
        number.decimal == "." and settled[column].reading.storage == "DOUBLE" for column, number in numbers.items()
    )
    commas = [
        column for column, number in numbers.items() if number.decimal == "," and not _has_both(_samples(found, column))
    ]
    for column in commas if points else ():
        decided[column] = _as_text(found.texts[column], "commas")
    if commas and not points and ambiguous:
        tests = _tests(found, dict.fromkeys(ambiguous, NumberReading(decimal=",")))
        details = _details(found, tests)
        for column, test in tests.items():
            kind, _ = _storage(test, details.get(column))
            if kind:
                decided[column] = _as_numbers(found, column, test, details.get(column), kind)
    return decided


def _as_text(text: _Text, doubt: str) -> _One:
    return _One(reading=ColumnReading(storage="VARCHAR", missing=_own(text)), sql=_text_of(text), doubt=doubt)


def _has_both(cells: Sequence[str]) -> bool:
    return any("," in cell and "." in cell for cell in cells)


def _own(text: _Text) -> tuple[str, ...]:
    """The missing-value markers without the empty text."""
    return tuple(token for token in text.tokens if token)


def _text_of(text: _Text) -> str:
    """SQL of a cell that stays text: the original value, or NULL if it is missing."""
    if text.form.startswith("CASE"):
        listed = ", ".join(map(literal, text.tokens))
        return f"CASE WHEN trim({quoted(text.name)}) IN ({listed}) THEN NULL ELSE {quoted(text.name)} END"
    return quoted(text.name)


def _words(found: _Columns, columns: Sequence[str], known: Mapping[str, ColumnReading]) -> dict[str, _One]:
    """Results for text columns without numbers and times."""
    settled = {}
    spelled = {column: boolean_spelling(_samples(found, column)) for column in columns if column not in known}
    spelled = _only(found, spelled)
    for column in columns:
        text = found.texts[column]
        if column in known:
            settled[column] = _words_as_in_training(found, text, known[column])
            continue
        reading = ColumnReading(storage="VARCHAR", booleans=spelled[column], missing=_own(text))
        settled[column] = _One(reading=reading, sql=_text_of(text))
    return settled


def _only(found: _Columns, spelled: Mapping[str, tuple[str, str] | None]) -> dict[str, tuple[str, str] | None]:
    """The spellings of false and true by column; None for columns with other words."""
    decided: dict[str, tuple[str, str] | None] = dict.fromkeys(spelled)
    for words in {*spelled.values()} - {None}:
        forms = {column: found.texts[column].form for column, own in spelled.items() if own == words}
        listed = ", ".join(map(literal, words or ()))
        others = _aggregated(found, forms, (_braced(f"count_if({CELL} NOT IN ({listed}))"),))
        decided |= {column: words for column, (count,) in others.items() if not count}
    return decided


def _words_as_in_training(found: _Columns, text: _Text, known: ColumnReading) -> _One:
    """Result for a text column that was not numeric in training. Raises ColumnError on an invalid boolean."""
    if known.booleans is not None:
        sql = _text_of(text)
        lower = f"lower(trim({sql}))"
        branches = " ".join(f"WHEN {literal(word.lower())} THEN {literal(word)}" for word in known.booleans)
        return _One(reading=known, sql=f"CASE {lower} {branches} ELSE {sql} END")
    if known.storage == "BOOLEAN":
        truths = [f"{literal(yes)}, {literal(no)}" for no, yes in FALSE_AND_TRUE]
        listed = f"{', '.join(truths)}, '0', '1'"
        wrong = found.connection.execute(
            f"SELECT rowid + 1, {text.cell} FROM dataset WHERE lower({text.cell}) NOT IN ({listed}) "
            "ORDER BY rowid LIMIT 1"
        ).fetchall()
        if wrong:
            raise ColumnError(
                f"Column {text.name!r} must contain true or false, as in training, but {found.name} has "
                f"{wrong[0][1]!r} in row {wrong[0][0]:,}. Correct the value, or leave the cell empty if it is unknown."
            )
        yeses = ", ".join([*(literal(yes) for _, yes in FALSE_AND_TRUE), "'1'"])
        return _One(reading=known, sql=f"lower({text.cell}) IN ({yeses})")
    return _One(reading=known, sql=_text_of(text))


UTC_TIME: Final = TimeReading(format="iso", clock="24-hour", zone="UTC", reason="stored with a time zone")


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """Settings of the user for dates and times."""

    formats: Mapping[str, str]
    times: frozenset[str]
    not_times: frozenset[str]


def _times(
    found: _Columns,
    typed: Mapping[str, _Text],
    numbers: Mapping[str, _One],
    known: Mapping[str, ColumnReading],
    asked: _Asked,
) -> tuple[dict[str, _One], dict[str, Share]]:
    """Results for columns of dates or times stored as text or numbers, and shares of numbers that resemble dates.

    typed: the numeric columns. Raises ColumnError on a value without the format of the training or of the user.
    """
    columns = {**found.texts, **typed}
    new = [column for column in (*numbers, *typed) if column not in known.keys() | asked.formats.keys()]
    compact = _compact(found, [column for column in new if column not in asked.not_times])
    tried = {}
    for column, text in columns.items():
        before = known.get(column)
        if before is not None:
            is_tried = before.time is not None or (column in found.texts and is_time_stamp(before.storage))
        elif column in numbers or column in typed:
            is_tried = column in asked.times | compact or (column in numbers and may_be_serial(column))
        else:
            is_tried = text.values > 0
        if column in asked.formats or (is_tried and column not in asked.not_times):
            tried[column] = text
    storage = columns_of(found.connection)
    settled: dict[str, _One] = {}
    like_dates: dict[str, Share] = {}
    for column, text in tried.items():
        some = [*dict.fromkeys(_samples(found, column))][:TIME_SAMPLES] if column in found.texts else []
        time = _time(found, text, known.get(column), asked, some or None)
        if time is None:
            like_dates |= {column: "most"} if column in compact else {}
            continue
        if column in compact and column not in asked.times and not _is_plausible(found, text, time, regular=True):
            like_dates[column] = "all"
            continue
        source = storage[column] if column in typed else ""
        reading = ColumnReading(storage=time.storage, source=source, time=time, missing=_own(text))
        settled[column] = _One(reading=reading, sql=f"CAST({time.expression(f'({text.cell})')} AS {time.storage})")
    return settled, like_dates


def _time(
    found: _Columns, text: _Text, before: ColumnReading | None, asked: _Asked, samples: Sequence[str] | None
) -> TimeReading | None:
    """The date format of a column; None if there is none. Raises ColumnError as `_times`."""
    column = text.name
    trained = before.time if before is not None else None
    given = trained or asked.formats.get(column)
    is_time = column in asked.times
    time = settle_time(
        found.connection,
        "dataset",
        column,
        cell=text.cell,
        samples=samples,
        given=given,
        is_time=is_time,
        name=found.name,
    )
    if time is None or (given is None and time.format in NUMERIC_TIME_FORMATS and not _is_plausible(found, text, time)):
        return None
    if trained is None and before is not None and time.alternatives:
        others = " or ".join(time.alternatives)
        raise ColumnError(
            f"The date format of column {column!r} must be unambiguous, but in {found.name} it can be {time.format} or "
            f"{others}, and in training the column had a date type. Write the dates as 2023-12-31."
        )
    if trained is None:
        return time
    wrong = found.connection.execute(
        f"SELECT rowid + 1, {text.cell} FROM dataset WHERE {text.cell} IS NOT NULL "
        f"AND {time.expression(f'({text.cell})')} IS NULL ORDER BY rowid LIMIT 1"
    ).fetchall()
    if wrong:
        row, value = wrong[0]
        raise unreadable(column, time, row=row, value=value, name=found.name, as_in_training=True)
    return time


def _is_plausible(found: _Columns, text: _Text, time: TimeReading, *, regular: bool = False) -> bool:
    return is_plausible(found.connection, "dataset", text.cell, time, regular=regular)


def _compact(found: _Columns, columns: Sequence[str]) -> set[str]:
    """The numeric columns in which most sampled values, or most of the first ones, are dates of eight digits."""
    some = {column: _samples(found, column)[:TIME_SAMPLES] for column in columns if column in found.texts}
    typed = [column for column in columns if column not in found.texts]
    if typed:  # one query, which is planned once
        listed = ", ".join(map(quoted, typed))
        rows = found.connection.execute(f"SELECT {listed} FROM dataset LIMIT {TIME_SAMPLES}").fetchall()
        for column, cells in zip(typed, zip(*rows, strict=True), strict=False):
            some[column] = [_as_text_of_number(cell) for cell in cells if cell is not None and not math.isnan(cell)]
    counts = {column: sum(map(is_compact, values)) for column, values in some.items() if values}
    return {column for column, count in counts.items() if count >= MIN_DATE_SHARE * len(some[column])}


def _as_text_of_number(value: float | Decimal) -> str:
    return str(int(value)) if math.isfinite(value) and value == int(value) else str(value)


def clear_not_finite(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[str],
    *,
    name: str,
    rows: int,
    given: Mapping[str, ColumnReading] | None = None,
) -> tuple[Mapping[str, int], Mapping[str, Note]]:
    """Replace NaN and infinity in the table `dataset` by NULL, as in text columns.

    columns: floating-point columns. name, rows: name and number of rows of the dataset. given: readings of the
    training. Returns the first row (from 0) with NaN by column, and notes about columns with infinity.
    Raises ColumnError on infinity in a column that had none in training.
    """
    not_a_number: dict[str, int] = {}
    notes: dict[str, Note] = {}
    for column in _not_finite(connection, columns, rows=rows):
        value = quoted(column)
        infinite, first = connection.execute(
            f"SELECT count_if(isinf({value})), min(rowid) FILTER (isnan({value})) FROM dataset"
        ).fetchall()[0]
        if first is not None:
            not_a_number[column] = first
        if infinite:
            quotes = connection.execute(
                f"SELECT min(rowid) + 1, CAST({value} AS VARCHAR) FROM dataset WHERE isinf({value}) "
                "GROUP BY 2 ORDER BY 1"
            ).fetchall()
            before = (given or {}).get(column)
            if before is not None and not before.exceptions:
                raise _not_as_in_training(column, "", name=name, row=quotes[0][0], value=quotes[0][1])
            notes[column] = Note(column=column, exceptions=Exceptions(count=infinite, quoted=tuple(quotes)))
        connection.execute(f"UPDATE dataset SET {value} = NULL WHERE NOT isfinite({value})")
    return not_a_number, notes


def _not_finite(connection: duckdb.DuckDBPyConnection, columns: Sequence[str], *, rows: int) -> list[str]:
    """The floating-point columns with a value that is not finite. rows: number of rows of the dataset."""
    found: list[str] = []
    for names in chunks(columns, MAX_UNPIVOTED_COLUMNS if rows <= MAX_UNPIVOTED_ROWS else COLUMNS_A_QUERY):
        if rows <= MAX_UNPIVOTED_ROWS:
            laid = columns_as_rows([f"CAST({quoted(column)} AS DOUBLE)" for column in names])
            places = connection.execute(f"SELECT DISTINCT place FROM {laid} WHERE NOT isfinite(cell)").fetchall()
            found += [names[place] for place in sorted(int(place) for (place,) in places)]
        else:
            tests = ", ".join(f"coalesce(bool_or(NOT isfinite({quoted(column)})), FALSE)" for column in names)
            (hits,) = connection.execute(f"SELECT {tests} FROM dataset").fetchall()
            found += [column for column, is_hit in zip(names, hits, strict=True) if is_hit]
    return found


def _clear_missing(
    connection: duckdb.DuckDBPyConnection, tokens: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, int]]:
    """Replace numbers that are missing-value markers in the table `dataset` by NULL, and return the rows of each.

    tokens: missing-value markers by numeric column; those that are not numbers are ignored.
    """
    found: dict[str, dict[str, int]] = {}
    for column, own in tokens.items():
        numbers = [text for text in own if len(text) <= EXACT_DIGITS and re.fullmatch(PLAIN_NUMBER, text)]
        if not numbers:
            continue
        counts = ", ".join(f"count_if({quoted(column)} = {number})" for number in numbers)
        (hits,) = connection.execute(f"SELECT {counts} FROM dataset").fetchall()
        if any(hits):
            listed = ", ".join(numbers)
            connection.execute(f"UPDATE dataset SET {quoted(column)} = NULL WHERE {quoted(column)} IN ({listed})")
            found[column] = {number: rows for number, rows in zip(numbers, hits, strict=True) if rows}
    return found


def _typed(column: str, kind: str, known: ColumnReading | None) -> _One:
    """Result for a column that is not text. Decimals and single floats become the doubles of their decimal notation."""
    sql = quoted(column)
    if kind == "BOOLEAN" and known is not None and known.booleans is not None:
        no, yes = map(literal, known.booleans)
        return _One(reading=known, sql=f"CASE {sql} WHEN TRUE THEN {yes} WHEN FALSE THEN {no} END")
    if kind == "TIMESTAMP WITH TIME ZONE":
        zoned = known.time if known is not None and known.time is not None else UTC_TIME
        return _One(
            reading=ColumnReading(storage="TIMESTAMP", source=kind, time=zoned), sql=f"make_timestamp(epoch_us({sql}))"
        )
    wanted = kind
    if kind == "FLOAT":
        wanted, sql = "DOUBLE", f"CAST(CAST({sql} AS VARCHAR) AS DOUBLE)"
    elif kind == "UBIGINT":
        wanted, sql = "HUGEINT", f"CAST({sql} AS HUGEINT)"
    elif kind == "UHUGEINT":
        wanted, sql = "VARCHAR", f"CAST({sql} AS VARCHAR)"
    elif found := re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind):
        wanted = "DOUBLE" if int(found[2]) else "HUGEINT"
        sql = f"CAST(CAST({sql} AS VARCHAR) AS {wanted})"
    return _One(reading=ColumnReading(storage=wanted, source="" if wanted == kind else kind), sql=sql)
