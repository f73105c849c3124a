"""Date formats of columns, and the SQL that parses them.

A column contains times only if all values have the same format. If several formats fit, the one with plausible years
and regular steps is chosen; if several remain, the reading lists the others as alternatives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict

from recommender.dataset.sql import literal, quoted
from recommender.dataset.time_steps import calendar_steps, summary_of_steps
from rules.errors import ChoiceError, ColumnError, did_you_mean
from rules.text.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import duckdb

Clock = Literal["", "24-hour", "12-hour"]

ISO: Final = "iso"
QUARTER: Final = "quarter"
EXCEL: Final = "excel"
EPOCH: Final = "epoch"
EPOCH_MS: Final = "epoch_ms"
SPECIAL: Final = (ISO, QUARTER, EXCEL, EPOCH, EPOCH_MS)
"""Named formats: ISO 8601 dates, quarters (2023 Q1, Q1 2023), spreadsheet day numbers, and seconds or milliseconds
since 1970."""
COMPACT: Final = "%Y%m%d"
COMPACT_DIGITS: Final = 8
COMPACT_PATTERN: Final = r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
MONTH: Final = "%b"
"""Directive for the name of a month, abbreviated or in full."""
DATE_FORMATS: Final = (
    ISO,
    QUARTER,
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d.%m.%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d-%m-%y",
    "%m-%d-%y",
    "%y-%m-%d",
    "%d.%m.%y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d/%b/%Y",
    "%d.%b.%Y",
    "%d. %b %Y",
    "%d %b %y",
    "%d-%b-%y",
    "%b %d %Y",
    "%b-%d-%Y",
    "%Y-%b-%d",
    "%Y %b %d",
    "%Y-%m",
    "%Y/%m",
    "%Y.%m",
    "%m/%Y",
    "%m-%Y",
    "%m.%Y",
    "%b %Y",
    "%b-%Y",
    "%Y %b",
    "%Y-%b",
    "%b-%y",
    "%b %y",
)
"""Formats of dates that are tried. %m.%d.%Y and %y/%m/%d are excluded because they are not in use: 01/02/23 is in
2023."""
CLOCKS: Final[dict[Clock, tuple[str, ...]]] = {
    "": ("", " 00:00:00", " 00:00"),
    "24-hour": ("", " %H:%M:%S", " %H:%M", " %H:%M:%S.%f"),
    "12-hour": ("", " %I:%M %p", " %I:%M:%S %p", " %I %p"),
}
"""Formats of the time after a date, by clock. Dates without clock may be followed by midnight."""
ISO_PATTERN: Final = r"\d{4}-\d{1,2}-\d{1,2}"
ISO_CLOCK: Final = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
ISO_MIDNIGHT: Final = r"(?:[T ]00:00(?::00(?:\.0+)?)?)?"
QUARTERS: Final = (r"(\d{4})[\s-]*[Qq]([1-4])", r"[Qq]([1-4])[\s/-]*(\d{4})")
"""Year before quarter, and quarter before year."""
AM_PM: Final = r"\s*([AaPp])\.?[Mm]\.?$"
"""AM or PM at the end of a time."""
ZONE: Final = r"(\d|[AaPp]\.?[Mm]\.?)\s*(Z|z|[+-]\d{2}:?(?:\d{2})?|[A-Z]{3,4}|[A-Z][A-Za-z]+(?:/[A-Za-z_]+)+)$"
"""Offset or name of the time zone after a time."""
OFFSET: Final = r"([+-])(\d{2}):?(\d{2})?"
ZERO: Final = ("Z", "z", "UTC", "GMT")
UTC: Final = "UTC"
MIN_YEAR: Final = 1000  # smaller years did not have the four digits of %Y
PLAUSIBLE_YEARS: Final = (1900, 2100)
"""Years of all dates for a format to be preferred if several formats fit."""
COMPACT_MONTH: Final = "%Y%m"
COMPACT_MONTH_PATTERN: Final = r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])"
BASIC: Final = ("%Y%m%d %H%M%S", "%Y%m%d %H%M")
"""ISO 8601 basic format of a date with a time, 20230131T120000, with a space instead of T."""
BASIC_PATTERN: Final = r"(?:19|20)\d{6}T(?P<clock>\d{6}|\d{4})(?P<zone>Z|[+-]\d{2}:?(?:\d{2})?)?"
EPOCH_UNITS: Final = {EPOCH: 1_000_000, EPOCH_MS: 1_000}
"""Microseconds per unit."""
EPOCH_YEARS: Final = (1980, 2100)
"""Years of all times for numbers to be seconds or milliseconds since 1970."""
EPOCH_SECONDS: Final = (315_532_800, 4_133_980_799)
"""First second of 1980 and last second of 2100, since 1970."""
MAX_EPOCH: Final = 253_402_300_799
"""Last second of the year 9999, since 1970."""
WEEKDAY: Final = (
    r"(?i)^(?:mon(?:day)?|tues?(?:day)?|wed(?:nesday)?|thu(?:rs?)?(?:day)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
    r"\.?,?\s+"
)
"""Day of the week before a date."""
SEPT: Final = r"(?i)\bsept\b"
MONTH_POINT: Final = r"(?i)\b(jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.(\s)"
"""Abbreviated month name with a point."""
EXCEL_DAYS: Final = (20_000.0, 60_000.0)
"""Range of spreadsheet day numbers, from 1954 to 2064."""
EXCEL_NAMES: Final = frozenset({"date", "dates", "datetime", "datum", "fecha", "timestamp"})
"""Words in names of columns whose numbers may be spreadsheet day numbers."""
SAMPLED_VALUES: Final = 50
"""Values of the sample that proposes formats; also the largest number of characters of a value in a message."""
MAX_STEP_ROWS: Final = 20_000
"""Number of first rows whose steps are compared between formats."""
MIN_STEPS: Final = 3
MIN_REGULAR_SHARE: Final = 0.9
"""Smallest share of equal steps for a format to be chosen by its steps (as `sequence.REGULAR_SHARE`)."""
MIN_IRREGULAR_RATIO: Final = 2.0
"""The other formats must have at least this multiple of the chosen format's irregular steps, or steps back, ..."""
MIN_IRREGULAR_MARGIN: Final = 0.01
"""... plus this share of all steps."""


