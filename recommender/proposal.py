"""Which column is to be predicted, where the user does not say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recommender.kinds import words_of
from rules.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recommender.dataset import Dataset

TARGET_WORDS: Final = ("target", "label", "class", "outcome", "response", "y")
"""Names that tables give to what is to be predicted; the first found wins."""


def propose_target(dataset: Dataset, unfit: Sequence[str]) -> tuple[str, str]:
    """The column that most looks like a target, and why.

    unfit: columns that cannot be one (identifiers, constants, texts, time stamps).
    Raises TargetError when no column is left.
    """
    candidates = [name for name in dataset.columns if name not in unfit]
    if not candidates:
        raise TargetError(
            "There must be a column to predict, but every column is constant, an identifier, a text or a time stamp. "
            "Name it with --target."
        )
    for word in TARGET_WORDS:
        for name in reversed(candidates):
            if word == name.lower() or word in words_of(name)[-1:]:
                return name, f"proposed: the name {name!r} says {word!r}"
    last = candidates[-1]
    if last == dataset.columns[-1]:
        return last, f"proposed: {last!r} is the last column"
    return last, f"proposed: {last!r} is the last column that is no identifier, constant, text or time stamp"
