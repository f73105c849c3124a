"""Retraining of the selected configuration from other seeds, on all training rows and on parts of them."""

from __future__ import annotations

import functools
import math
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.components.training_length import whole_epochs
from executor.evaluation.diagnostics.learning_curve import LearningCurve, Point, learning_curve
from executor.networks.registry import network_kind
from executor.networks.starts.logistic_start import with_linear_start
from executor.runtime.clock import MIN_PART, Clock
from executor.runtime.devices import training_devices, use_device
from executor.runtime.interrupt import catch_interrupt
from executor.runtime.replicas import replicas_of
from executor.search.records.proposal import Proposal
from executor.search.records.trials import continued_trials
from executor.search.records.weights import WEIGHTS
from executor.search.runners.sequential import SequentialRunner
from executor.search.runners.stacked import StackRunner
from executor.search.runners.workspace import create_workspace
from recommender.time_plan import MIN_RETRAINING_LIMIT, RETRAINING_SHARE
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.components.metric import PerformanceMetric
    from executor.preprocessing.examples import Parts
    from executor.runtime.interrupt import Interrupt
    from executor.search.records.outcome import Outcome
    from executor.search.records.trials import StoppedBy
    from rules.vocabulary.bundle import Bundle

SHARES: Final = (1.0, 1 / 2, 1 / 4, 1 / 8, 1 / 16)  # of the training rows
SEEDS: Final = 3
"""Networks per part; they train in one stack where the architecture has a stacked form. A stack shares the order of
rows, but spreads as separate networks do: docs/evidence.md#seed-variance."""
MIN_ROWS: Final = 40  # training rows of a part; smaller parts do not follow the power law
MAX_SHARE: Final = 0.25  # of the budget, where the search leaves time
COMPILING: Final = 1.5  # seconds, the least that a part takes
SLOWER: Final = 1.5  # factor by which a network is slower, at most, in a narrower stack than the search's
SEED_STREAM: Final = 11  # separates this order of rows from other random numbers of the same seed


@dataclass(frozen=True, kw_only=True)
class SelectedConfiguration:
    """The selected trial, and what retraining its configuration needs.

    one_by_one: whether its networks are trained sequentially through Keras layers, as those for images always are.
    """

    ranked: Sequence[Outcome]
    """The search's trials, the best first."""
    bundle: Bundle
    metric: PerformanceMetric
    seed: int
    one_by_one: bool = False
    directory: Path | None = None
    """Of the run, whose search chose the devices."""

    def epochs(self, parts: Parts, rows: int) -> int:
        """Epochs of a trial on a number of rows: those of a table of that size, shortened as the best trial was.

        With the epochs of all rows a small part would take fewer steps, which makes the curve too steep.
        """
        own = sum(one.planned_epochs for one in continued_trials(self.ranked[0], self.ranked))
        kind = network_kind(self.bundle, parts.inputs)
        whole = whole_epochs(self.bundle, kind, rows=len(parts.train))
        return max(1, round(whole_epochs(self.bundle, kind, rows=rows) * min(1.0, own / whole)))

    def work(self, parts: Parts, rows: int) -> float:
        """Rows that a trial processes in all its epochs; its time is proportional to them."""
        return float(self.epochs(parts, rows) * rows)


def retrain(
    winner: SelectedConfiguration,
    parts: Parts,
    *,
    clock: Clock,
    stopped_by: StoppedBy,
    time: np.ndarray | None = None,
) -> LearningCurve:
    """Retrain the selected configuration, on all training rows and then on fewer, while time is left.

    Each part contains the smaller ones and is stratified by class; of a series it is the latest part. Networks are
    scored on the validation rows, as trials are. The preprocessing stays that of all training rows.

    time: (training rows,) order of a series; by default the order of its rows.
    """
    points: list[Point] = []
    if clock.plan.limit is None:
        missing = "Seed variance and learning curve: not measured, because no time limit was set. Use --budget."
    elif stopped_by == "interrupt":
        missing = "Seed variance and learning curve: not measured, because the search was interrupted."
    else:
        missing = _train_parts(winner, parts, _order(parts, time, seed=winner.seed), clock, points)
    metric = winner.metric
    return learning_curve(
        points, metric=metric.name, direction=metric.direction, rows=len(parts.train), missing=missing
    )


