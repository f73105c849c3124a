"""Settle the type of each text column over all rows, and read rows with the types of a training.

A column becomes numeric only if every value, but for a stated few, reads back to what was written. The sample of its
cells only proposes how numbers are written; queries over all rows decide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from recommender.readers.reading import (
    FALSE_AND_TRUE,
    MIN_NUMBERS,
    ColumnReading,
    NumberReading,
    boolean_spelling,
    forced_reading,
    number_reading,
)
from recommender.readers.times import (
    COMPACT,
    EPOCH_UNITS,
    TimeReading,
    is_compact,
    is_plausible,
    may_be_serial,
    settle_time,
    unreadable,
)
from recommender.sql import chunks, columns_of, is_number, is_time_stamp, level_text, literal, one_in, quoted
from rules.errors import ColumnError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import duckdb

SHORT_TABLE: Final = 20_000
"""Rows up to which columns are laid under each other, which plans faster (see characteristics/columns.py)."""
LONG_COLUMNS: Final = 128
"""Columns that are laid under each other at a time."""
SAMPLED_CELLS: Final = 200_000
"""Cells from which it is guessed how numbers are written: they are read in 0.2 s."""
MAX_SAMPLED_ROWS: Final = 2_000
MIN_SAMPLED_ROWS: Final = 50
MAX_EXCEPTIONS: Final = 0.05
"""Share of a column's values that may be no numbers and are then read as missing (docs/evidence.md 1, numbers as
words)."""
MIN_QUANTITY: Final = 20
"""Distinct numbers above which a column with exceptions is a quantity; up to it, it may as well be codes."""
MAX_VERSIONS: Final = 100
"""Distinct spellings up to which 3.9 and 3.10 may be versions rather than decimals."""
VERSION_DECIMALS: Final = 2
EXACT_DIGITS: Final = 15
"""Digits that a double always keeps."""
HUGEINT_DIGITS: Final = 38
TIME_SAMPLES: Final = 50
"""Different values by which formats of times are proposed, before all rows decide."""
SERIAL: Final = frozenset({COMPACT, *EPOCH_UNITS})
"""Formats of times that are written as numbers, which must lie in plausible years."""
MAX_QUOTED: Final = 3
"""Exceptions that a message quotes."""
MAX_RECORDED: Final = 50
"""Different exceptions of which a reading records the rows."""


@dataclass(frozen=True, kw_only=True)
class Exceptions:
    """The values of a numeric column that are no numbers."""

    count: int
    quoted: tuple[tuple[int, str], ...]
    """Some of them: the row, from 1, and the value."""


@dataclass(frozen=True, kw_only=True)
class Note:
    """What is worth reporting about how a column was read."""

    column: str
    exceptions: Exceptions | None = None
    missing: Mapping[str, int] = field(default_factory=dict)
    """Rows of each text that was read as missing."""
    doubt: str = ""
    """Why a column that looks like numbers was read as words; empty where there is no doubt."""


@dataclass(frozen=True, kw_only=True)
class Settled:
    """How the columns of a dataset were read, and what is worth reporting about it."""

    readings: Mapping[str, ColumnReading]
    notes: Mapping[str, Note]


@dataclass(frozen=True, kw_only=True)
class _Text:
    """A text column before it is settled."""

    name: str
    cell: str
    """The SQL of a cell: trimmed where some are padded, NULL where it says that the value is missing."""
    values: int
    tokens: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Test:
    """One way of writing numbers, counted over all rows of a column."""

    reading: NumberReading
    values: int
    numbers: int
    integers: int
    """Numbers that a BIGINT writes in the same way."""
    long_integers: int
    """Numbers without decimals of more digits than a double always keeps."""
    padded: int
    """Numbers whose decimals end in a zero."""

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
) -> Settled:
    """Give the columns of the table `dataset` their types.

    name: of the dataset, for messages. missing: texts that count as missing, besides the empty one. given: how columns
    were read in training; the others are inferred. formats: of dates and times, as the user gives them. times: columns
    that the user says are times, of which numbers may be seconds since 1970 or day numbers. not_times: those that the
    user says are something else.
    Raises ColumnError on a cell that cannot be read as in training.
    """
    storage = storage_of(connection)
    for column in formats or {}:
        if column not in storage:
            raise ColumnError(
                f"--date-format must name a column of {name}, but got {column!r}.{did_you_mean(column, [*storage])}"
            )
    known = {column: reading for column, reading in (given or {}).items() if column in storage}
    rows: int = connection.execute("SELECT count(*) FROM dataset").fetchall()[0][0]
    tokens = {
        column: ("", *(known[column].missing if column in known else missing))
        for column, kind in storage.items()
        if kind == "VARCHAR"
    }
    texts, absent = _first_look(connection, tokens, rows)
    found = _Columns(connection=connection, texts=texts, rows=rows, name=name)
    numbers = _numbers(found, {column: known[column] for column in texts if column in known})
    typed = {
        column: _Text(name=column, cell=f"nullif({level_text(column, kind)}, 'nan')", values=rows, tokens=())
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
    settled |= {column: replace(settled[column], doubt=doubt) for column, doubt in like_dates.items()}
    if any(settled[column].sql != quoted(column) for column in storage):
        listed = ", ".join(f"{settled[column].sql} AS {quoted(column)}" for column in storage)
        connection.execute(f"CREATE OR REPLACE TABLE settled AS SELECT {listed} FROM dataset")
        connection.execute("DROP TABLE dataset")
        connection.execute("ALTER TABLE settled RENAME TO dataset")
    notes = {
        column: Note(
            column=column,
            exceptions=settled[column].exceptions,
            missing=absent.get(column, {}),
            doubt=settled[column].doubt,
        )
        for column in storage
        if settled[column].exceptions or absent.get(column) or settled[column].doubt
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
    )


@dataclass(kw_only=True)
class Settler:
    """How text is to be read, as the user and a training say, and how it was read then."""

    missing: tuple[str, ...] | None = None
    """Texts that count as missing, besides the empty one; None for those of the format."""
    given: Mapping[str, ColumnReading] | None = None
    """How columns were read in training."""
    formats: Mapping[str, str] | None = None
    """How the user says that the dates and times of columns are written."""
    times: frozenset[str] = frozenset()
    """Columns that the user says are times."""
    not_times: frozenset[str] = frozenset()
    """Columns that the user says are something else."""
    kept: tuple[str, ...] = ()
    """Columns of which the values are also kept as they are, in the table `kept`."""
    settled: Settled = field(default_factory=lambda: Settled(readings={}, notes={}))

    def settle(self, connection: duckdb.DuckDBPyConnection, *, name: str, usual: Sequence[str] = ()) -> None:
        """Settle the table `dataset`. usual: texts that count as missing in this format."""
        missing = usual if self.missing is None else self.missing
        storage = storage_of(connection)
        if listed := ", ".join(quoted(column) for column in self.kept if column in storage):
            connection.execute(f"CREATE OR REPLACE TABLE kept AS SELECT {listed} FROM dataset")
        self.settled = settle(
            connection,
            name=name,
            missing=missing,
            given=self.given,
            formats=self.formats,
            times=self.times,
            not_times=self.not_times,
        )


def settle_as_numbers(
    connection: duckdb.DuckDBPyConnection, column: str, *, name: str, was: ColumnReading | None
) -> tuple[ColumnReading, Note]:
    """Read a text column of a settled table `dataset` as numbers, because the user says that it is numeric.

    was: how it was read before. Raises ColumnError where more than a stated share of its values are no numbers, naming
    the first one.
    """
    rows: int = connection.execute("SELECT count(*) FROM dataset").fetchall()[0][0]
    texts, _ = _first_look(connection, {column: ("",)}, rows)
    found = _Columns(connection=connection, texts=texts, rows=rows, name=name)
    reading = forced_reading(_sample(found)[column])
    test = _tests(found, {column: reading})[column]
    few = test.exceptions <= MAX_EXCEPTIONS * test.values
    if not test.numbers or not few:
        row, value = _exceptions(found, column, reading, test).quoted[0]
        raise ColumnError(
            f"Each value of a column of kind numeric must be readable as one, but {column!r} is {value!r} in row "
            f"{row:,}. Mend the value, leave the cell empty, or choose another kind."
        )
    details = _details(found, {column: test})
    one = _as_numbers(found, column, test, details.get(column), _huge_or_double(test, details.get(column)))
    connection.execute(
        f"CREATE OR REPLACE TABLE settled AS SELECT * REPLACE ({one.sql} AS {quoted(column)}) FROM dataset"
    )
    connection.execute("DROP TABLE dataset")
    connection.execute("ALTER TABLE settled RENAME TO dataset")
    missing = () if was is None else was.missing
    return one.reading.model_copy(update={"missing": missing}), Note(column=column, exceptions=one.exceptions)


def storage_of(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The DuckDB type of each column of the table `dataset`."""
    return columns_of(connection)


