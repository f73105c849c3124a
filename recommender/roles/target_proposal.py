"""Which column is to be predicted, where the user does not say."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from recommender.dataset.column_names import words_of
from rules.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recommender.dataset.dataset import Dataset

TARGET_WORDS: Final = ("target", "label", "class", "outcome", "response", "y")
"""Names that tables give to what is to be predicted; the first found wins."""
PREFIXES: Final = frozenset({"sub", "super"})
"""What makes another word of the next one: a subclass is a feature as good as any."""
COORDINATES: Final = frozenset({"x", "y", "z"})


def propose_target(dataset: Dataset, unfit: Sequence[str]) -> tuple[str, str]:
    """The column that most looks like a target, and why.

    unfit: columns that cannot be one (identifiers, constants, texts, time stamps, nearly as many words as rows).
    Raises TargetError when no column is left.
    """
    candidates = [name for name in dataset.columns if name not in unfit]
    if not candidates:
        raise TargetError(
            "There must be a column to predict, but every column is constant, an identifier, a text or a time stamp. "
            "Name it with --target."
        )
    places = _coordinates(dataset.columns)
    candidates = [name for name in candidates if name not in places] or candidates
    for word in TARGET_WORDS:
        for name in reversed(candidates):
            if word == name.lower() or _ends_in(name, word):
                return name, f"proposed: the name {name!r} says {word!r}"
    last = candidates[-1]
    if last == dataset.columns[-1]:
        return last, f"proposed: {last!r} is the last column; --target says another"
    return last, f"proposed: {last!r} is the last column that may be one; --target says another"


def _ends_in(name: str, word: str) -> bool:
    words = words_of(name)
    return word in words[-1:] and not PREFIXES & {*words[-2:-1]}


def _coordinates(columns: Sequence[str]) -> frozenset[str]:
    """The columns x, y and z where a y stands beside an x or z and other columns are there to be predicted."""
    found = [name for name in columns if name.lower() in COORDINATES]
    beside = any({one.lower(), two.lower()} in ({"x", "y"}, {"y", "z"}) for one, two in pairwise(columns))
    return frozenset(found) if beside and len(found) < len(columns) else frozenset()
