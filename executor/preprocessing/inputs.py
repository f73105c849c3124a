"""What the rows of a search hold, by modality: the closed union that networks are built from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TableInputs:
    """Scaled numbers and categories."""

    numbers: int = 0
    """How many of the first dense features are scaled numbers that get periodic features."""
    input_scale: bool = True
    """Whether each input is multiplied by a number that is learned."""


@dataclass(frozen=True, kw_only=True)
class ImageInputs:
    """Standardised pixels; other columns are in `Examples.beside`."""

    shape: tuple[int, int, int]
    """Height, width and channels."""
    mean: tuple[float, ...]
    """Of the bytes of each channel, by which they were standardised; likewise the scale."""
    scale: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class SequenceInputs:
    """Steps that a network reads one by one; other columns are in `Examples.beside`."""

    steps: int
    channels: int
    """Numbers of a step, the last of which tells whether the sequence goes on."""


@dataclass(frozen=True, kw_only=True)
class TextInputs:
    """Weights and ids of the terms of texts."""


@dataclass(frozen=True, kw_only=True)
class WindowInputs:
    """The past of a series: the first dense features are its lags, lag by lag."""

    lags: int
    targets: int
    penalty: float | None = None
    """Of the ridge regression at which a linear layer starts; None where it is still to be chosen."""


Inputs = TableInputs | ImageInputs | SequenceInputs | TextInputs | WindowInputs
