"""The scale on which a numeric target is learned, and the way back to its own unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rules.errors import ChoiceError
from rules.vocabulary.choices import Huber, MaeLoss, MseLoss

if TYPE_CHECKING:
    from rules.vocabulary.choices import Choice, TargetScale


def target_scale_of(loss: Choice) -> TargetScale:
    """The scale on which a loss sees a numeric target; as it is for a loss of classes."""
    return loss.target if isinstance(loss, Huber | MseLoss | MaeLoss) else "as_is"


def to_learning_scale(values: np.ndarray, scale: TargetScale) -> np.ndarray:
    """Values of a target as a network learns them, before they are standardised.

    Raises ChoiceError on a value that has no logarithm.
    """
    if scale == "as_is":
        return values
    if (lowest := float(values.min())) < 0:
        raise ChoiceError(
            f"A target is learned on the log1p scale only if none of its values is below 0, but the smallest is "
            f"{lowest:g}. Choose 'target: as_is' for the loss."
        )
    return np.asarray(np.log1p(values))


def from_learning_scale(values: np.ndarray, scale: TargetScale) -> np.ndarray:
    """The inverse of `learned`; infinite where no float holds it.

    >>> from_learning_scale(to_learning_scale(np.array([0.0, 9.0]), "log1p"), "log1p").round(9).tolist()
    [0.0, 9.0]
    """
    if scale == "as_is":
        return values
    with np.errstate(over="ignore"):
        return np.asarray(np.expm1(values))
