"""Activation of the hidden layers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rules.vocabulary.choices.slot import Choice


class Relu(Choice):
    """Rectified linear units, max(0, x).

    Examples:
        >>> str(Relu())
        'relu'

    References:
        Nair and Hinton 2010, Rectified linear units improve restricted Boltzmann machines.
    """

    name: Literal["relu"] = "relu"


class Tanh(Choice):
    """Hyperbolic tangent.

    Examples:
        >>> str(Tanh())
        'tanh'
    """

    name: Literal["tanh"] = "tanh"


class Selu(Choice):
    """Scaled exponential linear units.

    Examples:
        >>> str(Selu())
        'selu'

    References:
        Klambauer et al. 2017, Self-normalizing neural networks.
    """

    name: Literal["selu"] = "selu"


Activation = Annotated[Relu | Tanh | Selu, Field(discriminator="name")]
