"""Training of the selected configurations on all rows: an ensemble of seeds, as long as the search found best."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
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
from executor.search.runners.schedule_clock import MAX_STEPS
from executor.search.runners.stack import pad_to_size
from executor.search.runners.stack_planning import xla_pays
from executor.search.runners.stacked_graph import StackedGraph
from executor.search.runners.workspace import create_workspace
from recommender.training_cost import (
    COMPILE_SECONDS,
    STEP_OVERHEAD_SECONDS,
    USUAL_SLOWDOWN,
    XLA_SECONDS,
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
    from executor.search.records.trials import Trials
    from executor.search.runners.workspace import Workspace
    from rules.vocabulary.bundle import Bundle

    StackWeights = list[list[list[np.ndarray]]]
    """Weights of a stack, by course and seed."""

SEED_STREAM: Final = 500_009
"""Between the seeds of a trial's networks on all rows; a prime above any number of trials, and apart from the seeds of
its folds."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """A training that is repeated: the configuration of a trial, up to its best epoch."""

    outcome: Outcome
    chosen: Configuration
    batch: int
    epochs: int
    """Epochs on all rows, over which the whole learning-rate schedule is laid."""


def course_of(outcome: Outcome, trials: Trials, at: Workspace) -> Course:
    """The training of a trial up to its best epoch, after those that it continues.

    No validation rows select the best of noisy epochs here, so the rate decays to its end (docs/evidence.md#all-rows).
    """
    chain = continued_trials(outcome, trials.ranked)
    last = outcome.epochs if outcome.best_epoch is None else outcome.best_epoch
    chosen = configuration(at.bundle, outcome.hyperparameters, defaults=at.kind.defaults)
    batch = min(len(at.train), int(outcome.configuration["batch_size"]))
    epochs = last + sum(one.epochs for one in chain[1:])
    return Course(outcome=outcome, chosen=chosen, batch=batch, epochs=epochs)


def training_seconds(courses: Sequence[Course], at: Workspace, *, seeds: int, slowdown: float) -> float:
    """Expected seconds of `train_networks`. slowdown: of this machine, relative to the cost model."""
    found = 0.0
    for group in groups_of(courses):
        seconds = _stack_seconds(group, at, seeds=seeds)
        compiling = COMPILE_SECONDS + (XLA_SECONDS if xla_pays(seconds) else 0.0)
        found += slowdown * seconds + compiling * slowdown / USUAL_SLOWDOWN
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
) -> list[list[keras.Model]] | None:
    """Train networks from a number of seeds on the training rows of a workspace, by each course.

    They are not validated. Networks of one shape train in one stack, and share the order of rows and the noise of
    dropout: docs/evidence.md#seed-variance. pool: workers of a cluster that train the stacks, each on one core. Returns
    the networks of each course, or None where the deadline of the workspace or an interrupt ended the training.
    """
    groups = groups_of(courses)
    trained = None if pool is None else _train_on_pool(groups, at, pool, seeds=seeds)
    found: dict[int, list[keras.Model]] = {}
    for index, group in enumerate(groups):
        weights = train_stack(group, at, seeds=seeds, compute=compute) if trained is None else trained[index]
        if weights is None:
            return None
        for one, own in zip(group, weights, strict=True):
            found[one.outcome.number] = [_network(one, at, seed, each) for seed, each in enumerate(own)]
    return [found[one.outcome.number] for one in courses]


@dataclass(frozen=True, kw_only=True)
class AllRows:
    """What the stacks of a training on all rows share; each machine of a cluster gets it once."""

    bundle: Bundle
    parts: Parts
    seed: int


def _train_on_pool(
    groups: Sequence[Sequence[Course]], at: Workspace, pool: Pool, *, seeds: int
) -> list[StackWeights | None] | None:
    """Train the stack of each group on a worker; None if the cluster cannot be used any more."""
    rows = pool.share(AllRows(bundle=at.bundle, parts=at.parts, seed=at.seed))
    tasks = [(rows, group, seeds, at.clock.remaining()) for group in groups]
    return call_each(pool, train_stack_on_worker, tasks, is_over=lambda: at.clock.is_over or at.interrupt.requested)


def train_stack_on_worker(rows: AllRows, group: Sequence[Course], seeds: int, seconds: float) -> StackWeights | None:
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
) -> StackWeights | None:
    """Train the networks of a group; returns the weights of each seed of each course."""
    at = at.for_trial(group[0].outcome.hyperparameters)
    members = [(one, _seed(one, at, seed)) for one in group for seed in range(seeds)]
    shape, batch = StackShape.of(at.parts, [group[0].chosen]), group[0].batch
    has_xla = xla_pays(_stack_seconds(group, at, seeds=seeds))
    graph = StackedGraph(at, shape, batch=batch, compute=compute, has_xla=has_xla)
    weights = [stacked_tabular.initial_weights(at.parts, at.bundle, one.chosen, seed=seed) for one, seed in members]
    stack = graph.start([(own, one.chosen) for own, (one, _) in zip(weights, members, strict=True)])
    steps, epochs = steps_of(len(at.train), batch), max(one.epochs for one in group)
    for epoch in range(epochs):
        batches, first = EpochRows(at.train, [at.seed, epoch], batch), 0
        rates = np.zeros((steps, stack.trials), np.float32)
        for index, (one, _) in enumerate(members):
            rates[:, index] = rates_of(one, epoch, steps=steps)
        while first < steps:
            rows, chosen = batches.take(MAX_STEPS)
            now = rates[first : first + len(chosen)]
            stack, _ = graph.train(stack, rows, chosen, now, noise=epoch * steps + first, first=first)
            first += len(chosen)
            if at.clock.is_over or at.interrupt.requested:
                return None
    trained = [weight.numpy() for weight in stack.weights]
    own = [
        stacked_tabular.unpad_weights([weight[index] for weight in trained], one.chosen, shape)
        for index, (one, _) in enumerate(members)
    ]
    return [own[first : first + seeds] for first in range(0, len(own), seeds)]


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


def rates_of(course: Course, epoch: int, *, steps: int) -> np.ndarray:
    """Learning rates of the steps of an epoch, (steps,) float32; 0 after the last epoch of a course."""
    if epoch >= course.epochs:
        return np.zeros(steps, np.float32)
    progress = (epoch * steps + np.arange(steps)) / (course.epochs * steps)
    return learning_rates(course.chosen.schedule, highest=course.chosen.learning_rate, progress=progress)
