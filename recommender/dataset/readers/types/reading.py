"""How a column was read: its type, how its numbers and times are written, and what counts as missing.

A reading is inferred once, over all rows of the training, and recorded in the signature of the model. Rows to predict
are read with it, so that a cell means the same alone, among a million others, and in any file format.
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
"""Signs and codes that may stand before or after a number."""
SPACES: Final = " \u00a0\u202f"
"""Spaces that separate thousands: the plain, the no-break and the narrow no-break one."""
MAX_UNIT: Final = 12  # characters of a unit of measurement
MIN_NUMBERS: Final = 0.8
"""Share of a sample's values that must be written as numbers for a column to be tried as one (docs/evidence.md 1,
numbers as words)."""
FALSE_AND_TRUE: Final = (("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"))
"""How a boolean is spelled, in lower case."""

PLAIN_NUMBER: Final = r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
"""A number as programs write it. Not 011, which is a code, 1_000 or 0x1F."""
_UNIT: Final = r"[^\W\d_]|[%°€$£¥₹]"
_CELL: Final = re.compile(
    rf"(?P<open>\(?)[+-]?(?:(?P<prefix>{'|'.join(map(re.escape, sorted(CURRENCIES, key=len, reverse=True)))})"
    rf"[{SPACES}]?[+-]?)?(?P<body>\.?[0-9](?:[0-9.,'{SPACES}]*[0-9])?)(?P<after>[{SPACES}]?)"
    rf"(?P<suffix>(?:{_UNIT})(?:{_UNIT}|[/²³·^])*)?(?P<close>\)?)"
)
SPACED_GROUPS: Final = 3
"""Groups of digits, the same number in every value, from which spaces separate the parts of a code."""


class NumberReading(BaseModel):
    """How numbers are written in the text of a column."""

    model_config = _CLOSED

    decimal: str = "."
    thousands: str = ""
    """What separates thousands; a space for any kind of space."""
    prefix: str = ""
    """A currency before the number."""
    suffix: str = ""
    """A currency, a percent sign or a unit after the number."""
    parentheses: bool = False
    """Whether negative numbers stand in parentheses, as in accounts."""

    leading_zeros: bool = False
    """Whether numbers may begin with zeros, as codes do; only where the user says that a column is numeric."""

    @property
    def is_plain(self) -> bool:
        return self == NumberReading()

    @property
    def description(self) -> str:
        """What is unusual about the numbers, in words; empty for plain ones."""
        spoken = {",": "commas", ".": "points", " ": "spaces", "'": "apostrophes"}
        parts = [
            f"{self.prefix!r} before the number" if self.prefix else "",
            f"{self.suffix!r} after the number" if self.suffix else "",
            f"{spoken[self.thousands]} between thousands" if self.thousands else "",
            "decimal commas" if self.decimal == "," else "",
            "negative numbers in parentheses" if self.parentheses else "",
        ]
        return " and ".join(filter(None, parts))

    @property
    def pattern(self) -> str:
        """The regular expression of a whole cell, without spaces around it; of Python and of RE2 alike."""
        if self.is_plain:
            return PLAIN_NUMBER
        return _pattern(self)

    def plain(self, text: str) -> str:
        """The SQL of a cell, trimmed, as a plain number; NULL where the cell is not written in this way."""
        if self.is_plain:
            # As the pattern, but faster: the cast refuses all but infinity, underscores, leading zeros and two signs.
            signed = f"starts_with({text}, '0') OR starts_with({text}, '-') OR starts_with({text}, '+')"
            is_code = f"CASE WHEN {signed} THEN regexp_matches({text}, '^([+-]?0[0-9]|[+-][^0-9.])') ELSE FALSE END"
            is_number = f"isfinite(TRY_CAST({text} AS DOUBLE)) AND NOT contains({text}, '_') AND NOT {is_code}"
            return f"CASE WHEN {is_number} THEN {text} END"
        matches = f"regexp_full_match({text}, {literal(self.pattern)})"
        digits = f"regexp_replace({text}, {literal(f'[^0-9{self.decimal}]')}, '', 'g')"
        sign = f"CASE WHEN contains({text}, '-') OR starts_with({text}, '(') THEN '-' ELSE '' END"
        return f"CASE WHEN {matches} THEN {sign} || replace({digits}, {literal(self.decimal)}, '.') END"


class ColumnReading(BaseModel):
    """How one column was read."""

    model_config = _CLOSED

    storage: str
    """The DuckDB type of its values."""
    source: str = ""
    """The DuckDB type that they had in the file or frame; empty where it is the same, and for text."""
    number: NumberReading | None = None
    """Of numbers that were written as text; None for others."""
    time: TimeReading | None = None
    """Of dates and times that were written as text, or that have a zone; None for others."""
    booleans: tuple[str, str] | None = None
    """How false and true are spelled in a column of words; None where it holds other words."""
    missing: tuple[str, ...] = ()
    """Texts that count as a missing value, besides the empty cell."""
    exceptions: int = 0
    """Values of a numeric column that are no numbers; they were read as missing. A file keeps no such value."""
    exception_rows: tuple[int, ...] = ()
    """The first rows, from 1, that hold another such value than the rows before."""

    @field_validator("exceptions", mode="before")
    @classmethod
    def _counted(cls, value: object) -> object:
        """Files of older versions list the values themselves."""
        return len(value) if isinstance(value, list | tuple) else value


def number_reading(values: Iterable[str]) -> tuple[NumberReading | None, bool]:  # noqa: PLR0911  the first test decides
    """The way in which most of some cells are written as numbers, and whether the commas could mean two things.

    values: trimmed cells that are not missing. None where fewer than four of five are numbers of one kind.

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
    needed = MIN_NUMBERS * len(cells)
    plain = re.compile(PLAIN_NUMBER)
    signs = {cell[0] for cell in cells if cell[:1] in {"+", "-"}}
    if sum(plain.fullmatch(cell) is not None or is_infinite(cell) for cell in cells) >= needed:
        # Numbers with a plus and never a minus are telephone numbers and the like.
        return (None, False) if signs == {"+"} else (NumberReading(), False)
    found = [
        match for cell in cells if (match := _CELL.fullmatch(cell)) and bool(match["open"]) is bool(match["close"])
    ]
    if len(found) < needed:
        return None, False
    (prefix, suffix), times = Counter((match["prefix"] or "", match["suffix"] or "") for match in found).most_common(1)[
        0
    ]
    if times < needed or len(suffix) > MAX_UNIT:
        return None, False
    alike = [match for match in found if (match["prefix"] or "", match["suffix"] or "") == (prefix, suffix)]
    if re.fullmatch("[A-Z]", suffix) and not any(match["after"] for match in alike):
        return None, False  # 12A is a seat or a door
    parentheses = any(match["open"] for match in alike)
    separators, ambiguous = _separators([match["body"] for match in alike], needed, is_marked=bool(prefix or suffix))
    if separators is None:
        return None, ambiguous
    decimal, thousands = separators
    reading = NumberReading(decimal=decimal, thousands=thousands, prefix=prefix, suffix=suffix, parentheses=parentheses)
    return reading, False


