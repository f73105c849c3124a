"""The multi-layer perceptron: encoded columns, hidden layers of one width, a linear output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import keras
import numpy as np

from executor.catalog.activation import activation
from executor.catalog.hyperparameters import configuration
from executor.catalog.initialization import initialization
from rules.facts import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from executor.catalog.hyperparameters import Value
    from executor.parts import Parts
    from rules.bundle import Bundle

EMBEDDING: Final = 8  # dimensions of a coded level (RealMLP-TD)
EMBEDDING_SCALE: Final = EMBEDDING**-0.5  # a level starts as long as a one-hot vector: 8 · scale² = 1
PSEUDO_ROWS: Final = 0.5  # per class, so that a class without training rows has a finite log (Jeffreys' prior)


def build_network(*, parts: Parts, bundle: Bundle, hyperparameters: Mapping[str, Value], seed: int) -> keras.Model:
    """A network whose weights are initialised by W.

    Reads {"dense": (rows, width) float32, "codes": (rows, coded) int32}, codes only where parts.vocabulary > 0.
    Gives (rows, outputs) float32: logits, or values in standard deviations of the target.
    hyperparameters: those that differ from the default configuration.
    Raises ChoiceError on a hyperparameter that does not exist, or out of its limits.
    """
    chosen = configuration(bundle, hyperparameters)
    seeds = layer_seeds(seed, chosen.layers)
    dense = keras.Input((parts.train.dense.shape[1],), name="dense", dtype="float32")
    inputs, joined = {"dense": dense}, dense
    if parts.vocabulary > 0:
        codes = keras.Input((parts.train.codes.shape[1],), name="codes", dtype="int32")
        levels = keras.layers.Embedding(
            parts.vocabulary,
            EMBEDDING,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=EMBEDDING_SCALE, seed=next(seeds)),
            name="levels",
        )(codes)
        inputs["codes"] = codes
        joined = keras.layers.Concatenate(name="joined")([dense, keras.layers.Flatten(name="flat_levels")(levels)])
    hidden = joined
    for layer in range(1, chosen.layers + 1):
        hidden = keras.layers.Dense(
            chosen.units,
            activation=activation(bundle.activation),
            kernel_initializer=initialization(bundle.initializer, seed=next(seeds)),
            name=f"hidden_{layer}",
        )(hidden)
        if chosen.dropout > 0:
            hidden = keras.layers.Dropout(chosen.dropout, seed=next(seeds), name=f"dropout_{layer}")(hidden)
    return keras.Model(inputs, answers(hidden, parts=parts, bundle=bundle, seed=next(seeds)), name="mlp")


def answers(hidden: keras.KerasTensor, *, parts: Parts, bundle: Bundle, seed: int) -> keras.KerasTensor:
    """The outputs of a network from its last hidden layer, (rows, outputs) float32, by W and the loss's output bias."""
    layer = keras.layers.Dense(
        parts.outputs,
        kernel_initializer=initialization(bundle.initializer, seed=seed),
        dtype="float32",  # also where the layers before it compute in half precision
        name="output",
    )
    outputs = layer(hidden)
    if getattr(bundle.loss, "output_bias", "zeros") == "log_prior":
        layer.bias.assign(log_prior(parts))
    return outputs


def layer_seeds(seed: int, layers: int) -> Iterator[int]:
    """A seed for each random part of a network, in the order of its layers: levels, kernels and dropouts, output."""
    states: list[int] = np.random.SeedSequence(seed).generate_state(2 * layers + 2).tolist()
    return iter(states)


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
