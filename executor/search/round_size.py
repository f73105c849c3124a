"""Which trials run at once: as many as pay, and as leave time for further rounds to learn from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from executor.components.batch_size import choose_batch_size
from executor.components.configuration import configuration
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

MAX_AT_ONCE: Final = 32  # trials; more in a stack train hardly faster each (19 times plain Keras with 32, 12 with 8)
LEARNING_AT_ONCE: Final = 8  # trials of a search that learns from each round
ROUNDS_LEFT: Final = 3  # rounds that the time must allow where the next ones learn from them


def max_at_once(bundle: Bundle, *, devices: int, each: int) -> int:
    """Trials that pay to run at once; each: networks of a trial."""
    most = MAX_AT_ONCE // each
    return devices * (min(most, LEARNING_AT_ONCE) if isinstance(bundle.tuner, Bayesian) else most)


def next_round(
    oracle: keras_tuner.Oracle, at: Workspace, outcomes: Sequence[Outcome], most: int, epochs: int
) -> list[Proposal]:
    """The next trials to run at once: as many as pay, and as leave time for further rounds to learn from them.

    epochs: of a whole trial.
    """
    if most == 1 or at.clock.plan.limit is None or not at.kind.is_stackable:
        return ask(oracle, most, epochs=epochs)
    done = [outcome for outcome in outcomes if outcome.epochs > 0]
    # Wide stacks are the fast ones, so only a search that learns from its rounds is laid in several, and the first
    # round, which shows how fast this machine is.
    learns = isinstance(at.bundle.tuner, Bayesian) or not done
    time = at.clock.remaining() / (ROUNDS_LEFT if learns else 1)
    taken = sum(one.seconds for one in done)
    planned = sum(one.planned_epochs * epoch_seconds(at, one.hyperparameters) for one in done)
    pace, usual = (taken / planned, taken / len(done)) if done else (1.0, 0.0)

    def fill(proposals: Sequence[Proposal]) -> bool:
        """Whether one more of their like would not fit: by their sizes, or if all trials take the same."""
        by_size = pace * sum(one.epochs * epoch_seconds(at, one.hyperparameters) for one in proposals)
        return max(by_size / len(proposals), usual) * (len(proposals) + 1) > time

    return ask(oracle, most, epochs=epochs, enough=fill)


def epoch_seconds(at: Workspace, hyperparameters: Mapping[str, Value]) -> float:
    """What an epoch of a trial takes in a stack on two cores; of trials that have none, 1."""
    if not at.kind.is_stackable:
        return 1.0
    chosen = configuration(at.bundle, hyperparameters)
    batch = choose_batch_size(at.kind, len(at.train), chosen.batch_size)
    size = StackShape.of(at.parts, [chosen]).size
    return at.parts.fold_count * steps_of(len(at.train), batch) * step_seconds(size, batch)
