"""What a column's name indicates about its content."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence


IDENTIFIER_WORDS: Final = frozenset({"id", "ids", "uuid", "guid", "key", "index", "idx", "rownames", "rownum", "row"})
"""First or last words of identifier names: "id" as in Ludwig, and names of row numbers in files of pandas and R."""
CODE_WORDS: Final = frozenset({"code", "id", "type", "class", "subclass", "category", "zip", "zipcode", "postcode"})
"""Last words of names of integer columns that contain codes rather than quantities."""
ROW_NUMBER_NAMES: Final = re.compile(r"(unnamed(: ?\d+)?|column_?\d+|)", re.IGNORECASE)
"""Names of columns with an empty header, as pandas and R write it above row numbers."""
NUMBER_NAMES: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def words_of(name: str) -> Sequence[str]:
    """Words of a column's name, in lower case.

    >>> words_of("passengerID_2")
    ['passenger', 'id', '2']
    """
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def is_identifier_name(name: str) -> bool:
    """Whether a name starts or ends with a word for identifiers, or is the name of an unnamed column."""
    words = words_of(name)
    return bool(ROW_NUMBER_NAMES.fullmatch(name.strip())) or bool({*words[:1], *words[-1:]} & IDENTIFIER_WORDS)


def is_number_name(name: str) -> bool:
    """Whether a name is a number, as when the first row of a file without header is read as names.

    >>> is_number_name("1.5e3"), is_number_name("nan")
    (True, False)
    """
    return bool(NUMBER_NAMES.fullmatch(name.strip()))
