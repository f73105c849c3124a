"""The network for tables: periodic features of numbers, a learned scale, hidden layers of one width, an output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import keras
import numpy as np

from executor.components.activation import activation
from executor.components.configuration import configuration
from executor.components.initializer import create_initializer
from executor.layers.periodic import FEATURES, Scale, Waves
from executor.networks.embedding import embedded_codes
from executor.networks.output_layer import output_layer
from recommender.training_cost import UNITS
from rules.vocabulary.choices import parameters_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from executor.components.configuration import Value
    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle

SCALE_RATE_MULTIPLIER: Final = 20.0
"""How many times as fast as a hidden layer the scale learns. RealMLP-TD's 6 · √256 is five times that; the network as a
whole was measured with 20, this number by itself was not."""
WAVES_RATE_MULTIPLIER: Final = (
    1.6  # the same of the periodic features: RealMLP-TD's 0.1 · √256, for a layer of 256 units
)


def build_network(*, parts: Parts, bundle: Bundle, hyperparameters: Mapping[str, Value], seed: int) -> keras.Model:
    """A network whose hidden layers are initialised by W; the output starts at its bias, or by W as well.

    Reads {"dense": (rows, width) float32, "codes": (rows, coded) int32}, codes only where parts.vocabulary > 0.
    Gives (rows, outputs) float32: logits, or values in standard deviations of the target.
    hyperparameters: those that differ from the default configuration.
    Raises ChoiceError on a hyperparameter that does not exist, or out of its limits.
    """
    chosen = configuration(bundle, hyperparameters)
    seeds = layer_seeds(seed, chosen.layers)
    levels_seed, waves_seed = next(seeds), next(seeds)
    dense = keras.Input((parts.train.dense.shape[1],), name="dense", dtype="float32")
    inputs, columns = {"dense": dense}, [dense]
    if parts.numbers > 0:
        columns.append(Waves(numbers=parts.numbers, seed=waves_seed, name="waves")(dense))
    if parts.vocabulary > 0:
        inputs["codes"], levels = embedded_codes(parts, chosen.embedding_dimension, seed=levels_seed)
        columns.append(levels)
    joined = keras.layers.Concatenate(name="joined")(columns) if len(columns) > 1 else dense
    hidden = Scale(name="scale")(joined) if parts.input_scale else joined
    for layer in range(1, chosen.layers + 1):
        hidden = keras.layers.Dense(
            chosen.units,
            activation=activation(bundle.activation),
            kernel_initializer=create_initializer(bundle.initializer, seed=next(seeds)),
            name=f"hidden_{layer}",
        )(hidden)
        if chosen.dropout > 0:
            hidden = keras.layers.Dropout(chosen.dropout, seed=next(seeds), name=f"dropout_{layer}")(hidden)
    is_zero = parameters_of(bundle.architecture).zero_output
    kernel = keras.initializers.Zeros() if is_zero else create_initializer(bundle.initializer, seed=next(seeds))
    outputs = output_layer(hidden, parts=parts, bundle=bundle, kernel_initializer=kernel)
    return keras.Model(inputs, outputs, name="tabular")


def layer_seeds(seed: int, layers: int) -> Iterator[int]:
    """A seed for each random part of a network: levels and waves, then kernels and dropouts from the first layer on.

    The next one is of the output's kernel.
    """
    states: list[int] = np.random.SeedSequence(seed).generate_state(2 * layers + 3).tolist()
    return iter(states)


def joined_width(*, width: int, waved: int, embedded: int) -> int:
    """Columns that the first hidden layer reads: encoded ones, periodic features of some, embeddings of coded ones.

    embedded: numbers of all embeddings of a row.
    """
    return width + waved * FEATURES + embedded


def rate_multiplier(layer: str, weight: str, *, joined: int) -> float:
    """By how much the learning rate of a weight differs from a hidden layer's.

    A kernel's goes with 1 / √inputs, as in the NTK parametrisation of Holzmüller et al. 2024, section 3.
    layer, weight: names. joined: columns that the first hidden layer reads.
    """
    if layer == "hidden_1" and weight == "kernel":
        return float((UNITS / joined) ** 0.5)
    return {"scale": SCALE_RATE_MULTIPLIER, "waves": WAVES_RATE_MULTIPLIER}.get(layer, 1.0)
