"""Trainings of a measurement on the workers of a cluster."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from executor.networks.registry import network_kind
from executor.pipeline.measurement.train import train_results
from executor.runtime.cluster import HeadWatch, Lost
from executor.runtime.cluster_call import RemoteFunction, answer, value_of
from executor.search.runners.workspace import is_stacked
from rules.errors import ClusterError, PcwatError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from executor.pipeline.measurement.train import EncodedSubject, Job, TrainingTask
    from executor.runtime.cluster import Pool
    from executor.runtime.cluster_call import Answer
    from rules.scorecard.results import TrainingResult

    Found = Sequence[TrainingResult] | str
    """Results, or why there are none."""


@dataclass
class _Batch:
    """Tasks of a job that run at the same time, and their results."""

    job: Job
    results: list[list[TrainingResult] | None] = field(default_factory=list)
    has_failed: bool = False


def train_on_pool(jobs: Iterator[Job], pool: Pool, *, end: float = math.inf) -> Iterator[tuple[Job, Found]]:
    """Train the tasks of jobs on workers; yields the results of each as it ends.

    jobs: the next one is taken when a worker is free. end: reading of time.monotonic at which running tasks are
    cancelled, and their jobs are left unfinished. Raises ClusterError if the head of the cluster is lost, or a worker
    has other versions.
    """
    at = _Trainings(jobs, pool, end)
    for index, result in pool.serve(answer, at.draw, dropped=at.dropped):
        at.end_task(index, result)
        yield from at.take_events()
    yield from at.take_events()


class _Trainings:
    """Tasks that wait and that run."""

    def __init__(self, jobs: Iterator[Job], pool: Pool, end: float) -> None:
        self._jobs, self._pool, self._end = jobs, pool, end
        self._remote = RemoteFunction.of(train_results)
        self._head = HeadWatch(pool)
        self._waiting: deque[tuple[_Batch, int, Any, TrainingTask]] = deque()
        self._running: dict[int, tuple[_Batch, int]] = {}
        self._drawn = 0
        self._events: deque[tuple[Job, Found]] = deque()
        self._shared: list[tuple[EncodedSubject, Any]] = []
        self._dataset = ""

    def draw(self) -> tuple[Any, ...] | None:
        """The next task."""
        if time.monotonic() >= self._end:
            return None
        while not self._waiting:
            job = next(self._jobs, None)
            if job is None:
                return None
            if job.measured.name != self._dataset:
                self._dataset = job.measured.name
                self._shared.clear()  # running tasks keep what they need
            self._advance(job, None)
        batch, place, rows, task = self._waiting.popleft()
        self._running[self._drawn] = batch, place
        self._drawn += 1
        return self._remote, rows, task

    def dropped(self) -> list[int]:
        """All tasks after the end."""
        return [] if self._head.is_gone() or time.monotonic() < self._end else [*self._running]

    def end_task(self, index: int, result: Answer[list[TrainingResult]] | Lost) -> None:
        """Take the result of a task; the job continues after all tasks that ran at the same time."""
        batch, place = self._running.pop(index)
        batch.results[place] = []
        if isinstance(result, Lost) or result.failure:
            self._fail(batch, result.reason if isinstance(result, Lost) else result.failure)
        else:
            try:
                results = batch.results[place] = value_of(result)
                self._events.append((batch.job, results))
            except ClusterError:
                raise
            except PcwatError as error:
                self._fail(batch, str(error))
        if any(one is None for one in batch.results):
            return
        if batch.has_failed:
            batch.job.is_finished = True
        else:
            self._advance(batch.job, [one for own in batch.results for one in own or ()])

    def take_events(self) -> Iterator[tuple[Job, Found]]:
        """Results that were not taken yet."""
        while self._events:
            yield self._events.popleft()

    def _fail(self, batch: _Batch, why: str) -> None:
        """Note why a task has no results; of tasks that ran at the same time, the first reason."""
        if not batch.has_failed:
            self._events.append((batch.job, why))
        batch.has_failed = True

    def _advance(self, job: Job, results: list[TrainingResult] | None) -> None:
        """Let a job continue, whose next tasks then wait."""
        try:
            work, last = job.advance(results)
        except PcwatError as error:
            self._events.append((job, str(error)))
            return
        except Exception as error:  # noqa: BLE001  an error of one job must not end the others
            self._events.append((job, f"{type(error).__name__}: {error}"))
            return
        if last:
            self._events.append((job, last))
        if work is not None:
            rows, task = work
            parts = _split(rows, task)
            batch = _Batch(job, [None] * len(parts))
            shared = self._share(rows)
            self._waiting += [(batch, place, shared, part) for place, part in enumerate(parts)]

    def _share(self, rows: EncodedSubject) -> Any:  # noqa: ANN401  the reference of a pool
        """Copy rows to the cluster, once while tasks of their dataset are drawn."""
        for own, reference in self._shared:
            if own is rows:
                return reference
        self._shared.append((rows, self._pool.share(rows)))
        return self._shared[-1][1]


def _split(rows: EncodedSubject, task: TrainingTask) -> list[TrainingTask]:
    """One task for each training, but one for a stack, whose trainings share a graph."""
    if is_stacked(task.bundle, network_kind(task.bundle, rows.parts.inputs)):
        return [task]
    return [replace(task, planned=(one,)) for one in task.planned]
