"""Command-line options of the fields of a request: their names, and how values are read and written."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rules.vocabulary.column_kind import Kind
from rules.vocabulary.costs import EXAMPLE, read_costs
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MAX_SIDE: Final = 1_024  # pixels of an image; with more, a trial takes hours
NO_TEXTS: Final = "none"
"""Value of --missing for no text besides the empty cell."""


def _as_text(value: object) -> Sequence[str]:
    return [str(value)]


@dataclass(frozen=True, kw_only=True)
class Form:
    """Syntax of a value on the command line."""

    wants: str
    """Description of valid values in messages: "--horizon must be WANTS, but got …"."""
    metavar: str | None = None
    several: bool = False
    """Whether the option can be repeated."""
    choices: tuple[str, ...] = ()
    """All valid texts, if they are few."""
    read: Callable[[Any], object] = str
    """Parses the text, or the texts of an option that can be repeated. Raises ValueError."""
    write: Callable[[Any], Sequence[str]] = _as_text
    """Inverse of `read`: the texts of a value, one per use of the option."""


@dataclass(frozen=True)
class Option:
    """The command-line option of a field, in the field's metadata."""

    flag: str
    help: str
    form: Form


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


def _steps(text: str) -> int:
    steps = int(text)
    if steps < 1:
        raise ValueError(text)
    return steps


def _range(text: str) -> tuple[float, float]:
    low, _, high = text.partition(":")
    return float(low), float(high)


def _missing(texts: Sequence[str]) -> tuple[str, ...]:
    """Texts that are missing values; together with an empty text, 'none' is one of them.

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
    """Parse several COLUMN=VALUE. The column ends at the last "=" before a "%", which only formats contain.

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


def _pair_texts(pairs: Mapping[str, str]) -> Sequence[str]:
    return [f"{column}={value}" for column, value in pairs.items()]


def _cost_texts(costs: Mapping[str, Mapping[str, float]]) -> Sequence[str]:
    return [json.dumps(costs, ensure_ascii=False)] if costs else []


def _one_of(*words: str, read: Callable[[str], object]) -> Form:
    """Syntax of a choice among words or numbers; words have hyphens."""
    texts = tuple(word.replace("_", "-") for word in words)
    return Form(
        wants=f"one of {', '.join(texts)}",
        choices=texts,
        read=read,
        write=lambda value: [str(value).replace("_", "-")],
    )


def _underscored(text: str) -> str:
    return text.replace("-", "_")


COLUMN: Final = Form(metavar="COLUMN", wants="a column")
SEQUENCE: Final = Form(metavar="COLUMN", wants="a column that identifies the sequence of each row")
COLUMNS: Final = Form(metavar="COLUMN", wants="a column or columns", several=True, read=tuple, write=list)
TASK: Final = Form(metavar="TASK", wants=f"one of {', '.join(Task)}")
STEPS: Final = Form(metavar="STEPS", wants="a positive whole number of steps", read=_steps)
CHARACTER: Final = Form(metavar="CHARACTER", wants="a character")
TABLE: Final = Form(metavar="NAME", wants="a sheet or a table")
MISSING: Final = Form(
    metavar="TEXT",
    wants=f"texts, or {NO_TEXTS!r} alone for empty cells only",
    several=True,
    read=_missing,
    write=_missing_texts,
)
KINDS: Final = Form(
    metavar="COLUMN=KIND",
    wants=f"COLUMN=KIND, once per column, with one of the kinds {', '.join(Kind)}",
    several=True,
    read=_pairs,
    write=_pair_texts,
)
FORMATS: Final = Form(
    metavar="COLUMN=FORMAT",
    wants="COLUMN=FORMAT, once per column, such as visit=%d/%m/%Y or visit=iso",
    several=True,
    read=_pairs,
    write=_pair_texts,
)
COSTS: Final = Form(
    metavar="FILE",
    wants=f"a YAML file with costs of at least 0 by actual and predicted class, such as {EXAMPLE}",
    read=read_costs,
    write=_cost_texts,
)
SIZE: Final = Form(
    metavar="HEIGHTxWIDTH",
    wants=f"HEIGHTxWIDTH from 1 to {MAX_SIDE:,} pixels each, such as 64x48",
    read=_size,
    write=lambda value: [f"{value[0]}x{value[1]}"],
)
RANGE: Final = Form(
    metavar="LOW:HIGH",
    wants="LOW:HIGH, with LOW below HIGH, such as 0:4095",
    read=_range,
    write=lambda value: [f"{value[0]!r}:{value[1]!r}"],
)
FIT: Final = _one_of("stretch", "crop", "pad", read=_underscored)
UNREADABLE: Final = _one_of("refuse", "leave_out", read=_underscored)
CHANNELS: Final = _one_of("1", "3", read=int)
