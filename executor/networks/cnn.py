"""Convolutional network for images: stages that halve the image and double the channels."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import keras
import numpy as np

from executor.components.activation import activation
from executor.components.augmentation import augment
from executor.components.configuration import configuration
from executor.components.initializer import create_initializer
from executor.components.network_kind import NetworkKind, Sizes
from executor.data.images import IMAGES_PER_CALL
from executor.layers.dropout import RatedDropout
from executor.layers.pixels import FusedNormalization
from executor.networks.column_branch import add_column_branch
from executor.networks.output_layer import output_layer
from executor.preprocessing.inputs import ImageInputs
from recommender.training_cost import (
    AUGMENTED_EPOCHS,
    IMAGE_LAYERS,
    IMAGE_UNITS,
    KERNEL,
    MIN_POOLED,
    POOLED,
    SMALLER_IMAGE_NETWORKS,
    image_channels,
    image_epochs,
    image_step_seconds,
    image_stride,
    shortest_image_epochs,
    small_batch_size,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from executor.components.configuration import Configuration, Value
    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle

NORM_MOMENTUM: Final = 0.9
"""Momentum of batch normalization (PyTorch's default); Keras' 0.99 is too slow for trials of 300 steps."""

DROPOUT: Final = 0.3  # of the pixels of the last stage; docs/evidence.md#image-networks
DEFAULTS: Final[Mapping[str, Value]] = MappingProxyType(
    {"units": IMAGE_UNITS, "layers": IMAGE_LAYERS, "dropout": DROPOUT}
)
SIZES: Final = Sizes(units=(IMAGE_UNITS, 64, 256), layers=(1, 3))
"""Half and twice the default; a network with twice the channels takes three to four times as long."""


def build_network(*, parts: Parts, bundle: Bundle, hyperparameters: Mapping[str, Value], seed: int) -> keras.Model:
    """Build a network of stages: a convolution, max-pooling, batch normalization, and residual blocks (He et al. 2016).

    Inputs: {"dense": (rows, height · width · channels) float32}, and further columns as in `add_column_branch`. Output:
    (rows, outputs) float32 logits, or values in standard deviations of the target. Each stage has twice the channels of
    the one before, units are those of the last. Layers minus one are the residual blocks of each stage between the
    first and the last. The output of classes reads all pixels of the last stage, since global pooling would lose their
    positions, that of numbers their mean; dropout precedes it. Augmentation acts in training.

    Raises ChoiceError on an unknown hyperparameter, or a value out of its limits.
    """
    chosen = configuration(bundle, hyperparameters, defaults=DEFAULTS)
    shape = parts.inputs_as(ImageInputs).shape
    side = min(shape[:2])
    channels = image_channels(side, chosen.units)
    seeds = _seeds(seed, len(channels), chosen.layers)
    build = _Builder(bundle, seeds)
    dense = keras.Input((int(np.prod(shape)),), name="dense", dtype="float32")
    hidden = keras.layers.Reshape(shape, name="image")(dense)
    hidden = augment(hidden, bundle.augmentation, seeds)
    for number, own in enumerate(channels, 1):
        hidden = build.convolution(
            hidden, own, stride=image_stride(side) if number == 1 else 1, name=f"stage_{number}_convolution"
        )
        if min(hidden.shape[1:3]) // POOLED >= MIN_POOLED:
            hidden = keras.layers.MaxPooling2D(POOLED, name=f"stage_{number}_pooled")(hidden)
        hidden = build.activate(hidden, name=f"stage_{number}")
        for block in range(1, chosen.layers if 1 < number < len(channels) else 1):
            hidden = build.block(hidden, name=f"stage_{number}_block_{block}")
    if parts.task.is_classification:
        hidden = keras.layers.Flatten(name="pixels")(hidden)
    else:  # of so many inputs the squared error diverges at the rates of SGD
        hidden = keras.layers.GlobalAveragePooling2D(name="pooled")(hidden)
    others, hidden = add_column_branch(
        hidden, parts=parts, bundle=bundle, seed=seed, embedding_dimension=chosen.embedding_dimension
    )
    hidden = RatedDropout(chosen.dropout, seed=next(seeds), name="dropout")(hidden)
    kernel = create_initializer(bundle.initializer, seed=next(seeds))
    outputs = output_layer(hidden, parts=parts, bundle=bundle, kernel_initializer=kernel)
    return keras.Model({"dense": dense, **others}, outputs, name="cnn")


def _seeds(seed: int, stages: int, layers: int) -> Iterator[int]:
    """Seeds of shift, mirror, convolutions, dropout and output."""
    states: list[int] = np.random.SeedSequence(seed).generate_state(4 + stages * (2 * layers - 1)).tolist()
    return iter(states)


class _Builder:
    """Builds layers; each kernel takes the next seed."""

    def __init__(self, bundle: Bundle, seeds: Iterator[int]) -> None:
        self._bundle = bundle
        self._seeds = seeds

    def convolution(self, inputs: keras.KerasTensor, channels: int, *, name: str, stride: int = 1) -> keras.KerasTensor:
        """Convolution without a bias, which the following normalization has."""
        return keras.layers.Conv2D(
            channels,
            KERNEL,
            strides=stride,
            padding="same",
            use_bias=False,
            kernel_initializer=create_initializer(self._bundle.initializer, seed=next(self._seeds)),
            name=name,
        )(inputs)

    def activate(self, inputs: keras.KerasTensor, *, name: str) -> keras.KerasTensor:
        normalised = FusedNormalization(momentum=NORM_MOMENTUM, name=f"{name}_norm")(inputs)
        return keras.layers.Activation(activation(self._bundle.activation), name=f"{name}_activation")(normalised)

    def block(self, inputs: keras.KerasTensor, *, name: str) -> keras.KerasTensor:
        """Residual block of two convolutions."""
        hidden = inputs
        for number in (1, 2):
            hidden = self.convolution(hidden, inputs.shape[-1], name=f"{name}_convolution_{number}")
            hidden = self.activate(hidden, name=f"{name}_{number}")
        return keras.layers.Add(name=name)([hidden, inputs])


def _row_seconds(parts: Parts, chosen: Configuration) -> float:
    height, width, colours = parts.inputs_as(ImageInputs).shape
    return image_step_seconds(height, width, colours, units=chosen.units, layers=chosen.layers)


CNN: Final = NetworkKind(
    name="cnn",
    reads=ImageInputs,
    build=build_network,
    defaults=DEFAULTS,
    sizes=lambda _bundle, _limits: SIZES,
    smaller=SMALLER_IMAGE_NETWORKS,
    epochs=image_epochs,
    shortest_epochs=shortest_image_epochs,
    batch_size=small_batch_size,
    augmented_epochs=AUGMENTED_EPOCHS,
    row_seconds=_row_seconds,
    # A network for images gains most where its rate has decayed, also after epochs in which the score stood still: of
    # 400 digits, 0.90 instead of 0.79 of those of other writers.
    stops_early=False,
    rows_per_call=IMAGES_PER_CALL,
    shares_batches=True,
    is_deterministic=True,
)
