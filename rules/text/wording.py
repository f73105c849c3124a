"""Formatting of counts, lists of names, and text that comes from the data."""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence


def counted(count: float, one: str, many: str = "") -> str:
    """A count with its noun in singular or plural.

    >>> counted(1, "row"), counted(2_000, "class", "classes")
    ('1 row', '2,000 classes')
    """
    return f"{count:,.0f} {one if count == 1 else many or f'{one}s'}"


def listed(names: Sequence[str], *, most: int) -> str:
    """Names separated by commas; only the first ones if there are many.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def printable(text: str, *, keep: str = "") -> str:
    r"""Text with control characters as Python escape sequences, so that a terminal does not interpret them.

    keep: characters that are not escaped, such as line ends between paragraphs.

    >>> print(printable("\x1b[31mred"))
    \x1b[31mred
    """
    return "".join(
        char if char.isprintable() or char in keep else char.encode("unicode_escape").decode() for char in text
    )


def excerpt(value: object) -> str:
    """Short form of a value for an error message; long text and deep structures are truncated.

    >>> excerpt([[[[[[[[1]]]]]]]])
    '[[[[[[[...]]]]]]]'
    """
    return reprlib.repr(value)


def escape_json_controls(text: str) -> str:
    r"""JSON text with DEL and C1 control characters escaped, which JSON itself permits.

    >>> print(escape_json_controls('"\x9b31m\x7f"'))
    "\u009b31m\u007f"
    """
    return text.translate(_ESCAPED)


_ESCAPED: Final = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}
