"""Networks for sequences: InceptionTime, or gated recurrent units."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import keras
import numpy as np

from executor.components.activation import activation
from executor.components.configuration import configuration
from executor.components.initializer import create_initializer
from executor.components.network_kind import NetworkKind, Sizes
from executor.layers.dropout import RatedDropout
from executor.layers.steps import EndedMean, Ending
from executor.networks.column_branch import add_column_branch
from executor.networks.output_layer import output_layer
from executor.preprocessing.inputs import SequenceInputs
from recommender.training_cost import image_epochs, small_batch_size
from rules.vocabulary.choices import Gru, cell_initializer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from executor.components.configuration import Value
    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle

WIDTHS: Final = (40, 20, 10)  # kernel sizes of a module (Ismail Fawaz et al. 2020, section 3)
BOTTLENECK: Final = 32  # channels of the bottleneck of a module (the same)
MODULES: Final = 3  # of a residual block (the same)
POOLED: Final = 3  # pool size of the fourth branch of a module (the same)
NORM_MOMENTUM: Final = 0.9  # as in executor.networks.cnn
SEEDS_PER_MODULE: Final = 2 + len(WIDTHS)

UNITS: Final = 32  # filters per branch (Ismail Fawaz et al. 2020), or recurrent units
LAYERS: Final = 1  # residual blocks of three modules (docs/evidence.md, section 3), or recurrent layers
DEFAULTS: Final[Mapping[str, Value]] = MappingProxyType({"units": UNITS, "layers": LAYERS})
MAX_EPOCHS: Final = 300
"""An epoch of 50 sequences is one step; the 1,500 epochs of InceptionTime take minutes on two cores."""


def build_network(
    *, parts: Parts, bundle: Bundle, hyperparameters: Mapping[str, Value], seed: int, is_recurrent: bool
) -> keras.Model:
    """Build InceptionTime (Ismail Fawaz et al. 2020), or gated recurrent units.

    Inputs: {"dense": (rows, steps · (channels + 1)) float32}, whose last channel is the mask of steps. Output: (rows,
    outputs) float32 logits, or values in standard deviations of the target. Units are filters per branch or recurrent
    units, layers are residual blocks or recurrent layers.

    Raises ChoiceError on an unknown hyperparameter, or a value out of its limits.
    """
    chosen = configuration(bundle, hyperparameters, defaults=DEFAULTS)
    read = parts.inputs_as(SequenceInputs)
    shape = (read.steps, read.channels)
    states = np.random.SeedSequence(seed).generate_state(2 + (1 + MODULES * SEEDS_PER_MODULE) * chosen.layers).tolist()
    seeds: Iterator[int] = iter(states)
    dense = keras.Input((int(np.prod(shape)),), name="dense", dtype="float32")
    steps = keras.layers.Reshape(shape, name="steps")(dense)
    mask = Ending(name="mask")(steps)
    if is_recurrent:
        hidden = _recurrent(steps, mask, bundle, units=chosen.units, layers=chosen.layers, seeds=seeds)
    else:
        hidden = steps
        for block in range(1, chosen.layers + 1):
            hidden = _block(hidden, mask, bundle, units=chosen.units, seeds=seeds, name=f"block_{block}")
        hidden = EndedMean(name="mean")([hidden, mask])
    others, hidden = add_column_branch(
        hidden, parts=parts, bundle=bundle, seed=seed, embedding_dimension=chosen.embedding_dimension
    )
    hidden = RatedDropout(chosen.dropout, seed=next(seeds), name="dropout")(hidden)
    kernel = create_initializer(bundle.initializer, seed=next(seeds))
    outputs = output_layer(hidden, parts=parts, bundle=bundle, kernel_initializer=kernel)
    return keras.Model({"dense": dense, **others}, outputs, name="recurrent" if is_recurrent else "inception")


def _recurrent(
    steps: keras.KerasTensor,
    mask: keras.KerasTensor,
    bundle: Bundle,
    *,
    units: int,
    layers: int,
    seeds: Iterator[int],
) -> keras.KerasTensor:
    """State after the last step of each sequence, (rows, units)."""
    hidden, is_step = steps, keras.ops.squeeze(mask, axis=-1) > 0
    for layer in range(1, layers + 1):
        hidden = keras.layers.GRU(
            units,
            return_sequences=layer < layers,
            activation="tanh",
            kernel_initializer=create_initializer(cell_initializer(bundle.initializer), seed=next(seeds)),
            recurrent_initializer=keras.initializers.Orthogonal(seed=next(seeds)),
            name=f"recurrent_{layer}",
        )(hidden, mask=is_step)
    return hidden


def _block(
    inputs: keras.KerasTensor,
    mask: keras.KerasTensor,
    bundle: Bundle,
    *,
    units: int,
    seeds: Iterator[int],
    name: str,
) -> keras.KerasTensor:
    """Residual block of modules; steps after the end are masked."""
    hidden = inputs
    for module in range(1, MODULES + 1):
        hidden = _module(hidden, bundle, units=units, seeds=seeds, name=f"{name}_module_{module}")
        hidden = keras.layers.Multiply(name=f"{name}_kept_{module}")([hidden, mask])
    shortcut = _convolution(inputs, hidden.shape[-1], 1, bundle, seed=next(seeds), name=f"{name}_shortcut")
    shortcut = keras.layers.BatchNormalization(momentum=NORM_MOMENTUM, name=f"{name}_shortcut_norm")(shortcut)
    added = keras.layers.Add(name=f"{name}_sum")([hidden, shortcut])
    return keras.layers.Activation(activation(bundle.activation), name=f"{name}_activation")(added)


def _module(
    inputs: keras.KerasTensor, bundle: Bundle, *, units: int, seeds: Iterator[int], name: str
) -> keras.KerasTensor:
    """Inception module: convolutions of several widths over a bottleneck, and one over max pooling."""
    first = _convolution(inputs, BOTTLENECK, 1, bundle, seed=next(seeds), name=f"{name}_bottleneck")
    branches = [
        _convolution(first, units, width, bundle, seed=next(seeds), name=f"{name}_width_{width}") for width in WIDTHS
    ]
    pooled = keras.layers.MaxPooling1D(POOLED, strides=1, padding="same", name=f"{name}_pooled")(inputs)
    branches.append(_convolution(pooled, units, 1, bundle, seed=next(seeds), name=f"{name}_of_pooled"))
    joined = keras.layers.Concatenate(name=f"{name}_joined")(branches)
    normalised = keras.layers.BatchNormalization(momentum=NORM_MOMENTUM, name=f"{name}_norm")(joined)
    return keras.layers.Activation(activation(bundle.activation), name=f"{name}_activation")(normalised)


def _convolution(
    inputs: keras.KerasTensor, filters: int, width: int, bundle: Bundle, *, seed: int, name: str
) -> keras.KerasTensor:
    return keras.layers.Conv1D(
        filters,
        width,
        padding="same",
        use_bias=False,
        kernel_initializer=create_initializer(bundle.initializer, seed=seed),
        name=name,
    )(inputs)


INCEPTION: Final = NetworkKind(
    name="inception",
    reads=SequenceInputs,
    build=partial(build_network, is_recurrent=False),
    defaults=DEFAULTS,
    sizes=lambda _bundle, _limits: Sizes(units=(UNITS, 16, 64), layers=(2,)),
    epochs=partial(image_epochs, most=MAX_EPOCHS),
    batch_size=small_batch_size,
)
RECURRENT: Final = replace(
    INCEPTION,
    name="recurrent",
    build=partial(build_network, is_recurrent=True),
    is_chosen=lambda bundle: isinstance(bundle.architecture, Gru),
)
