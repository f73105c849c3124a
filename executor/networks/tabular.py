"""The network for tables: periodic features of numbers, a learned scale, hidden layers of one width, an output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import keras
import numpy as np

from executor.components.activation import activation
from executor.components.configuration import configuration
from executor.components.initializer import create_initializer
from executor.components.loss import predicts_numbers
from executor.components.network_kind import NetworkKind, Sizes
from executor.layers.periodic import FEATURES, Scale, Waves
from executor.networks.column_branch import embedded_codes
from executor.networks.output_layer import output_layer
from executor.preprocessing.inputs import TableInputs
from executor.runtime.devices import is_wide
from recommender.training_cost import UNITS
from rules.vocabulary.choices import parameters_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from executor.components.configuration import Value
    from executor.components.network_kind import SearchLimits
    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle

SCALE_RATE_MULTIPLIER: Final = 20.0
"""How many times as fast as a hidden layer the scale learns. RealMLP-TD's 6 · √256 is five times that; the network as a
whole was measured with 20, this number by itself was not."""
WAVES_RATE_MULTIPLIER: Final = (
    1.6  # the same of the periodic features: RealMLP-TD's 0.1 · √256, for a layer of 256 units
)

SOME_ROWS: Final = 5_000
"""Training rows; below it 512 units take four times as long as 256 and give little (page_blocks: F1 0.79 against
0.77). Above it the time is there: accuracy 0.982 against 0.977 on letter_recognition, RMSE 3.72 against 3.77 on
power_plant."""
FEW_ROWS: Final = 2_700
"""Training rows; below it 256 units give classes nothing. Measured on fourteen tables of 365 to 2,672 training rows:
64, 128 and 256 are level for classes, for numbers 256 are ahead (airfoil_noise: RMSE 1.47 against 1.61 and 1.86). With
more rows 256 are ahead for classes, too (page_blocks, 3,504 rows: F1 0.77 against 0.71)."""
WIDE: Final = 5_000  # encoded columns; above it a wider first layer costs more than it gives


def build_network(*, parts: Parts, bundle: Bundle, hyperparameters: Mapping[str, Value], seed: int) -> keras.Model:
    """A network whose hidden layers are initialised by W; the output starts at its bias, or by W as well.

    Reads {"dense": (rows, width) float32, "codes": (rows, coded) int32}, codes only where parts.vocabulary > 0.
    Gives (rows, outputs) float32: logits, or values in standard deviations of the target.
    hyperparameters: those that differ from the default configuration.
    Raises ChoiceError on a hyperparameter that does not exist, or out of its limits.
    """
    chosen, read = configuration(bundle, hyperparameters), parts.inputs_as(TableInputs)
    seeds = layer_seeds(seed, chosen.layers)
    levels_seed, waves_seed = next(seeds), next(seeds)
    dense = keras.Input((parts.train.dense.shape[1],), name="dense", dtype="float32")
    inputs, columns = {"dense": dense}, [dense]
    if read.numbers > 0:
        columns.append(Waves(numbers=read.numbers, seed=waves_seed, name="waves")(dense))
    if parts.vocabulary > 0:
        inputs["codes"], levels = embedded_codes(parts, chosen.embedding_dimension, seed=levels_seed)
        columns.append(levels)
    joined = keras.layers.Concatenate(name="joined")(columns) if len(columns) > 1 else dense
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


def rate_multipliers(network: keras.Model) -> list[float]:
    """The factor of the learning rate for each trainable weight."""
    joined = int(network.get_layer("hidden_1").kernel.shape[0])
    names = (weight.path.split("/")[-2:] for weight in network.trainable_variables)
    return [rate_multiplier(layer, weight, joined=joined) for layer, weight in names]


def _sizes(bundle: Bundle, limits: SearchLimits) -> Sizes:
    """Of few rows narrower layers for classes, and no layer that takes longer than the time allows."""
    units = [UNITS, 128, 512, 64]
    if limits.rows < FEW_ROWS and not predicts_numbers(bundle.loss):
        units = [128, 64, 32]
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
