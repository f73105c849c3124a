"""Constraints of a metric and a loss on the values of the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recommender.profile.characteristic import by_name, measured_number
from rules.errors import ChoiceError
from rules.vocabulary.choices import Mape, Poisson, QuadraticKappa, Tweedie
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recommender.profile.profile import Profile
    from rules.vocabulary.bundle import Bundle


def check_target_values(bundle: Bundle, profile: Profile, labels: Sequence[str]) -> None:
    """Raise ChoiceError if the metric or the loss of a bundle is undefined for the values of a target.

    labels: class names of a binary or multiclass task.
    """
    if isinstance(bundle.metric, QuadraticKappa) and profile.task is Task.MULTICLASS:
        _require_order(labels)
    for name, characteristics in profile.targets.items():
        measured = by_name(characteristics)
        if "zero_share" not in measured:  # classes, or a constant
            continue
        zeros = measured_number(measured, "zero_share")
        if isinstance(bundle.metric, Mape) and zeros > 0:
            raise ChoiceError(
                f"The metric mape divides by the target, which must not be 0, but {zeros:.1%} of {name!r} are 0. Use "
                "--pin metric=smape or --pin metric=mae."
            )
        lowest = measured_number(measured, "minimum")
        if isinstance(bundle.loss, Poisson | Tweedie) and lowest < 0:
            raise ChoiceError(
                f"The loss {bundle.loss.name} needs a target of at least 0, but the smallest value of {name!r} is "
                f"{lowest:g}. Use --pin loss=huber or --pin loss=mae."
            )


def _require_order(labels: Sequence[str]) -> None:
    """Raise ChoiceError unless all class names are numbers."""
    text = next((label for label in labels if not _is_number(label)), None)
    if text is not None:
        raise ChoiceError(
            f"The metric quadratic_kappa needs ordered classes, which must be numbers, but one class is {text!r}. "
            "Replace the classes by numbers such as 1, 2, 3, or use --pin metric=mcc."
        )


def _is_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True
