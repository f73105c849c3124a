"""Transfer learning for images: a frozen backbone of keras.applications and a new output layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import keras
import numpy as np

from executor.components.augmentation import augment
from executor.components.configuration import configuration
from executor.components.initializer import create_initializer
from executor.components.network_kind import NetworkKind
from executor.data.images import IMAGES_PER_CALL
from executor.layers.dropout import RatedDropout
from executor.networks.column_branch import add_column_branch
from executor.networks.output_layer import output_layer
from executor.preprocessing.inputs import ImageInputs
from recommender.training_cost import AUGMENTED_EPOCHS, image_epochs, small_batch_size
from rules.errors import ChoiceError
from rules.vocabulary.choices import Backbone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from executor.components.configuration import Value
    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle

BACKBONES: Final[Mapping[str, Callable[..., keras.Model]]] = {
    "mobilenet_v2": keras.applications.MobileNetV2,
    "efficientnet_b0": keras.applications.EfficientNetB0,
    "resnet50_v2": keras.applications.ResNet50V2,
}
MIN_SIDE: Final = 96  # pixels; smaller images are enlarged to the minimum of MobileNetV2's weights
CENTER, SCALE = 127.5, 127.5  # of bytes; MobileNetV2 and ResNet50V2 expect values between -1 and 1
SEEDS: Final = 4  # shift, mirror, dropout and output


def build_network(*, parts: Parts, bundle: Bundle, hyperparameters: Mapping[str, Value], seed: int) -> keras.Model:
    """Build a network with a frozen backbone and a new output layer.

    Inputs, output and augmentation are those of `cnn`. Grey images are converted to three channels. Raises ChoiceError
    if the file of weights is not readable or belongs to another network.
    """
    chosen = configuration(bundle, hyperparameters)
    backbone = bundle.transfer
    if not isinstance(backbone, Backbone):
        raise TypeError(f"a pretrained network needs a backbone, but got {backbone}")
    images = parts.inputs_as(ImageInputs)
    states = iter(np.random.SeedSequence(seed).generate_state(SEEDS).tolist())
    height, width, channels = images.shape
    dense = keras.Input((height * width * channels,), name="dense", dtype="float32")
    hidden = keras.layers.Reshape(images.shape, name="image")(dense)
    hidden = augment(hidden, bundle.augmentation, states)
    mean, scale = (np.asarray(one, np.float64) for one in (images.mean, images.scale))
    hidden = keras.layers.Rescaling(scale.tolist(), mean.tolist(), name="bytes")(hidden)
    if channels == 1:
        hidden = keras.layers.Concatenate(name="colours")([hidden] * 3)
    if min(height, width) < MIN_SIDE:
        factor = MIN_SIDE / min(height, width)
        height, width = round(height * factor), round(width * factor)
        hidden = keras.layers.Resizing(height, width, name="enlarged")(hidden)
    if backbone.architecture != "efficientnet_b0":  # which scales bytes itself
        hidden = keras.layers.Rescaling(1 / SCALE, -CENTER / SCALE, name="between_ones")(hidden)
    body = _body(backbone, (height, width, 3))
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled")(body(hidden, training=False))
    others, pooled = add_column_branch(
        pooled, parts=parts, bundle=bundle, seed=seed, embedding_dimension=chosen.embedding_dimension
    )
    pooled = RatedDropout(chosen.dropout, seed=next(states), name="dropout")(pooled)
    kernel = create_initializer(bundle.initializer, seed=next(states))
    outputs = output_layer(pooled, parts=parts, bundle=bundle, kernel_initializer=kernel)
    return keras.Model({"dense": dense, **others}, outputs, name="cnn")


def _body(backbone: Backbone, shape: tuple[int, int, int]) -> keras.Model:
    body = BACKBONES[backbone.architecture](include_top=False, weights=None, input_shape=shape)
    try:
        body.load_weights(backbone.weights)
    except (OSError, ValueError, KeyError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise ChoiceError(
            f"The weights of {backbone.architecture} must be those of keras.applications without the top layer, but "
            f"{backbone.weights} cannot be read as such: {reason}. Give another file."
        ) from None
    body.trainable = False
    return body


def _is_chosen(bundle: Bundle) -> bool:
    return isinstance(bundle.transfer, Backbone) and bundle.transfer.weights is not None


PRETRAINED: Final = NetworkKind(
    name="pretrained",
    reads=ImageInputs,
    build=build_network,
    is_chosen=_is_chosen,
    epochs=image_epochs,
    batch_size=small_batch_size,
    augmented_epochs=AUGMENTED_EPOCHS,
    unused=lambda _chosen: frozenset({"network", "units", "layers"}),
    stops_early=False,
    rows_per_call=IMAGES_PER_CALL,
    shares_batches=True,
    is_deterministic=True,
)
