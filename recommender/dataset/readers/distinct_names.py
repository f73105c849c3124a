"""Distinct column names, by the same rule in every format."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

CAPITALS: Final = re.compile("[A-Z]+")


def distinct_names(given: Sequence[str]) -> list[str]:
    """Column names that are distinct for DuckDB, which ignores the case of ASCII letters.

    A column without a name becomes column_7. Duplicates get a number that yields no other name of the table; distinct
    names are unchanged. DuckDB itself would number them differently in each format, and reuse names of other columns.

    >>> distinct_names(["a", "A", "A_1", ""])
    ['a', 'A_2', 'A_1', 'column_4']
    """
    taken = {lower_ascii(name) for name in given}
    seen: set[str] = set()
    names = []
    for position, name in enumerate(given, start=1):
        own = free = name or f"column_{position}"
        number = 0
        while lower_ascii(free) in seen or (free != name and lower_ascii(free) in taken):
            number += 1
            free = f"{own}_{number}"
        seen.add(lower_ascii(free))
        names.append(free)
    return names


def lower_ascii(name: str) -> str:
    """A name as DuckDB compares it: with ASCII letters in lower case.

    >>> lower_ascii("Éa"), lower_ascii("ÉA")
    ('Éa', 'Éa')
    """
    return CAPITALS.sub(lambda found: found[0].lower(), name)
