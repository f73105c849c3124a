"""K trials side by side: their weights, the optimizer's state, and what sets them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZES: Final = (1, 2, 3, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32)
"""Numbers of trials for which a graph is compiled; a stack of another number is filled up to the next."""


def pad_to_size(kept: Sequence[int]) -> list[int]:
    """Some trials' indices, the last one repeated up to the next of SIZES.

    >>> pad_to_size([0, 2, 3, 5, 6])
    [0, 2, 3, 5, 6, 6]
    """
    size = next((size for size in SIZES if size >= len(kept)), len(kept))
    return [*kept, *[kept[-1]] * (size - len(kept))]


class Stack(NamedTuple):
    """K trials as far as they are trained; each tensor's axis of length K is its first, but for `layers`'.

    weights, slots: of the network and of the optimizer. properties: of the optimizer, (K,) each. units (K, 1, units),
    layers (layers, K, 1, 1), decay (K,), dropout (K,): what sets the trials apart. fold: (K,) int32, the rows that a
    trial does not train on, -1 for none.
    steps: (K,) float32, steps taken.
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
        """The stack with some of its trials."""
        index = tf.constant(list(kept), tf.int32)
        taken: Stack = tf.nest.map_structure(lambda tensor: tf.gather(tensor, index), self._replace(layers=()))
        return taken._replace(layers=tf.gather(self.layers, index, axis=1))


class Batch(NamedTuple):
    """The rows of one step, as in Rows."""

    inputs: dict[str, tf.Tensor]
    target: tf.Tensor
    offset: tf.Tensor
    weight: tf.Tensor
    fold: tf.Tensor


def out_of_fold_outputs(outputs: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Of each row the outputs of the network that did not train on it, (…, rows, outputs).

    outputs: (…, folds, rows, outputs), of the networks that trained without each fold. folds: (rows, repeats); of
    several repeats the mean of the networks that did not see a row.
    """
    return np.asarray(outputs[..., folds, np.arange(len(folds))[:, None], :].mean(axis=-2))
