"""Command-line options of the fields of a request: their names, and how values are read and written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_SIDE: Final = 1_024  # pixels; networks for images are made for less, and a trial takes hours from there on
NO_TEXTS: Final = "none"
"""--missing none: no text is a missing value, only empty cells are."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """How a value is written on the command line.

    read: the value of what the user typed, a text or, where the option may be repeated, several; raises ValueError.
    write: the texts that `read` turns into the value, one for each use of the option.
    """

    several: bool
    """Whether the option may be repeated."""
    read: Callable[[Any], object]
    write: Callable[[Any], Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Option:
    """The command-line option of a field; it is part of the field's metadata.

    wants: what the value must be, for messages: "--horizon must be WANTS, but got …".
    """

    flag: str
    help: str
    wants: str
    form: Form
    metavar: str | None = None
    choices: tuple[Any, ...] = ()
    """All values, where they are few."""


def _size(text: str) -> tuple[int, int]:
    """Height and width.

    >>> _size("64x48"), _size("64")
    ((64, 48), (64, 64))
    """
    found = re.fullmatch(r"(\d+)(?:x(\d+))?", text.strip().lower())
    sides = (0, 0) if found is None else (int(found[1]), int(found[2] or found[1]))
    if not all(1 <= side <= MAX_SIDE for side in sides):
        raise ValueError(text)
    return sides


def _range(text: str) -> tuple[float, float]:
    low, _, high = text.partition(":")
    return float(low), float(high)


def _missing(texts: Sequence[str]) -> tuple[str, ...]:
    """Texts that are missing values; an empty one, which always is, makes 'none' a text like others.

    >>> _missing(["none"]), _missing(["none", ""]), _missing(["NA", "?"])
    ((), ('none',), ('NA', '?'))
    """
    own = tuple(text for text in dict.fromkeys(texts) if text)
    if NO_TEXTS not in own or "" in texts:
        return own
    if len(own) > 1:
        raise ValueError(NO_TEXTS)
    return ()


def _missing_texts(texts: Sequence[str]) -> Sequence[str]:
    if not texts:
        return [NO_TEXTS]
    return [*texts, ""] if NO_TEXTS in texts else texts


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    """COLUMN=VALUE for several columns. The column ends at the last "=" before a "%", which only formats have.

    >>> _pairs(["a=b=text", "day=%d=%m"])
    {'a=b': 'text', 'day': '%d=%m'}
    """
    found: dict[str, str] = {}
    for text in texts:
        head, percent, tail = text.partition("%")
        if "=" not in head:
            head, percent, tail = text, "", ""
        column, equals, value = head.rpartition("=")
        if not equals or not column:
            raise ValueError(text)
        if column in found:
            raise ValueError(text)
        found[column] = f"{value}{percent}{tail}"
    return found


TEXT: Final = Form(several=False, read=str, write=lambda value: [str(value)])
WHOLE: Final = Form(several=False, read=int, write=lambda value: [str(value)])
WORD: Final = Form(
    several=False, read=lambda text: text.replace("-", "_"), write=lambda value: [str(value).replace("_", "-")]
)
"""One of a few words, which are written with hyphens."""
TEXTS: Final = Form(several=True, read=tuple, write=list)
PAIRS: Final = Form(several=True, read=_pairs, write=lambda value: [f"{key}={one}" for key, one in value.items()])
SIZE: Final = Form(several=False, read=_size, write=lambda value: [f"{value[0]}x{value[1]}"])
RANGE: Final = Form(several=False, read=_range, write=lambda value: [f"{value[0]!r}:{value[1]!r}"])
MISSING: Final = Form(several=True, read=_missing, write=_missing_texts)
