"""The output layer that all architectures end in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import keras
import numpy as np

from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle

PSEUDO_ROWS: Final = 0.5  # per class, so that a class without training rows has a finite log (Jeffreys' prior)


def output_layer(
    hidden: keras.KerasTensor, *, parts: Parts, bundle: Bundle, kernel_initializer: keras.initializers.Initializer
) -> keras.KerasTensor:
    """The outputs of a network from its last hidden layer, (rows, outputs) float32, with the loss's output bias."""
    layer = keras.layers.Dense(
        parts.outputs,
        kernel_initializer=kernel_initializer,
        dtype="float32",  # also where the layers before it compute in half precision
        name="output",
    )
    outputs = layer(hidden)
    layer.bias.assign(initial_bias(parts, bundle))
    return outputs


def initial_bias(parts: Parts, bundle: Bundle) -> np.ndarray:
    """The output's bias before the first step, (outputs,) float32."""
    if getattr(bundle.loss, "output_bias", "zeros") == "log_prior":
        return log_prior(parts)
    return np.zeros(parts.outputs, np.float32)


def log_prior(parts: Parts) -> np.ndarray:
    """What an output needs to answer with the class shares of the training rows, (outputs,) float32 logits.

    Of two classes or several labels log p / (1 - p), of several classes log p, with half a row added to each class.
    Lin et al. 2017 (RetinaNet), section 4.1.
    """
    counts = parts.train.target.sum(axis=0, dtype=np.float64) + PSEUDO_ROWS
    if parts.task is Task.MULTICLASS:
        return np.asarray(np.log(counts / counts.sum()), np.float32)
    others = len(parts.train) + 2 * PSEUDO_ROWS - counts
    return np.asarray(np.log(counts / others), np.float32)
