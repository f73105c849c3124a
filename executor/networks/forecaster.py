"""Networks for forecasts: linear, residual perceptron, or recurrent; each predicts all steps ahead at once.

They read windows with reversible instance normalization (Kim et al. 2022): shifted by the last value and divided by
their spread. Outputs are multiplied by the spread; the offset is added outside. If the architecture says so, the linear
layer starts at the solution of ridge regression and the other output layers at zero, so that a network starts as a
linear model. Otherwise all layers use the initializer of the bundle.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import keras
import numpy as np

from executor.components.activation import activation
from executor.components.configuration import configuration
from executor.components.initializer import create_initializer
from executor.components.network_kind import NetworkKind, Sizes
from executor.layers.steps import Window
from executor.networks.column_branch import embedded_codes
from executor.networks.starts.ridge_start import linear_start
from executor.preprocessing.inputs import WindowInputs
from executor.runtime.devices import is_wide
from recommender.training_cost import table_epochs
from rules.vocabulary.choices import cell_initializer, parameters_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from executor.components.configuration import Configuration, Value
    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle

MAX_RECURRENT: Final = 24
"""Latest lags that the recurrent network reads step by step, for speed; its linear layer reads all
(docs/evidence.md#speed-of-forecasters)."""

LINEAR: Final = "linear"  # name of the layer that reads the whole window
LINEAR_RATE_MULTIPLIER: Final = 0.1
"""Learning-rate multiplier of the linear layer, which starts at a solution."""

UNITS: Final = 64  # per hidden layer; windows have tens of numbers, and rows are few and similar
LAYERS: Final = 2  # hidden layers of the perceptron (TiDE: one or two)
DEFAULTS: Final[Mapping[str, Value]] = MappingProxyType({"units": UNITS, "layers": LAYERS})
MAX_EPOCHS: Final = 96
"""Networks start at a linear solution, so they need few epochs (docs/evidence.md#speed-of-forecasters)."""


def build_network(*, parts: Parts, bundle: Bundle, hyperparameters: Mapping[str, Value], seed: int) -> keras.Model:
    """Build the network that the hyperparameters name.

    Inputs: {"dense": (rows, width) float32, "codes": (rows, coded) int32 if parts.vocabulary > 0, "spread": (rows,
    outputs) float32}. Output: (rows, outputs) float32, in standard deviations of the change, target by target.

    linear: one layer from window to steps ahead (NLinear: Zeng et al. 2023, arXiv 2205.13504). mlp: plus hidden layers
    (TiDE: Das et al. 2023, arXiv 2304.08424). gru: plus a recurrent layer with tanh and orthogonal recurrent weights
    (Saxe et al. 2014).

    Raises ChoiceError on an unknown hyperparameter, or a value out of its limits.
    """
    chosen = configuration(bundle, hyperparameters, defaults=DEFAULTS)
    window = parts.inputs_as(WindowInputs)
    seeds: list[int] = np.random.SeedSequence(seed).generate_state(2 * chosen.layers + 4).tolist()
    inputs = {
        "dense": keras.Input((parts.train.dense.shape[1],), name="dense", dtype="float32"),
        "spread": keras.Input((parts.outputs,), name="spread", dtype="float32"),
    }
    parameters = parameters_of(bundle.architecture)

    def output(name: str, seed: int, *, is_zero: bool) -> keras.layers.Dense:
        kernel = keras.initializers.Zeros() if is_zero else create_initializer(bundle.initializer, seed=seed)
        return keras.layers.Dense(parts.outputs, kernel_initializer=kernel, dtype="float32", name=name)

    linear = output(LINEAR, seeds[-1], is_zero=parameters.ridge_start)
    outputs = linear(inputs["dense"])
    if parameters.ridge_start:
        linear.set_weights([*linear_start(parts)])
    read = inputs["dense"]
    if parts.vocabulary > 0:
        inputs["codes"], embeddings = embedded_codes(parts, chosen.embedding_dimension, seed=seeds[2 * chosen.layers])
        read = keras.layers.Concatenate(name="joined")([read, embeddings])
        from_embeddings = output("of_levels", seeds[-2], is_zero=parameters.zero_output)
        outputs = keras.layers.Add(name="with_levels")([outputs, from_embeddings(embeddings)])
    hidden = None
    if chosen.network == "mlp":
        hidden = read
        for layer in range(chosen.layers):
            hidden = keras.layers.Dense(
                chosen.units,
                activation=activation(bundle.activation),
                kernel_initializer=create_initializer(bundle.initializer, seed=seeds[2 * layer]),
                name=f"hidden_{layer + 1}",
            )(hidden)
            if chosen.dropout > 0:
                dropout = keras.layers.Dropout(chosen.dropout, seed=seeds[2 * layer + 1], name=f"dropout_{layer + 1}")
                hidden = dropout(hidden)
    elif chosen.network == "gru":
        steps = Window(lags=window.lags, targets=window.targets, kept=min(window.lags, MAX_RECURRENT), name="window")(
            inputs["dense"]
        )
        hidden = keras.layers.GRU(
            chosen.units,
            activation="tanh",
            kernel_initializer=create_initializer(cell_initializer(bundle.initializer), seed=seeds[0]),
            recurrent_initializer=keras.initializers.Orthogonal(seed=seeds[1]),
            name="recurrent",
        )(steps)
    if hidden is not None:
        last = output("output", seeds[-3], is_zero=parameters.zero_output)
        outputs = keras.layers.Add(name="both")([outputs, last(hidden)])
    return keras.Model(
        inputs, keras.layers.Multiply(name="spread_again")([outputs, inputs["spread"]]), name="forecaster"
    )


def rate_multiplier(layer: str) -> float:
    """Learning-rate multiplier of a layer."""
    return LINEAR_RATE_MULTIPLIER if layer == LINEAR else 1.0


def _unused(chosen: Configuration) -> frozenset[str]:
    """Hyperparameters of hidden layers that the linear and the recurrent network do not have."""
    layers = frozenset() if chosen.network == "mlp" else frozenset({"layers", "dropout"})
    return layers | {"units"} if chosen.network == "linear" else layers


FORECASTER: Final = NetworkKind(
    name="forecaster",
    reads=WindowInputs,
    build=build_network,
    defaults=DEFAULTS,
    sizes=lambda _bundle, _limits: Sizes(units=(UNITS, 128, 32), layers=(1, 3)),
    epochs=lambda steps: min(MAX_EPOCHS, table_epochs(steps)),
    rate_multipliers=lambda network: [
        rate_multiplier(weight.path.split("/")[-2]) for weight in network.trainable_variables
    ],
    unused=_unused,
    pays_on_gpu=is_wide,
)
