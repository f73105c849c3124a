"""Number of trials per round, with time left for further rounds."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

from executor.components.configuration import configuration
from executor.components.training_length import choose_batch_size
from executor.networks.stacked_tabular import StackShape
from executor.runtime.devices import CPU
from executor.search.oracle import ask
from recommender.time_plan import SECONDS_PER_NETWORK
from recommender.training_cost import STEP_OVERHEAD_SECONDS, step_seconds, steps_of
from rules.vocabulary.choices import Bayesian

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import keras_tuner

    from executor.components.configuration import Value
    from executor.preprocessing.examples import Parts
    from executor.runtime.devices import Device
    from executor.search.records.outcome import Outcome
    from executor.search.records.proposal import Proposal
    from executor.search.runners.workspace import Workspace
    from rules.vocabulary.bundle import Bundle

MAX_AT_ONCE: Final = 32  # trials; larger stacks are hardly faster per trial (19 times plain Keras with 32, 12 with 8)
LEARNING_AT_ONCE: Final = 8  # trials per round of a Bayesian search
FITTING_SHARE: Final = 0.6
"""Share of the epochs of a last trial that must fit: half of the trials stop earlier, and the schedule of the others is
shortened."""
LONGER: Final = 1.25
"""Epochs for which a trial has time, relative to the most of an ended trial: they stop early after similar numbers."""
ROUNDS_LEFT: Final = 3  # rounds that the remaining time must allow in a Bayesian search


def max_at_once(bundle: Bundle, *, devices: int, each: int, networks: int | None = None) -> int:
    """Maximum number of trials in parallel.

    each: networks per trial; networks: of a stack by the measured speed of the devices, None for MAX_AT_ONCE.
    """
    most = max(MAX_AT_ONCE, networks or 0) // each
    return devices * (min(most, LEARNING_AT_ONCE) if isinstance(bundle.tuner, Bayesian) else most)


def next_round(
    oracle: keras_tuner.Oracle,
    at: Workspace,
    outcomes: Sequence[Outcome],
    most: int,
    epochs: int,
    *,
    compiling: float,
    devices: Sequence[Device] = (CPU,),
) -> list[Proposal]:
    """Ask for the trials of the next round: only those that are expected to end in the remaining time.

    With a time limit, the first round is the default configuration alone. Later rounds leave time for further ones if
    the tuner learns from them; the last trial may have a shorter schedule.

    epochs: of a full trial. compiling: seconds to compile a graph; trials of several shapes need several. devices: that
    train the trials; where their speed was measured, it says how much less time a trial takes in a larger stack.
    """
    if at.clock.plan.limit is None:
        return ask(oracle, most, epochs=epochs)
    done = [outcome for outcome in outcomes if outcome.epochs > 0]
    if not done:
        return ask(oracle, 1, epochs=epochs)

    def share(trials: int) -> float:
        """Seconds of a trial in a round of some trials, relative to one alone."""
        return devices[0].share(at.parts.fold_count * ceil(trials / len(devices)))

    work = sum(one.epochs * epoch_seconds(at, one.hyperparameters) * share(one.asked) for one in done)
    longest = ceil(LONGER * max(one.epochs for one in done))
    slowdown = sum(one.seconds for one in done) / work
    left = max(0.0, at.clock.remaining() - compiling)
    compiled = {(one.configuration.get("units"), one.configuration.get("layers")) for one in done}

    def seconds(proposals: Sequence[Proposal]) -> float:
        """Expected seconds of trials, if none takes many more epochs than those before."""
        built = 0.0
        settings = [one.hyperparameters for one in done] + [one.hyperparameters for one in proposals]
        if all(one == settings[0] for one in settings):
            # Nothing is searched, so the networks of all seeds are in the model.
            each = SECONDS_PER_NETWORK * at.parts.fold_count + at.clock.prediction_seconds
            built = each * (len(done) + len(proposals) - 1)
        graphs = len({_shape(at, one) for one in proposals} - compiled) if at.is_stacked else 1
        trained = sum(min(one.epochs, longest) * epoch_seconds(at, one.hyperparameters) for one in proposals)
        return slowdown * trained * share(len(proposals)) + built + compiling * max(0, graphs - 1)

    # Wide stacks are fast, so only a search that learns from its rounds has several.
    time = left / (ROUNDS_LEFT if isinstance(at.bundle.tuner, Bayesian) else 1)
    proposals = ask(
        oracle,
        most,
        epochs=epochs,
        enough=lambda found: seconds(found) * (len(found) + 1) / len(found) > time,
    )
    while len(proposals) > 1 and seconds(proposals) > left:
        proposals.pop()
    return proposals if FITTING_SHARE * seconds(proposals) <= left else []


def _shape(at: Workspace, proposal: Proposal) -> tuple[int, int]:
    """Units and layers of a trial: each shape has a graph of its own, or shares that of a larger one."""
    chosen = configuration(at.bundle, proposal.hyperparameters, defaults=at.kind.defaults)
    return chosen.units, chosen.layers


def expected_epoch_seconds(at: Workspace, parts: Parts, hyperparameters: Mapping[str, Value]) -> float:
    """Estimated seconds per epoch of a trial alone, with all its networks; see `epoch_seconds`."""
    if not at.is_stacked:
        return _alone_seconds(at, parts, hyperparameters)
    steps, each = step_costs(at, parts, hyperparameters)
    return steps * (STEP_OVERHEAD_SECONDS + each)


def epoch_seconds(at: Workspace, hyperparameters: Mapping[str, Value]) -> float:
    """Estimated seconds per epoch on two cores, of a stack its share; 1 where the network has no cost model."""
    if not at.is_stacked:
        return _alone_seconds(at, at.parts, hyperparameters)
    steps, each = step_costs(at, at.parts, hyperparameters)
    return steps * each


def _alone_seconds(at: Workspace, parts: Parts, hyperparameters: Mapping[str, Value]) -> float:
    """Seconds per epoch of a network that trains alone; 1 where it has no cost model."""
    if at.kind.row_seconds is None:
        return 1.0
    chosen = configuration(at.bundle, hyperparameters, defaults=at.kind.defaults)
    return len(parts.train) * at.kind.row_seconds(parts, chosen)


def step_costs(at: Workspace, parts: Parts, hyperparameters: Mapping[str, Value]) -> tuple[int, float]:
    """Steps per epoch, and seconds that all networks of a trial add to a step of their stack."""
    chosen, rows = configuration(at.bundle, hyperparameters), len(parts.train)
    batch = choose_batch_size(at.kind, rows, chosen.batch_size)
    return steps_of(rows, batch), parts.fold_count * step_seconds(StackShape.of(parts, [chosen]).size, batch)
