"""Proposal of a target column."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from recommender.dataset.column_names import words_of
from rules.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recommender.dataset.dataset import Dataset

TARGET_WORDS: Final = ("target", "label", "class", "outcome", "response", "y")
"""Usual names of targets; the first one found is used."""
PREFIXES: Final = frozenset({"sub", "super"})
"""Prefixes that change the meaning of such a name, as in subclass."""
COORDINATES: Final = frozenset({"x", "y", "z"})


def propose_target(dataset: Dataset, unfit: Sequence[str]) -> tuple[str, str]:
    """Most likely target column, and the reason.

    unfit: columns that cannot be targets, such as identifiers, constants, text, times, or categories that hardly
    repeat. Raises TargetError if no column is left.
    """
    candidates = [name for name in dataset.columns if name not in unfit]
    if not candidates:
        raise TargetError(
            "No target could be proposed: all columns are constants, identifiers, text or times. Choose one with "
            "--target."
        )
    places = _coordinates(dataset.columns)
    candidates = [name for name in candidates if name not in places] or candidates
    for word in TARGET_WORDS:
        for name in reversed(candidates):
            if word == name.lower() or _ends_in(name, word):
                return name, f"proposed: the name {name!r} contains {word!r}"
    last = candidates[-1]
    if last == dataset.columns[-1]:
        return last, f"proposed: {last!r} is the last column; use --target to choose another"
    return last, f"proposed: {last!r} is the last suitable column; use --target to choose another"


def _ends_in(name: str, word: str) -> bool:
    words = words_of(name)
    return word in words[-1:] and not PREFIXES & {*words[-2:-1]}


def _coordinates(columns: Sequence[str]) -> frozenset[str]:
    """The columns x, y and z, if y is next to x or z and there are other columns."""
    found = [name for name in columns if name.lower() in COORDINATES]
    adjacent = any({one.lower(), two.lower()} in ({"x", "y"}, {"y", "z"}) for one, two in pairwise(columns))
    return frozenset(found) if adjacent and len(found) < len(columns) else frozenset()
