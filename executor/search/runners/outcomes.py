"""Outcomes and seeds of trials."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import tensorflow as tf

from executor.components.configuration import configuration
from executor.components.training_length import choose_batch_size
from executor.networks.registry import network_kind
from executor.search.oracles.base import tuner_seed
from executor.search.records.outcome import Outcome
from executor.search.records.weights import weights_path
from executor.search.runners.training_state import DIVERGED
from rules.vocabulary.choices import SEARCHED_SLOTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from executor.components.configuration import Value
    from executor.preprocessing.examples import Parts
    from executor.search.records.proposal import Proposal
    from executor.search.runners.training_state import Training
    from executor.search.runners.workspace import Workspace
    from rules.vocabulary.bundle import Bundle

IN_A_GRAPH: Final = "Graph execution error"  # prefix of TensorFlow's messages
MAX_MESSAGE_LENGTH: Final = 300  # characters; TensorFlow's messages may have pages


def trial_seed(seed: int, number: int) -> int:
    """Seed of a trial."""
    return tuner_seed(seed) + number


def values_in_force(
    bundle: Bundle, parts: Parts, hyperparameters: Mapping[str, Value]
) -> dict[str, bool | float | int | str]:
    """Collect the values of all hyperparameters of a trial's network and of all parameters of its optimizer.

    hyperparameters: searched ones.
    """
    kind, bundle = network_kind(bundle, parts.inputs), bundle.of_trial(hyperparameters)
    chosen = configuration(bundle, hyperparameters, defaults=kind.defaults)
    found = bundle.optimizer.model_dump(exclude={"name", "batch_size"}) | chosen.model_dump(exclude_none=True)
    found |= {name: str(bundle.choice(slot)) for name, slot in SEARCHED_SLOTS.items() if name in hyperparameters}
    found["batch_size"] = choose_batch_size(kind, len(parts.train), chosen.batch_size)
    absent = kind.unused(chosen)
    if parts.vocabulary == 0 or not kind.has_embeddings:
        absent |= {"embedding_dimension"}
    return {name: value for name, value in found.items() if name not in absent}


def outcome_of_training(proposal: Proposal, training: Training, at: Workspace, *, seconds: float) -> Outcome:
    """Create the outcome of a trial without an error."""
    trained, ended_by = len(training.scores), training.ended_by or "completed"
    messages = {
        "shortened": f"its schedule was shortened to {trained} of {proposal.epochs} epochs by the time budget",
        "deadline": f"cut short by the time budget in epoch {trained} of {proposal.epochs}",
        "interrupt": f"cut short by Ctrl-C after epoch {trained} of {proposal.epochs}",
        "diverged": f"{at.metric.name} was not finite for {DIVERGED} epochs in a row: the learning rate is too high, "
        "or the validation rows leave it undefined",
    }
    return Outcome(
        number=proposal.number,
        hyperparameters=dict(proposal.hyperparameters),
        configuration=values_in_force(at.bundle, at.parts, proposal.hyperparameters),
        status="diverged" if training.best is None else "completed",
        score=training.best,
        cost=training.best_cost if math.isfinite(training.best_cost) else None,
        epochs=trained,
        best_epoch=training.best_epoch,
        planned_epochs=proposal.epochs,
        seconds=seconds,
        epoch_seconds=training.epoch_seconds,
        message=messages.get(ended_by, ""),
        ended_by=ended_by,
        start_score=training.start_score,
        epoch_scores=tuple(training.scores),
        epoch_rates=tuple(rate for rate, _ in training.rates),
        epoch_progress=tuple(progress for _, progress in training.rates),
        first_weights=training.first_weights,
        training_loss=tuple(training.losses),
        gradient_norm=tuple(training.gradient_norms),
        weight_norm=tuple(training.weight_norms),
        first_layer_share=tuple(training.first_layer_shares),
        continues=proposal.continues,
        weights=None if training.best is None else weights_path(at.directory, proposal.number),
    )


def _cause(error: Exception) -> str:
    """Line of an error with the cause: the first, or the last of a graph error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.strip().startswith("[[")]
    return (lines or [""])[-1 if lines and lines[0].startswith(IN_A_GRAPH) else 0]


def outcome_of_error(proposal: Proposal, error: Exception, at: Workspace, *, seconds: float) -> Outcome:
    """Create the outcome of a trial with an error."""
    out_of_memory = isinstance(error, tf.errors.ResourceExhaustedError | MemoryError)
    kind = "out of memory" if out_of_memory else type(error).__name__
    return Outcome(
        number=proposal.number,
        hyperparameters=dict(proposal.hyperparameters),
        configuration=values_in_force(at.bundle, at.parts, proposal.hyperparameters),
        status="failed",
        score=None,
        epochs=0,
        planned_epochs=proposal.epochs,
        seconds=seconds,
        message=f"{kind}: {_cause(error)[:MAX_MESSAGE_LENGTH]}",
        ended_by="failed",
        continues=proposal.continues,
    )
