"""Learning scale of a numeric target, and its inverse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rules.errors import ChoiceError

if TYPE_CHECKING:
    from rules.vocabulary.choices import Choice, TargetScale


def target_scale_of(loss: Choice) -> TargetScale:
    """Learning scale of a loss; `as_is` for classification."""
    scale: TargetScale = getattr(loss, "target", "as_is")
    return scale


def to_learning_scale(values: np.ndarray, scale: TargetScale) -> np.ndarray:
    """Transform values of a target to the learning scale, before standardization.

    Raises ChoiceError on a value that has no logarithm.
    """
    if scale == "as_is":
        return values
    if (lowest := float(values.min())) < 0:
        raise ChoiceError(
            f"A target on the log1p scale must not be negative, but its smallest value is {lowest:g}. Choose "
            "'target: as_is' for the loss."
        )
    return np.asarray(np.log1p(values))


def from_learning_scale(values: np.ndarray, scale: TargetScale) -> np.ndarray:
    """Invert `to_learning_scale`; infinite on overflow.

    >>> from_learning_scale(to_learning_scale(np.array([0.0, 9.0]), "log1p"), "log1p").round(9).tolist()
    [0.0, 9.0]
    """
    if scale == "as_is":
        return values
    with np.errstate(over="ignore"):
        return np.asarray(np.expm1(values))
