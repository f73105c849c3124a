"""How counts, and texts that come from the data, are written for people."""

from __future__ import annotations


def counted(count: float, one: str, many: str = "") -> str:
    """A count with its noun.

    >>> counted(1, "row"), counted(2_000, "class", "classes")
    ('1 row', '2,000 classes')
    """
    return f"{count:,.0f} {one if count == 1 else many or f'{one}s'}"


def printable(text: str, *, keep: str = "") -> str:
    r"""A text whose control characters are spelled out as Python spells them: a terminal would obey them.

    keep: characters that stay as they are, such as line ends between paragraphs.

    >>> print(printable("\x1b[31mred"))
    \x1b[31mred
    """
    return "".join(
        char if char.isprintable() or char in keep else char.encode("unicode_escape").decode() for char in text
    )
