"""The project's settings file: additional rulebooks, and default options of commands.

pcwat.toml with `book = ["mine.yaml"]`, or pyproject.toml with the same under [tool.pcwat], in the working directory or
a parent of it. Paths are relative to the file. Tables such as [train] hold default options of commands
(recommender.cli.command_defaults).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rules.errors import BookError, did_you_mean
from rules.rulebook.rulebook import SHIPPED, SHIPPED_LAYERS, layers_of
from rules.text.text_file import read_text
from rules.text.wording import excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OWN: Final = "pcwat.toml"
SHARED: Final = "pyproject.toml"
KEYS: Final = ("book",)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Contents of a settings file."""

    path: Path
    books: tuple[str, ...]
    """Books, as paths from the working directory; empty if the file names none."""
    commands: Mapping[str, Mapping[str, Any]]
    """Tables of options by command, not validated."""


def layers(books: Sequence[str], *, start: Path | None = None) -> tuple[str, ...]:
    """Layers of the books given by --book, or of the settings file if there are none.

    Named shipped layers replace the default of both shipped layers; other books are added on top. start: the folder
    where the search for a settings file begins, by default the working directory. Raises BookError on an invalid file.

    >>> layers(["mine.yaml"])
    ('handbook', 'evidence', 'mine.yaml')
    >>> layers(["handbook", "mine.yaml"])
    ('handbook', 'mine.yaml')
    """
    chosen = tuple(books) or settings_books(Path.cwd() if start is None else start)
    if len(chosen) == 1:
        return layers_of(chosen[0])
    shipped = [layer for book in chosen if is_shipped(book) for layer in layers_of(book)]
    own = [book for book in chosen if not is_shipped(book)]
    return tuple(dict.fromkeys([*(shipped or SHIPPED_LAYERS), *own]))


def settings_books(start: Path) -> tuple[str, ...]:
    """Books of the nearest settings file, or the shipped books if there is none."""
    found = find_settings(start)
    return (SHIPPED,) if found is None or not found.books else found.books


def find_settings(start: Path) -> Settings | None:
    """Nearest settings file in a folder or its parents. Raises BookError on an invalid file."""
    for folder in (start, *start.parents):
        for path, table in ((folder / OWN, ()), (folder / SHARED, ("tool", "pcwat"))):
            if path.is_file() and (found := _read(path, table)) is not None:
                books, commands = found
                placed = (book if is_shipped(book) or folder == start else str(folder / book) for book in books)
                return Settings(path=path, books=tuple(placed), commands=commands)
    return None


def is_shipped(book: str) -> bool:
    return book in {SHIPPED, *SHIPPED_LAYERS}


def _read(path: Path, table: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, Any]] | None:
    """Books and tables of a file; None if the file has no settings of pcwat."""
    try:
        settings = tomllib.loads(read_text(path, what="TOML", error=BookError))
    except (ValueError, RecursionError) as error:  # ValueError also for integers of thousands of digits
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).splitlines()[0]
        raise BookError(f"{path} cannot be read as TOML: {reason.rstrip('.')}.") from None
    for key in table:
        settings = settings.get(key, {})
        if not isinstance(settings, dict):
            got = excerpt(settings)
            raise BookError(f"{path}: {key!r} must be a table, as in [{'.'.join(table)}], but got {got}.")
    if not settings and table:
        return None
    commands = {key: value for key, value in settings.items() if isinstance(value, dict)}
    for key in settings:
        if key not in KEYS and key not in commands:
            raise BookError(
                f"{path}: settings must be {', '.join(KEYS)} or a table for a command, but got {key!r}."
                f"{did_you_mean(key, KEYS)}"
            )
    books = settings.get("book", [])
    books = [books] if isinstance(books, str) else books
    if not isinstance(books, list) or not all(isinstance(book, str) for book in books):
        raise BookError(f"{path}: 'book' must be a path, or a list of paths, but got {excerpt(books)}.")
    return tuple(books), commands
