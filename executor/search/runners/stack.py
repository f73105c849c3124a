"""Stack of K trials: weights, optimizer state and hyperparameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZES: Final = (1, 2, 3, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32)
"""Stack sizes with a compiled graph; other stacks are padded to the next one."""
WIDE_SIZES: Final = (*SIZES, *range(40, 65, 8), *range(80, 129, 16), *range(160, 257, 32), *range(320, 513, 64))
"""The same on a device whose stacks are larger."""


def pad_to_size(kept: Sequence[int], sizes: Sequence[int] = SIZES) -> list[int]:
    """Pad indices of trials to the next size by repeating the last one.

    >>> pad_to_size([0, 2, 3, 5, 6])
    [0, 2, 3, 5, 6, 6]
    """
    size = next((size for size in sizes if size >= len(kept)), len(kept))
    return [*kept, *[kept[-1]] * (size - len(kept))]


class Stack(NamedTuple):
    """State of K trials; the first axis has length K, except in `layers`.

    weights, slots: of the network and of the optimizer. properties: of the optimizer, (K,) each. units (K, 1, units),
    layers (layers, K, 1, 1), decay (K,), dropout (K,): hyperparameters. fold: (K,) int32, the fold that a trial does
    not train on, -1 for none. steps: (K,) float32, steps taken.
    """

    weights: list[tf.Tensor]
    slots: list[list[tf.Tensor]]
    properties: dict[str, tf.Tensor]
    units: tf.Tensor
    layers: tf.Tensor
    decay: tf.Tensor
    dropout: tf.Tensor
    fold: tf.Tensor
    steps: tf.Tensor

    @property
    def trials(self) -> int:
        return int(self.steps.shape[0])

    def take(self, kept: Sequence[int]) -> Stack:
        """Select trials."""
        index = tf.constant(list(kept), tf.int32)
        taken: Stack = tf.nest.map_structure(lambda tensor: tf.gather(tensor, index), self._replace(layers=()))
        return taken._replace(layers=tf.gather(self.layers, index, axis=1))


def out_of_fold_outputs(outputs: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Select out-of-fold outputs, (…, rows, outputs), averaged over repeats.

    outputs: (…, folds, rows, outputs), of the networks that trained without each fold. folds: (rows, repeats).
    """
    return np.asarray(outputs[..., folds, np.arange(len(folds))[:, None], :].mean(axis=-2))
