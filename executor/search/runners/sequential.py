"""Sequential training of trials through Keras layers, for networks without a stacked form.

Trials share a compiled graph if they differ only in variables of the graph: learning rate and schedule, weight decay,
initial weights, order of rows, and dropout of images.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.components.augmentation import is_augmented, switch_augmentation
from executor.components.configuration import configuration
from executor.components.optimizer import create_optimizer, learning_rates
from executor.components.training_length import choose_batch_size
from executor.networks.build import build_network
from executor.search.records.fitting_arrays import require_fitting_arrays
from executor.search.records.weights import (
    read_arrays,
    state_path,
    weights_path,
    write_arrays,
    write_weights,
)
from executor.search.runners.compiled import compile_outputs, compile_step
from executor.search.runners.feeds.row_windows import EpochRows, windows
from executor.search.runners.outcomes import outcome_of_error, outcome_of_training, trial_seed
from executor.search.runners.schedule_clock import ScheduleClock
from executor.search.runners.speed import measure_speed
from executor.search.runners.training_state import (
    NOT_MEASURED,
    Epoch,
    Member,
    StepMeans,
    Training,
    moments,
    patience_of,
    validation_score,
)
from recommender.training_cost import steps_of
from rules.errors import PcwatError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import keras

    from executor.components.configuration import Configuration
    from executor.runtime.replicas import Replicas
    from executor.search.records.outcome import Outcome
    from executor.search.records.proposal import Proposal
    from executor.search.runners.feeds.rows import Batch, Rows
    from executor.search.runners.speed import Speed
    from executor.search.runners.workspace import Workspace

MAX_GRAPHS: Final = 9
"""Cached graphs, one for each shape in the search space of images; the least recently used one is evicted."""


@dataclass(frozen=True, kw_only=True)
class CompiledTrial:
    """A network, its optimizer, and compiled functions for steps and outputs."""

    network: keras.Model
    optimizer: keras.optimizers.Optimizer
    start: list[np.ndarray]
    """Initial values of the optimizer's variables."""
    step: Callable[[Batch, np.ndarray, np.ndarray, float, int], np.ndarray]
    outputs: Callable[[Rows], np.ndarray]