class TimeReading(BaseModel):
    """Format of the dates and times of a column."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str
    """Named format, or strptime format of the date; with a time if it was given by the user with one."""
    clock: Clock = ""
    """Clock of the time after the date."""
    weekdays: bool = False
    """Whether the day of the week, which must be correct, may precede the date."""
    zone: str | None = None
    """Time zone of predictions: an offset such as +02:00, or a name; None if the values have none."""
    zones: tuple[str, ...] = ()
    """Names of time zones, other than UTC, in the values."""
    reason: str = ""
    """Reason for this format."""
    alternatives: tuple[str, ...] = ()
    """Other formats that fit all values."""

    @property
    def storage(self) -> str:
        """DuckDB type of the parsed values."""
        has_clock = self.clock or self.zone is not None or self.format == EXCEL or _has_clock(self.format)
        return "TIMESTAMP" if has_clock else "DATE"

    @property
    def description(self) -> str:
        """The format in the syntax of --date-format, with clock and time zone in words.

        >>> TimeReading(format="%d/%m/%Y", clock="12-hour").description
        '%d/%m/%Y, 12-hour clock'
        """
        if self.format in EPOCH_UNITS:
            return self.format
        clock = f", {self.clock} clock" if self.clock else ""
        return f"{'%a ' if self.weekdays else ''}{self.format}{clock}{', with a time zone' if self.zone else ''}"

    def expression(self, column_sql: str) -> str:
        """SQL of a value as a TIMESTAMP in UTC; NULL if it does not have this format."""
        if self.format == EXCEL:
            days = f"TRY_CAST({column_sql} AS DOUBLE)"
            seconds = f"CAST(round({days} * 86400) AS BIGINT)"
            low, high = EXCEL_DAYS
            serial = f"CASE WHEN {days} BETWEEN {low} AND {high} THEN {seconds} END"
            return f"(TIMESTAMP '1899-12-30' + to_seconds({serial}))"
        if self.format in EPOCH_UNITS:
            number, unit = f"TRY_CAST({column_sql} AS DOUBLE)", EPOCH_UNITS[self.format]
            micros = f"CAST(round({number} * {unit}) AS BIGINT)"
            bound = MAX_EPOCH * EPOCH_UNITS[EPOCH] // unit
            return f"make_timestamp(CASE WHEN abs({number}) <= {bound} THEN {micros} END)"
        text = f"trim(CAST({column_sql} AS VARCHAR))"
        if self.zone is None:
            return self._local(text)
        zone = f"regexp_extract({text}, {literal(ZONE)}, 2)"
        local = self._local(f"regexp_replace({text}, {literal(ZONE)}, '\\1')")
        sign, hours, minutes = (f"regexp_extract({zone}, {literal(OFFSET)}, {group})" for group in (1, 2, 3))
        offset = (
            f"(CASE WHEN {sign} = '-' THEN -1 ELSE 1 END) * (CAST({hours} AS INTEGER) * 3600 "
            f"+ coalesce(TRY_CAST({minutes} AS INTEGER), 0) * 60)"
        )
        named = ""
        if self.zones:
            listed = ", ".join(map(literal, self.zones))
            named = f"WHEN {zone} IN ({listed}) THEN timezone('UTC', timezone({zone}, {local})) "
        return (
            f"CASE WHEN {zone} IN ({', '.join(map(literal, ZERO))}) THEN {local} "
            f"WHEN regexp_full_match({zone}, {literal(OFFSET)}) THEN {local} - to_seconds({offset}) {named}END"
        )

    def _local(self, text: str) -> str:
        """SQL of a text without time zone as a local TIMESTAMP."""
        if not self.weekdays:
            return self._without_weekday(text)
        date = self._without_weekday(f"regexp_replace({text}, {literal(WEEKDAY)}, '')")
        is_right = f"lower(left(dayname({date}), 3)) = lower(left({text}, 3))"
        return f"CASE WHEN NOT regexp_matches({text}, {literal(WEEKDAY)}) OR {is_right} THEN {date} END"

    def _without_weekday(self, text: str) -> str:
        """SQL of a text without time zone and day of the week as a local TIMESTAMP."""
        if self.format == QUARTER:
            found = []
            for pattern, groups in zip(QUARTERS, ((1, 2), (2, 1)), strict=True):
                extracted = (f"regexp_extract({text}, {literal(pattern)}, {group})" for group in groups)
                year, quarter = (f"TRY_CAST({part} AS INTEGER)" for part in extracted)
                first = f"make_timestamp({year}, {quarter} * 3 - 2, 1, 0, 0, 0)"
                found.append(f"WHEN regexp_full_match({text}, {literal(pattern)}) THEN {first}")
            return f"CASE {' '.join(found)} END"
        if self.format == ISO and self.clock != "12-hour":
            pattern = literal(ISO_PATTERN + (ISO_CLOCK if self.clock or self.zone is not None else ISO_MIDNIGHT))
            return f"CASE WHEN regexp_full_match({text}, {pattern}) THEN TRY_CAST({text} AS TIMESTAMP) END"
        if "%b" in self.format:
            text = f"regexp_replace(replace({text}, ',', ''), {literal(MONTH_POINT)}, '\\1\\2')"
            text = f"regexp_replace({text}, {literal(SEPT)}, 'Sep')"
        if self.clock == "12-hour" or "%p" in self.format:
            text = f"regexp_replace({text}, {literal(AM_PM)}, ' \\1M')"
        if MONTH not in self.format:
            text = f"replace({text}, 'T', ' ')"
        # A format that does not fit takes 2 µs, so only formats with the same number of colons are tried.
        branches = []
        for colons in sorted({each.count(":") for each in self._endings}):
            some = ", ".join(literal(each) for each in self._formats if each.count(":") == colons)
            branches.append(f"WHEN {colons} THEN try_strptime({text}, [{some}])")
        read = f"CASE len({text}) - len(replace({text}, ':', '')) {' '.join(branches)} END"
        return f"CASE WHEN year({read}) >= {MIN_YEAR} THEN {read} END" if "%Y" in self._formats[0] else read

    @property
    def _endings(self) -> Sequence[str]:
        """Suffixes of the date in strptime formats."""
        return (self.format,) if _has_clock(self.format) else CLOCKS[self.clock]

    @property
    def _formats(self) -> Sequence[str]:
        """The strptime formats of the values."""
        date = "%Y-%m-%d" if self.format == ISO else self.format
        dates = [date, date.replace(MONTH, "%B")] if MONTH in date else [date]
        endings = ("",) if _has_clock(date) else CLOCKS[self.clock]
        return [each + ending for each in dates for ending in endings]


def parse_format(column: str, text: str) -> TimeReading:
    """Parse the format given by the user for a column. Raises ChoiceError if it is invalid.

    >>> parse_format("visit", "%d/%m/%Y").reason
    'given by --date-format'
    """
    own = text.strip()
    if own.lower() in SPECIAL:
        zone = UTC if own.lower() in EPOCH_UNITS else None
        return TimeReading(format=own.lower(), zone=zone, reason="given by --date-format")
    used = re.findall(r"%-?([A-Za-z])", own)
    unknown = next((letter for letter in used if letter not in "YymdbBHIMSfpzZaA"), None)
    helps = f"Use a strptime format such as %d/%m/%Y, or one of {', '.join(SPECIAL)}."
    if not used:
        raise ChoiceError(
            f"--date-format must be COLUMN=FORMAT, but {text!r} for column {column!r} is not a format."
            f"{did_you_mean(own, SPECIAL)} {helps}"
        )
    if unknown is not None:
        raise ChoiceError(
            f"The format of {column!r} must consist of %Y, %y, %m, %b, %B, %d, %H, %I, %M, %S, %f, %p, %a, %A, %z and "
            f"%Z, but got %{unknown} in {text!r}. {helps}"
        )
    if not {"Y", "y"} & {*used} or not {"m", "b", "B"} & {*used}:
        raise ChoiceError(f"The format of {column!r} must have a year and a month, but got {text!r}. {helps}")
    is_zoned = bool({"z", "Z"} & {*used})
    own = re.sub(r"\s*%[zZ]", "", own.replace("%-", "%"))
    own = re.sub(r"(%d)T(%[HI])", r"\1 \2", own)  # the values have a space instead of T, too
    weekdays = re.match("%[aA]", own) is not None
    own = re.sub(r"^%[aA]\.?,?\s*", "", own)
    return TimeReading(format=own, weekdays=weekdays, zone=UTC if is_zoned else None, reason="given by --date-format")


def checked_formats(formats: Mapping[str, str]) -> dict[str, str]:
    """Validate the formats given by the user, by column. Raises ChoiceError if one is invalid."""
    for column, text in formats.items():
        parse_format(column, text)
    return dict(formats)


def date_formats(pairs: Iterable[str]) -> dict[str, str]:
    """Parse --date-format COLUMN=FORMAT. Raises ChoiceError if a value is invalid or a column is given twice."""
    found: dict[str, str] = {}
    for pair in pairs:
        column, equals, text = pair.partition("=")
        if not equals or not column:
            raise ChoiceError(
                f"--date-format must be COLUMN=FORMAT, such as visit=%d/%m/%Y or visit=iso, but got {pair!r}."
            )
        if column in found:
            raise ChoiceError(f"--date-format must be given once per column, but {column!r} has two. Keep one of them.")
        found[column] = text
    return checked_formats(found)


def settle_time(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    column: str,
    *,
    cell: str | None = None,
    samples: Sequence[str] | None = None,
    given: TimeReading | str | None = None,
    is_time: bool = False,
    name: str = "the dataset",
) -> TimeReading | None:
    """Determine the date format of a column from all rows; None if a value is not a date or time.

    table: name of the table. cell: SQL of a value, NULL if it is missing; the column itself by default.
    samples: values that propose formats; the first values by default.
    given: reading of the training, whose output time zone is updated from these rows; or the format of the user.
    is_time: whether the user declared the column as time; then numbers may be seconds since 1970 or spreadsheet day
    numbers. name: name of the dataset in messages.
    Raises ChoiceError if a given format is invalid, and ColumnError with the first row if a value does not have it.
    """
    value = quoted(column) if cell is None else cell
    if isinstance(given, str):
        given = parse_format(column, given)
        clocks: tuple[Clock, ...] = ("",) if _has_clock(given.format) else ("", "24-hour", "12-hour")
        tried = [given.model_copy(update={"clock": clock}) for clock in clocks]
        if given.zone is None and given.format not in {QUARTER, EXCEL, *EPOCH_UNITS}:
            tried += [each.model_copy(update={"zone": UTC}) for each in tried if each.clock or len(clocks) == 1]
        fitting = _fitting(connection, table, value, tried)
        if not fitting:
            _refuse(connection, table, column, value, tried, name=name)
        return _with_zone(connection, table, value, fitting[0])
    if given is not None:
        return _with_zone(connection, table, value, given)
    if samples is None:
        rows = connection.execute(
            f"SELECT CAST({value} AS VARCHAR) FROM {quoted(table)} WHERE {value} IS NOT NULL LIMIT {SAMPLED_VALUES}"
        ).fetchall()
        samples = [sample for (sample,) in rows]
    tried = list(_proposed(column, samples, is_time=is_time))
    tried = [_with_zone(connection, table, value, each) for each in tried]
    return _chosen(connection, table, value, _fitting(connection, table, value, tried))


def is_plausible(
    connection: duckdb.DuckDBPyConnection, table: str, value: str, reading: TimeReading, *, regular: bool
) -> bool:
    """Whether numbers interpreted as dates or times have plausible years and, with regular=True, regular steps.

    value: SQL of a value.
    """
    steps = _steps(connection, table, value, reading)
    return steps.is_plausible and (not regular or (steps.steps >= MIN_STEPS and steps.regular >= MIN_REGULAR_SHARE))


def unreadable(
    column: str, reading: TimeReading, *, row: int, value: str, name: str, as_in_training: bool = False
) -> ColumnError:
    """Error about a value without the format of its column. row: from 1. name: name of the dataset."""
    like = ", as in training" if as_in_training else ""
    helps = "" if as_in_training else f", or give the format with --date-format {column}=FORMAT"
    return ColumnError(
        f"Column {column!r} must contain dates or times in the format {reading.description}{like}, but row {row:,} of "
        f"{name} has {value[:SAMPLED_VALUES]!r}. Correct the value, or leave the cell empty{helps}."
    )


def _has_clock(format: str) -> bool:  # noqa: A002  as above
    return "%H" in format or "%I" in format


def may_be_serial(column: str) -> bool:
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", column)
    return bool({word.lower() for word in words} & EXCEL_NAMES)


@dataclass(frozen=True)
class _Parts:
    """Parts of a value."""

    date: str
    clock: Clock
    is_midnight: bool
    is_zoned: bool
    has_weekday: bool


_PARTS: Final = re.compile(
    r"(?P<date>.*?[^\s,])"
    r"(?:(?:[T ]|, ?) *(?P<clock>\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?|\d{1,2}(?=\s*[AaPp]\.?[Mm]\.?))"
    r"(?P<half>\s*[AaPp]\.?[Mm]\.?)?"
    r"(?P<zone>\s*(?:Z|z|[+-]\d{2}:?(?:\d{2})?|[A-Z]{3,4}|[A-Z][A-Za-z]+(?:/[A-Za-z_]+)+))?)?"
)
_TOKENS: Final = {"%Y": r"\d{4}", "%y": r"\d{2}", "%m": r"\d{1,2}", "%d": r"\d{1,2}", "%b": r"[A-Za-z]{3,9}"}
_POINT: Final = re.compile(MONTH_POINT)
_WEEKDAY: Final = re.compile(WEEKDAY)


def _shape(format: str) -> re.Pattern[str]:  # noqa: A002  as above
    if format == ISO:
        return re.compile(ISO_PATTERN)
    if format == QUARTER:
        return re.compile("|".join(QUARTERS))
    parts = re.split("(%[A-Za-z])", format)
    return re.compile("".join(_TOKENS.get(part) or re.escape(part) for part in parts))


_SHAPES: Final = {each: _shape(each) for each in DATE_FORMATS}


def _taken_apart(value: str) -> _Parts | None:
    bare = _WEEKDAY.sub("", value.strip())
    found = _PARTS.fullmatch(bare)
    if found is None:
        return None
    is_midnight = found["clock"] is not None and not found["half"] and not found["clock"].strip("0:")
    clock: Clock = "" if found["clock"] is None else "12-hour" if found["half"] else "24-hour"
    return _Parts(
        date=_POINT.sub(r"\1\2", found["date"]),
        clock=clock,
        is_midnight=is_midnight,
        is_zoned=bool(found["zone"]),
        has_weekday=bare != value.strip(),
    )


def is_compact(value: str) -> bool:
    """Whether a text is a date of eight digits in the years 1900 to 2099, such as 20230105."""
    return len(value) >= COMPACT_DIGITS and re.fullmatch(COMPACT_PATTERN, value.strip()) is not None


def _serials(column: str, samples: Sequence[str], *, is_time: bool) -> Iterator[TimeReading]:
    """Candidate readings of sampled numbers, by their range."""
    if not samples or not all(re.fullmatch(r"\d+(?:\.\d+)?", sample.strip()) for sample in samples):
        return
    numbers = [float(sample) for sample in samples]
    if all(map(is_compact, samples)):
        yield TimeReading(format=COMPACT, reason=f"all values are dates in the format {COMPACT}")
    if is_time and all(re.fullmatch(COMPACT_MONTH_PATTERN, sample.strip()) for sample in samples):
        yield TimeReading(format=COMPACT_MONTH, reason=f"months in the format {COMPACT_MONTH}, by --time")
    low, high = EXCEL_DAYS
    by = "--time" if is_time else "the name"
    if low <= min(numbers) and max(numbers) <= high and (is_time or may_be_serial(column)):
        yield TimeReading(format=EXCEL, reason=f"spreadsheet day numbers, by {by} and the range of values")
    low, high = EPOCH_SECONDS
    for each, unit in (EPOCH_UNITS if is_time else {}).items():
        scale = EPOCH_UNITS[EPOCH] // unit
        if low * scale <= min(numbers) and max(numbers) <= high * scale:
            name = "seconds" if each == EPOCH else "milliseconds"
            yield TimeReading(format=each, zone=UTC, reason=f"{name} since 1970, by --time and the range of values")


def _basic(samples: Sequence[str]) -> TimeReading | None:
    """The reading of dates with times in the ISO 8601 basic format; None if some values have another format."""
    found = [re.fullmatch(BASIC_PATTERN, sample.strip()) for sample in samples]
    kinds = {(len(one["clock"]), bool(one["zone"])) if one else (0, False) for one in found}
    if len(kinds) != 1 or (0, False) in kinds:
        return None
    digits, is_zoned = kinds.pop()
    form = next(each for each in BASIC if each.count("%") == len("Ymd") + digits // 2)
    return TimeReading(format=form, zone=UTC if is_zoned else None)


def _proposed(column: str, samples: Sequence[str], *, is_time: bool) -> Iterator[TimeReading]:
    """Candidate readings of sampled values, by the pattern of their dates and times."""
    if serials := list(_serials(column, samples, is_time=is_time)):
        yield from serials
        return
    if basic := _basic(samples):
        yield basic
        return
    shapes = set(DATE_FORMATS)
    clocks: set[Clock] = set()
    zoned = set()
    has_time = has_weekday = False
    for sample in samples:
        parts = _taken_apart(sample)
        if parts is None:
            return
        date = parts.date.replace(",", "")
        shapes = {each for each in shapes if _SHAPES[each].fullmatch(date if MONTH in each else parts.date)}
        if not shapes:
            return
        clocks.add(parts.clock)
        zoned.add(parts.is_zoned)
        has_weekday |= parts.has_weekday
        has_time |= parts.clock != "" and not parts.is_midnight
    for each in DATE_FORMATS if len(zoned) == 1 else ():
        for clock in _clocks(clocks, has_time=has_time, is_zoned=True in zoned) if each in shapes else ():
            if each != QUARTER or not clock:
                zone = UTC if True in zoned else None
                yield TimeReading(format=each, clock=clock, weekdays=has_weekday, zone=zone)


def _clocks(seen: set[Clock], *, has_time: bool, is_zoned: bool) -> Sequence[Clock]:
    """Candidate clocks, given those of the sample; values outside the sample may have a time of day."""
    if seen == {""}:
        return ("", "24-hour", "12-hour")
    if "12-hour" in seen:
        return () if "24-hour" in seen else ("12-hour",)
    return ("24-hour",) if is_zoned or has_time else ("", "24-hour")


def _fitting(
    connection: duckdb.DuckDBPyConnection, table: str, value: str, tried: Sequence[TimeReading]
) -> list[TimeReading]:
    """Candidates that fit all values: for each format the one with the simplest clock."""
    left: dict[str, list[TimeReading]] = {}
    for each in tried:
        left.setdefault(each.format, []).append(each)
    found: dict[str, TimeReading | None] = dict.fromkeys(left)
    while plainest := [readings[0] for readings in left.values()]:
        counts = ", ".join(f"count({each.expression(value)})" for each in plainest)
        values, *read = connection.execute(f"SELECT count({value}), {counts} FROM {quoted(table)}").fetchall()[0]
        for each, times in zip(plainest, read, strict=True):
            if values and times == values:
                found[each.format] = each
            if found[each.format] is not None or not left[each.format][1:]:
                del left[each.format]
            else:
                del left[each.format][0]
    return [each for each in found.values() if each is not None]


def _refuse(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    column: str,
    value: str,
    tried: Sequence[TimeReading],
    *,
    name: str,
) -> None:
    """Raise ColumnError about the first value without the given format, with the clock that fits most values."""
    best = max(tried, key=lambda each: _count(connection, table, each.expression(value)))
    wrong = connection.execute(
        f"SELECT rowid + 1, CAST({value} AS VARCHAR) FROM {quoted(table)} WHERE {value} IS NOT NULL "
        f"AND {best.expression(value)} IS NULL ORDER BY rowid LIMIT 1"
    ).fetchall()
    row, text = wrong[0] if wrong else (1, "no value at all")
    raise unreadable(column, best, row=row, value=text, name=name)


def _count(connection: duckdb.DuckDBPyConnection, table: str, expression: str) -> int:
    return int(connection.execute(f"SELECT count({expression}) FROM {quoted(table)}").fetchall()[0][0])


def _with_zone(connection: duckdb.DuckDBPyConnection, table: str, value: str, reading: TimeReading) -> TimeReading:
    """The reading with the time zone of the latest value, and the names of all time zones in the values."""
    if reading.zone is None:
        return reading
    zone = f"regexp_extract(trim(CAST({value} AS VARCHAR)), {literal(ZONE)}, 2)"
    names = connection.execute(
        f"SELECT DISTINCT {zone} FROM {quoted(table)} WHERE {value} IS NOT NULL AND regexp_matches({zone}, '^[A-Z]') "
        f"AND {zone} IN (SELECT name FROM pg_timezone_names()) AND {zone} NOT IN ({', '.join(map(literal, ZERO))})"
    ).fetchall()
    zones = tuple(sorted({*reading.zones, *(name for (name,) in names)}))
    reading = reading.model_copy(update={"zones": zones})
    last = connection.execute(
        f"SELECT arg_max({zone}, {reading.expression(value)}) FROM {quoted(table)} WHERE {value} IS NOT NULL"
    ).fetchall()[0][0]
    return reading.model_copy(update={"zone": _output_zone(str(last or reading.zone))})


def _output_zone(zone: str) -> str:
    """Normalize the time zone of predictions.

    >>> _output_zone("+0200"), _output_zone("Z"), _output_zone("-08")
    ('+02:00', 'UTC', '-08:00')
    """
    found = re.fullmatch(OFFSET, zone)
    if found is None:
        return UTC if zone in ZERO else zone
    offset = f"{found[1]}{found[2]}:{found[3] or '00'}"
    return UTC if offset in {"+00:00", "-00:00"} else offset


@dataclass(frozen=True, kw_only=True)
class _Steps:
    """Steps between the times of a reading."""

    is_plausible: bool
    steps: int
    regular: float
    step: str
    ordered: float
    """Share of rows in ascending order of time, or in descending order if that is larger."""


def _chosen(
    connection: duckdb.DuckDBPyConnection, table: str, value: str, fitting: Sequence[TimeReading]
) -> TimeReading | None:
    """Choose among readings that fit all values, by plausible years, then regular steps, then order of the rows."""
    if not fitting:
        return None
    if len(fitting) == 1:
        (only,) = fitting
        return only.model_copy(update={"reason": only.reason or f"all values have the format {only.description}"})
    seen = {each.format: _steps(connection, table, value, each) for each in fitting}
    plausible = [each for each in fitting if seen[each.format].is_plausible] or list(fitting)
    others = [each.format for each in fitting if each not in plausible]
    if len(plausible) == 1:
        (best,) = plausible
        low, high = PLAUSIBLE_YEARS
        reason = (
            f"read as {best.description}: as {' or '.join(others)} it would have years before {low} or after {high}"
        )
        return best.model_copy(update={"reason": reason})
    enough = all(seen[each.format].steps >= MIN_STEPS for each in plausible)
    for measure in ("regular", "ordered") if enough else ():
        ranked = sorted(plausible, key=lambda each: -getattr(seen[each.format], measure))
        best, second = ranked[0], ranked[1]
        own, other = (getattr(seen[each.format], measure) for each in (best, second))
        if own >= MIN_REGULAR_SHARE and 1 - other >= MIN_IRREGULAR_RATIO * (1 - own) + MIN_IRREGULAR_MARGIN:
            found = (
                f"{own:.1%} of the steps are {seen[best.format].step}; as {second.format}, {other:.1%} are equal"
                if measure == "regular"
                else f"{own:.1%} of the rows are in order of time; as {second.format}, {other:.1%}"
            )
            return best.model_copy(update={"reason": f"read as {best.description}: {found}"})
    best = next((each for each in plausible if each.format.startswith("%m")), plausible[0])
    rest = tuple(each.format for each in plausible if each is not best)
    reason = f"read as {best.description}, but {' and '.join(rest)} also {'fit' if len(rest) > 1 else 'fits'}"
    return best.model_copy(update={"reason": reason, "alternatives": rest})


def _steps(connection: duckdb.DuckDBPyConnection, table: str, value: str, reading: TimeReading) -> _Steps:
    """Measure the steps between consecutive distinct times of the first rows, and the order of all rows."""
    times = f"SELECT rowid AS position, {reading.expression(value)} AS t FROM {quoted(table)} WHERE {value} IS NOT NULL"
    low, high = EPOCH_YEARS if reading.format in EPOCH_UNITS else PLAUSIBLE_YEARS
    years, forward, back, pairs = connection.execute(
        f"WITH times AS ({times}), known AS (SELECT t, lag(t) OVER (ORDER BY position) AS before FROM times) "
        f"SELECT bool_and(year(t) BETWEEN {low} AND {high}), count_if(t >= before), count_if(t <= before), "
        "count(before) FROM known"
    ).fetchall()[0]
    rows = connection.execute(
        f"WITH times AS ({times} AND rowid < {MAX_STEP_ROWS}), "
        "known AS (SELECT t, lag(t) OVER (ORDER BY t) AS before FROM (SELECT DISTINCT t FROM times)), "
        f"steps AS MATERIALIZED (SELECT {calendar_steps()}, TRUE AS rises, FALSE AS repeats FROM known "
        f"WHERE before IS NOT NULL) {summary_of_steps(numeric=False)}"
    ).fetchall()
    unit, step, equal, _, steps, *_ = max(rows, key=lambda row: row[2] or 0)
    return _Steps(
        is_plausible=bool(years),
        steps=steps,
        regular=(equal or 0) / steps if steps else 0.0,
        step=_step_text(unit, float(step or 0)),
        ordered=max(forward, back) / pairs if pairs else 0.0,
    )


def _step_text(unit: str, step: float) -> str:
    for name, seconds in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if unit == "seconds" and step and step % seconds == 0:
            return counted(step / seconds, name)
    return counted(step, unit.removesuffix("s"))
