"""The function that Ray calls in the process of a worker; it is imported before TensorFlow, to silence that."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from executor.runtime.cluster import version_problem, version_reader
from executor.runtime.tensorflow_import import quiet_tensorflow
from executor.search.cluster.task import TaskResult
from rules.errors import ClusterError, PcwatError

if TYPE_CHECKING:
    from executor.search.cluster.control import SearchControl
    from executor.search.cluster.task import SearchData, TrialTask


def run_task(data: SearchData, task: TrialTask, control: SearchControl) -> TaskResult:
    """Run a task in the process of a worker."""
    problem = version_problem(data.versions, version_reader()(), node=platform.node())
    if problem:
        return TaskResult(error=ClusterError(problem))
    try:
        quiet_tensorflow()
        from executor.search.cluster.worker import work  # noqa: PLC0415  after TensorFlow was silenced

        return work(data, task, control)
    except PcwatError as error:
        return TaskResult(error=error)