class SequentialRunner:
    """Runs proposals sequentially. replicas: devices that share each batch."""

    def __init__(self, at: Workspace, *, replicas: Replicas | None = None) -> None:
        self._at = at
        self._replicas = replicas
        self._graphs: dict[tuple[Configuration, bool], CompiledTrial] = {}

    def run(
        self,
        proposals: Sequence[Proposal],
        *,
        on_epoch: Callable[[Epoch], None] = lambda _: None,
        share: float = 1.0,  # noqa: ARG002  each trial takes what it needs
    ) -> list[Outcome]:
        """Run trials; returns their outcomes in order, with the best weights at weights_path.

        An error makes a failed trial. Ctrl-C ends the running trial and skips the others; a trial without a score has
        no outcome. Raises ChoiceError on a choice that fits no trial.
        """
        outcomes = []
        for proposal in proposals:
            if self._at.interrupt.requested:
                break
            outcome = self._run_trial(proposal, on_epoch)
            if outcome is not None:
                outcomes.append(outcome)
        return outcomes

    def measure(self, proposal: Proposal, *, trials: int = 1) -> Speed:  # noqa: ARG002  each trial trains alone
        """Measure the speed of a trial by a few steps; the next trial starts from its own initial weights."""
        at, start = self._at, self._at.clock.now()
        chosen = configuration(at.bundle, proposal.hyperparameters, defaults=at.kind.defaults)
        member = Member(proposal, chosen, Training(patience=1))
        traced, batch = self._compile(member), self._batch(member)
        rows, order = next(windows(at.train, [at.seed, 0], batch))

        def take(steps: int) -> None:
            traced.step(rows, np.resize(order, (steps, batch)), np.zeros(steps, np.float32), 0.0, 0)

        return measure_speed(
            at.clock,
            start=start,
            steps=steps_of(len(at.train), batch),
            take=take,
            validate=lambda: self._validate(member, traced, means=NOT_MEASURED),
        )

    def _run_trial(self, proposal: Proposal, on_epoch: Callable[[Epoch], None]) -> Outcome | None:
        at, start = self._at, self._at.clock.now()
        chosen = configuration(at.bundle, proposal.hyperparameters, defaults=at.kind.defaults)
        patience = patience_of(proposal.epochs, at.bundle.validation) if at.kind.stops_early else proposal.epochs
        member = Member(proposal, chosen, Training(patience=patience))
        try:
            traced = self._compile(member)
            self._train(member, traced, on_epoch)
            if member.best is not None:
                self._keep(member, traced)
        except PcwatError:
            raise  # errors of the whole search
        except Exception as error:  # noqa: BLE001 - an error of one trial must not end the search
            return outcome_of_error(proposal, error, at, seconds=at.clock.now() - start)
        if member.training.ended_by == "interrupt" and member.training.best is None:
            return None
        return outcome_of_training(proposal, member.training, at, seconds=at.clock.now() - start)

    def _compile(self, member: Member) -> CompiledTrial:
        """Return a new or cached graph with the initial weights of the trial."""
        with nullcontext() if self._replicas is None else self._replicas.scope():
            return self._compile_here(member)

    def _compile_here(self, member: Member) -> CompiledTrial:
        at = self._at
        network = build_network(
            parts=at.parts,
            bundle=at.bundle,
            hyperparameters=member.proposal.hyperparameters,
            seed=trial_seed(at.seed, member.proposal.seed_number),
        )
        if member.proposal.continues is None:
            first = [(weight.path, np.asarray(weight)) for weight in network.trainable_variables]
            member.training.first_weights = moments(first)
        free: dict[str, object] = {"learning_rate": 1.0, "schedule": "constant", "weight_decay": 0.0}
        if not at.kind.is_stackable and at.kind.has_rated_dropout:
            free["dropout"] = 0.0  # a weight of RatedDropout
        augmented = is_augmented(at.kind, at.bundle, member.proposal.epochs)
        switch_augmentation(network, on=augmented)
        baked = member.chosen.model_copy(update=free), augmented
        traced = self._graphs.pop(baked, None)
        if traced is None:
            optimizer = create_optimizer(at.bundle.optimizer, member.chosen)
            optimizer.build(network.trainable_variables)
            outputs = compile_outputs(network, at_once=at.kind.rows_per_call)
            step = compile_step(network, optimizer, at, batch=self._batch(member), replicas=self._replicas)
            start = [variable.numpy() for variable in optimizer.variables]
            traced = CompiledTrial(network=network, optimizer=optimizer, start=start, step=step, outputs=outputs)
        else:
            # Variables include the state of dropout. A new optimizer would leak 1.7 MB.
            own = [*traced.network.variables, *traced.optimizer.variables]
            for variable, value in zip(own, [*network.variables, *traced.start], strict=True):
                variable.assign(value)
            traced.optimizer.learning_rate = member.chosen.learning_rate
        self._graphs[baked] = traced
        while len(self._graphs) > MAX_GRAPHS:
            del self._graphs[next(iter(self._graphs))]
        if member.proposal.continues is not None:
            path = state_path(at.directory, member.proposal.continues)
            with require_fitting_arrays(path):
                _restore(traced, read_arrays(path))
        return traced

    def _train(self, member: Member, traced: CompiledTrial, on_epoch: Callable[[Epoch], None]) -> None:
        """Train until the planned epochs, early stopping, the deadline or Ctrl-C.

        The deadline may end an epoch early, which is scored as well, because its steps have the lowest rates. The
        schedule spans the planned epochs, or the remaining time if it is shorter.
        """
        at, training, epochs = self._at, member.training, member.proposal.epochs
        batch = self._batch(member)
        steps = steps_of(len(at.train), batch)
        schedule = ScheduleClock(at.clock, steps=epochs * steps)
        try:
            if at.parts.is_started and member.proposal.continues is None:
                self._validate(member, traced, means=None)
            while training.ended_by is None:
                epoch = member.proposal.first_epoch + len(training.scores)
                batches, means = EpochRows(at.train, [at.seed, epoch], batch), StepMeans()
                while means.steps < steps and not schedule.is_over and not at.interrupt.requested:
                    rows, now = batches.take(schedule.steps(steps - means.steps))
                    progress = schedule.advance(len(now))
                    rates = learning_rates(
                        member.chosen.schedule, highest=member.chosen.learning_rate, progress=progress
                    )
                    training.rate = float(rates[-1]), float(progress[-1])
                    means.add(traced.step(rows, now, rates, member.chosen.weight_decay, means.steps), steps=len(now))
                if at.interrupt.requested:
                    training.ended_by = "interrupt"
                    break
                if schedule.is_over:
                    training.ended_by = schedule.ended_by
                if means.steps or not training.scores:
                    self._validate(member, traced, means=means.of(slice(None)))
                    on_epoch(Epoch(members=(member,), epoch=len(training.scores), epochs=epochs))
                if training.ended_by is None and len(training.scores) == epochs:
                    training.ended_by = "completed"
                if schedule.seconds_per_step is not None:
                    training.epoch_seconds = schedule.seconds_per_step * steps
        except KeyboardInterrupt:
            at.interrupt.requested = True
            training.ended_by = "interrupt"

    def _batch(self, member: Member) -> int:
        """Batch size of a trial."""
        return choose_batch_size(self._at.kind, len(self._at.train), member.chosen.batch_size)

    def _validate(self, member: Member, traced: CompiledTrial, *, means: Sequence[float] | None) -> None:
        """Record score and loss of the epoch, and the weights of the best one.

        means: of the steps of the epoch; None before the first one.
        """
        at = self._at
        start = at.clock.now()
        outputs = traced.outputs(at.validation)
        at.clock.note_prediction(at.clock.now() - start)
        cost = float(at.loss(at.validation.target, outputs, at.validation.weight))
        cost = cost if np.isfinite(cost) else math.inf
        score = validation_score(outputs, at)
        if means is None:
            is_best = member.training.note_start(score, cost)
        else:
            is_best = member.training.note(score, cost, direction=at.metric.direction, means=means)
        if is_best:
            member.best = traced.network.get_weights()

    def _keep(self, member: Member, traced: CompiledTrial) -> None:
        """Write the best weights and, where another trial may continue this one, the last state."""
        directory, number = self._at.directory, member.proposal.number
        if member.proposal.may_continue:
            weights = dict(_numbered("weight", traced.network.get_weights()))
            state = dict(_numbered("optimizer", [variable.numpy() for variable in traced.optimizer.variables]))
            write_arrays(state_path(directory, number), weights | state)
        write_weights(weights_path(directory, number), member.best or [])


def _numbered(name: str, arrays: Sequence[np.ndarray]) -> list[tuple[str, np.ndarray]]:
    return [(f"{name} {index:03d}", array) for index, array in enumerate(arrays)]


def _restore(traced: CompiledTrial, state: dict[str, np.ndarray]) -> None:
    """Restore weights and optimizer state."""
    values = {kind: [state[key] for key in sorted(state) if key.startswith(kind)] for kind in ("weight", "optimizer")}
    traced.network.set_weights(values["weight"])
    for variable, value in zip(traced.optimizer.variables, values["optimizer"], strict=True):
        variable.assign(value)