@dataclass(frozen=True, kw_only=True)
class _Columns:
    """The text columns of a dataset that is being settled."""

    connection: duckdb.DuckDBPyConnection
    texts: Mapping[str, _Text]
    rows: int
    name: str


@dataclass(frozen=True, kw_only=True)
class _One:
    """How one column is settled: its reading, the SQL of its values, and what is worth reporting."""

    reading: ColumnReading
    sql: str
    exceptions: Exceptions | None = None
    doubt: str = ""


def _aggregated(
    found: _Columns, cells: Mapping[str, str], parts: Sequence[str], *, plain: str = "{cell}"
) -> dict[str, tuple[int, ...]]:
    """Aggregates of some columns. cells: the SQL of each one's cells. parts: aggregates of {cell} and {plain}.

    plain: the SQL of a cell as a plain number.
    """
    values: dict[str, tuple[int, ...]] = {}
    if found.rows <= SHORT_TABLE:
        for names in chunks(tuple(cells), LONG_COLUMNS):
            listed = ", ".join(f'{cells[column]} AS "{place}"' for place, column in enumerate(names))
            aggregates = ", ".join(part.format(cell="cell", plain="plain") for part in parts)
            laid = f"(SELECT {listed} FROM dataset) UNPIVOT (cell FOR place IN (COLUMNS(*)))"
            inner = f"SELECT place, cell, {plain.format(cell='cell')} AS plain FROM {laid}"
            query = f"SELECT place, {aggregates} FROM ({inner}) GROUP BY place"
            values |= dict.fromkeys(names, (0,) * len(parts))  # a column without any value leaves no row
            rows = found.connection.execute(query).fetchall()
            values |= {names[int(place)]: tuple(value or 0 for value in row) for place, *row in rows}
        return values
    for names in chunks(tuple(cells)):
        inner = ", ".join(f"{cells[column]} AS c{place}" for place, column in enumerate(names))
        outer = ", ".join(f"c{place}, {plain.format(cell=f'c{place}')} AS p{place}" for place, _ in enumerate(names))
        aggregates = ", ".join(
            part.format(cell=f"c{place}", plain=f"p{place}") for place, _ in enumerate(names) for part in parts
        )
        query = f"SELECT {aggregates} FROM (SELECT {outer} FROM (SELECT {inner} FROM dataset))"
        (row,) = found.connection.execute(query).fetchall()
        size = len(parts)
        values |= {column: row[place * size : (place + 1) * size] for place, column in enumerate(names)}
    return {column: tuple(value or 0 for value in row) for column, row in values.items()}


