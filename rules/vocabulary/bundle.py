"""The bundle, one choice per slot, and its file bundle.yaml."""

from __future__ import annotations

import hashlib
from io import StringIO
from typing import TYPE_CHECKING, Any, Final, Self

from pydantic import BaseModel, ConfigDict

from rules.errors import ChoiceError, did_you_mean
from rules.text import yaml_document as document
from rules.text.html import html_table
from rules.vocabulary.choices import (
    SEARCHED_SLOTS,
    Activation,
    Architecture,
    Augmentation,
    Backbone,
    Choice,
    Holdout,
    Hyperparameter,
    Hyperparameters,
    Initializer,
    Loss,
    Manual,
    Metric,
    NoAugmentation,
    NoTransfer,
    Optimizer,
    Slot,
    Standard,
    Transfer,
    Tuner,
    Validation,
    parse_choice,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FORMAT: Final = "pcwat/bundle/1"
KEPT: Final = {Slot.OPTIMIZER: ("schedule", "batch_size", "clip_norm"), Slot.LOSS: ("target", "output_bias")}
"""Parameters that a trial with another choice keeps."""
COMMENT_WIDTH: Final = 96  # characters of a comment line in bundle.yaml


class Bundle(BaseModel):
    """The strategy for one dataset: one choice for each slot. Immutable.

    Bundles of earlier versions, which lack the last four slots, get their defaults.

    Attributes:
        activation: Activation of hidden layers.
        metric: Performance metric.
        loss: Loss that training minimizes.
        initializer: Weight initializer.
        optimizer: Optimizer with its learning-rate schedule.
        hyperparameters: Hyperparameters that the search varies.
        tuner: Tuning strategy.
        augmentation: Augmentation of images. Default none.
        transfer: Transfer learning. Default none.
        architecture: Network architecture. Default the standard network for the modality.
        validation: Validation set or cross-validation. Default a validation set.

    Examples:
        >>> from rules import Accuracy, AdamW, CategoricalCrossentropy, Defaults, He, Manual, Relu
        >>> bundle = Bundle(
        ...     activation=Relu(),
        ...     metric=Accuracy(),
        ...     loss=CategoricalCrossentropy(),
        ...     initializer=He(),
        ...     optimizer=AdamW(),
        ...     hyperparameters=Defaults(),
        ...     tuner=Manual(),
        ... )
        >>> bundle.to_yaml().splitlines()[:3]
        ['# yaml-language-server: $schema=bundle.schema.json', 'format: pcwat/bundle/1', 'activation: relu']
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    activation: Activation
    metric: Metric
    loss: Loss
    initializer: Initializer
    optimizer: Optimizer
    hyperparameters: Hyperparameters
    tuner: Tuner
    augmentation: Augmentation = NoAugmentation()
    transfer: Transfer = NoTransfer()
    architecture: Architecture = Standard()
    validation: Validation = Holdout()

    def choice(self, slot: Slot) -> Choice:
        """The choice for a slot.

        Args:
            slot: The slot.

        Returns:
            The choice, one of the classes of that slot.
        """
        choice: Choice = getattr(self, slot)
        return choice

    @property
    def searched(self) -> tuple[Hyperparameter, ...]:
        """The hyperparameters that trials vary, the most sensitive first.

        A manual search varies the hyperparameters of its configurations. A pretrained backbone has no units and layers
        to search.
        """
        found = self.hyperparameters.searched
        if isinstance(self.tuner, Manual) and self.tuner.configurations:
            named = {name for one in self.tuner.configurations for name in one}
            found = tuple(one for one in Hyperparameter if one in named)
        if isinstance(self.transfer, Backbone) and self.transfer.weights is not None:
            found = tuple(one for one in found if one not in {Hyperparameter.UNITS, Hyperparameter.LAYERS})
        return found

    def of_trial(self, values: Mapping[str, float | int | str]) -> Self:
        """The bundle of a trial, with its choices of the slots that the search varies.

        Args:
            values: Searched hyperparameters of the trial. A choice is named as in `values` of `Custom`.

        Returns:
            The bundle with these choices. A name without parameters keeps the bundle's own choice of that name; another
            optimizer keeps the bundle's schedule, batch size and clipping, another loss its scale of the target.

        Raises:
            ChoiceError: If a choice is not one of its slot.

        Examples:
            >>> from rules import Accuracy, Adam, CategoricalCrossentropy, Custom, He, Random, Relu
            >>> bundle = Bundle(
            ...     activation=Relu(), metric=Accuracy(), loss=CategoricalCrossentropy(), initializer=He(),
            ...     optimizer=Adam(schedule="cosine"), tuner=Random(),
            ...     hyperparameters=Custom(searched=("optimizer",), values={"optimizer": ("adam", "sgd")}),
            ... )
            >>> str(bundle.of_trial({"optimizer": "sgd"}).optimizer)
            'sgd (schedule cosine)'
        """
        found = {
            slot.value: dict(self.searched_choices(slot))[str(values[name])]
            for name, slot in SEARCHED_SLOTS.items()
            if name in values
        }
        return self.model_copy(update=found) if found else self

    def searched_choices(self, slot: Slot) -> Iterator[tuple[str, Choice]]:
        """The choices of a slot that the search varies, with their names; none if it does not vary the slot.

        Raises:
            ChoiceError: If a name or a parameter is not one of the slot.
        """
        current = self.choice(slot)
        for value in getattr(self.hyperparameters, "values", {}).get(slot.value, ()):
            if isinstance(value, str):
                yield value, current if value == current.model_dump()["name"] else _like(slot, value, current)
            else:
                choice = parse_choice(slot, value)
                yield str(choice), choice

    def _repr_html_(self) -> str:
        rows = ((slot.letter, slot.label, self.choice(slot)) for slot in Slot)
        return html_table("Bundle", ("", "Slot", "Choice"), rows)

    @classmethod
    def of(cls, choices: Mapping[Slot, Choice]) -> Self:
        """Create a bundle from one choice per slot.

        Args:
            choices: The choices by slot. Slots with a default may be missing.

        Returns:
            The bundle.

        Raises:
            KeyError: If a slot without a default is missing.
        """
        chosen = [slot for slot in Slot if slot in choices or cls.model_fields[slot.value].is_required()]
        return cls.model_validate({slot.value: choices[slot] for slot in chosen})

    def to_yaml(self, notes: Mapping[Slot, str] | None = None) -> str:
        """Write the bundle as YAML.

        Args:
            notes: A comment above each choice, by slot. Default none.

        Returns:
            The text of bundle.yaml.
        """
        from ruamel.yaml import YAML  # noqa: PLC0415  12 ms, and only a bundle that is written needs it
        from ruamel.yaml.comments import CommentedMap  # noqa: PLC0415  as above

        body = CommentedMap(format=FORMAT)
        for slot in Slot:
            fields = self.choice(slot).model_dump(mode="json", exclude_none=True)
            body[slot.value] = fields if len(fields) > 1 else fields["name"]
            if notes and slot in notes:
                body.yaml_set_comment_before_after_key(slot.value, before=f"\n{notes[slot]}")
        text = StringIO()
        yaml = YAML()
        yaml.width = COMMENT_WIDTH
        yaml.dump(body, text)
        return f"{document.schema_comment('bundle')}\n{text.getvalue()}"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read bundle.yaml.

        Args:
            path: The file.

        Returns:
            The bundle.

        Raises:
            ChoiceError: If the file is not a bundle; the message names file and line.
        """
        source = document.read(path, error=ChoiceError)
        fields = _fields(source)
        choices = {}
        for slot in Slot:
            try:
                choices[slot] = parse_choice(slot, fields[slot]) if slot in fields else cls.model_fields[slot].default
            except ChoiceError as error:
                raise ChoiceError(f"{source.place(slot)}: {error}") from None
        return cls.of(choices)


def _like(slot: Slot, name: str, current: Choice) -> Choice:
    """A choice by its name, with the parameters of the current one that do not depend on the choice."""
    choice = parse_choice(slot, name)
    kept = {one: getattr(current, one) for one in KEPT.get(slot, ()) if one in current.model_fields_set}
    return choice.model_copy(update={one: value for one, value in kept.items() if one in type(choice).model_fields})


def _fields(source: document.Document) -> dict[str, Any]:
    """Slots of a bundle document. Raises ChoiceError if one is missing or unknown."""
    fields = source.data
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise ChoiceError(
            f"{source.source} is not a bundle: it must contain 'format: {FORMAT}' and one choice for each of "
            f"{', '.join(Slot)}. Create one with 'recommend DATASET -o bundle.yaml'."
        )
    for key in fields:
        if key != "format" and key not in set(Slot):
            raise ChoiceError(f"{source.place(key)}: a bundle has no slot {key!r}.{did_you_mean(str(key), Slot)}")
    missing = [slot.value for slot in Slot if slot not in fields and Bundle.model_fields[slot.value].is_required()]
    if missing:
        raise ChoiceError(f"{source.source} must have a choice for every slot, but {', '.join(missing)} is missing.")
    return fields


def fingerprint(bundle: Bundle) -> str:
    """SHA-256 of a bundle's choices, independent of the file's formatting."""
    return f"sha256:{hashlib.sha256(bundle.model_dump_json().encode()).hexdigest()}"
