"""What a notebook shows of a value: a small table as HTML, every text escaped, without scripts or styles."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from rules.text.wording import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as HTML. Texts may come from data, books and people: they are never read as HTML.

    >>> table("A & B", ["<i>"], [])
    '<table><caption>A &amp; B</caption><thead><tr><th>&lt;i&gt;</th></tr></thead><tbody></tbody></table>'
    """
    head = "".join(f"<th>{text(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(f'<td>{text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><caption>{text(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def paragraph(sentence: str) -> str:
    """A sentence as HTML."""
    return f"<p>{text(sentence)}</p>"


def text(value: object) -> str:
    r"""A text as HTML shows it, with control characters spelled out.

    >>> text("<\x1b>")
    '&lt;\\x1b&gt;'
    """
    return escape(printable(str(value)))
