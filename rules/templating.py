"""Templates of the documents that are made from rules and decisions."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


def markdown(text: object) -> str:
    r"""Text as Markdown shows it, also within a table: a person's rules may hold anything.

    >>> print(markdown("a|b <i>"))
    a\|b &lt;i&gt;
    """
    escaped = str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for mark in "\\`*_[]|":
        escaped = escaped.replace(mark, f"\\{mark}")
    return " ".join(escaped.split())


def environment(package: str) -> Environment:
    """The templates in a package's folder templates/: HTML is escaped by itself, Markdown by the filter `markdown`."""
    made = Environment(
        loader=PackageLoader(package),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["markdown"] = markdown
    return made
