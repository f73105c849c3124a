"""A network of one layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import keras

from executor.components.initializer import create_initializer
from executor.components.network_kind import NetworkKind
from executor.networks.output_layer import output_layer
from executor.preprocessing.inputs import TableInputs
from rules.vocabulary.choices import Choice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from executor.components.configuration import Value
    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle


class OneLayer(Choice):
    name: Literal["one_layer"] = "one_layer"


def build_network(*, parts: Parts, bundle: Bundle, hyperparameters: Mapping[str, Value], seed: int) -> keras.Model:  # noqa: ARG001
    dense = keras.Input((parts.train.dense.shape[1],), name="dense", dtype="float32")
    kernel = create_initializer(bundle.initializer, seed=seed)
    return keras.Model({"dense": dense}, output_layer(dense, parts=parts, bundle=bundle, kernel_initializer=kernel))


ONE_LAYER = NetworkKind(
    name="one_layer",
    reads=TableInputs,
    build=build_network,
    is_chosen=lambda bundle: isinstance(bundle.architecture, OneLayer),
    epochs=lambda _steps: 2,
)