def _first_look(
    connection: duckdb.DuckDBPyConnection, tokens: Mapping[str, tuple[str, ...]], rows: int
) -> tuple[dict[str, _Text], dict[str, dict[str, int]]]:
    """The text columns with the SQL of their cells, and the rows of each text that says that a value is missing."""
    found = _Columns(connection=connection, texts={}, rows=rows, name="")
    texts: dict[str, _Text] = {}
    absent: dict[str, dict[str, int]] = {}
    for own in dict.fromkeys(tokens.values()):
        listed = ", ".join(map(literal, own))
        cells = {column: quoted(column) for column, its in tokens.items() if its == own}
        parts = (
            "count({cell})",
            f"count_if({{cell}} IN ({listed}))",
            "count_if(starts_with({cell}, ' ') OR ends_with({cell}, ' '))",
        )
        for column, (count, hits, padded) in _aggregated(found, cells, parts).items():
            bare = f"trim({quoted(column)})" if padded else quoted(column)
            if not hits and not padded:
                texts[column] = _Text(name=column, cell=bare, values=count, tokens=own)
                continue
            counts = connection.execute(
                f"SELECT {bare}, count(*) FROM dataset WHERE {bare} IN ({listed}) GROUP BY 1 ORDER BY 1"
            ).fetchall()
            cell = f"CASE WHEN {bare} IN ({listed}) THEN NULL ELSE {bare} END"
            values = count - sum(times for _, times in counts)
            texts[column] = _Text(name=column, cell=cell, values=values, tokens=own)
            absent[column] = {text: times for text, times in counts if text}
    return {column: texts[column] for column in tokens}, absent