def forced_reading(values: Iterable[str]) -> NumberReading:
    """The way in which most of some cells can be read as numbers, where the user says that they are numbers.

    A comma that could mean two things separates thousands.

    >>> forced_reading(["011", "012"]).leading_zeros, forced_reading(["1,288", "2,500"]).thousands
    (True, ',')
    """
    cells = list(values)
    found = number_reading(cells)[0]
    tried = [NumberReading(decimal=decimal, thousands=thousands) for decimal, thousands in SEPARATORS]
    tried = [*([] if found is None else [found]), *tried, NumberReading(leading_zeros=True)]
    return max(tried, key=lambda one: sum(re.fullmatch(one.pattern, cell) is not None for cell in cells))


def is_infinite(cell: str) -> bool:
    """Whether a cell says infinity: a number that is not finite, and no word.

    >>> is_infinite("-Infinity"), is_infinite("information")
    (True, False)
    """
    return re.fullmatch(r"[+-]?inf(?:inity)?", cell, re.IGNORECASE) is not None


SEPARATORS: Final = ((".", ""), (".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", ""))
"""Decimal and thousands separators, in the order in which they are tried."""


def _separators(bodies: Sequence[str], needed: float, *, is_marked: bool) -> tuple[tuple[str, str] | None, bool]:
    """The decimal and the thousands separator of most numbers, and whether there are two ways to read them.

    is_marked: whether a currency or a unit says that they are quantities, so that 1,257 has a thousands separator.
    """
    counts = {pair: sum(re.fullmatch(_body(*pair), body) is not None for body in bodies) for pair in SEPARATORS}
    best = max(counts.values())
    if best < needed:
        return None, False
    pair = next(pair for pair, times in counts.items() if times == best)
    if pair == (".", " ") and len({len(re.split(f"[{SPACES}]", body)) for body in bodies} - {1, 2}) == 1:
        groups = {len(re.split(f"[{SPACES}]", body)) for body in bodies}
        if len(groups) == 1 and min(groups) >= SPACED_GROUPS:
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
    """How false and true are spelled where these are all the words there are.

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
