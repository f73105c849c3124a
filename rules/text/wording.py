"""How counts, and texts that come from the data, are written for people."""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence


def counted(count: float, one: str, many: str = "") -> str:
    """A count with its noun.

    >>> counted(1, "row"), counted(2_000, "class", "classes")
    ('1 row', '2,000 classes')
    """
    return f"{count:,.0f} {one if count == 1 else many or f'{one}s'}"


def listed(names: Sequence[str], *, most: int) -> str:
    """Names in a sentence, of many only the first ones.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def printable(text: str, *, keep: str = "") -> str:
    r"""A text whose control characters are spelled out as Python spells them: a terminal would obey them.

    keep: characters that stay as they are, such as line ends between paragraphs.

    >>> print(printable("\x1b[31mred"))
    \x1b[31mred
    """
    return "".join(
        char if char.isprintable() or char in keep else char.encode("unicode_escape").decode() for char in text
    )


def excerpt(value: object) -> str:
    """A value as an error quotes it: long texts and deep structures are shortened.

    >>> excerpt([[[[[[[[1]]]]]]]])
    '[[[[[[[...]]]]]]]'
    """
    return reprlib.repr(value)


def json_shown(text: str) -> str:
    r"""JSON text as a terminal may show it: DEL and C1 characters, which JSON leaves as they are, are escaped.

    >>> print(json_shown('"\x9b31m\x7f"'))
    "\u009b31m\u007f"
    """
    return text.translate(_ESCAPED)


_ESCAPED: Final = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}