def _sample(found: _Columns) -> dict[str, list[str]]:
    """Some cells of each column, evenly spread over the rows, without missing ones."""
    columns = tuple(found.texts)
    if not columns:
        return {}
    size = min(MAX_SAMPLED_ROWS, max(MIN_SAMPLED_ROWS, SAMPLED_CELLS // len(columns)))
    where = one_in(found.rows // size)
    sampled: dict[str, list[str]] = {}
    for names in chunks(columns, LONG_COLUMNS):
        listed = ", ".join(f"{found.texts[column].cell} AS c{place}" for place, column in enumerate(names))
        rows = found.connection.execute(f"SELECT {listed} FROM dataset WHERE {where} LIMIT {2 * size}").fetchall()
        for place, column in enumerate(names):
            sampled[column] = [row[place] for row in rows if row[place] is not None]
    return sampled


def _tests(found: _Columns, readings: Mapping[str, NumberReading]) -> dict[str, _Test]:
    """Count over all rows how many cells of each column are numbers of its convention."""
    parts = (
        "count({plain})",
        "count_if(CAST(TRY_CAST({plain} AS BIGINT) AS VARCHAR) = {plain})",
        f"count_if({LONG_INTEGER})",
        "count_if(contains({plain}, '.') AND ends_with({plain}, '0') AND NOT ends_with({plain}, '.0'))",
    )
    tests = {}
    for reading in dict.fromkeys(readings.values()):
        cells = {column: found.texts[column].cell for column, own in readings.items() if own == reading}
        counted = _aggregated(found, cells, parts, plain=_braced(reading.plain(CELL)))
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
"""The SQL condition that a plain number is an integer of which a double may lose digits."""
CELL: Final = "\x00"  # stands for the cell in SQL that is made once for many columns


def _braced(sql: str) -> str:
    """SQL of a cell as a format string."""
    return sql.replace("{", "{{").replace("}", "}}").replace(CELL, "{cell}")


@dataclass(frozen=True, kw_only=True)
class _Details:
    """What decides in doubt about a column of numbers."""

    huge: int
    """Numbers that a HUGEINT writes in the same way."""
    lost: int
    """Whole numbers of which a double loses digits."""
    not_finite: int
    """Cells that say infinity or NaN: numbers that cannot be used, but no words."""
    distinct: int
    decimals: tuple[int, int]
    """The fewest and the most digits after a decimal point."""


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
        cells = {column: found.texts[column].cell for column, own in doubtful.items() if own == reading}
        counted = _aggregated(found, cells, parts, plain=_braced(reading.plain(CELL)))
        for column, (huge, lost, not_finite, distinct, fewest, most) in counted.items():
            details[column] = _Details(
                huge=huge, lost=lost, not_finite=not_finite, distinct=distinct, decimals=(fewest, most)
            )
    return details


def _numbers(found: _Columns, known: Mapping[str, ColumnReading]) -> dict[str, _One]:
    """The text columns that are numbers, or look like them and are not for a reason that is reported."""
    samples = _sample(found)
    guesses = {
        column: reading.number or NumberReading() for column, reading in known.items() if is_number(reading.storage)
    }
    ambiguous: list[str] = []
    for column in found.texts.keys() - known.keys():
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
    return _with_one_decimal_sign(found, settled, ambiguous, samples)


def _wider(found: _Columns, column: str, test: _Test) -> NumberReading:
    """The convention extended by thousands separators or parentheses that only some rows have."""
    texts = [value for _, value in _exceptions(found, column, test.reading, test, most=MAX_RECORDED).quoted]
    variants = [
        test.reading.model_copy(update={"thousands": thousands, "parentheses": parentheses})
        for thousands in dict.fromkeys((test.reading.thousands, ",", " ", "'"))
        for parentheses in dict.fromkeys((test.reading.parentheses, True))
        if thousands != test.reading.decimal
    ]
    return max(variants, key=lambda one: sum(re.fullmatch(one.pattern, text) is not None for text in texts))


def _storage(test: _Test, details: _Details | None) -> tuple[str, str]:  # noqa: PLR0911  the first test decides
    """The type of a column of numbers, or "" and why it stays text."""
    if not test.numbers:
        return "", ""
    if test.exceptions and details is not None:
        share = test.exceptions / test.values
        words = test.exceptions - details.not_finite
        if words and (words > MAX_EXCEPTIONS * test.values or details.distinct <= MIN_QUANTITY):
            return "", "exceptions" if share <= 1 - MIN_NUMBERS else ""
    if test.integers == test.numbers:
        return "BIGINT", ""
    if details is None:
        return "DOUBLE", ""
    if details.huge == test.numbers:
        return "HUGEINT", ""
    if details.lost:
        return "", "digits"
    fewest, most = details.decimals
    is_version = test.padded and fewest != most <= VERSION_DECIMALS and details.distinct <= MAX_VERSIONS
    return ("", "versions") if is_version and test.reading.is_plain else ("DOUBLE", "")


def _huge_or_double(test: _Test, details: _Details | None) -> str:
    """The type in which numbers keep most of what was written."""
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
    """The SQL of a cell as a number."""
    is_simple = test.reading.is_plain and not test.exceptions
    plain = text.cell if is_simple else test.reading.plain(f"({text.cell})")
    return f"CAST({plain} AS {kind})"


def _as_in_training(found: _Columns, column: str, test: _Test, details: _Details | None, known: ColumnReading) -> _One:
    """A column read with the reading of the training.

    Raises ColumnError on a value that is no number where all were numbers in training; elsewhere it counts as missing.
    """
    text = found.texts[column]
    exceptions = _exceptions(found, column, test.reading, test) if test.exceptions else None
    if exceptions is not None and not known.exceptions:
        row, value = exceptions.quoted[0]
        written = test.reading.description
        raise ColumnError(
            f"Column {column!r} must hold finite numbers{f' ({written})' if written else ''}, as it did in training, "
            f"but {found.name} has {value!r} in row {row:,}. Correct the value, or leave the cell empty if it is not "
            "known."
        )
    kind = _huge_or_double(test, details) if test.numbers else known.storage
    return _One(reading=known, sql=_number(text, test, kind), exceptions=exceptions)


def _exceptions(
    found: _Columns,
    column: str,
    reading: NumberReading,
    test: _Test,
    *,
    most: int = MAX_QUOTED,
) -> Exceptions:
    """The cells of a column that are no numbers; of equal ones the first."""
    plain = reading.plain("cell")
    rows = found.connection.execute(
        f"SELECT min(row), cell FROM (SELECT rowid + 1 AS row, {found.texts[column].cell} AS cell FROM dataset) "
        f"WHERE cell IS NOT NULL AND {plain} IS NULL GROUP BY cell ORDER BY 1 LIMIT {most}"
    ).fetchall()
    return Exceptions(count=test.exceptions, quoted=tuple((row, value) for row, value in rows))


def _with_one_decimal_sign(
    found: _Columns, settled: dict[str, _One], ambiguous: Sequence[str], samples: Mapping[str, Sequence[str]]
) -> dict[str, _One]:
    """Decide what commas mean: decimals only where no other column has a decimal point.

    A column that has both signs (12.573,02) decides for itself; of one that could be read in two ways (1,288), a column
    of the same dataset with certain decimal commas decides.
    """
    decided = dict(settled)
    numbers = {column: one.reading.number for column, one in settled.items() if one.reading.number is not None}
    points = any(
        number.decimal == "." and settled[column].reading.storage == "DOUBLE" for column, number in numbers.items()
    )
    commas = [column for column, number in numbers.items() if number.decimal == "," and not _has_both(samples[column])]
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
    """The texts that count as missing, without the empty one."""
    return tuple(token for token in text.tokens if token)


def _text_of(text: _Text) -> str:
    """The SQL of a cell that stays text: as it was written, NULL where it is missing."""
    if text.cell.startswith("CASE"):
        listed = ", ".join(map(literal, text.tokens))
        return f"CASE WHEN trim({quoted(text.name)}) IN ({listed}) THEN NULL ELSE {quoted(text.name)} END"
    return quoted(text.name)


def _words(found: _Columns, columns: Sequence[str], known: Mapping[str, ColumnReading]) -> dict[str, _One]:
    """The text columns that are no numbers: times, booleans and other words."""
    samples = _sample(replace(found, texts={column: found.texts[column] for column in columns}))
    settled = {}
    for column in columns:
        text = found.texts[column]
        if column in known:
            settled[column] = _words_as_in_training(found, text, known[column])
            continue
        booleans = boolean_spelling(samples[column])
        if booleans is not None and not _only(found, text, booleans):
            booleans = None
        reading = ColumnReading(storage="VARCHAR", booleans=booleans, missing=_own(text))
        settled[column] = _One(reading=reading, sql=_text_of(text))
    return settled


def _only(found: _Columns, text: _Text, words: Sequence[str]) -> bool:
    """Whether a column holds no other words."""
    listed = ", ".join(map(literal, words))
    ((others,),) = found.connection.execute(f"SELECT count_if({text.cell} NOT IN ({listed})) FROM dataset").fetchall()
    return not others


def _words_as_in_training(found: _Columns, text: _Text, known: ColumnReading) -> _One:
    """A text column that was no number in training. Raises ColumnError where a boolean is spelled in another way."""
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
                f"Column {text.name!r} must hold true or false, as it did in training, but {found.name} has "
                f"{wrong[0][1]!r} in row {wrong[0][0]:,}. Correct the value, or leave the cell empty if it is not "
                "known."
            )
        yeses = ", ".join([*(literal(yes) for _, yes in FALSE_AND_TRUE), "'1'"])
        return _One(reading=known, sql=f"lower({text.cell}) IN ({yeses})")
    return _One(reading=known, sql=_text_of(text))


UTC_TIME: Final = TimeReading(format="iso", clock="24-hour", zone="UTC", reason="stored with a time zone")


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What the user says about dates and times."""

    formats: Mapping[str, str]
    times: frozenset[str]
    not_times: frozenset[str]


def _times(
    found: _Columns,
    typed: Mapping[str, _Text],
    numbers: Mapping[str, _One],
    known: Mapping[str, ColumnReading],
    asked: _Asked,
) -> tuple[dict[str, _One], dict[str, str]]:
    """The columns that are dates or times though they are not stored as such, and doubts about numbers.

    typed: the columns of numbers. Raises ColumnError on a value that is not written as in training, or as the user
    says.
    """
    columns = {**found.texts, **typed}
    new = [column for column in (*numbers, *typed) if column not in known.keys() | asked.formats.keys()]
    compact = _compact(found, {column: columns[column].cell for column in new if column not in asked.not_times})
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
    samples = _sample(replace(found, texts=tried))
    settled: dict[str, _One] = {}
    like_dates: dict[str, str] = {}
    for column, text in tried.items():
        some = [*dict.fromkeys(samples[column])][:TIME_SAMPLES] or None
        time = _time(found, text, known.get(column), asked, some)
        if time is None:
            like_dates |= {column: "some dates"} if column in compact else {}
            continue
        if column in compact and column not in asked.times and not _is_plausible(found, text, time, regular=True):
            like_dates[column] = "dates"
            continue
        source = _source(found, column) if column in typed else ""
        reading = ColumnReading(storage=time.storage, source=source, time=time, missing=_own(text))
        settled[column] = _One(reading=reading, sql=f"CAST({time.expression(f'({text.cell})')} AS {time.storage})")
    return settled, like_dates


def _source(found: _Columns, column: str) -> str:
    return storage_of(found.connection)[column]


def _time(
    found: _Columns, text: _Text, before: ColumnReading | None, asked: _Asked, samples: Sequence[str] | None
) -> TimeReading | None:
    """How the dates or times of a column are written; None where they are none. Raises ColumnError as `_times` does."""
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
    if time is None or (given is None and time.format in SERIAL and not _is_plausible(found, text, time)):
        return None
    if trained is None and before is not None and time.alternatives:
        others = " or ".join(time.alternatives)
        raise ColumnError(
            f"The dates of column {column!r} must be written in one way, but those of {found.name} can be read as "
            f"{time.format} or {others}, and in training they had a type of their own. Write them as 2023-12-31."
        )
    wrong = found.connection.execute(
        f"SELECT rowid + 1, {text.cell} FROM dataset WHERE {text.cell} IS NOT NULL "
        f"AND {time.expression(f'({text.cell})')} IS NULL ORDER BY rowid LIMIT 1"
    ).fetchall()
    if wrong:
        row, value = wrong[0]
        raise unreadable(column, time, row=row, value=value, name=found.name, as_in_training=trained is not None)
    return time


def _is_plausible(found: _Columns, text: _Text, time: TimeReading, *, regular: bool = False) -> bool:
    return is_plausible(found.connection, "dataset", text.cell, time, regular=regular)


def _compact(found: _Columns, cells: Mapping[str, str]) -> set[str]:
    """The columns of numbers whose first values are dates of eight digits."""
    dates: set[str] = set()
    for names in chunks(tuple(cells), LONG_COLUMNS):
        listed = ", ".join(cells[column] for column in names)
        rows = found.connection.execute(f"SELECT {listed} FROM dataset LIMIT {TIME_SAMPLES}").fetchall()
        for place, column in enumerate(names):
            values = [row[place] for row in rows if row[place] is not None]
            if values and all(map(is_compact, values)):
                dates.add(column)
    return dates


def _typed(column: str, kind: str, known: ColumnReading | None) -> _One:
    """A column that has a type of its own. Decimals and single floats become doubles as text formats write them."""
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
