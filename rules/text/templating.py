"""Jinja environment for documents about rules and decisions."""

from __future__ import annotations

import functools

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from rules.text.wording import printable


def markdown(text: object) -> str:
    r"""Text escaped for Markdown, also within a table.

    >>> print(markdown("a|b <i>"))
    a\|b &lt;i&gt;
    """
    escaped = str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for mark in "\\`*_[]|":
        escaped = escaped.replace(mark, f"\\{mark}")
    return " ".join(escaped.split())


def escape_control_characters(value: object) -> object:
    """Text with control characters as escape sequences, so that a terminal does not interpret them."""
    if type(value) is not str:  # Markup is escaped already
        return value
    return printable(value, keep="\n")


@functools.cache
def environment(package: str) -> Environment:
    """Jinja environment of a package's folder templates/; HTML is autoescaped, Markdown uses the filter `markdown`."""
    templates = Environment(
        loader=PackageLoader(package),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=escape_control_characters,
    )
    templates.filters["markdown"] = markdown
    return templates
