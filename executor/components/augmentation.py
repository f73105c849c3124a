"""Augmentation of images in training: random shifts and flips."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from executor.layers.pixels import Mirror, Shift
from rules.errors import ChoiceError
from rules.vocabulary.choices import NoAugmentation, RandomTranslation, RandomTranslationAndFlip

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras

    from executor.components.network_kind import NetworkKind
    from rules.vocabulary.bundle import Bundle
    from rules.vocabulary.choices import Choice

SHIFTS: Final = (
    (16, 2),
    (0, 1),
)  # minimum side of images, maximum shift, in pixels (docs/evidence.md, section 3: +2 points)


def is_augmented(kind: NetworkKind, bundle: Bundle, epochs: int) -> bool:
    """Whether a training of a number of epochs augments its images: shorter trainings do not overfit."""
    return not isinstance(bundle.augmentation, NoAugmentation) and epochs >= kind.augmented_epochs


def switch_augmentation(network: keras.Model, *, on: bool) -> None:
    """Switch augmentation on or off, before the training step of a network is traced."""
    for layer in network.layers:
        if isinstance(layer, Shift | Mirror):
            layer.is_active = on


def augment(images: keras.KerasTensor, choice: Choice, seeds: Iterator[int]) -> keras.KerasTensor:
    """Apply augmentation to images (rows, height, width, channels); it acts in training only.

    Raises ChoiceError on a choice of another slot.
    """
    if isinstance(choice, NoAugmentation):
        return images
    if not isinstance(choice, RandomTranslation | RandomTranslationAndFlip):
        raise ChoiceError(f"An augmentation must be one of the slot's choices, but got {choice}.")
    side = min(images.shape[1:3])
    most = choice.pixels or next(shift for least, shift in SHIFTS if side >= least)
    shifted = Shift(most=most, seed=next(seeds), name="shift")(images)
    if isinstance(choice, RandomTranslation):
        return shifted
    return Mirror(seed=next(seeds), name="mirror")(shifted)
