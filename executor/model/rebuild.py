"""Ordinary Keras networks out of a trial's weights, and the answers of networks that did not see a row."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from executor.networks import stacked_tabular
from executor.networks.build import build_network
from executor.search.records.journal import read_weights
from executor.search.runners.outcomes import trial_seed
from rules.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import keras

    from executor.preprocessing.examples import Parts
    from executor.search.records.journal import Outcome
    from rules.vocabulary.bundle import Bundle


@contextmanager
def fitting(path: Path) -> Iterator[None]:
    """Raise RunError where the arrays of a trial's file do not fit the network that takes them."""
    try:
        yield
    except (ValueError, IndexError, KeyError, TypeError, tf.errors.OpError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise RunError(
            f"{path} does not hold the weights of its trial: {reason}. Restore the original file, or start a new run."
        ) from error


def rebuild(outcome: Outcome, bundle: Bundle, parts: Parts, seed: int) -> list[keras.Model]:
    """The networks of a completed trial as ordinary Keras models, with the weights of its best epoch.

    One, or one for each fold. seed: the search's. Raises KeyError if the trial has no weights.
    """
    if outcome.weights is None:
        raise KeyError(f"Only a completed trial has weights, but trial {outcome.number} {outcome.status}.")
    weights, networks = read_weights(outcome.weights), []
    with fitting(outcome.weights):
        places = np.split(np.arange(len(weights)), parts.fold_count)
    for own in places:
        network = build_network(
            parts=parts,
            bundle=bundle,
            hyperparameters=outcome.hyperparameters,
            seed=trial_seed(seed, outcome.number),
        )
        with fitting(outcome.weights):
            stacked_tabular.fill(network, [weights[index] for index in own])
        networks.append(network)
    return networks


def unseen(outputs: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Of each row the outputs of the network that did not train on it, (…, rows, outputs).

    outputs: (…, folds, rows, outputs), of the networks that trained without each fold. folds: (rows, repeats); of
    several repeats the mean of the networks that did not see a row.
    """
    return np.asarray(outputs[..., folds, np.arange(len(folds))[:, None], :].mean(axis=-2))
