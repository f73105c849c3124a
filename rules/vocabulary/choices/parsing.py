"""Choices of each slot by name, and parsing of a choice from its name and parameters."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from rules.errors import ChoiceError, did_you_mean
from rules.vocabulary.aliases import current_choice
from rules.vocabulary.choices.activation import Activation
from rules.vocabulary.choices.custom import (
    CUSTOM,
    ArchitectureFunction,
    CustomArchitecture,
    CustomChoice,
    CustomLoss,
    CustomMetric,
    LossFunction,
    MetricFunction,
    OwnFunction,
    find_choice,
    installed_names,
    register,
)
from rules.vocabulary.choices.initializer import REFUSED, Initializer
from rules.vocabulary.choices.loss import Loss
from rules.vocabulary.choices.metric import Metric
from rules.vocabulary.choices.network import Architecture, Augmentation, Transfer, Validation
from rules.vocabulary.choices.optimizer import Optimizer
from rules.vocabulary.choices.search import Hyperparameters, Tuner
from rules.vocabulary.choices.slot import Choice, Slot

if TYPE_CHECKING:
    from collections.abc import Mapping

Custom = TypeVar("Custom", CustomMetric, CustomLoss, CustomArchitecture)

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
    """Shipped choices of a slot by name."""
    return {kind.model_fields["name"].default: kind for kind in kinds(slot) if not issubclass(kind, CustomChoice)}


def kinds(slot: Slot) -> tuple[type[Choice], ...]:
    """Classes of all choices of a slot, shipped or not."""
    found: tuple[type[Choice], ...] = UNIONS[slot].__origin__.__args__
    return found


def register_metric(name: str, metric: MetricFunction) -> CustomMetric:
    """Register a metric in this process.

    Args:
        name: Lower-case letters, digits and _. A metric that was registered under this name is replaced.
        metric: The function and its direction.

    Returns:
        The choice, for a pin or a bundle.

    Raises:
        ChoiceError: If the name is that of a shipped metric, or the metric is not a MetricFunction.

    Examples:
        >>> def largest_error(true, predicted):
        ...     return float(abs(true - predicted).max())
        >>> str(register_metric("largest_error", MetricFunction(largest_error, direction="min", tasks=["regression"])))
        'largest_error'
    """
    return _register(CustomMetric, name, metric)


def register_loss(name: str, loss: LossFunction) -> CustomLoss:
    """Register a loss in this process.

    Args:
        name: Lower-case letters, digits and _. A loss that was registered under this name is replaced.
        loss: The function and its tasks.

    Returns:
        The choice, for a pin or a bundle.

    Raises:
        ChoiceError: If the name is that of a shipped loss, or the loss is not a LossFunction.

    Examples:
        >>> def fourth_power(true, outputs):
        ...     return ((true - outputs) ** 4).mean(axis=-1)
        >>> str(register_loss("fourth_power", LossFunction(fourth_power, tasks=["regression"])))
        'fourth_power'
    """
    return _register(CustomLoss, name, loss)


def register_architecture(name: str, architecture: ArchitectureFunction) -> CustomArchitecture:
    """Register an architecture in this process.

    Args:
        name: Lower-case letters, digits and _. An architecture that was registered under this name is replaced.
        architecture: The function and what it reads.

    Returns:
        The choice, for a pin or a bundle.

    Raises:
        ChoiceError: If the name is that of a shipped architecture, or the architecture is not an ArchitectureFunction.

    Examples:
        >>> def no_hidden_layer(inputs, settings):
        ...     return inputs["dense"]
        >>> str(register_architecture("no_hidden_layer", ArchitectureFunction(no_hidden_layer)))
        'no_hidden_layer'
    """
    return _register(CustomArchitecture, name, architecture)


def _register(kind: type[Custom], name: str, function: OwnFunction) -> Custom:
    register(kind.slot, name, function, shipped=names(kind.slot))
    found = find_choice(kind.slot, name, shipped=())
    if not isinstance(found, kind):
        raise TypeError(f"a registered {kind.slot} is a {kind.__name__}, but {found!r} was found")
    return found


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
    kind = names(slot).get(name)
    if name == CUSTOM and kind is None:
        kind = next((one for one in kinds(slot) if issubclass(one, CustomChoice)), None)
    if kind is None:
        return _installed(slot, name, fields)
    try:
        choice: Choice = TypeAdapter(kind).validate_python(fields)
    except ValidationError as error:
        raise ChoiceError(_explain(slot, kind, error)) from None
    return choice


def _installed(slot: Slot, name: str, fields: Mapping[str, Any]) -> Choice:
    """The choice of an entry point or a registered function. Raises ChoiceError if there is none."""
    found = find_choice(slot, name, shipped=names(slot))
    if found is None:
        known = [*names(slot), *installed_names(slot)]
        raise ChoiceError(f"The {slot} must be one of {', '.join(known)}, but got {name!r}.{did_you_mean(name, known)}")
    if given := next((key for key in fields if key != "name"), None):
        raise ChoiceError(f"The {slot} {name!r} takes no parameters, but got {given!r}.")
    return found


_UNSTABLE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "less_than_equal": "a larger scale makes activations and gradients explode from layer to layer",
        "greater_than_equal": "a smaller scale makes activations and gradients vanish from layer to layer",
    }
)
"""Why a scale of random weights is out of range, by the type of pydantic's error."""


def _explain(slot: Slot, kind: type[Choice], error: ValidationError) -> str:
    """Message for the first error of a validation."""
    name = kind.model_fields["name"].default
    first = error.errors()[0]
    parameter = next((str(part) for part in reversed(first["loc"]) if isinstance(part, str)), "name")
    known = [key for key in kind.model_fields if key != "name"]
    if first["type"] == "extra_forbidden":
        return (
            f"The {slot} {name!r} takes {', '.join(known) or 'no parameters'}, but got {parameter!r}."
            f"{did_you_mean(parameter, known)}"
        )
    why = f": {_UNSTABLE[first['type']]}" if slot is Slot.INITIALIZER and first["type"] in _UNSTABLE else ""
    return f"The {slot} {name!r} got {parameter} = {first['input']!r}. {first['msg']}{why}."
