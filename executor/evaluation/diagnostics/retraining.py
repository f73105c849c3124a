"""Trains the chosen configuration again: from other seeds, on all training rows and on parts of them."""

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
from executor.runtime.clock import MIN_PART, Clock
from executor.runtime.devices import training_devices, use_device
from executor.runtime.interrupt import catch_interrupt
from executor.runtime.time_plan import MIN_RETRAINING_LIMIT, RETRAINING_SHARE
from executor.search.records.proposal import Proposal
from executor.search.records.weights import WEIGHTS
from executor.search.runners.sequential import SequentialRunner
from executor.search.runners.stacked import StackRunner
from executor.search.runners.workspace import create_workspace
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
"""Networks a part; they train at once where the architecture has a stacked form. Then they see the rows in one
order, but spread as those that do not: with 6 and 8 of them, 0.023, 0.082 and 0.013 against 0.014, 0.042 and 0.018
(vehicle, airfoil_noise, german_credit)."""
MIN_ROWS: Final = 40  # training rows of a part: fewer than that do not lie on the power law
MAX_SHARE: Final = 0.25  # of the budget that it may take where the search leaves time
COMPILING: Final = 1.5  # seconds that a part takes at least
SLOWER: Final = 1.5  # times as long a network takes at most in a narrower stack than the search's
SEED_STREAM: Final = 11  # tells these rows' order from others of the same seed


@dataclass(frozen=True, kw_only=True)
class SelectedConfiguration:
    """The trial that won a search, and all that training its configuration again takes.

    one_by_one: whether its networks are trained through Keras layers, as those for images always are.
    """

    ranked: Sequence[Outcome]
    """The search's trials, the best first."""
    bundle: Bundle
    metric: PerformanceMetric
    seed: int
    one_by_one: bool = False

    def epochs(self, parts: Parts, rows: int) -> int:
        """Of a trial on so many rows: what such a table gets, cut short as the best trial was.

        To give them the epochs of all rows would be fewer steps, and make the curve too steep.
        """
        by_number = {outcome.number: outcome for outcome in self.ranked}
        one: Outcome | None = self.ranked[0]
        own = 0  # of the best trial, and of those whose weights it went on from
        while one is not None:
            own += one.planned_epochs
            one = None if one.continues is None else by_number.get(one.continues)
        whole = whole_epochs(self.bundle, parts.architecture, rows=len(parts.train))
        return max(1, round(whole_epochs(self.bundle, parts.architecture, rows=rows) * min(1.0, own / whole)))

    def work(self, parts: Parts, rows: int) -> float:
        """Rows that a trial goes through in all its epochs, to which its time is proportional."""
        return float(self.epochs(parts, rows) * rows)


def retrain(
    winner: SelectedConfiguration,
    parts: Parts,
    *,
    clock: Clock,
    stopped_by: StoppedBy,
    time: np.ndarray | None = None,
) -> LearningCurve:
    """Train the chosen configuration again, on all training rows and then on fewer, as long as there is time.

    Each part lies within the next one, and holds the classes in their shares; of a series it is the latest part. A
    network is judged on the validation rows, as the trials are. The preprocessing stays that of all training rows.
    time: (training rows,), what a series is ordered by; by default the order of its rows.
    """
    points: list[Point] = []
    if clock.plan.limit is None:
        missing = "Other seeds and fewer rows were not tried, for no time was set: --budget does so."
    elif stopped_by == "interrupt":
        missing = "Other seeds and fewer rows were not tried, for the search was interrupted."
    else:
        missing = _train_parts(winner, parts, _order(parts, time, seed=winner.seed), clock, points)
    metric = winner.metric
    return learning_curve(
        points, metric=metric.name, direction=metric.direction, rows=len(parts.train), missing=missing
    )


def _train_parts(
    winner: SelectedConfiguration, parts: Parts, order: np.ndarray, clock: Clock, points: list[Point]
) -> str:
    """Add a point for each part of the rows that there is time for; returns why some are missing.

    All rows come first, then half of them: the spread between seeds and what the last half brought matter most.
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
            outcomes = _train(winner, part, own, interrupt, epochs=winner.epochs(parts, size))
            if interrupt.requested:
                return "Other seeds and fewer rows were only tried until Ctrl-C."
            broken = [one for one in outcomes if one.score is None or one.message]
            if broken and own.is_over:
                return _not_measured(size, 2 * left, limit)
            if broken:
                return f"Training again on {size:,} rows did not succeed: {broken[0].message}."
            if index + 1 < len(sizes):
                need = max(COMPILING, (own.now() - start) * work(sizes[index + 1]) / work(size))
            points.insert(0, Point(rows=size, scores=tuple(one.score for one in outcomes if one.score is not None)))
    return ""


def _not_measured(size: int, left: float, limit: float) -> str:
    """What was left out for lack of time, and the budget that has it. left: seconds for this part and smaller ones."""
    # What was done already is done once more.
    wanted = max(MIN_RETRAINING_LIMIT, left / RETRAINING_SHARE, 2 * limit)
    return (
        f"How much hangs on the seed, and what more rows would bring, was not measured on {size:,} training rows and "
        f"fewer. It takes {left:.0f} s more, and gets a tenth of a budget: --budget {math.ceil(wanted / 60)}m has it."
    )


def _order(parts: Parts, time: np.ndarray | None, *, seed: int) -> np.ndarray:
    """The training rows in an order of which every beginning is a part to train on, (rows,) int64."""
    rows = np.arange(len(parts.train))
    if parts.task is Task.FORECASTING:
        return np.lexsort((rows, rows if time is None else time))[::-1]
    place = np.random.default_rng([seed, SEED_STREAM]).random(len(rows))
    truth = parts.train.raw_target
    if parts.task.is_classification and truth.ndim == 1:
        # The first rows of each class come first, so that no class is missing in a part.
        for index in np.unique(truth):
            own = np.flatnonzero(truth == index)
            place[own] = (place[own].argsort().argsort() + place[own]) / len(own)
    return np.argsort(place)


def _train(
    winner: SelectedConfiguration, parts: Parts, clock: Clock, interrupt: Interrupt, *, epochs: int
) -> list[Outcome]:
    """Train networks of the chosen configuration from other seeds than the search's. Their weights are thrown away."""
    device, width = training_devices(parts)[0], parts.train.dense.shape[1]
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
        )
        alone = winner.one_by_one and parts.folds is None  # a trial in folds is a stack already
        if alone or not parts.architecture.is_stackable:
            return SequentialRunner(at).run(proposals)
        return StackRunner(at, device=device, compute=device.compute(width=width)).run(proposals)