def _train_parts(
    winner: SelectedConfiguration, parts: Parts, order: np.ndarray, clock: Clock, points: list[Point]
) -> str:
    """Add a point for each part of the rows while time is left; returns why some are missing.

    All rows come first, then half of them: seed variance and the gain of the last half matter most.
    """
    limit = clock.plan.limit or 0.0
    free = clock.with_plan(replace(clock.plan, retraining=0.0))  # the time that was reserved for this
    own = free.part(min(1.0, MAX_SHARE * limit / max(free.remaining(), MIN_PART)))
    rows = len(parts.train)
    work = functools.partial(winner.work, parts)
    sizes = [size for share in SHARES if (size := round(share * rows)) >= MIN_ROWS or size == rows]
    need = COMPILING + SLOWER * SEEDS * winner.ranked[0].seconds
    with catch_interrupt() as interrupt:
        for index, size in enumerate(sizes):
            left = need * sum(work(each) for each in sizes[index:]) / work(size)
            if need > own.remaining():
                return _not_measured(size, left, limit)
            start = own.now()
            part = replace(parts, train=parts.train.take(np.sort(order[:size])))
            part = with_linear_start(part, winner.bundle, clock=own)
            outcomes = _train(winner, part, own, interrupt, epochs=winner.epochs(parts, size))
            if interrupt.requested:
                return "Seed variance and learning curve: not measured completely, because of Ctrl-C."
            broken = [one for one in outcomes if one.score is None or one.message]
            if broken and own.is_over:
                return _not_measured(size, 2 * left, limit)
            if broken:
                return f"Learning curve: not measured on {size:,} rows, because training failed: {broken[0].message}."
            if index + 1 < len(sizes):
                need = max(COMPILING, (own.now() - start) * work(sizes[index + 1]) / work(size))
            points.insert(0, Point(rows=size, scores=tuple(one.score for one in outcomes if one.score is not None)))
    return ""


def _not_measured(size: int, left: float, limit: float) -> str:
    """What was not measured for lack of time, and the budget that suffices. left: seconds for the parts up to size."""
    # A new run repeats what was measured already.
    wanted = max(MIN_RETRAINING_LIMIT, left / RETRAINING_SHARE, 2 * limit)
    return (
        f"Seed variance and learning curve: not measured on {size:,} training rows and fewer (needs about {left:.0f} s "
        f"more). Use --budget {math.ceil(wanted / 60)}m."
    )


def _order(parts: Parts, time: np.ndarray | None, *, seed: int) -> np.ndarray:
    """Order of the training rows, (rows,) int64, of which every prefix is a part to train on."""
    rows = np.arange(len(parts.train))
    if parts.task is Task.FORECASTING:
        return np.lexsort((rows, rows if time is None else time))[::-1]
    place = np.random.default_rng([seed, SEED_STREAM]).random(len(rows))
    truth = parts.train.raw_target
    if parts.task.is_classification and truth.ndim == 1:
        # The first row of each class comes first, so that no part lacks a class.
        for index in np.unique(truth):
            own = np.flatnonzero(truth == index)
            place[own] = (place[own].argsort().argsort() + place[own]) / len(own)
    return np.argsort(place)


def _train(
    winner: SelectedConfiguration, parts: Parts, clock: Clock, interrupt: Interrupt, *, epochs: int
) -> list[Outcome]:
    """Train networks of the selected configuration from other seeds than the search's. Their weights are discarded."""
    kind, width = network_kind(winner.bundle, parts.inputs), parts.train.dense.shape[1]
    devices = training_devices(kind, width=width, directory=winner.directory)
    device, replicas = devices[0], replicas_of(winner.directory, devices)
    best = winner.ranked[0].hyperparameters
    proposals = [Proposal(number=number, hyperparameters=best, epochs=epochs) for number in range(SEEDS)]
    with tempfile.TemporaryDirectory() as folder, use_device(device, width=width):
        (Path(folder) / WEIGHTS).mkdir()
        at = create_workspace(
            winner.bundle,
            parts,
            metric=winner.metric,
            clock=clock,
            seed=winner.seed + 1,
            directory=Path(folder),
            interrupt=interrupt,
        ).for_trial(best)
        alone = winner.one_by_one and parts.folds is None  # a trial in folds is a stack already
        if alone or not at.is_stacked:
            return SequentialRunner(at, replicas=replicas).run(proposals)
        return StackRunner(at, device=device, compute=device.compute(width=width)).run(proposals)
