"""Training of stacks of trials; each trial is validated, stopped and saved individually."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import numpy as np
import tensorflow as tf

from executor.components.configuration import configuration
from executor.components.optimizer import learning_rates
from executor.components.training_length import choose_batch_size
from executor.networks import stacked_tabular
from executor.networks.stacked_tabular import StackShape
from executor.runtime.clock import time_share
from executor.runtime.devices import CPU
from executor.runtime.log import LOG
from executor.search.records.fitting_arrays import require_fitting_arrays
from executor.search.records.weights import (
    read_arrays,
    state_path,
    weights_path,
    write_arrays,
    write_weights,
)
from executor.search.runners.feeds.row_windows import EpochRows, windows
from executor.search.runners.outcomes import outcome_of_error, outcome_of_training, trial_seed
from executor.search.runners.schedule_clock import ScheduleClock
from executor.search.runners.speed import measure_speed
from executor.search.runners.stack import SIZES, WIDE_SIZES, out_of_fold_outputs, pad_to_size
from executor.search.runners.stack_planning import compile_seconds, plan_stacks, repacking_pays, stack_seconds, xla_pays
from executor.search.runners.stacked_graph import StackedGraph
from executor.search.runners.training_state import (
    Epoch,
    Member,
    StepMeans,
    Training,
    moments,
    patience_of,
    validation_score,
)
from recommender.training_cost import TRAINED_SHARE, USUAL_SLOWDOWN, steps_of
from rules.errors import PcwatError
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from executor.runtime.clock import Clock
    from executor.runtime.devices import Device
    from executor.search.records.outcome import Outcome
    from executor.search.records.proposal import Proposal
    from executor.search.runners.speed import Speed
    from executor.search.runners.stack import Stack
    from executor.search.runners.workspace import Workspace
    from rules.vocabulary.bundle import Bundle

FOLD_STRIDE: Final = 1_000_003  # between the seeds of a trial's folds; a prime above any number of trials
WORTH_COMPILING: Final = 4
"""Times the seconds of compiling that must be left to compile by XLA; else the measured graph is used."""
MIN_ROUND_SECONDS: Final = 1e-9  # avoids division by zero with a fake clock


class StackRunner:
    """Runs proposals in stacks, with cached graphs.

    device: of the workspace; it determines the number of parallel stacks. compute: precision of hidden layers.
    is_planned: whether the proposals of each run are one stack, whose graph depends on no other stack, so that a
    worker of a cluster trains it as any other worker does.
    """

    def __init__(
        self, at: Workspace, *, device: Device = CPU, compute: tf.DType = tf.float32, is_planned: bool = False
    ) -> None:
        self._at = at
        self._device = device
        self._compute = compute
        self._sizes = SIZES if device.networks is None else WIDE_SIZES
        self._is_planned = is_planned
        self._lock = threading.Lock()
        self._graphs: dict[tuple[StackShape, int, bool], StackedGraph] = {}
        self._compile_seconds = 0.0  # of a graph

    def run(
        self, proposals: Sequence[Proposal], *, on_epoch: Callable[[Epoch], None] = lambda _: None, share: float = 1.0
    ) -> list[Outcome]:
        """Run trials; returns their outcomes in order, with the best weights at weights_path.

        share: of the remaining time, that they take. An error makes all trials of its stack fail. Ctrl-C ends all
        trials; those without a score have no outcome.
        Raises ChoiceError on a choice that fits no trial.
        """
        at = self._at
        start = at.clock.now()
        members = [self._member(one) for one in proposals]
        compiled = {key[:2] for key in self._graphs}
        left = [members]
        if not self._is_planned:
            left = plan_stacks(members, at.parts, rows=len(at.train), compiled=compiled, device=self._device)
        needs = [self._seconds(group) for group in left]
        compiling = [self._compiling(group, compiled) for group in left]
        running: dict[int, float] = {}
        """Expected seconds of the stack of each stream."""
        outcomes: dict[int, Outcome] = {}

        def report(now: Epoch) -> None:
            with self._lock:
                on_epoch(now)

        def work(stream: int) -> None:
            while True:
                with self._lock:
                    running.pop(stream, None)
                    if not left or at.interrupt.requested:
                        return
                    group, need, compiles = left.pop(0), needs.pop(0), compiling.pop(0)
                    others = [TRAINED_SHARE * sum(needs), *compiling, *running.values()]
                    clock = at.clock.part(time_share(need + compiles, others, streams=streams, share=share))
                    running[stream] = TRAINED_SHARE * need + compiles
                try:
                    with tf.device(self._device.name):  # thread-local
                        for outcome in self._run_group(group, clock, report):
                            outcomes[outcome.number] = outcome
                except BaseException:
                    left.clear()
                    raise

        streams = 1 if at.train.is_stored else self._device.streams  # each has its own windows
        with ThreadPoolExecutor(streams) as threads:
            list(threads.map(work, range(streams)))
        # Parallel stacks share the time.
        at_once = sum(outcome.seconds for outcome in outcomes.values()) / max(at.clock.now() - start, MIN_ROUND_SECONDS)
        return [
            share_seconds(outcomes[proposal.number], max(at_once, 1.0))
            for proposal in proposals
            if proposal.number in outcomes
        ]

    def measure(self, proposal: Proposal, *, trials: int = 1) -> Speed:
        """Measure the speed of a trial by a few steps, whose weights are discarded. trials: of its stack, all alike."""
        at, start = self._at, self._at.clock.now()
        member = self._member(proposal)
        members = [member] * trials
        batch = choose_batch_size(at.kind, len(at.train), member.chosen.batch_size)
        graph = self._graph(StackShape.of(at.parts, [member.chosen]), batch, has_xla=xla_pays(self._seconds(members)))
        stack, _ = self._start([member], graph)
        if trials > 1:
            stack = stack.take(pad_to_size([*range(at.parts.fold_count)] * trials, self._sizes))
        rows, order = next(windows(at.train, [at.seed, 0], batch))

        def take(steps: int) -> None:
            rates = np.zeros((steps, stack.trials), np.float32)
            graph.train(stack, rows, np.resize(order, (steps, batch)), rates, noise=0, first=0)

        speed = measure_speed(
            at.clock,
            start=start,
            steps=steps_of(len(at.train), batch),
            take=take,
            validate=lambda: self._validate(members, stack, graph, StepMeans()),
        )
        self._compile_seconds = speed.compile_seconds
        return speed

    def _member(self, proposal: Proposal) -> Member:
        """A trial before its training."""
        chosen = configuration(self._at.bundle, proposal.hyperparameters)
        return Member(proposal, chosen, Training(patience=patience_of(proposal.epochs, self._at.bundle.validation)))

    def _seconds(self, group: Sequence[Member]) -> float:
        """Maximum seconds of a stack, on two cores."""
        at = self._at
        return stack_seconds([*group] * at.parts.fold_count, at.parts, rows=len(at.train))

    def _compiling(self, group: Sequence[Member], compiled: Collection[tuple[StackShape, int]]) -> float:
        """Seconds to compile the graph of a stack, in those of `_seconds`; 0 if one like it is compiled."""
        shape = StackShape.of(self._at.parts, [member.chosen for member in group])
        batch = choose_batch_size(self._at.kind, len(self._at.train), group[0].chosen.batch_size)
        return 0.0 if (shape, batch) in compiled else compile_seconds(self._seconds(group)) / USUAL_SLOWDOWN

    def _run_group(self, group: Sequence[Member], clock: Clock, on_epoch: Callable[[Epoch], None]) -> list[Outcome]:
        """Run one stack, or two halves of it where it does not fit into memory."""
        outcomes = self._run_stack(group, clock, on_epoch)
        if outcomes is not None:
            return outcomes
        LOG.info("A stack of %d trials does not fit into memory, so it is trained in two halves.", len(group))
        halves = [[self._member(one.proposal) for one in half] for half in (group[::2], group[1::2])]
        return [outcome for half in halves for outcome in self._run_group(half, clock, on_epoch)]

    def _run_stack(
        self, group: Sequence[Member], clock: Clock, on_epoch: Callable[[Epoch], None]
    ) -> list[Outcome] | None:
        """Run one stack; None where several trials do not fit into memory at once."""
        at, start = self._at, self._at.clock.now()
        try:
            self._train(group, clock, on_epoch)
            for member in group:
                if member.best is not None:
                    write_weights(weights_path(at.directory, member.proposal.number), member.best)
        except PcwatError:
            raise  # errors of the whole search
        except Exception as error:  # noqa: BLE001 - an error of one stack must not end the search
            if len(group) > 1 and isinstance(error, tf.errors.ResourceExhaustedError):
                return None
            share = (at.clock.now() - start) / len(group)
            return [outcome_of_error(member.proposal, error, at, seconds=share) for member in group]
        share = (at.clock.now() - start) / len(group)
        return [
            outcome_of_training(member.proposal, member.training, at, seconds=share)
            for member in group
            if member.training.best is not None or not at.interrupt.requested
        ]

    def _graph(self, shape: StackShape, batch: int, *, has_xla: bool) -> StackedGraph:
        """Return a new or cached graph; one that XLA compiled serves every stack, unless stacks are planned."""
        with self._lock:
            fitting = [(shape, batch, one) for one in ((has_xla,) if has_xla or self._is_planned else (True, False))]
            for key in fitting:
                if key in self._graphs:
                    return self._graphs[key]
            graph = StackedGraph(
                self._at, shape, batch=batch, compute=self._compute, has_xla=has_xla, sizes=self._sizes
            )
            self._graphs[shape, batch, has_xla] = graph
            return graph

    def _train(self, group: Sequence[Member], clock: Clock, on_epoch: Callable[[Epoch], None]) -> None:
        """Train until every member has stopped: by planned epochs, early stopping, deadline or Ctrl-C."""
        at = self._at
        shape = StackShape.of(at.parts, [member.chosen for member in group])
        batch = choose_batch_size(at.kind, len(at.train), group[0].chosen.batch_size)
        is_late = clock.remaining() < WORTH_COMPILING * self._compile_seconds
        has_xla = xla_pays(self._seconds(group)) and not (is_late and (shape, batch, False) in self._graphs)
        graph = self._graph(shape, batch, has_xla=has_xla)
        stack, first_epoch = self._start(group, graph)
        epochs = group[0].proposal.epochs
        steps = steps_of(len(at.train), batch)
        pace = ScheduleClock(clock, steps=epochs * steps)
        running, epoch = list(group), 0
        try:
            while running:
                epoch_number = first_epoch + epoch  # number of the epoch, which seeds the order of rows and dropout
                batches, done = EpochRows(at.train, [at.seed, epoch_number], batch), 0
                means = StepMeans()
                while done < steps and not pace.is_over and not at.interrupt.requested:
                    rows, chosen = batches.take(pace.steps(steps - done))
                    now, noise = len(chosen), epoch_number * steps + done
                    rates = _rates(running, pace.advance(now), each=at.parts.fold_count, networks=stack.trials)
                    stack, here = graph.train(stack, rows, chosen, rates, noise=noise, first=done)
                    means.add(here, steps=now)
                    done += now
                epoch += 1
                if not at.interrupt.requested and (not pace.is_over or epoch == 1):
                    self._validate(running, stack, graph, means)
                    on_epoch(Epoch(members=tuple(group), epoch=epoch, epochs=epochs))
                for member in running:
                    if at.interrupt.requested:
                        member.training.ended_by = "interrupt"
                    elif pace.is_over:
                        member.training.ended_by = pace.ended_by
                    elif member.training.ended_by is None and epoch == epochs:
                        member.training.ended_by = "completed"
                _note_seconds(running, pace, steps)
                stack, running = self._repack(stack, running, graph, steps=(epochs - epoch) * steps)
        except KeyboardInterrupt:
            at.interrupt.requested = True
            for member in running:
                member.training.ended_by = "interrupt"

    def _start(self, group: Sequence[Member], graph: StackedGraph) -> tuple[Stack, int]:
        """Create a stack from initial weights, or from the states of the trials that are continued.

        Returns it with the number of the first epoch. With folds a trial has several networks in the stack.
        """
        at, count = self._at, self._at.parts.fold_count
        folds = [*range(count)] * len(group) if count > 1 else None
        chosen = [member.chosen for member in group for _ in range(count)]
        if group[0].proposal.continues is None:
            weights = [
                stacked_tabular.initial_weights(
                    at.parts,
                    _bundle_of(member, at),
                    member.chosen,
                    seed=trial_seed(at.seed, member.proposal.seed_number) + FOLD_STRIDE * fold,
                    fold=fold,
                )
                for member in group
                for fold in range(count)
            ]
            for member, first in zip(group, weights[::count], strict=True):
                names = ("/".join(name) for name in StackShape.of(at.parts, [member.chosen]).named)
                member.training.first_weights = moments(zip(names, first, strict=True))
            stack = graph.start(list(zip(weights, chosen, strict=True)), folds=folds)
            if at.parts.is_started:
                self._validate(group, stack, graph, means=None)
            return stack, 0
        kept = (read_arrays(state_path(at.directory, int(member.proposal.continues or 0))) for member in group)
        with require_fitting_arrays(state_path(at.directory, int(group[0].proposal.continues))):
            states = [_of_fold(arrays, fold) for arrays in kept for fold in range(count)]
            return graph.resume(states, chosen, folds=folds), group[0].proposal.first_epoch

    def _validate(self, running: Sequence[Member], stack: Stack, graph: StackedGraph, means: StepMeans | None) -> None:
        """Record score and loss of every running trial, and the weights of its best epoch.

        means: of the steps of the epoch; None before the first one.
        """
        at, each = self._at, self._at.parts.fold_count
        outputs = graph.outputs(stack, at.validation)[: len(running) * each]
        if at.parts.folds is not None:
            outputs = out_of_fold_outputs(outputs.reshape(len(running), each, *outputs.shape[1:]), at.parts.folds)
        costs = graph.costs(outputs, at.validation)
        weights: list[np.ndarray] = []  # fetched once, and only for a new best epoch
        for index, member in enumerate(running):
            cost = float(costs[index]) if np.isfinite(costs[index]) else math.inf
            score = validation_score(outputs[index], at)
            if means is None:
                is_best = member.training.note_start(score, cost)
            else:
                own = means.of(slice(index * each, (index + 1) * each))
                is_best = member.training.note(score, cost, direction=at.metric.direction, means=own)
            if is_best:
                weights = weights or [weight.numpy() for weight in stack.weights]
                networks = [
                    stacked_tabular.unpad_weights([weight[place] for weight in weights], member.chosen, graph.shape)
                    for place in range(index * each, (index + 1) * each)
                ]
                # A view would keep the whole stack in memory.
                member.best = [weight.copy() for network in networks for weight in network]

    def _repack(
        self, stack: Stack, running: list[Member], graph: StackedGraph, *, steps: int
    ) -> tuple[Stack, list[Member]]:
        """Remove stopped trials from the stack, and write the state of those that may be continued.

        steps: remaining planned steps. Running trials come first; padding is trained at rate 0.
        """
        each = self._at.parts.fold_count
        for index, member in enumerate(running):
            if member.training.ended_by is not None and member.proposal.may_continue and member.best is not None:
                path = state_path(self._at.directory, member.proposal.number)
                states = (graph.state(stack, index * each + fold, member.chosen) for fold in range(each))
                write_arrays(
                    path, {f"{fold} {key}": one for fold, own in enumerate(states) for key, one in own.items()}
                )
        left = [index for index, member in enumerate(running) if member.training.ended_by is None]
        if not left or len(left) == len(running):
            return stack, [running[index] for index in left]
        places = [index * each + fold for index in left for fold in range(each)]
        kept = pad_to_size(places, self._sizes)
        shape, device = graph.shape, self._device
        if repacking_pays(shape, stack.trials, len(kept), steps=steps, batch=graph.batch, device=device):
            return stack.take(kept), [running[index] for index in left]
        # Running trials come first in any case.
        order = [*places, *[place for place in range(stack.trials) if place not in places]]
        return stack.take(order), [running[index] for index in left]


def _bundle_of(member: Member, at: Workspace) -> Bundle:
    """The bundle of the initial weights of a trial."""
    own = member.proposal.initializer
    return at.bundle if own is None else at.bundle.model_copy(update={Slot.INITIALIZER.value: own})


def _note_seconds(running: Sequence[Member], pace: ScheduleClock, steps: int) -> None:
    """Record the seconds per epoch of each running trial, its share of the stack. steps: per epoch."""
    if pace.seconds_per_step is not None:
        for member in running:
            member.training.epoch_seconds = pace.seconds_per_step * steps / len(running)


def share_seconds(outcome: Outcome, at_once: float) -> Outcome:
    """Divide the seconds of a trial by the number of parallel stacks; at_once: on average."""
    each = None if outcome.epoch_seconds is None else outcome.epoch_seconds / at_once
    return outcome.model_copy(update={"seconds": outcome.seconds / at_once, "epoch_seconds": each})


def _of_fold(arrays: Mapping[str, np.ndarray], fold: int) -> dict[str, np.ndarray]:
    """State of one fold of a trial."""
    start = f"{fold} "
    return {key.removeprefix(start): array for key, array in arrays.items() if key.startswith(start)}


def _rates(running: Sequence[Member], progress: np.ndarray, *, each: int, networks: int) -> np.ndarray:
    """Compute the learning rate of each step and network, (steps, networks) float32; 0 for padding.

    Records the rate of the last step of each trial. each: networks per trial.
    """
    rates = np.zeros((len(progress), networks), np.float32)
    for index, member in enumerate(running):
        own = learning_rates(member.chosen.schedule, highest=member.chosen.learning_rate, progress=progress)
        rates[:, index * each : (index + 1) * each] = own[:, None]
        member.training.rate = float(own[-1]), float(progress[-1])
    return rates
