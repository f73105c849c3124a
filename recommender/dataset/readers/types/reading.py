"""The reading of a column: its type, its number or date format, and its missing-value markers.

A reading is inferred once from all training rows and stored in the model's signature. New rows are parsed with it, so
that the meaning of a cell does not depend on the other rows or on the file format.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, field_validator

from recommender.dataset.readers.types.times import TimeReading
from recommender.dataset.sql import literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_CLOSED: Final = ConfigDict(frozen=True, extra="forbid")

CURRENCIES: Final = ("$", "€", "£", "¥", "₹", "USD", "EUR", "GBP", "JPY", "CHF", "INR", "US$")
"""Currency symbols and codes, which may be before or after a number."""
SPACES: Final = " \u00a0\u202f"
"""Thousands separators that are spaces: the plain, the no-break and the narrow no-break one."""
MAX_UNIT_LENGTH: Final = 12  # characters of a unit of measurement
MIN_NUMERIC_SHARE: Final = 0.8
"""Smallest share of sampled values in a number format for a column to be a candidate for numbers (docs/evidence.md 1,
numbers as words)."""
FALSE_AND_TRUE: Final = (("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"))
"""Spellings of booleans, in lower case."""

PLAIN_NUMBER: Final = r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
"""A number in the syntax of programming languages, except 011 (a code), 1_000 and 0x1F."""
_UNIT: Final = r"[^\W\d_]|[%°€$£¥₹]"
_CELL: Final = re.compile(
    rf"(?P<open>\(?)[+-]?(?:(?P<prefix>{'|'.join(map(re.escape, sorted(CURRENCIES, key=len, reverse=True)))})"
    rf"[{SPACES}]?[+-]?)?(?P<body>\.?[0-9](?:[0-9.,'{SPACES}]*[0-9])?)(?P<after>[{SPACES}]?)"
    rf"(?P<suffix>(?:{_UNIT})(?:{_UNIT}|[/²³·^])*)?(?P<close>\)?)"
)
MIN_CODE_GROUPS: Final = 3
"""Smallest number of digit groups, equal in all values, at which spaces separate the parts of a code."""


class NumberReading(BaseModel):
    """Number format of a text column."""

    model_config = _CLOSED

    decimal: str = "."
    thousands: str = ""
    """Thousands separator; a plain space stands for all kinds of spaces."""
    prefix: str = ""
    """Currency before the number."""
    suffix: str = ""
    """Currency, percent sign or unit after the number."""
    parentheses: bool = False
    """Whether negative numbers are in parentheses, as in accounting."""

    leading_zeros: bool = False
    """Whether leading zeros are allowed; only for columns that the user declared numeric."""

    @property
    def is_plain(self) -> bool:
        return self == NumberReading()

    @property
    def description(self) -> str:
        """The format in words; empty for plain numbers."""
        names = {",": "commas", ".": "points", " ": "spaces", "'": "apostrophes"}
        parts = [
            f"{self.prefix!r} before the number" if self.prefix else "",
            f"{self.suffix!r} after the number" if self.suffix else "",
            f"{names[self.thousands]} between thousands" if self.thousands else "",
            "decimal commas" if self.decimal == "," else "",
            "negative numbers in parentheses" if self.parentheses else "",
        ]
        return " and ".join(filter(None, parts))

    @property
    def pattern(self) -> str:
        """Regular expression of a whole trimmed cell, valid in Python and in RE2."""
        if self.is_plain:
            return PLAIN_NUMBER
        return _pattern(self)

    def plain(self, text: str) -> str:
        """SQL of a trimmed cell as a plain number; NULL if the cell does not have this format."""
        if self.is_plain:
            # Equivalent to the pattern but faster: the cast accepts only infinity, underscores, leading zeros and two
            # signs in addition.
            signed = f"starts_with({text}, '0') OR starts_with({text}, '-') OR starts_with({text}, '+')"
            is_code = f"CASE WHEN {signed} THEN regexp_matches({text}, '^([+-]?0[0-9]|[+-][^0-9.])') ELSE FALSE END"
            is_number = f"isfinite(TRY_CAST({text} AS DOUBLE)) AND NOT contains({text}, '_') AND NOT {is_code}"
            return f"CASE WHEN {is_number} THEN {text} END"
        matches = f"regexp_full_match({text}, {literal(self.pattern)})"
        digits = f"regexp_replace({text}, {literal(f'[^0-9{self.decimal}]')}, '', 'g')"
        sign = f"CASE WHEN contains({text}, '-') OR starts_with({text}, '(') THEN '-' ELSE '' END"
        return f"CASE WHEN {matches} THEN {sign} || replace({digits}, {literal(self.decimal)}, '.') END"


class ColumnReading(BaseModel):
    """Type and format of one column."""

    model_config = _CLOSED

    storage: str
    """DuckDB type of the values."""
    source: str = ""
    """DuckDB type in the file or frame; empty if it is the same, and for text."""
    number: NumberReading | None = None
    """Format of numbers that were stored as text; None for others."""
    time: TimeReading | None = None
    """Format of dates and times that were stored as text or have a time zone; None for others."""
    booleans: tuple[str, str] | None = None
    """Spellings of false and true in a text column; None if it contains other words."""
    missing: tuple[str, ...] = ()
    """Missing-value markers, in addition to the empty cell."""
    exceptions: int = 0
    """Number of values of a numeric column that are not numbers and were read as missing. The values are not saved."""
    exception_rows: tuple[int, ...] = ()
    """Row (from 1) of the first occurrence of each distinct exception, in ascending order."""

    @field_validator("exceptions", mode="before")
    @classmethod
    def _exception_count(cls, value: object) -> object:
        """Convert the list of values in files of older versions to its length."""
        return len(value) if isinstance(value, list | tuple) else value


def number_reading(values: Iterable[str]) -> tuple[NumberReading | None, bool]:  # noqa: PLR0911  the first test decides
    """The number format of most cells, and whether the meaning of commas is ambiguous.

    values: trimmed cells that are not missing. The format is None if fewer than four of five cells have the same one.

    >>> number_reading(["$1,257", "$940"])[0].description
    "'$' before the number and commas between thousands"
    >>> number_reading(["011", "012"])
    (None, False)
    >>> number_reading(["1,288", "2,500"])
    (None, True)
    """
    cells = list(values)
    if not cells:
        return None, False
    needed = MIN_NUMERIC_SHARE * len(cells)
    plain = re.compile(PLAIN_NUMBER)
    signs = {cell[0] for cell in cells if cell[:1] in {"+", "-"}}
    if sum(plain.fullmatch(cell) is not None or is_infinite(cell) for cell in cells) >= needed:
        # Numbers with a plus but never a minus are codes such as telephone numbers.
        return (None, False) if signs == {"+"} else (NumberReading(), False)
    found = [
        match for cell in cells if (match := _CELL.fullmatch(cell)) and bool(match["open"]) is bool(match["close"])
    ]
    if len(found) < needed:
        return None, False
    (prefix, suffix), times = Counter((match["prefix"] or "", match["suffix"] or "") for match in found).most_common(1)[
        0
    ]
    if times < needed or len(suffix) > MAX_UNIT_LENGTH:
        return None, False
    alike = [match for match in found if (match["prefix"] or "", match["suffix"] or "") == (prefix, suffix)]
    if re.fullmatch("[A-Z]", suffix) and not any(match["after"] for match in alike):
        return None, False  # such as 12A, a seat
    parentheses = any(match["open"] for match in alike)
    separators, ambiguous = _separators([match["body"] for match in alike], needed, is_marked=bool(prefix or suffix))
    if separators is None:
        return None, ambiguous
    decimal, thousands = separators
    reading = NumberReading(decimal=decimal, thousands=thousands, prefix=prefix, suffix=suffix, parentheses=parentheses)
    return reading, False


def forced_reading(values: Iterable[str]) -> NumberReading:
    """The number format of most cells of a column that the user declared numeric.

    An ambiguous comma is a thousands separator.

    >>> forced_reading(["011", "012"]).leading_zeros, forced_reading(["1,288", "2,500"]).thousands
    (True, ',')
    """
    cells = list(values)
    found = number_reading(cells)[0]
    tried = [NumberReading(decimal=decimal, thousands=thousands) for decimal, thousands in SEPARATORS]
    tried = [*([] if found is None else [found]), *tried, NumberReading(leading_zeros=True)]
    return max(tried, key=lambda one: sum(re.fullmatch(one.pattern, cell) is not None for cell in cells))


def is_infinite(cell: str) -> bool:
    """Whether a cell is a spelling of infinity, which is a number but not finite.

    >>> is_infinite("-Infinity"), is_infinite("information")
    (True, False)
    """
    return re.fullmatch(r"[+-]?inf(?:inity)?", cell, re.IGNORECASE) is not None


SEPARATORS: Final = ((".", ""), (".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", ""))
"""Pairs of decimal and thousands separator, in order of preference."""


def _separators(bodies: Sequence[str], needed: float, *, is_marked: bool) -> tuple[tuple[str, str] | None, bool]:
    """The decimal and the thousands separator of most numbers, and whether the commas are ambiguous.

    is_marked: whether the numbers have a currency or unit, which makes the comma of 1,257 a thousands separator.
    """
    counts = {pair: sum(re.fullmatch(_body(*pair), body) is not None for body in bodies) for pair in SEPARATORS}
    best = max(counts.values())
    if best < needed:
        return None, False
    pair = next(pair for pair, times in counts.items() if times == best)
    if pair == (".", " ") and len({len(re.split(f"[{SPACES}]", body)) for body in bodies} - {1, 2}) == 1:
        groups = {len(re.split(f"[{SPACES}]", body)) for body in bodies}
        if len(groups) == 1 and min(groups) >= MIN_CODE_GROUPS:
            return None, False
    is_ambiguous = pair == (".", ",") and counts[",", ""] == best and not is_marked
    return (None, True) if is_ambiguous else (pair, False)


def _body(decimal: str, thousands: str, whole: str = "0|[1-9][0-9]*") -> str:
    separator = f"[{SPACES}]" if thousands == " " else re.escape(thousands)
    grouped = rf"[1-9][0-9]{{0,2}}(?:{separator}[0-9]{{3}})+|" if thousands else ""
    point = re.escape(decimal)
    return rf"(?:(?:{grouped}{whole})(?:{point}[0-9]+)?|{point}[0-9]+)"


def _pattern(reading: NumberReading) -> str:
    prefix = f"{re.escape(reading.prefix)}[{SPACES}]?" if reading.prefix else ""
    suffix = f"[{SPACES}]?{re.escape(reading.suffix)}" if reading.suffix else ""
    body = _body(reading.decimal, reading.thousands, *(["[0-9]+"] if reading.leading_zeros else []))
    signed = rf"[+-]?{prefix}{body}{suffix}" + (rf"|{prefix}[+-]?{body}{suffix}" if prefix else "")
    in_parentheses = rf"|\({prefix}{body}{suffix}\)" if reading.parentheses else ""
    return f"(?:{signed}{in_parentheses})"


def boolean_spelling(values: Iterable[str]) -> tuple[str, str] | None:
    """The spellings of false and true; None if there are other words.

    >>> boolean_spelling(["True", "False"])
    ('False', 'True')
    >>> boolean_spelling(["yes", "no", "No"])
    """
    words = {value.strip().lower(): value for value in set(values)}
    if len(words) != len(set(values)):
        return None
    for no, yes in FALSE_AND_TRUE:
        if set(words) == {no, yes}:
            return words[no], words[yes]
    return None
