"""Networks of a trial: built, given the learning rates of their layers, averaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from executor.components.optimizer import has_layer_rates
from executor.networks.registry import network_kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from executor.components.configuration import Value
    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle


def build_network(*, parts: Parts, bundle: Bundle, hyperparameters: Mapping[str, Value], seed: int) -> keras.Model:
    """Build the network of the kind for these inputs; arguments as of the kind's own build_network."""
    build = network_kind(bundle, parts.inputs).build
    return build(parts=parts, bundle=bundle.of_trial(hyperparameters), hyperparameters=hyperparameters, seed=seed)


def layer_rate_multipliers(network: keras.Model, parts: Parts, bundle: Bundle) -> list[float]:
    """Learning-rate multiplier of each trainable weight."""
    multipliers = network_kind(bundle, parts.inputs).rate_multipliers
    if multipliers is None or not has_layer_rates(bundle):
        return [1.0] * len(network.trainable_variables)
    return multipliers(network)


def average_networks(networks: Sequence[keras.Model], times: Sequence[int] | None = None) -> keras.Model:
    """Average networks with the same inputs in one model; times: weight of each, 1 by default."""
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
