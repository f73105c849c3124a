"""Training of the selected configurations on all rows: an ensemble of seeds, as long as the search found best."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import tensorflow as tf

from executor.components.configuration import configuration
from executor.components.metric import create_metric
from executor.components.optimizer import learning_rates
from executor.networks import stacked_tabular
from executor.networks.build import build_network
from executor.networks.stacked_tabular import StackShape
from executor.runtime.clock import Clock
from executor.runtime.cluster_call import call_each
from executor.runtime.devices import CPU, use_device
from executor.search.records.trials import continued_trials
from executor.search.runners.feeds.row_windows import EpochRows
from executor.search.runners.outcomes import trial_seed
from executor.search.runners.schedule_clock import ScheduleClock
from executor.search.runners.stack import pad_to_size
from executor.search.runners.stack_planning import compile_seconds, xla_pays
from executor.search.runners.stacked_graph import StackedGraph
from executor.search.runners.workspace import create_workspace
from recommender.training_cost import (
    STEP_OVERHEAD_SECONDS,
    USUAL_SLOWDOWN,
    step_seconds,
    steps_of,
)
from rules.vocabulary.choices import SEARCHED_SLOTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from executor.components.configuration import Configuration
    from executor.preprocessing.examples import Parts
    from executor.runtime.cluster import Pool
    from executor.search.records.outcome import Outcome
    from executor.search.records.training_size import TrainingSize
    from executor.search.runners.workspace import Workspace
    from rules.vocabulary.bundle import Bundle

SEED_STREAM: Final = 500_009
"""Between the seeds of a trial's networks on all rows; a prime above any number of trials, and apart from the seeds of
its folds."""
SHORTEST_SHARE: Final = 0.5
"""Share of the planned epochs with which networks on all rows are kept where a deadline shortens their schedule."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """A training that is repeated: the configuration of a trial, up to its best epoch."""

    outcome: Outcome
    chosen: Configuration
    batch: int
    epochs: int
    """Epochs on all rows, over which the whole learning-rate schedule is laid."""


@dataclass(frozen=True, kw_only=True)
class TrainedStack:
    """What training a stack gave."""

    weights: list[list[list[np.ndarray]]]
    """By course and seed."""
    share: float
    """Of the planned epochs, with the whole learning-rate schedule; below 1 where a deadline shortened it."""


@dataclass(frozen=True, kw_only=True)
class TrainedCourse:
    """What a course gave."""

    networks: list[keras.Model]
    """One for each seed."""
    epochs: int
    """Epochs trained."""


def course_of(outcome: Outcome, ranked: Sequence[Outcome], at: Workspace) -> Course:
    """The training of a trial up to its best epoch, after those that it continues.

    No validation rows select the best of noisy epochs here, so the rate decays to its end (docs/evidence.md#all-rows).
    """
    chain = continued_trials(outcome, ranked)
    last = outcome.epochs if outcome.best_epoch is None else outcome.best_epoch
    chosen = configuration(at.bundle, outcome.hyperparameters, defaults=at.kind.defaults)
    batch = min(len(at.train), int(outcome.configuration["batch_size"]))
    epochs = last + sum(one.epochs for one in chain[1:])
    return Course(outcome=outcome, chosen=chosen, batch=batch, epochs=epochs)


def training_seconds(courses: Sequence[Course], at: Workspace, size: TrainingSize | None, *, seeds: int) -> float:
    """Expected seconds of `train_networks`. size: of the trials, with the measured speed; None if it is unknown."""
    slowdown = USUAL_SLOWDOWN if size is None else size.step_slowdown or size.slowdown
    found = 0.0
    for group in groups_of(courses):
        seconds = _stack_seconds(group, at, seeds=seeds)
        compiling = compile_seconds(seconds) * slowdown / USUAL_SLOWDOWN
        if size is not None and size.compile_seconds is not None:
            compiling = size.compile_seconds
        found += slowdown * seconds + compiling
    return found


def groups_of(courses: Sequence[Course]) -> list[list[Course]]:
    """Group trainings that can be one stack: those of one batch size, width, depth, embeddings and choices of slots."""
    found: dict[tuple[object, ...], list[Course]] = {}
    for one in courses:
        chosen = one.chosen
        choices = tuple(value for name, value in one.outcome.hyperparameters.items() if name in SEARCHED_SLOTS)
        shape = one.batch, chosen.units, chosen.layers, chosen.embedding_dimension
        found.setdefault((*shape, *choices), []).append(one)
    return list(found.values())


def _stack_seconds(group: Sequence[Course], at: Workspace, *, seeds: int) -> float:
    """Seconds of a stack by the cost model."""
    shape, batch = StackShape.of(at.parts, [group[0].chosen]), group[0].batch
    networks = len(pad_to_size(range(seeds * len(group))))
    steps = max(one.epochs for one in group) * steps_of(len(at.train), batch)
    return steps * (STEP_OVERHEAD_SECONDS + networks * step_seconds(shape.size, batch))


def train_networks(
    courses: Sequence[Course],
    at: Workspace,
    *,
    seeds: int,
    compute: tf.DType = tf.float32,
    pool: Pool | None = None,
) -> list[TrainedCourse] | None:
    """Train networks from a number of seeds on the training rows of a workspace, by each course.

    They are not validated. Networks of one shape train in one stack, and share the order of rows and the noise of
    dropout: docs/evidence.md#seed-variance. Where the planned epochs do not fit before the deadline of the workspace,
    the schedule is shortened to end there. pool: workers of a cluster that train the stacks, each on one core. Returns
    what each course gave, or None where less than SHORTEST_SHARE of the epochs fit, or an interrupt ended the training.
    """
    groups = groups_of(courses)
    trained = None if pool is None else _train_on_pool(groups, at, pool, seeds=seeds)
    found: dict[int, TrainedCourse] = {}
    for index, group in enumerate(groups):
        if trained is None:
            left = [_stack_seconds(one, at, seeds=seeds) for one in groups[index:]]
            total = sum(left)
            clock = at.clock.part(left[0] / total) if len(left) > 1 and total > 0 else at.clock
            stack = train_stack(group, replace(at, clock=clock), seeds=seeds, compute=compute)
        else:
            stack = trained[index]
        if stack is None:
            return None
        for one, own in zip(group, stack.weights, strict=True):
            networks = [_network(one, at, seed, each) for seed, each in enumerate(own)]
            found[one.outcome.number] = TrainedCourse(networks=networks, epochs=round(stack.share * one.epochs))
    return [found[one.outcome.number] for one in courses]


@dataclass(frozen=True, kw_only=True)
class AllRows:
    """What the stacks of a training on all rows share; each machine of a cluster gets it once."""

    bundle: Bundle
    parts: Parts
    seed: int


def _train_on_pool(
    groups: Sequence[Sequence[Course]], at: Workspace, pool: Pool, *, seeds: int
) -> list[TrainedStack | None] | None:
    """Train the stack of each group on a worker; None if the cluster cannot be used any more."""
    rows = pool.share(AllRows(bundle=at.bundle, parts=at.parts, seed=at.seed))
    tasks = [(rows, group, seeds, at.clock.remaining()) for group in groups]
    return call_each(pool, train_stack_on_worker, tasks, is_over=lambda: at.clock.is_over or at.interrupt.requested)


def train_stack_on_worker(rows: AllRows, group: Sequence[Course], seeds: int, seconds: float) -> TrainedStack | None:
    """Train a stack in the process of a worker. seconds: until the deadline."""
    width = rows.parts.train.dense.shape[1]
    with use_device(CPU, width=width), tempfile.TemporaryDirectory() as folder:
        at = create_workspace(
            rows.bundle,
            rows.parts,
            metric=create_metric(rows.bundle.metric),
            seed=rows.seed,
            directory=Path(folder),
            clock=Clock().lasting(seconds),
        )
        return train_stack(group, at, seeds=seeds)


def train_stack(
    group: Sequence[Course], at: Workspace, *, seeds: int, compute: tf.DType = tf.float32
) -> TrainedStack | None:
    """Train the networks of a group; None where less than SHORTEST_SHARE of their epochs fit, or on an interrupt."""
    at = at.for_trial(group[0].outcome.hyperparameters)
    members = [(one, _seed(one, at, seed)) for one in group for seed in range(seeds)]
    shape, batch = StackShape.of(at.parts, [group[0].chosen]), group[0].batch
    has_xla = xla_pays(_stack_seconds(group, at, seeds=seeds))
    graph = StackedGraph(at, shape, batch=batch, compute=compute, has_xla=has_xla)
    weights = [stacked_tabular.initial_weights(at.parts, at.bundle, one.chosen, seed=seed) for one, seed in members]
    stack = graph.start([(own, one.chosen) for own, (one, _) in zip(weights, members, strict=True)])
    steps, epochs = steps_of(len(at.train), batch), max(one.epochs for one in group)
    pace = ScheduleClock(at.clock, steps=epochs * steps)
    for epoch in range(epochs):
        batches, first = EpochRows(at.train, [at.seed, epoch], batch), 0
        while first < steps and not pace.is_over:
            rows, chosen = batches.take(pace.steps(steps - first))
            progress = epochs * pace.advance(len(chosen))
            rates = np.zeros((len(chosen), stack.trials), np.float32)
            for index, (one, _) in enumerate(members):
                rates[:, index] = rates_of(one, progress)
            stack, _ = graph.train(stack, rows, chosen, rates, noise=epoch * steps + first, first=first)
            first += len(chosen)
            if at.interrupt.requested:
                return None
        if first < steps:
            break  # the deadline has passed
    share = pace.trained_share
    if share < 1 and (pace.ended_by == "deadline" or share < SHORTEST_SHARE):
        return None
    trained = [weight.numpy() for weight in stack.weights]
    own = [
        stacked_tabular.unpad_weights([weight[index] for weight in trained], one.chosen, shape)
        for index, (one, _) in enumerate(members)
    ]
    weights_of_seeds = [own[first : first + seeds] for first in range(0, len(own), seeds)]
    return TrainedStack(weights=weights_of_seeds, share=share)


def _network(course: Course, at: Workspace, seed: int, weights: Sequence[np.ndarray]) -> keras.Model:
    """The network of a seed of a course, with trained weights."""
    at = at.for_trial(course.outcome.hyperparameters)
    values = course.outcome.hyperparameters
    network = build_network(parts=at.parts, bundle=at.bundle, hyperparameters=values, seed=_seed(course, at, seed))
    stacked_tabular.set_weights(network, weights)
    return network


def _seed(course: Course, at: Workspace, seed: int) -> int:
    """Seed of the initial weights of a network; the first one is that of the trial."""
    return trial_seed(at.seed, course.outcome.number) + SEED_STREAM * seed


def rates_of(course: Course, done: np.ndarray) -> np.ndarray:
    """Learning rates of steps, (steps,) float32; 0 after the last epoch of a course. done: epochs before each step."""
    rates = learning_rates(
        course.chosen.schedule, highest=course.chosen.learning_rate, progress=done / max(1, course.epochs)
    )
    return np.where(done < course.epochs, rates, np.float32(0))
