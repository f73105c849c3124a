"""Residual network for images: stages of blocks that halve the image and double the channels."""

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
from executor.components.training_length import image_epochs, small_batch_size
from executor.data.images import IMAGES_PER_CALL
from executor.layers.dropout import RatedDropout
from executor.layers.pixels import FusedNormalization
from executor.networks.column_branch import add_column_branch
from executor.networks.output_layer import output_layer
from executor.preprocessing.inputs import ImageInputs
from recommender.recommendation.trial_budget import LARGE_SIDE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from executor.components.configuration import Value
    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle

STAGES: Final = 3  # 16, 32 and 64 channels by default (docs/evidence.md, section 3: 97.5 % on 5,000 MNIST images)
KERNEL: Final = 3  # pixels (He et al. 2016)
MIN_SIDE: Final = 4  # pixels; smaller outputs are not reduced further, so images of 8 x 8 end at 4 x 4
NORM_MOMENTUM: Final = 0.9
"""Momentum of batch normalization (PyTorch's default); Keras' 0.99 is too slow for trials of 300 steps."""

UNITS: Final = 64  # channels of the last stage; docs/evidence.md, section 3
LAYERS: Final = 1  # blocks per stage; the same source
DEFAULTS: Final[Mapping[str, Value]] = MappingProxyType({"units": UNITS, "layers": LAYERS})
SIZES: Final = Sizes(units=(UNITS, 32, 128), layers=(2,))
"""Half and twice the default; a network with twice the channels takes four times as long."""


def build_network(*, parts: Parts, bundle: Bundle, hyperparameters: Mapping[str, Value], seed: int) -> keras.Model:
    """Build a network of pre-activation blocks (He et al. 2016, Identity Mappings).

    Inputs: {"dense": (rows, height · width · channels) float32}, and further columns as in `add_column_branch`. Output:
    (rows, outputs) float32 logits, or values in standard deviations of the target. Units are the channels of the last
    stage, layers the blocks per stage; dropout precedes the output. Augmentation acts in training.

    Raises ChoiceError on an unknown hyperparameter, or a value out of its limits.
    """
    chosen = configuration(bundle, hyperparameters, defaults=DEFAULTS)
    shape = parts.inputs_as(ImageInputs).shape
    seeds = _seeds(seed, chosen.layers)
    build = _Builder(bundle, seeds)
    side = min(shape[:2])
    dense = keras.Input((int(np.prod(shape)),), name="dense", dtype="float32")
    hidden = keras.layers.Reshape(shape, name="image")(dense)
    hidden = augment(hidden, bundle.augmentation, seeds)
    channels = [max(1, chosen.units // 2 ** (STAGES - 1 - stage)) for stage in range(STAGES)]
    stride = 2 if side >= LARGE_SIDE else 1
    side = -(-side // stride)
    hidden = build.convolution(hidden, channels[0], stride=stride, name="first")
    for stage in range(STAGES):
        for block in range(chosen.layers):
            stride = 2 if stage > 0 and block == 0 and side // 2 >= MIN_SIDE else 1
            side = -(-side // stride)
            hidden = build.block(hidden, channels[stage], stride=stride, name=f"stage_{stage + 1}_block_{block + 1}")
    hidden = build.activate(hidden, name="last")
    hidden = keras.layers.GlobalAveragePooling2D(name="pooled")(hidden)
    others, hidden = add_column_branch(
        hidden, parts=parts, bundle=bundle, seed=seed, embedding_dimension=chosen.embedding_dimension
    )
    hidden = RatedDropout(chosen.dropout, seed=next(seeds), name="dropout")(hidden)
    kernel = create_initializer(bundle.initializer, seed=next(seeds))
    outputs = output_layer(hidden, parts=parts, bundle=bundle, kernel_initializer=kernel)
    return keras.Model({"dense": dense, **others}, outputs, name="cnn")


def _seeds(seed: int, layers: int) -> Iterator[int]:
    """Seeds of shift, mirror, first kernel, up to three per block, dropout and output."""
    states: list[int] = np.random.SeedSequence(seed).generate_state(5 + 3 * STAGES * layers).tolist()
    return iter(states)


class _Builder:
    """Builds layers; each kernel takes the next seed."""

    def __init__(self, bundle: Bundle, seeds: Iterator[int]) -> None:
        self._bundle = bundle
        self._seeds = seeds

    def convolution(
        self, inputs: keras.KerasTensor, channels: int, *, name: str, stride: int = 1, kernel: int = KERNEL
    ) -> keras.KerasTensor:
        """Convolution without a bias, which the following normalization has."""
        return keras.layers.Conv2D(
            channels,
            kernel,
            strides=stride,
            padding="same",
            use_bias=False,
            kernel_initializer=create_initializer(self._bundle.initializer, seed=next(self._seeds)),
            name=name,
        )(inputs)

    def activate(self, inputs: keras.KerasTensor, *, name: str) -> keras.KerasTensor:
        normalised = FusedNormalization(momentum=NORM_MOMENTUM, name=f"{name}_norm")(inputs)
        return keras.layers.Activation(activation(self._bundle.activation), name=f"{name}_activation")(normalised)

    def block(self, inputs: keras.KerasTensor, channels: int, *, stride: int, name: str) -> keras.KerasTensor:
        """Residual block of two convolutions; the shortcut is a 1 x 1 convolution where shapes differ."""
        before = self.activate(inputs, name=f"{name}_1")
        changes = stride > 1 or inputs.shape[-1] != channels
        shortcut = inputs
        if changes:
            shortcut = self.convolution(before, channels, stride=stride, kernel=1, name=f"{name}_shortcut")
        hidden = self.convolution(before, channels, stride=stride, name=f"{name}_convolution_1")
        hidden = self.activate(hidden, name=f"{name}_2")
        hidden = self.convolution(hidden, channels, name=f"{name}_convolution_2")
        return keras.layers.Add(name=name)([hidden, shortcut])


CNN: Final = NetworkKind(
    name="cnn",
    reads=ImageInputs,
    build=build_network,
    defaults=DEFAULTS,
    sizes=lambda _bundle, _limits: SIZES,
    epochs=image_epochs,
    batch_size=small_batch_size,
    # A network for images gains most where its rate has decayed, also after epochs in which the score stood still: of
    # 400 digits, 0.90 instead of 0.79 of those of other writers.
    stops_early=False,
    rows_per_call=IMAGES_PER_CALL,
    is_deterministic=True,
)
