"""What tasks and the search tell each other while tasks run: time limits, progress and interrupts."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from executor.runtime.clock import MIN_PART, time_share
from recommender.training_cost import TRAINED_SHARE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from executor.search.records.outcome import EndedBy


@dataclass(frozen=True, kw_only=True)
class TrialProgress:
    """Progress of a trial after an epoch."""

    number: int
    best: float | None
    ended_by: EndedBy | None


@dataclass(frozen=True, kw_only=True)
class TaskEpoch:
    """An epoch of the trials of a task."""

    epoch: int
    epochs: int
    """Planned ones."""
    trials: tuple[TrialProgress, ...]


class SearchControl:
    """State of a round. The search calls `begin` and `update`, tasks call `start` and `report`."""

    def __init__(self) -> None:
        self.begin(())

    def begin(
        self, needs: Sequence[float | None], *, seconds: float = math.inf, share: float = 1.0, may_skip: bool = False
    ) -> None:
        """Begin a round.

        needs: expected seconds of each task, by which they divide the time; None for a task that takes what it needs.
        seconds: until the deadline. share: of them, that all tasks take. may_skip: whether tasks that have not started
        at the deadline are left out.
        """
        self._needs = list(needs)
        self._deadline = time.monotonic() + seconds
        self._share = share
        self._may_skip = may_skip
        self._waiting = set(range(len(needs)))
        self._running: set[int] = set()
        self._epochs: list[TaskEpoch] = []
        self._workers = 1
        self._is_interrupted = False

    def start(self, task: int) -> float | None:
        """Seconds of a task that starts now; None if it is not to be run."""
        left = max(0.0, self._deadline - time.monotonic())
        if self._is_interrupted or (self._may_skip and left <= 0):
            return None
        self._waiting.discard(task)
        self._running.add(task)
        need = self._needs[task]
        if need is None or math.isinf(left):
            return max(left, MIN_PART)
        others = [TRAINED_SHARE * (self._needs[one] or 0.0) for one in (self._waiting | self._running) - {task}]
        return max(left * time_share(need, others, streams=self._workers, share=self._share), MIN_PART)

    def report(self, epochs: Sequence[TaskEpoch]) -> bool:
        """Take the epochs of a task since its last report; returns whether it is to stop."""
        self._epochs += epochs
        return self._is_interrupted

    def update(
        self, *, workers: int, is_interrupted: bool, left: Collection[int]
    ) -> tuple[frozenset[int], list[TaskEpoch]]:
        """Take the state of the search; returns the running tasks, and the epochs since the last update.

        workers: at the moment. left: tasks that have not ended.
        """
        self._workers = max(1, workers)
        self._is_interrupted = self._is_interrupted or is_interrupted
        self._running &= set(left)
        self._waiting &= set(left)
        epochs, self._epochs = self._epochs, []
        return frozenset(self._running), epochs
