"""Runs many trials at once: stacks of trials of a like shape, each trial judged, stopped and kept by itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from executor.architectures import stacked_mlp
from executor.architectures.network import build_network
from executor.architectures.stacked_mlp import Shape
from executor.catalog.hyperparameters import configuration
from executor.catalog.optimization import learning_rates
from executor.trials.grouping import groups, stack_seconds
from executor.trials.journal import (
    read_arrays,
    read_weights,
    state_path,
    weights_path,
    write_arrays,
    write_weights,
)
from executor.trials.outcomes import ended, failed, trial_seed
from executor.trials.pace import Pace
from executor.trials.stack import StackedGraph, filled
from executor.trials.training import Epoch, Member, batch_size, score_of, shuffled, steps_of
from rules.errors import PcwatError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import keras

    from executor.budget import Budget
    from executor.catalog.tuning import Proposal
    from executor.parts import Parts
    from executor.trials.journal import Outcome
    from executor.trials.stack import Stack
    from executor.trials.workplace import Workplace
    from rules.bundle import Bundle


class StackRunner:
    """Runs proposals in stacks; what was compiled for one serves the next."""

    def __init__(self, at: Workplace, *, compute: tf.DType = tf.float32) -> None:
        self._at = at
        self._compute = compute
        self._batch = batch_size(len(at.train))
        self._graphs: dict[Shape, StackedGraph] = {}

    def run(
        self, proposals: Sequence[Proposal], *, on_epoch: Callable[[Epoch], None] = lambda _: None
    ) -> list[Outcome]:
        """Run some trials; their best weights lie at weights_path when it returns. One outcome each, in their order.

        An error of any kind makes failed trials of those in its stack. Ctrl-C ends all of them; those without a score
        have no outcome. Raises ChoiceError on a choice that fits no trial.
        """
        at = self._at
        members = [Member(proposal, configuration(at.bundle, proposal.hyperparameters)) for proposal in proposals]
        steps = steps_of(len(at.train), self._batch)
        outcomes: dict[int, Outcome] = {}
        left = groups(members, at.parts, steps=steps, batch=self._batch, compiled=self._graphs.keys())
        while left and not at.interrupt.requested:
            # Each stack gets the share of the time that it needs, so that none has to do with what the others leave.
            needs = [self._seconds(group) for group in left]
            budget = at.budget.part(needs[0] / sum(needs))
            for outcome in self._run_group(left.pop(0), budget, on_epoch):
                outcomes[outcome.number] = outcome
        return [outcomes[proposal.number] for proposal in proposals if proposal.number in outcomes]

    def _seconds(self, group: Sequence[Member]) -> float:
        """What a stack takes at most, on two cores."""
        calls = steps_of(len(self._at.train), self._batch) * group[0].proposal.epochs
        return stack_seconds(group, self._at.parts, calls=calls, batch=self._batch)

    def _run_group(
        self, group: Sequence[Member], budget: Budget, on_epoch: Callable[[Epoch], None]
    ) -> Iterator[Outcome]:
        """Run the members of one stack."""
        at, start = self._at, self._at.budget.now()
        try:
            self._train(group, budget, on_epoch)
            for member in group:
                if member.best is not None:
                    write_weights(weights_path(at.directory, member.proposal.number), member.best)
        except PcwatError:
            raise  # what a person can mend ends the search
        except Exception as error:  # noqa: BLE001 - whatever else breaks one stack must not end the search
            share = (at.budget.now() - start) / len(group)
            for member in group:
                yield failed(member.proposal, error, seconds=share)
            return
        share = (at.budget.now() - start) / len(group)
        for member in group:
            if member.training.best is not None or not at.interrupt.requested:
                yield ended(member.proposal, member.training, at, seconds=share)

    def _graph(self, shape: Shape) -> StackedGraph:
        if shape not in self._graphs:
            self._graphs[shape] = StackedGraph(self._at, shape, batch=self._batch, compute=self._compute)
        return self._graphs[shape]

    def _train(self, group: Sequence[Member], budget: Budget, on_epoch: Callable[[Epoch], None]) -> None:
        """Train until every member has stopped: by its planned epochs, its patience, the deadline, or Ctrl-C."""
        at = self._at
        shape = Shape.of(at.parts, [member.chosen for member in group])
        graph = self._graph(shape)
        stack, first_epoch = self._start(group, graph)
        epochs = group[0].proposal.epochs
        steps = steps_of(len(at.train), self._batch)
        pace = Pace(budget, steps=epochs * steps)
        running, epoch = list(group), 0
        try:
            while running:
                drawn = first_epoch + epoch  # numbers the epoch for what is drawn: the order of rows, and dropout
                rows, done = shuffled([at.seed, drawn], len(at.train), self._batch), 0
                while done < steps and not pace.is_over and not at.interrupt.requested:
                    now = pace.steps(steps - done)
                    rates = _rates(running, pace.advance(now), trials=stack.trials)
                    stack = graph.train(stack, rows[done : done + now], rates, noise=drawn * steps + done)
                    done += now
                epoch += 1
                if not at.interrupt.requested and (not pace.is_over or epoch == 1):
                    self._judge(running, stack, graph)
                    on_epoch(Epoch(members=tuple(group), epoch=epoch, epochs=epochs))
                for member in running:
                    if at.interrupt.requested:
                        member.training.ending = "interrupt"
                    elif pace.is_over:
                        member.training.ending = "deadline"
                    elif member.training.ending is None and epoch == epochs:
                        member.training.ending = "planned"
                stack, running = self._repacked(stack, running, graph)
        except KeyboardInterrupt:
            at.interrupt.requested = True
            for member in running:
                member.training.ending = "interrupt"

    def _start(self, group: Sequence[Member], graph: StackedGraph) -> tuple[Stack, int]:
        """A stack of the group's trials, from their first weights or from where the trials that they continue ended.

        Returns it with the number of the first epoch.
        """
        at = self._at
        if group[0].proposal.continues is None:
            weights = [
                stacked_mlp.initial_weights(
                    at.parts, at.bundle, member.chosen, seed=trial_seed(at.seed, member.proposal.number)
                )
                for member in group
            ]
            return graph.start(list(zip(weights, (member.chosen for member in group), strict=True))), 0
        states = [read_arrays(state_path(at.directory, int(member.proposal.continues or 0))) for member in group]
        return graph.resume(states, [member.chosen for member in group]), group[0].proposal.first_epoch

    def _judge(self, running: Sequence[Member], stack: Stack, graph: StackedGraph) -> None:
        """Note P and C of every running trial, and its weights where they are the best."""
        at = self._at
        answers = graph.outputs(stack, at.validation)
        costs = graph.costs(answers, at.validation)
        for index, member in enumerate(running):
            cost = float(costs[index]) if np.isfinite(costs[index]) else math.inf
            if member.training.note(score_of(answers[index], at), cost, direction=at.metric.direction):
                weights = [weight[index].numpy() for weight in stack.weights]
                member.best = stacked_mlp.cut(weights, member.chosen, graph.shape)

    def _repacked(self, stack: Stack, running: list[Member], graph: StackedGraph) -> tuple[Stack, list[Member]]:
        """The stack without the trials that have stopped; the state of those that may go on is written down.

        The trials that run come first; what fills the stack up after them is trained at rate 0.
        """
        for index, member in enumerate(running):
            if member.training.ending is not None and member.proposal.may_go_on and member.best is not None:
                path = state_path(self._at.directory, member.proposal.number)
                write_arrays(path, graph.state(stack, index, member.chosen))
        left = [index for index, member in enumerate(running) if member.training.ending is None]
        if left and len(left) < len(running):
            stack = stack.take(filled(left))
        return stack, [running[index] for index in left]


def rebuild(outcome: Outcome, bundle: Bundle, parts: Parts, seed: int) -> keras.Model:
    """The network of a completed trial as an ordinary Keras model, with the weights of its best epoch.

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
    stacked_mlp.fill(network, read_weights(outcome.weights))
    return network


def _rates(running: Sequence[Member], progress: np.ndarray, *, trials: int) -> np.ndarray:
    """The learning rate of each step and trial, (steps, trials) float32; 0 for what fills the stack up."""
    rates = np.zeros((len(progress), trials), np.float32)
    for index, member in enumerate(running):
        rates[:, index] = learning_rates(member.chosen.schedule, highest=member.chosen.learning_rate, progress=progress)
    return rates
