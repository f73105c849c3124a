"""Training of the trials of a task, in the process of a worker of a cluster."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import tensorflow as tf

from executor.components.metric import check_metric, create_metric
from executor.networks.registry import network_kind
from executor.runtime.clock import RestartedClock
from executor.runtime.devices import CPU, training_devices, use_device
from executor.runtime.interrupt import Interrupt
from executor.search.cluster.control import TaskEpoch, TrialProgress
from executor.search.cluster.task import TaskResult
from executor.search.create_runner import create_runner
from executor.search.records.weights import WEIGHTS, state_path, weights_path
from executor.search.runners.workspace import create_workspace
from recommender.planning.ray_connection import CORES_PER_TASK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from executor.runtime.devices import Device
    from executor.search.cluster.control import SearchControl
    from executor.search.cluster.task import SearchData, TrialTask
    from executor.search.runners.parallel import Runner
    from executor.search.runners.training_state import Epoch

REPORT_SECONDS: Final = 0.5  # between two reports of a task


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What a process keeps from one task of a search to the next: rows on the device, and compiled graphs."""

    token: str
    runner: Runner
    device: Device
    width: int
    clock: RestartedClock
    interrupt: Interrupt
    directory: Path
    """Where trials of the task write, as in a run directory."""


_KEPT: list[Prepared] = []
"""The search whose tasks the process runs; the state of a worker, which Ray keeps between tasks."""


def work(data: SearchData, task: TrialTask, control: SearchControl) -> TaskResult:
    """Run a task. Raises PcwatError on an error of the whole search."""
    seconds = control.start(task.index)
    if seconds is None:
        return TaskResult()
    if not _KEPT or _KEPT[-1].token != data.token:
        _KEPT.clear()
        _KEPT.append(_prepare(data))
    own = _KEPT[-1]
    own.clock.restart(seconds)
    own.interrupt.requested = False
    with use_device(own.device, width=own.width):
        if task.measures:
            return TaskResult(speed=own.runner.measure(task.proposals[0]))
        for number, content in task.states.items():
            state_path(own.directory, number).write_bytes(content)
        with _reports(control, own.interrupt) as on_epoch:
            outcomes = own.runner.run(task.proposals, on_epoch=on_epoch)
    files = {}
    for proposal in task.proposals:
        for path in (weights_path(own.directory, proposal.number), state_path(own.directory, proposal.number)):
            if path.exists():
                files[path.name] = path.read_bytes()
    for path in (own.directory / WEIGHTS).iterdir():
        path.unlink()
    return TaskResult(outcomes=outcomes, files=files, prediction_seconds=own.clock.noted_prediction)


def _prepare(data: SearchData) -> Prepared:
    """Copy the rows of a search to the device."""
    kind, width = network_kind(data.bundle, data.parts.inputs), data.parts.train.dense.shape[1]
    with suppress(RuntimeError):  # the process has run a task of another search
        tf.config.threading.set_intra_op_parallelism_threads(CORES_PER_TASK)
        tf.config.threading.set_inter_op_parallelism_threads(CORES_PER_TASK)
    device = replace(training_devices(kind, width=width)[0] if data.on_gpu else CPU, streams=1)
    clock, interrupt = RestartedClock(), Interrupt()
    directory = Path(tempfile.mkdtemp(prefix="pcwat-worker-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    (directory / WEIGHTS).mkdir()
    with use_device(device, width=width):
        at = create_workspace(
            data.bundle,
            data.parts,
            metric=check_metric(create_metric(data.bundle.metric), data.parts),
            seed=data.seed,
            directory=directory,
            clock=clock,
            interrupt=interrupt,
        )
        runner = create_runner(at, [device], width=width, one_by_one=data.one_by_one, is_planned=True)
    return Prepared(
        token=data.token,
        runner=runner,
        device=device,
        width=width,
        clock=clock,
        interrupt=interrupt,
        directory=directory,
    )


@contextmanager
def _reports(control: SearchControl, interrupt: Interrupt) -> Iterator[Callable[[Epoch], None]]:
    """Report the epochs of a task, and note an interrupt, every REPORT_SECONDS while the block runs."""
    epochs: list[TaskEpoch] = []
    done = threading.Event()

    def on_epoch(now: Epoch) -> None:
        trials = tuple(
            TrialProgress(number=one.proposal.number, best=one.training.best, ended_by=one.training.ended_by)
            for one in now.members
        )
        epochs.append(TaskEpoch(epoch=now.epoch, epochs=now.epochs, trials=trials))

    def report() -> None:
        while not done.wait(REPORT_SECONDS):
            sent, epochs[:] = epochs[-1:], []  # the last one describes the trials of the task
            if control.report(sent):
                interrupt.requested = True

    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        yield on_epoch
    finally:
        done.set()
        reporter.join()
