"""The network of a trial, by what its rows hold: the one place that chooses between architectures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from executor.architectures import cnn, mlp
from executor.parts import Architecture

if TYPE_CHECKING:
    from collections.abc import Mapping

    import keras

    from executor.catalog.hyperparameters import Value
    from executor.parts import Parts
    from rules.bundle import Bundle


def build_network(*, parts: Parts, bundle: Bundle, hyperparameters: Mapping[str, Value], seed: int) -> keras.Model:
    """The network of parts.architecture, with first weights by W; as the architecture's own build_network."""
    build = cnn.build_network if parts.architecture is Architecture.CNN else mlp.build_network
    return build(parts=parts, bundle=bundle, hyperparameters=hyperparameters, seed=seed)
