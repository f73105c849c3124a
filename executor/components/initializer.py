"""Weight initializer: the bundle's choice as a Keras initializer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from rules.errors import ChoiceError
from rules.vocabulary.choices import He, Lecun, RandomNormal, RandomUniform, Xavier

if TYPE_CHECKING:
    from rules.vocabulary.choices import Choice


def create_initializer(choice: Choice, *, seed: int) -> keras.initializers.Initializer:
    """Create the initializer of one weight matrix.

    seed: one per matrix; two matrices with the same shape and seed start equal.
    Raises ChoiceError on a choice of another slot.
    """
    initializer: keras.initializers.Initializer
    match choice:
        case Xavier(distribution="uniform"):
            initializer = keras.initializers.GlorotUniform(seed=seed)
        case Xavier():
            initializer = keras.initializers.GlorotNormal(seed=seed)
        case He(distribution="uniform"):
            initializer = keras.initializers.HeUniform(seed=seed)
        case He():
            initializer = keras.initializers.HeNormal(seed=seed)
        case Lecun(distribution="uniform"):
            initializer = keras.initializers.LecunUniform(seed=seed)
        case Lecun():
            initializer = keras.initializers.LecunNormal(seed=seed)
        case RandomUniform(limit=limit):
            initializer = keras.initializers.RandomUniform(-limit, limit, seed=seed)
        case RandomNormal(stddev=stddev):
            initializer = keras.initializers.RandomNormal(stddev=stddev, seed=seed)
        case _:
            raise ChoiceError(f"An initializer must be one of the slot's choices, but got {choice}.")
    return initializer
