"""Augmentation of images in training: random shifts and flips."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from executor.layers.pixels import Mirror, Shift
from rules.errors import ChoiceError
from rules.vocabulary.choices import NoAugmentation, RandomTranslation, RandomTranslationAndFlip

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras

    from rules.vocabulary.choices import Choice

SHIFTS: Final = (
    (16, 2),
    (0, 1),
)  # minimum side of images, maximum shift, in pixels (docs/evidence.md, section 3: +2 points)


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
