"""Templates of the documents that are made from rules and decisions."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from rules.text.wording import printable


def markdown(text: object) -> str:
    r"""Text as Markdown shows it, also within a table: a person's rules may hold anything.

    >>> print(markdown("a|b <i>"))
    a\|b &lt;i&gt;
    """
    escaped = str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for mark in "\\`*_[]|":
        escaped = escaped.replace(mark, f"\\{mark}")
    return " ".join(escaped.split())


def spelled_out(value: object) -> object:
    """A text whose control characters are spelled out: a terminal on which a document is printed would obey them."""
    if type(value) is not str:  # not Markup, which is escaped already
        return value
    return printable(value, keep="\n")


def environment(package: str) -> Environment:
    """The templates in a package's folder templates/: HTML is escaped by itself, Markdown by the filter `markdown`."""
    made = Environment(
        loader=PackageLoader(package),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=spelled_out,
    )
    made.filters["markdown"] = markdown
    return made
