"""Output layer of all architectures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import keras
import numpy as np

from executor.components.loss import has_log_link, log_link_ratio
from executor.layers.output import LogLink
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle

PSEUDO_ROWS: Final = 0.5  # added per class, so that logarithms are finite (Jeffreys' prior)


def output_layer(
    hidden: keras.KerasTensor, *, parts: Parts, bundle: Bundle, kernel_initializer: keras.initializers.Initializer
) -> keras.KerasTensor:
    """Add the output layer, (rows, outputs) float32, with the initial bias and the link of the loss."""
    layer = keras.layers.Dense(
        parts.outputs,
        kernel_initializer=kernel_initializer,
        dtype="float32",  # even after layers in half precision
        name="output",
    )
    outputs = layer(hidden)
    layer.bias.assign(initial_bias(parts, bundle))
    return LogLink(ratio=log_link_ratio(parts), name="log_link")(outputs) if has_log_link(bundle.loss) else outputs


def initial_bias(parts: Parts, bundle: Bundle) -> np.ndarray:
    """Initial bias of the output, (outputs,) float32."""
    if getattr(bundle.loss, "output_bias", "zeros") == "log_prior":
        return log_prior(parts)
    return np.zeros(parts.outputs, np.float32)


def log_prior(parts: Parts) -> np.ndarray:
    """Logits of the class shares in the training rows, (outputs,) float32 (Lin et al. 2017, section 4.1).

    log p / (1 - p) for two classes or several labels, log p for several classes, with half a row added to each class.
    """
    counts = parts.train.target_totals() + PSEUDO_ROWS
    if parts.task is Task.MULTICLASS:
        return np.asarray(np.log(counts / counts.sum()), np.float32)
    others = parts.train.total + 2 * PSEUDO_ROWS - counts
    return np.asarray(np.log(counts / others), np.float32)
