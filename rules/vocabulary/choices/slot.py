"""Slots of a bundle, and the base class of choices."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel, ConfigDict

from rules.vocabulary.facts import exact_text


class Slot(StrEnum):
    """A place in a bundle, in the order of decision: an earlier choice is a fact for the later ones.

    Examples:
        >>> Slot.named("P")
        <Slot.METRIC: 'metric'>
        >>> Slot.METRIC.label
        'Performance metric'
    """

    ACTIVATION = "activation"
    METRIC = "metric"
    LOSS = "loss"
    INITIALIZER = "initializer"
    OPTIMIZER = "optimizer"
    HYPERPARAMETERS = "hyperparameters"
    TUNER = "tuner"
    AUGMENTATION = "augmentation"
    TRANSFER = "transfer"
    ARCHITECTURE = "architecture"
    VALIDATION = "validation"

    @classmethod
    def named(cls, word: str) -> Slot | None:
        """Find a slot by its name or letter.

        Args:
            word: Name such as "metric", or letter such as "P" or "p".

        Returns:
            The slot, or None if there is no such slot.

        Examples:
            >>> Slot.named("p")
            <Slot.METRIC: 'metric'>
        """
        return next((slot for slot in cls if word in {slot.value, slot.letter, slot.letter.lower()}), None)

    @property
    def letter(self) -> str:
        """The letter with which the ids of the slot's rules start: P for the metric, C for the loss, and so on."""
        return LETTERS[self]

    @property
    def label(self) -> str:
        """The slot in words, such as "Performance metric"."""
        return LABELS[self]


LETTERS: Final = MappingProxyType(
    {
        Slot.ACTIVATION: "N",
        Slot.METRIC: "P",
        Slot.LOSS: "C",
        Slot.INITIALIZER: "W",
        Slot.OPTIMIZER: "A",
        Slot.HYPERPARAMETERS: "H",
        Slot.TUNER: "T",
        Slot.AUGMENTATION: "D",
        Slot.TRANSFER: "X",
        Slot.ARCHITECTURE: "M",
        Slot.VALIDATION: "V",
    }
)
LABELS: Final = MappingProxyType(
    {
        Slot.ACTIVATION: "Non-linearity",
        Slot.METRIC: "Performance metric",
        Slot.LOSS: "Cost function",
        Slot.INITIALIZER: "Weight initialization",
        Slot.OPTIMIZER: "Optimization algorithm",
        Slot.HYPERPARAMETERS: "Hyperparameters searched",
        Slot.TUNER: "Tuning strategy",
        Slot.AUGMENTATION: "Data augmentation",
        Slot.TRANSFER: "Transfer learning",
        Slot.ARCHITECTURE: "Network architecture",
        Slot.VALIDATION: "Validation",
    }
)


class Choice(BaseModel):
    """One option of a slot, with its parameters. Base class of all choices; immutable.

    Examples:
        >>> from rules import AdamW
        >>> AdamW(learning_rate=0.01) == AdamW(learning_rate=0.01)
        True
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __str__(self) -> str:
        """The name, and parameters that differ from their defaults.

        >>> from rules.vocabulary.choices import Huber
        >>> str(Huber(delta=2.0))
        'huber (delta 2)'
        """
        changed = [
            _parameter(key.replace("_", " "), value)
            for key, value in self.model_dump(exclude={"name"}, exclude_defaults=True).items()
        ]
        name: str = self.name  # type: ignore[attr-defined]  # every member of a union has it
        return f"{name} ({', '.join(changed)})" if changed else name


def _parameter(words: str, value: object) -> str:
    """Text of a parameter with its value; only the name, or "no NAME", for a boolean."""
    if isinstance(value, bool):
        return words if value else f"no {words}"
    return f"{words} {_value_text(value)}"


def _value_text(value: object) -> str:
    """Text of a value; configurations as 'units 32, layers 2; units 64'."""
    if isinstance(value, float):
        return exact_text(value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {_value_text(own)}" for key, own in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(map(_value_text, value))
    return str(value)


NOTES_ORDER: Final = (
    Slot.METRIC,
    Slot.LOSS,
    Slot.INITIALIZER,
    Slot.OPTIMIZER,
    Slot.TUNER,
    Slot.HYPERPARAMETERS,
    Slot.ACTIVATION,
    Slot.AUGMENTATION,
    Slot.TRANSFER,
    Slot.ARCHITECTURE,
    Slot.VALIDATION,
)
