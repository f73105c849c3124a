"""Choices of each slot by name, and parsing of a choice from its name and parameters."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter, ValidationError

from rules.errors import ChoiceError, did_you_mean
from rules.vocabulary.aliases import current_choice
from rules.vocabulary.choices.activation import Activation
from rules.vocabulary.choices.initializer import REFUSED, Initializer
from rules.vocabulary.choices.loss import Loss
from rules.vocabulary.choices.metric import Metric
from rules.vocabulary.choices.network import Architecture, Augmentation, Transfer, Validation
from rules.vocabulary.choices.optimizer import Optimizer
from rules.vocabulary.choices.search import Hyperparameters, Tuner
from rules.vocabulary.choices.slot import Choice, Slot

if TYPE_CHECKING:
    from collections.abc import Mapping


UNIONS: Final[Mapping[Slot, Any]] = MappingProxyType(
    {
        Slot.ACTIVATION: Activation,
        Slot.METRIC: Metric,
        Slot.LOSS: Loss,
        Slot.INITIALIZER: Initializer,
        Slot.OPTIMIZER: Optimizer,
        Slot.HYPERPARAMETERS: Hyperparameters,
        Slot.TUNER: Tuner,
        Slot.AUGMENTATION: Augmentation,
        Slot.TRANSFER: Transfer,
        Slot.ARCHITECTURE: Architecture,
        Slot.VALIDATION: Validation,
    }
)


def names(slot: Slot) -> dict[str, type[Choice]]:
    """Choices of a slot by name."""
    members = UNIONS[slot].__origin__.__args__
    return {member.model_fields["name"].default: member for member in members}


def parse_choice(slot: Slot, value: object) -> Choice:
    """Read a choice from its name, or from a mapping with its name and parameters.

    Former names are read, too. Raises ChoiceError, which names the nearest choice, or the reason why an initialization
    is refused.

    >>> parse_choice(Slot.LOSS, {"name": "huber", "delta": 2}).delta
    2.0
    """
    fields: dict[str, Any] = current_choice(slot, value if isinstance(value, dict) else {"name": value})
    name = str(fields.get("name"))
    if slot is Slot.INITIALIZER and name in REFUSED:
        raise ChoiceError(
            f"The initializer {name!r} is not allowed: {REFUSED[name]}. Choose one of {', '.join(names(slot))}."
        )
    if name not in names(slot):
        raise ChoiceError(
            f"The {slot} must be one of {', '.join(names(slot))}, but got {name!r}.{did_you_mean(name, names(slot))}"
        )
    try:
        choice: Choice = TypeAdapter(names(slot)[name]).validate_python(fields)
    except ValidationError as error:
        raise ChoiceError(_explain(slot, name, error)) from None
    return choice


_UNSTABLE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "less_than_equal": "a larger scale makes activations and gradients explode from layer to layer",
        "greater_than_equal": "a smaller scale makes activations and gradients vanish from layer to layer",
    }
)
"""Why a scale of random weights is out of range, by the type of pydantic's error."""


def _explain(slot: Slot, name: str, error: ValidationError) -> str:
    """Message for the first error of a validation."""
    first = error.errors()[0]
    parameter = next((str(part) for part in reversed(first["loc"]) if isinstance(part, str)), "name")
    known = [key for key in names(slot)[name].model_fields if key != "name"]
    if first["type"] == "extra_forbidden":
        return (
            f"The {slot} {name!r} takes {', '.join(known) or 'no parameters'}, but got {parameter!r}."
            f"{did_you_mean(parameter, known)}"
        )
    why = f": {_UNSTABLE[first['type']]}" if slot is Slot.INITIALIZER and first["type"] in _UNSTABLE else ""
    return f"The {slot} {name!r} got {parameter} = {first['input']!r}. {first['msg']}{why}."
