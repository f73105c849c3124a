"""What the name of a column says about its content."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence


IDENTIFIER_WORDS: Final = frozenset({"id", "ids", "uuid", "guid", "key", "index", "idx", "rownames", "rownum", "row"})
"""Words that start or end the name of an identifier (Ludwig asks for "id"); the others are what pandas and R call
the row number when they write it."""
CODE_WORDS: Final = frozenset({"code", "id", "type", "class", "subclass", "category", "zip", "zipcode", "postcode"})
"""Last words of names under which whole numbers name things."""
ROW_NUMBER_NAMES: Final = re.compile(r"(unnamed(: ?\d+)?|column_?\d+|)", re.IGNORECASE)
"""Names that a column gets when its header is empty, as pandas and R leave it above row numbers."""
NUMBER_NAMES: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def words_of(name: str) -> Sequence[str]:
    """The words of a column's name, in lower case.

    >>> words_of("passengerID_2")
    ['passenger', 'id', '2']
    """
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def named_as_identifier(name: str) -> bool:
    """Whether the name starts or ends with a word for identifiers, or is what an unnamed column is called."""
    words = words_of(name)
    return bool(ROW_NUMBER_NAMES.fullmatch(name.strip())) or bool({*words[:1], *words[-1:]} & IDENTIFIER_WORDS)


def named_as_number(name: str) -> bool:
    """Whether the name is a number, as where the first row of a file without names is taken for them.

    >>> named_as_number("1.5e3"), named_as_number("nan")
    (True, False)
    """
    return bool(NUMBER_NAMES.fullmatch(name.strip()))
