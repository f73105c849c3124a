"""Formatting of numbers and quantities."""

from __future__ import annotations

from typing import Final

MIN_WITHOUT_DECIMALS: Final = 10_000  # with four significant digits, larger numbers have no decimals
DIMENSIONLESS: Final = "1"  # the unit of a number without one
FRACTION: Final = "fraction of "
KIBIBYTE: Final = 2.0**10
MEBIBYTE: Final = 2.0**20
GIBIBYTE: Final = 2.0**30
SINGULAR: Final = {f"{one}s": one for one in ("row", "column", "trial", "value", "level", "category", "hyperparameter")}


def number(value: str | float) -> str:
    """A number with four significant digits and thousands separators; text is returned unchanged.

    >>> number(1234567.0), number(1234.5), number(0.012345), number(4.0)
    ('1,234,567', '1,234', '0.01235', '4')
    """
    if isinstance(value, str):
        return value
    if value == int(value) or abs(value) >= MIN_WITHOUT_DECIMALS:
        return f"{value:,.0f}"
    return f"{value:,.4g}"


def quantity(value: float, unit: str) -> str:
    """A number with its unit.

    >>> quantity(0.25, "fraction of rows"), quantity(1.0, "rows"), quantity(2.5, "1")
    ('0.25 of the rows', '1 row', '2.5')
    """
    if unit == DIMENSIONLESS or unit.startswith(f"{DIMENSIONLESS},"):
        return number(value)
    if unit.startswith(FRACTION):
        return f"{number(value)} of the {unit.removeprefix(FRACTION)}"
    return f"{number(value)} {SINGULAR.get(unit, unit) if value == 1 else unit}"


def size_text(count: float) -> str:
    """Bytes as a text.

    >>> size_text(600_000), size_text(48_300_000), size_text(2e9)
    ('586 KiB', '46 MiB', '1.9 GiB')
    """
    if count >= GIBIBYTE:
        return f"{count / GIBIBYTE:.1f} GiB"
    return f"{count / MEBIBYTE:.0f} MiB" if count >= MEBIBYTE else f"{count / KIBIBYTE:.0f} KiB"
