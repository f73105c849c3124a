"""Names of columns: distinct for DuckDB, in the same way in every format."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

CAPITALS: Final = re.compile("[A-Z]+")


def distinct_names(given: Sequence[str]) -> list[str]:
    """Column names that DuckDB tells apart: one without a name is column_7, one that differs only in case is numbered.

    A number is appended that makes no other name of the table; names that are distinct stay as they are. DuckDB itself
    would number them in another way in each format, and take the name of another column for it.

    >>> distinct_names(["a", "A", "A_1", ""])
    ['a', 'A_2', 'A_1', 'column_4']
    """
    taken = {folded(name) for name in given}
    seen: set[str] = set()
    names = []
    for position, name in enumerate(given, start=1):
        own = free = name or f"column_{position}"
        number = 0
        while folded(free) in seen or (free != name and folded(free) in taken):
            number += 1
            free = f"{own}_{number}"
        seen.add(folded(free))
        names.append(free)
    return names


def folded(name: str) -> str:
    """A name as DuckDB compares it: it takes ASCII capitals for small letters, and no others.

    >>> folded("Éa"), folded("ÉA")
    ('Éa', 'Éa')
    """
    return CAPITALS.sub(lambda found: found[0].lower(), name)
