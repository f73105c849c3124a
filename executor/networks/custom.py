"""Networks of other packages, or of the program that calls: own hidden layers between the inputs and the output."""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import keras
import numpy as np

from executor.components.activation import activation
from executor.components.augmentation import augment
from executor.components.configuration import configuration
from executor.components.initializer import create_initializer
from executor.components.network_kind import NetworkKind, Sizes
from executor.data.images import IMAGES_PER_CALL
from executor.networks.output_layer import output_layer
from executor.preprocessing.inputs import ImageInputs, TableInputs
from recommender.training_cost import AUGMENTED_EPOCHS, image_epochs, small_batch_size
from rules.errors import TrainingError
from rules.vocabulary.choices import ArchitectureFunction, CustomArchitecture, load_function

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from executor.components.configuration import Value
    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """What an own architecture may use besides its inputs.

    Attributes:
        units: Units per hidden layer.
        layers: Number of hidden layers.
        dropout: Dropout rate.
        activation: Activation function of hidden layers.
        create_initializer: Creates the initializer of the next kernel, with its own seed.
        embedding_dimension: Dimension of embeddings of categories.
        vocabulary: Number of ids in "codes"; 0 without them.
        seed: Seed of the network; layers without a seed depend on it, too.
    """

    units: int
    layers: int
    dropout: float
    activation: Callable[..., object]
    create_initializer: Callable[[], keras.initializers.Initializer]
    embedding_dimension: int
    vocabulary: int
    seed: int


def build_network(*, parts: Parts, bundle: Bundle, hyperparameters: Mapping[str, Value], seed: int) -> keras.Model:
    """Build the network of an own architecture, with the output layer of all architectures.

    Raises ChoiceError if its function is not installed, and TrainingError if it fails or returns no features.
    """
    choice = bundle.architecture
    if not isinstance(choice, CustomArchitecture):
        raise TypeError(f"an own architecture is a CustomArchitecture, but got {choice!r}")
    chosen = configuration(bundle, hyperparameters)
    seeds = iter(np.random.SeedSequence(seed).generate_state(3).tolist())
    augment_seeds, own, last = np.random.SeedSequence(next(seeds)), next(seeds), next(seeds)
    kernels = (create_initializer(bundle.initializer, seed=value) for value in _endless(own))
    settings = NetworkSettings(
        units=chosen.units,
        layers=chosen.layers,
        dropout=chosen.dropout,
        activation=activation(bundle.activation),
        create_initializer=lambda: next(kernels),
        embedding_dimension=chosen.embedding_dimension,
        vocabulary=parts.vocabulary,
        seed=own,
    )
    inputs = _inputs(parts)
    given = dict(inputs)
    if isinstance(parts.inputs, ImageInputs):
        image = keras.layers.Reshape(parts.inputs.shape, name="image")(given.pop("dense"))
        given["image"] = augment(image, bundle.augmentation, iter(augment_seeds.generate_state(2).tolist()))
    features = _call(choice, given, settings)
    outputs = output_layer(
        features, parts=parts, bundle=bundle, kernel_initializer=create_initializer(bundle.initializer, seed=last)
    )
    return keras.Model(inputs, outputs, name=choice.function)


def _inputs(parts: Parts) -> dict[str, keras.KerasTensor]:
    """The inputs of a network by name."""
    found = {}
    for name, values in parts.train.network_inputs.items():
        kind = "int32" if name == "codes" else "float32"
        found[name] = keras.Input((int(np.prod(values.shape[1:])),), name=name, dtype=kind)
    return found


def _call(
    choice: CustomArchitecture, inputs: dict[str, keras.KerasTensor], settings: NetworkSettings
) -> keras.KerasTensor:
    """Call the function of an architecture, and check what it returns."""
    found = load_function(choice)
    if not isinstance(found, ArchitectureFunction):
        raise TypeError(f"an architecture is an ArchitectureFunction, but {choice} is {found!r}")
    keras.layers.Dense(1)  # takes the automatic name "dense", which is that of an input
    with _seeded(settings.seed):
        try:
            features = found.function(inputs, settings)
        except Exception as error:
            raise TrainingError(f"The architecture {choice} raised {type(error).__name__}: {error}.") from error
    if isinstance(features, keras.Model):
        features = features.output
    if not isinstance(features, keras.KerasTensor) or len(features.shape) != 2 or None in features.shape[1:]:  # noqa: PLR2004
        shape = getattr(features, "shape", type(features).__name__)
        raise TrainingError(
            f"The architecture {choice} must return a Keras tensor of the shape (rows, features), but returned "
            f"{shape}. Flatten or pool it."
        )
    return features


def _endless(seed: int) -> Iterator[int]:
    """Seeds of kernels."""
    states = np.random.default_rng(seed)
    while True:
        yield int(states.integers(2**31))


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed the global generators, from which layers without a seed take theirs, within the block."""
    before, state = random.getstate(), np.random.get_state()  # noqa: NPY002  Keras uses it
    keras.utils.set_random_seed(seed % 2**32)
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(state)  # noqa: NPY002


CUSTOM_TABLE: Final = NetworkKind(
    name="custom",
    reads=TableInputs,
    build=build_network,
    is_chosen=lambda bundle: isinstance(bundle.architecture, CustomArchitecture),
    sizes=lambda _bundle, _limits: Sizes(),
    has_rated_dropout=False,
)
CUSTOM_IMAGE: Final = replace(
    CUSTOM_TABLE,
    reads=ImageInputs,
    epochs=image_epochs,
    batch_size=small_batch_size,
    augmented_epochs=AUGMENTED_EPOCHS,
    stops_early=False,
    rows_per_call=IMAGES_PER_CALL,
)
