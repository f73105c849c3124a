"""Activation of hidden layers: the bundle's choice as a Keras function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import keras

from rules.errors import ChoiceError
from rules.vocabulary.choices import Relu, Selu, Tanh

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rules.vocabulary.choices import Choice

FUNCTIONS: Final[Mapping[type[Choice], Callable[..., object]]] = {
    Relu: keras.activations.relu,
    Tanh: keras.activations.tanh,
    Selu: keras.activations.selu,
}


def activation(choice: Choice) -> Callable[..., object]:
    """Return the activation function. Raises ChoiceError on a choice of another slot."""
    if type(choice) not in FUNCTIONS:
        raise ChoiceError(f"An activation must be one of the slot's choices, but got {choice}.")
    return FUNCTIONS[type(choice)]
