"""HTML for notebooks: small tables and paragraphs, all text escaped, without scripts or styles."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from rules.text.wording import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def html_table(caption: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as HTML; text from data and books is escaped.

    >>> html_table("A & B", ["<i>"], [])
    '<table><caption>A &amp; B</caption><thead><tr><th>&lt;i&gt;</th></tr></thead><tbody></tbody></table>'
    """
    head = "".join(f"<th>{html_text(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(f'<td>{html_text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><caption>{html_text(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def html_paragraph(sentence: str) -> str:
    """A sentence as HTML."""
    return f"<p>{html_text(sentence)}</p>"


def html_text(value: object) -> str:
    r"""Escaped text, with control characters as escape sequences.

    >>> html_text("<\x1b>")
    '&lt;\\x1b&gt;'
    """
    return escape(printable(str(value)))
