"""Trials of a round on the workers of a cluster."""

from __future__ import annotations

import math
import secrets
import time
from typing import TYPE_CHECKING, Final

from executor.components.configuration import configuration
from executor.networks.registry import network_kind
from executor.runtime.cluster import HeadWatch, Lost, version_reader
from executor.runtime.log import LOG
from executor.search.cluster.control import SearchControl
from executor.search.cluster.entry import run_task
from executor.search.cluster.planning import plan_tasks
from executor.search.cluster.task import SearchData, TrialTask
from executor.search.records.weights import WEIGHTS, state_path, weights_path
from executor.search.runners.outcomes import outcome_of_error
from executor.search.runners.stacked import share_seconds
from executor.search.runners.training_state import Epoch, Member
from rules.errors import ClusterError, RunError
from rules.text.files import atomic_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from executor.runtime.cluster import Pool
    from executor.search.cluster.control import TaskEpoch
    from executor.search.cluster.planning import PlannedTask
    from executor.search.cluster.task import TaskResult
    from executor.search.records.journal import Journal
    from executor.search.records.outcome import Outcome
    from executor.search.records.proposal import Proposal
    from executor.search.runners.speed import Speed
    from executor.search.runners.workspace import Workspace

STOP_SECONDS: Final = 30.0  # for running tasks to return their best weights after an interrupt or the deadline


class ClusterRunner:
    """Runs proposals as tasks of a pool of workers; each outcome is in the journal as soon as its task has ended.

    Each trial is trained as on any other number of workers: tasks depend on the proposals alone.

    at: the workspace of the search, whose rows the workers get. journal: of the search. most: trials of a task, 1 for
    training through Keras layers; None chooses the number.
    """

    def __init__(self, at: Workspace, pool: Pool, *, journal: Journal, most: int | None = None) -> None:
        self._at = at
        self._pool = pool
        self._journal = journal
        self._most = most
        self._shared: tuple[Any, SearchControl] | None = None
        kind = network_kind(at.bundle, at.parts.inputs)
        pays = kind.runs_on_gpu and kind.pays_on_gpu(at.parts.train.dense.shape[1])
        self._on_gpu = pool.use_gpus(pays=pays)

    def measure(self, proposal: Proposal, *, trials: int = 1) -> Speed:  # noqa: ARG002  devices are not compared
        """Measure the speed of a trial on a worker; as StackRunner.measure."""
        data, control = self._share()
        control.begin([None])
        task = TrialTask(index=0, proposals=(proposal,), measures=True)
        at = self._at

        def dropped() -> list[int]:
            return [0] if at.interrupt.requested or (at.clock.is_over and self._pool.workers < 1) else []

        for _, result in self._pool.run(run_task, [(data, task, control)], dropped=dropped):
            if not isinstance(result, Lost) and (speed := _checked(result).speed) is not None:
                return speed
            raise RuntimeError(result.reason if isinstance(result, Lost) else "it was not run")
        if at.interrupt.requested:
            raise KeyboardInterrupt
        raise _no_workers()

    def run(
        self,
        proposals: Sequence[Proposal],
        *,
        on_epoch: Callable[[Epoch], None] = lambda _: None,
        share: float = 1.0,
    ) -> list[Outcome]:
        """Run trials, and append their outcomes to the journal; returns them in order.

        Trials that the journal has already are not repeated. Ctrl-C and the time limit end all tasks; trials without a
        score have no outcome.
        """
        at = self._at
        asked = {proposal.number for proposal in proposals}
        outcomes = {one.number: one for one in self._journal.outcomes if one.number in asked}
        together = {"round": self._round(outcomes), "asked": len(proposals)}
        planned = [
            one
            for one in plan_tasks(proposals, at, most=self._most)
            if not all(proposal.number in outcomes for proposal in one.proposals)
        ]
        data, control = self._share()
        watch = _Watch(at, self._pool, control, planned, journal=self._journal, on_epoch=on_epoch)
        needs = [one.need for one in planned]
        control.begin(needs, seconds=at.clock.remaining(), share=share, may_skip=watch.has_score)
        tasks = [(data, self._task(index, one.proposals), control) for index, one in enumerate(planned)]
        for index, result in self._pool.run(run_task, tasks, dropped=watch.dropped):
            found = self._outcomes(planned[index], result, at_once=watch.end(index))
            self._journal.append([one.model_copy(update=together) for one in found])
            outcomes |= {one.number: one for one in found}
        return [outcomes[proposal.number] for proposal in proposals if proposal.number in outcomes]

    def _share(self) -> tuple[Any, SearchControl]:
        """Copy the rows to the cluster, once."""
        if self._shared is None:
            data = SearchData(
                token=secrets.token_hex(),
                bundle=self._at.bundle,
                parts=self._at.parts,
                seed=self._at.seed,
                one_by_one=self._most == 1,
                on_gpu=self._on_gpu,
                versions=version_reader()(),
            )
            self._shared = self._pool.share(data), self._pool.create_shared(SearchControl)
        return self._shared

    def _round(self, unfinished: dict[int, Outcome]) -> int:
        """Number of the round, which continues that of unfinished outcomes."""
        if unfinished:
            return next(iter(unfinished.values())).round
        return 1 + max((one.round for one in self._journal.outcomes), default=-1)

    def _task(self, index: int, proposals: Sequence[Proposal]) -> TrialTask:
        """Create a task, with the states of the trials that its trials continue. Raises RunError on a missing file."""
        states = {}
        for number in {one.continues for one in proposals} - {None}:
            path = state_path(self._at.directory, int(number or 0))
            try:
                states[int(number or 0)] = path.read_bytes()
            except OSError as error:
                raise RunError(f"A run must hold {path}, but it cannot be read: {error}. Start a new run.") from None
        return TrialTask(index=index, proposals=proposals, states=states)

    def _outcomes(self, task: PlannedTask, result: TaskResult | Lost, *, at_once: int) -> list[Outcome]:
        """Write the files of a result, and return its outcomes."""
        at = self._at
        if isinstance(result, Lost):
            error = ClusterError(result.reason)
            return [outcome_of_error(one, error, at, seconds=0.0) for one in task.proposals]
        for name, content in _checked(result).files.items():
            with atomic_file(at.directory / WEIGHTS / name, error=RunError) as temporary:
                temporary.write_bytes(content)
        if result.prediction_seconds:
            at.clock.note_prediction(result.prediction_seconds)
        return [
            share_seconds(
                one.model_copy(update={"weights": one.weights and weights_path(at.directory, one.number)}), at_once
            )
            for one in result.outcomes
        ]


