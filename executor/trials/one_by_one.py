"""Runs one trial after the other: a network initialised by W, trained by A on C, judged by P."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
import tensorflow as tf

from executor.architectures.mlp import build_network
from executor.catalog.hyperparameters import configuration
from executor.catalog.optimization import optimization
from executor.oracles.memory import tuner_seed
from executor.trials.journal import Outcome, state_path, weights_path
from executor.trials.training import DIVERGED, Training, train
from rules.errors import PcwatError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import keras

    from executor.catalog.tuning import Proposal
    from executor.parts import Parts
    from executor.trials.workplace import Workplace
    from rules.bundle import Bundle

LONGEST_MESSAGE: Final = 300  # characters of an error's first line; TensorFlow's can run over pages


def run_trial(proposal: Proposal, at: Workplace, *, on_epoch: Callable[[Training], None] = lambda _: None) -> Outcome:
    """Run one trial; its best weights lie at weights_path when it returns.

    An error of any kind makes a failed trial.
    Raises ChoiceError on a choice that fits no trial, KeyboardInterrupt if Ctrl-C came before an epoch had a score:
    then there is nothing to keep.
    """
    start = at.budget.now()
    try:
        network = build_network(
            parts=at.parts,
            bundle=at.bundle,
            hyperparameters=proposal.hyperparameters,
            seed=trial_seed(at.seed, proposal.number),
        )
        optimizer = optimization(at.bundle.optimizer, configuration(at.bundle, proposal.hyperparameters))
        optimizer.build(network.trainable_variables)
        if proposal.continues is not None:
            _restore(network, optimizer, state_path(at.directory, proposal.continues))
        training = train(network, optimizer, proposal, at, on_epoch=on_epoch)
        if training.best_weights is not None:
            _keep(network, optimizer, training.best_weights, at.directory, proposal)
    except PcwatError:
        raise  # a choice that fits no trial
    except Exception as error:  # noqa: BLE001 - whatever else breaks one trial must not end the search
        return _failed(proposal, error, seconds=at.budget.now() - start)
    if training.ending == "interrupt" and training.best is None:
        raise KeyboardInterrupt
    return _ended(proposal, training, at, seconds=at.budget.now() - start)


def rebuild(outcome: Outcome, bundle: Bundle, parts: Parts, seed: int) -> keras.Model:
    """The network of a completed trial, with the weights of its best epoch.

    seed: the search's. Raises KeyError if the trial has no weights.
    """
    if outcome.weights is None:
        raise KeyError(f"Only a completed trial has weights, but trial {outcome.number} {outcome.status}.")
    network = build_network(
        parts=parts,
        bundle=bundle,
        hyperparameters=outcome.hyperparameters,
        seed=trial_seed(seed, outcome.number),
    )
    network.load_weights(outcome.weights)
    return network


def trial_seed(seed: int, number: int) -> int:
    """A seed for each trial of each search."""
    return tuner_seed(seed) + number


def _ended(proposal: Proposal, training: Training, at: Workplace, *, seconds: float) -> Outcome:
    """The outcome of a trial that raised nothing."""
    trained = len(training.scores)
    messages = {
        "deadline": f"cut short by the time budget in epoch {trained} of {proposal.epochs}",
        "interrupt": f"cut short by Ctrl-C after epoch {trained} of {proposal.epochs}",
        "diverged": f"{at.metric.name} was not finite for {DIVERGED} epochs in a row: the learning rate is too high, "
        "or the validation rows leave it undefined",
    }
    return Outcome(
        number=proposal.number,
        hyperparameters=dict(proposal.hyperparameters),
        status="diverged" if training.best is None else "completed",
        score=training.best,
        cost=training.best_cost if math.isfinite(training.best_cost) else None,
        epochs=trained,
        best_epoch=training.best_epoch,
        planned_epochs=proposal.epochs,
        seconds=seconds,
        message=messages.get(training.ending or "", ""),
        epoch_scores=tuple(training.scores),
        continues=proposal.continues,
        weights=None if training.best is None else weights_path(at.directory, proposal.number),
    )


def _failed(proposal: Proposal, error: Exception, *, seconds: float) -> Outcome:
    first_line = (str(error).splitlines() or [""])[0][:LONGEST_MESSAGE]
    out_of_memory = isinstance(error, tf.errors.ResourceExhaustedError | MemoryError)
    kind = "out of memory" if out_of_memory else type(error).__name__
    return Outcome(
        number=proposal.number,
        hyperparameters=dict(proposal.hyperparameters),
        status="failed",
        score=None,
        epochs=0,
        planned_epochs=proposal.epochs,
        seconds=seconds,
        message=f"{kind}: {first_line}",
        continues=proposal.continues,
    )


def _keep(
    network: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    best: list[np.ndarray],
    directory: Path,
    proposal: Proposal,
) -> None:
    """Write the best weights and, for a trial that continues this one, the last state."""
    if proposal.may_go_on:
        path = state_path(directory, proposal.number)
        beside = path.with_suffix(".partial.npz")
        np.savez(beside, *network.get_weights(), *(variable.numpy() for variable in optimizer.variables))
        beside.replace(path)
    network.set_weights(best)
    path = weights_path(directory, proposal.number)
    beside = path.with_name(f"partial.{path.name}")
    network.save_weights(beside)
    beside.replace(path)


def _restore(network: keras.Model, optimizer: keras.optimizers.Optimizer, path: Path) -> None:
    """Go on from the weights and the optimizer state that _keep wrote."""
    with np.load(path, allow_pickle=False) as stored:
        values = [stored[f"arr_{index}"] for index in range(len(stored.files))]
    split = len(network.weights)
    network.set_weights(values[:split])
    for variable, value in zip(optimizer.variables, values[split:], strict=True):
        variable.assign(value)
