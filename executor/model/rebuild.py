"""Keras networks from the weights of a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from executor.networks import stacked_tabular
from executor.networks.build import build_network
from executor.search.records.fitting_arrays import require_fitting_arrays
from executor.search.records.weights import read_weights
from executor.search.runners.outcomes import trial_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from executor.preprocessing.examples import Parts
    from executor.search.records.outcome import Outcome
    from rules.vocabulary.bundle import Bundle


def rebuild_networks(outcome: Outcome, bundle: Bundle, parts: Parts, seed: int) -> list[keras.Model]:
    """Build the Keras networks of a completed trial, one or one per fold, with the weights of its best epoch.

    seed: of the search. Raises KeyError if the trial has no weights.
    """
    networks = [
        build_network(
            parts=parts,
            bundle=bundle,
            hyperparameters=outcome.hyperparameters,
            seed=trial_seed(seed, outcome.number),
        )
        for _ in range(parts.fold_count)
    ]
    restore_weights(networks, outcome)
    return networks


def restore_weights(networks: Sequence[keras.Model], outcome: Outcome) -> None:
    """Set the weights of the best epoch of a trial in its networks, one or one per fold.

    Raises KeyError if the trial has no weights.
    """
    if outcome.weights is None:
        raise KeyError(f"Only a completed trial has weights, but trial {outcome.number} {outcome.status}.")
    weights = read_weights(outcome.weights)
    with require_fitting_arrays(outcome.weights):
        places = np.split(np.arange(len(weights)), len(networks))
        for network, own in zip(networks, places, strict=True):
            stacked_tabular.set_weights(network, [weights[index] for index in own])
