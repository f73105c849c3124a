"""Number of trials per round, with time left for further rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from executor.components.configuration import configuration
from executor.components.training_length import choose_batch_size
from executor.networks.stacked_tabular import StackShape
from executor.search.oracle import ask
from recommender.training_cost import step_seconds, steps_of
from rules.vocabulary.choices import Bayesian

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import keras_tuner

    from executor.components.configuration import Value
    from executor.search.records.outcome import Outcome
    from executor.search.records.proposal import Proposal
    from executor.search.runners.workspace import Workspace
    from rules.vocabulary.bundle import Bundle

MAX_AT_ONCE: Final = 32  # trials; larger stacks are hardly faster per trial (19 times plain Keras with 32, 12 with 8)
LEARNING_AT_ONCE: Final = 8  # trials per round of a Bayesian search
ROUNDS_LEFT: Final = 3  # rounds that the remaining time must allow in a Bayesian search


def max_at_once(bundle: Bundle, *, devices: int, each: int) -> int:
    """Maximum number of trials in parallel; each: networks per trial."""
    most = MAX_AT_ONCE // each
    return devices * (min(most, LEARNING_AT_ONCE) if isinstance(bundle.tuner, Bayesian) else most)


def next_round(
    oracle: keras_tuner.Oracle, at: Workspace, outcomes: Sequence[Outcome], most: int, epochs: int
) -> list[Proposal]:
    """Ask for the trials of the next round, with time left for further rounds.

    epochs: of a full trial.
    """
    if most == 1 or at.clock.plan.limit is None or not at.is_stacked:
        return ask(oracle, most, epochs=epochs)
    done = [outcome for outcome in outcomes if outcome.epochs > 0]
    # Wide stacks are fast, so only a search that learns from its rounds has several; the first round measures speed.
    learns = isinstance(at.bundle.tuner, Bayesian) or not done
    time = at.clock.remaining() / (ROUNDS_LEFT if learns else 1)
    taken = sum(one.seconds for one in done)
    planned = sum(one.planned_epochs * epoch_seconds(at, one.hyperparameters) for one in done)
    slowdown, usual = (taken / planned, taken / len(done)) if done else (1.0, 0.0)

    def is_full(proposals: Sequence[Proposal]) -> bool:
        """Whether another trial would not fit, by size or by average time."""
        by_size = slowdown * sum(one.epochs * epoch_seconds(at, one.hyperparameters) for one in proposals)
        return max(by_size / len(proposals), usual) * (len(proposals) + 1) > time

    return ask(oracle, most, epochs=epochs, enough=is_full)


def epoch_seconds(at: Workspace, hyperparameters: Mapping[str, Value]) -> float:
    """Estimated seconds per epoch in a stack on two cores; 1 for trials without a stack."""
    if not at.is_stacked:
        return 1.0
    chosen = configuration(at.bundle, hyperparameters)
    batch = choose_batch_size(at.kind, len(at.train), chosen.batch_size)
    size = StackShape.of(at.parts, [chosen]).size
    return at.parts.fold_count * steps_of(len(at.train), batch) * step_seconds(size, batch)