def _checked(result: TaskResult) -> TaskResult:
    """The result of a task. Raises its error, if it has one."""
    if result.error is not None:
        raise result.error
    return result


def _no_workers() -> ClusterError:
    return ClusterError(
        "No machine of the cluster ran a trial within the time limit. Start workers ('ray start --address=…'), and "
        "resume the run."
    )


class _Watch:
    """Passes interrupts to the tasks of a round, and their progress to the search."""

    def __init__(
        self,
        at: Workspace,
        pool: Pool,
        control: SearchControl,
        planned: Sequence[PlannedTask],
        *,
        journal: Journal,
        on_epoch: Callable[[Epoch], None],
    ) -> None:
        self._at = at
        self._journal = journal
        self._pool = pool
        self._control = control
        self._on_epoch = on_epoch
        self._members = {one.number: self._member(one) for task in planned for one in task.proposals}
        self._left = set(range(len(planned)))
        self._running: frozenset[int] = frozenset()
        self._stops_at = math.inf
        self._head = HeadWatch(pool)
        self._workers = -1

    @property
    def has_score(self) -> bool:
        """Whether a trial of the search was completed."""
        return any(one.score is not None for one in self._journal.outcomes)

    def end(self, task: int) -> int:
        """Note that a task has ended; returns the number of tasks that ran at the same time."""
        self._left.discard(task)
        return len(self._running | {task})

    def dropped(self) -> list[int]:
        """Exchange news with the tasks; returns those that are to be cancelled.

        After an interrupt or the deadline these are the waiting ones, and later the running ones, too. Raises
        ClusterError if the head is gone, or if there are no workers and no trial has a score at the deadline, and
        KeyboardInterrupt if the head is gone after an interrupt.
        """
        at = self._at
        if self._head.is_gone():
            if at.interrupt.requested:
                raise KeyboardInterrupt
            return []
        self._note_workers(self._pool.workers)
        self._running, epochs = self._control.update(
            workers=self._workers, is_interrupted=at.interrupt.requested, left=self._left
        )
        for epoch in epochs:
            self._on_epoch(self._epoch_of(epoch))
        if not at.interrupt.requested and not at.clock.is_over:
            return []
        self._stops_at = min(self._stops_at, time.monotonic() + STOP_SECONDS)
        is_late = time.monotonic() >= self._stops_at
        if at.interrupt.requested or self.has_score:
            return [*(self._left if is_late else self._left - self._running)]
        if is_late and self._workers < 1:
            raise _no_workers()
        return []

    def _member(self, proposal: Proposal) -> Member:
        bundle = self._at.bundle.of_trial(proposal.hyperparameters)
        return Member(proposal, configuration(bundle, proposal.hyperparameters, defaults=self._at.kind.defaults))

    def _note_workers(self, workers: int) -> None:
        """Log a change of the number of workers."""
        if self._workers not in {-1, workers}:
            LOG.info("The cluster has %d workers.", workers)
        self._workers = workers

    def _epoch_of(self, now: TaskEpoch) -> Epoch:
        """The epoch of trials of a task."""
        for one in now.trials:
            training = self._members[one.number].training
            training.best, training.ended_by = one.best, one.ended_by
        members = tuple(self._members[one.number] for one in now.trials)
        return Epoch(members=members, epoch=now.epoch, epochs=now.epochs)
