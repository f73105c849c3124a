"""Kinds of inputs of networks, as a closed union."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from executor.preprocessing.feature_ridge import LinearStart


@dataclass(frozen=True, kw_only=True)
class TableInputs:
    """Scaled numbers and categories."""

    numbers: int = 0
    """Number of leading dense features with periodic features."""
    input_scale: bool = True
    """Whether each input has a trainable scale."""
    ridge_start: bool = False
    """Whether a linear layer, which starts at ridge regression, is added to the hidden layers."""
    hidden: tuple[int, ...] = ()
    """Dense features that the hidden layers read; empty where they read all."""


@dataclass(frozen=True, kw_only=True)
class ImageInputs:
    """Standardized pixels; other columns are in `Examples.column_features`."""

    shape: tuple[int, int, int]
    """Height, width and channels."""
    mean: tuple[float, ...]
    """Mean of the bytes of each channel; likewise the scale."""
    scale: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class SequenceInputs:
    """Steps that a network reads one by one; other columns are in `Examples.column_features`."""

    steps: int
    channels: int
    """Channels of a step, the last of which is the mask."""


@dataclass(frozen=True, kw_only=True)
class TextInputs:
    """Weights and ids of the terms of texts."""

    start: LinearStart | None = field(default=None, compare=False)
    """Initial weights of the linear layer of a bag of terms; None before they are fitted, and for other networks."""


@dataclass(frozen=True, kw_only=True)
class WindowInputs:
    """Window of a series: the first dense features are its lags, lag by lag."""

    lags: int
    targets: int
    penalty: float | None = None
    """Penalty of the ridge regression at which a linear layer starts; None before it is chosen."""
    theta_weight: float = 0.0
    """Weight of the Theta model at which a linear layer starts, next to ridge regression."""


Inputs = TableInputs | ImageInputs | SequenceInputs | TextInputs | WindowInputs
