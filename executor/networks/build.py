"""The network of a trial, by what its rows hold: the one place that chooses between architectures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from executor.components.optimizer import has_layer_rates
from executor.networks import cnn, forecaster, pretrained, sequence, tabular
from executor.networks import text as texts
from executor.preprocessing.network_kind import Architecture
from rules.vocabulary.choices import Backbone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from executor.components.configuration import Value
    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle


def build_network(*, parts: Parts, bundle: Bundle, hyperparameters: Mapping[str, Value], seed: int) -> keras.Model:
    """The network of parts.architecture, with first weights by W; as the architecture's own build_network."""
    backbone = bundle.transfer
    if parts.architecture is Architecture.CNN and isinstance(backbone, Backbone) and backbone.weights is not None:
        return pretrained.build_network(
            parts=parts, bundle=bundle, backbone=backbone, hyperparameters=hyperparameters, seed=seed
        )
    build = {
        Architecture.CNN: cnn.build_network,
        Architecture.FORECASTER: forecaster.build_network,
        Architecture.TABULAR: tabular.build_network,
        Architecture.INCEPTION: sequence.build_network,
        Architecture.RECURRENT: sequence.build_network,
        Architecture.TERM_BAG: texts.build_network,
        Architecture.TEXT_CNN: texts.build_network,
    }[parts.architecture]
    return build(parts=parts, bundle=bundle, hyperparameters=hyperparameters, seed=seed)


def layer_rate_multipliers(network: keras.Model, parts: Parts, bundle: Bundle) -> list[float]:
    """By how much the learning rate of each trainable weight differs from that of a hidden layer."""
    if parts.architecture.is_uniform or not has_layer_rates(bundle):
        return [1.0] * len(network.trainable_variables)
    if parts.architecture is Architecture.FORECASTER:
        return [forecaster.rate_multiplier(weight.path.split("/")[-2]) for weight in network.trainable_variables]
    joined = int(network.get_layer("hidden_1").kernel.shape[0])
    names = (weight.path.split("/")[-2:] for weight in network.trainable_variables)
    return [tabular.rate_multiplier(layer, weight, joined=joined) for layer, weight in names]


def average_networks(networks: Sequence[keras.Model], times: Sequence[int] | None = None) -> keras.Model:
    """One network that gives the mean of several that read the same; times: how often each counts, once by default."""
    times = times or [1] * len(networks)
    if len(networks) == 1:
        return networks[0]
    inputs = {
        name: keras.Input(value.shape[1:], dtype=value.dtype, name=name) for name, value in networks[0].input.items()
    }
    parts = []
    for number, (network, count) in enumerate(zip(networks, times, strict=True)):
        network.name = f"{network.name}_{number}"
        parts.append(
            keras.layers.Rescaling(count / sum(times), name=f"share_{number}", dtype="float32")(network(inputs))
        )
    return keras.Model(inputs, keras.layers.Add(name="mean", dtype="float32")(parts), name="ensemble")
