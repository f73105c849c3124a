"""A small residual network for images: stages of blocks that halve the image and double the channels."""

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
MIN_SIDE: Final = 4  # pixels; a stage that would leave fewer keeps the size, so that digits of 8 x 8 end at 4 x 4
NORM_MOMENTUM: Final = 0.9
"""Of the moving statistics of a batch normalisation (PyTorch's default); with Keras' 0.99 those of the 300 steps of a
short trial would lag behind its weights."""

UNITS: Final = 64  # channels of the last stage; docs/evidence.md, section 3
LAYERS: Final = 1  # blocks a stage; the same source
DEFAULTS: Final[Mapping[str, Value]] = MappingProxyType({"units": UNITS, "layers": LAYERS})
SIZES: Final = Sizes(units=(UNITS, 32, 128), layers=(2,))
"""Half and twice the default: a network of twice the channels costs four times as much, and images
leave few trials as it is."""


def build_network(*, parts: Parts, bundle: Bundle, hyperparameters: Mapping[str, Value], seed: int) -> keras.Model:
    """A network of pre-activation blocks (He et al. 2016, Identity Mappings) whose kernels are initialised by W.

    Reads {"dense": (rows, height · width · channels) float32}, and other columns as `with_columns` says; gives (rows,
    outputs) float32 logits, or values in standard deviations of the target. Of the configuration, units are the
    channels of the last stage, layers the blocks of a stage, dropout that before the output. In training images are
    varied by the bundle's augmentation.
    Raises ChoiceError on a hyperparameter that does not exist, or out of its limits.
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
    hidden = build.activated(hidden, name="last")
    hidden = keras.layers.GlobalAveragePooling2D(name="pooled")(hidden)
    others, hidden = add_column_branch(
        hidden, parts=parts, bundle=bundle, seed=seed, embedding_dimension=chosen.embedding_dimension
    )
    hidden = RatedDropout(chosen.dropout, seed=next(seeds), name="dropout")(hidden)
    kernel = create_initializer(bundle.initializer, seed=next(seeds))
    outputs = output_layer(hidden, parts=parts, bundle=bundle, kernel_initializer=kernel)
    return keras.Model({"dense": dense, **others}, outputs, name="cnn")


def _seeds(seed: int, layers: int) -> Iterator[int]:
    """A seed for each random part: shift, mirror, the first kernel, three at most of each block, dropout, output."""
    states: list[int] = np.random.SeedSequence(seed).generate_state(5 + 3 * STAGES * layers).tolist()
    return iter(states)


class _Builder:
    """Puts layers together; each kernel takes the next seed."""

    def __init__(self, bundle: Bundle, seeds: Iterator[int]) -> None:
        self._bundle = bundle
        self._seeds = seeds

    def convolution(
        self, inputs: keras.KerasTensor, channels: int, *, name: str, stride: int = 1, kernel: int = KERNEL
    ) -> keras.KerasTensor:
        """A convolution without a bias: the normalisation after it has one."""
        return keras.layers.Conv2D(
            channels,
            kernel,
            strides=stride,
            padding="same",
            use_bias=False,
            kernel_initializer=create_initializer(self._bundle.initializer, seed=next(self._seeds)),
            name=name,
        )(inputs)

    def activated(self, inputs: keras.KerasTensor, *, name: str) -> keras.KerasTensor:
        normalised = FusedNormalization(momentum=NORM_MOMENTUM, name=f"{name}_norm")(inputs)
        return keras.layers.Activation(activation(self._bundle.activation), name=f"{name}_activation")(normalised)

    def block(self, inputs: keras.KerasTensor, channels: int, *, stride: int, name: str) -> keras.KerasTensor:
        """Two activated convolutions, and beside them the inputs, by a convolution of one pixel where shapes differ."""
        before = self.activated(inputs, name=f"{name}_1")
        changes = stride > 1 or inputs.shape[-1] != channels
        beside = inputs
        if changes:
            beside = self.convolution(before, channels, stride=stride, kernel=1, name=f"{name}_beside")
        hidden = self.convolution(before, channels, stride=stride, name=f"{name}_convolution_1")
        hidden = self.activated(hidden, name=f"{name}_2")
        hidden = self.convolution(hidden, channels, name=f"{name}_convolution_2")
        return keras.layers.Add(name=name)([hidden, beside])


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
