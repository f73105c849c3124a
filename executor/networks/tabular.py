"""Network for tables: periodic features, trainable scale, hidden layers of equal width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import keras
import numpy as np

from executor.components.activation import activation
from executor.components.configuration import configuration
from executor.components.initializer import create_initializer
from executor.components.loss import predicts_numbers
from executor.components.network_kind import NetworkKind, Sizes
from executor.layers.periodic import FEATURES, Scale, SelectColumns, Waves
from executor.networks.column_branch import embedded_codes
from executor.networks.output_layer import initial_bias, output_layer
from executor.preprocessing.inputs import TableInputs
from executor.runtime.devices import is_wide
from recommender.training_cost import FEW_ROWS, FEW_ROWS_UNITS, UNITS
from rules.vocabulary.choices import parameters_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from executor.components.configuration import Value
    from executor.components.network_kind import SearchLimits
    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle

SCALE_RATE_MULTIPLIER: Final = 20.0
"""Learning-rate multiplier of the scale; 6 · √256 in RealMLP-TD. Only the whole network was measured, not this
value."""
WAVES_RATE_MULTIPLIER: Final = 1.6  # of periodic features: 0.1 · √256 in RealMLP-TD

LINEAR: Final = "linear"  # name of the layer that starts at ridge regression
LINEAR_RATE_MULTIPLIER: Final = 0.1
"""Learning-rate multiplier of the linear layer, as in forecasters. With more than UNITS inputs it is multiplied by
UNITS / inputs, so that a step changes the output as much."""

SOME_ROWS: Final = 5_000
"""Training rows from which 512 units are searched, too (docs/evidence.md#width-of-tabular-networks)."""
WIDE: Final = 5_000  # encoded columns; above it a wider first layer takes too long


def build_network(*, parts: Parts, bundle: Bundle, hyperparameters: Mapping[str, Value], seed: int) -> keras.Model:
    """Build the network for tables.

    Inputs: {"dense": (rows, width) float32, "codes": (rows, coded) int32 if parts.vocabulary > 0}. Output: (rows,
    outputs) float32 logits, or values in standard deviations of the target.

    hyperparameters: those that differ from the default configuration.

    Raises ChoiceError on an unknown hyperparameter, or a value out of its limits.
    """
    chosen, read = configuration(bundle, hyperparameters), parts.inputs_as(TableInputs)
    seeds = layer_seeds(seed, chosen.layers)
    embedding_seed, waves_seed = next(seeds), next(seeds)
    dense = keras.Input((parts.train.dense.shape[1],), name="dense", dtype="float32")
    inputs = {"dense": dense}
    columns = [SelectColumns(columns=read.hidden, name="selected_columns")(dense) if read.hidden else dense]
    if read.numbers > 0:
        columns.append(Waves(numbers=read.numbers, seed=waves_seed, name="waves")(dense))
    if parts.vocabulary > 0:
        inputs["codes"], embeddings = embedded_codes(parts, chosen.embedding_dimension, seed=embedding_seed)
        columns.append(embeddings)
    joined = keras.layers.Concatenate(name="joined")(columns) if len(columns) > 1 else columns[0]
    hidden = Scale(name="scale")(joined) if read.input_scale else joined
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
    if read.ridge_start:
        linear = keras.layers.Dense(parts.outputs, kernel_initializer="zeros", dtype="float32", name=LINEAR)
        outputs = keras.layers.Add(name="both", dtype="float32")([outputs, linear(dense)])
    network = keras.Model(inputs, outputs, name="tabular")
    if read.ridge_start:
        linear.set_weights([*linear_start(parts, bundle)])
    return network


def linear_start(parts: Parts, bundle: Bundle, *, fold: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Kernel (width, outputs) and bias (outputs,) of the linear layer: ridge regression without the output's bias.

    fold: that the network does not train on.
    """
    start = parts.linear_starts[fold]
    return start.kernel, start.bias - initial_bias(parts, bundle)


def layer_seeds(seed: int, layers: int) -> Iterator[int]:
    """Seeds of embeddings and waves, then of kernels and dropouts by layer, then of the output's kernel."""
    states: list[int] = np.random.SeedSequence(seed).generate_state(2 * layers + 3).tolist()
    return iter(states)


def joined_width(*, width: int, waved: int, embedded: int) -> int:
    """Inputs of the first hidden layer: encoded columns, periodic features and embeddings.

    width: dense features that the hidden layers read. embedded: total dimension of the embeddings of a row.
    """
    return width + waved * FEATURES + embedded


def rate_multiplier(layer: str, weight: str, *, joined: int, width: int) -> float:
    """Learning-rate multiplier of a weight.

    That of the first kernel is proportional to 1 / √inputs: NTK parametrization (Holzmüller et al. 2024, section 3).

    layer, weight: names. joined: inputs of the first hidden layer. width: inputs of the linear layer.
    """
    if layer == "hidden_1" and weight == "kernel":
        return float((UNITS / joined) ** 0.5)
    if layer == LINEAR:
        return LINEAR_RATE_MULTIPLIER * min(1.0, UNITS / width)
    return {"scale": SCALE_RATE_MULTIPLIER, "waves": WAVES_RATE_MULTIPLIER}.get(layer, 1.0)


def rate_multipliers(network: keras.Model) -> list[float]:
    """Learning-rate multiplier of each trainable weight."""
    joined = int(network.get_layer("hidden_1").kernel.shape[0])
    width = int(network.input["dense"].shape[1])
    names = (weight.path.split("/")[-2:] for weight in network.trainable_variables)
    return [rate_multiplier(layer, weight, joined=joined, width=width) for layer, weight in names]


def _sizes(bundle: Bundle, limits: SearchLimits) -> Sizes:
    """Sizes to search: narrower layers for few rows of a classification, and within the time limit."""
    units = [UNITS, 128, 512, 64]
    if limits.rows < FEW_ROWS and not predicts_numbers(bundle.loss):
        units = [FEW_ROWS_UNITS, 64, 32]
    elif limits.rows < SOME_ROWS:
        units = [UNITS, 128, 64]
    elif limits.width > WIDE:
        units = [UNITS, 128, 64, 32]
    return Sizes(units=[units[0], *(size for size in units[1:] if size < units[0] or limits.affords(size))])


TABULAR: Final = NetworkKind(
    name="tabular",
    reads=TableInputs,
    build=build_network,
    sizes=_sizes,
    rate_multipliers=rate_multipliers,
    is_stackable=True,
    pays_on_gpu=is_wide,
)
