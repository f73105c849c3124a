"""Functions that the processes of workers call, and import after TensorFlow was silenced."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from executor.runtime.cluster import HeadWatch, Lost, version_problem, version_reader
from executor.runtime.log import LOG
from executor.runtime.tensorflow_import import quiet_tensorflow
from recommender.planning.ray_connection import CORES_PER_TASK
from rules.errors import ClusterError, PcwatError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from executor.runtime.cluster import Pool

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class RemoteFunction:
    """A function by its name, because Ray would import its module before TensorFlow is silenced."""

    module: str
    name: str
    versions: Mapping[str, str]
    """Versions of Python and packages of the process that asks for it."""

    @classmethod
    def of(cls, function: Callable[..., Any]) -> RemoteFunction:
        """Name a function of a module."""
        return cls(module=function.__module__, name=function.__qualname__, versions=version_reader()())


@dataclass(frozen=True, kw_only=True)
class Answer(Generic[Result]):
    """What a function returned, or why it did not."""

    value: Result | None = None
    error: PcwatError | None = None
    failure: str = ""
    """Type and message of another exception."""


def answer(function: RemoteFunction, *arguments: Any) -> Answer[Any]:  # noqa: ANN401  those of the function
    """Call a function in the process of a worker, on one core."""
    problem = version_problem(function.versions, version_reader()(), node=platform.node())
    if problem:
        return Answer(error=ClusterError(problem))
    try:
        quiet_tensorflow()
        use_one_core()
        return Answer(value=getattr(import_module(function.module), function.name)(*arguments))
    except PcwatError as error:
        return Answer(error=error)
    except Exception as error:  # noqa: BLE001  an error of one call must not end the others
        return Answer(failure=f"{type(error).__name__}: {error}")


def use_one_core() -> None:
    """Let TensorFlow use one core, unless the process has computed before."""
    import tensorflow as tf  # noqa: PLC0415  after it was silenced

    try:
        tf.config.threading.set_intra_op_parallelism_threads(CORES_PER_TASK)
        tf.config.threading.set_inter_op_parallelism_threads(CORES_PER_TASK)
    except RuntimeError:  # the process has computed before
        return


def value_of(result: Answer[Result] | Lost) -> Result:
    """What a function returned. Raises its error, and ClusterError if it failed or its workers were lost."""
    if isinstance(result, Lost):
        raise ClusterError(result.reason)
    if result.error is not None:
        raise result.error
    if result.failure:
        raise ClusterError(f"A task failed on a worker of the cluster: {result.failure}.")
    return result.value  # type: ignore[return-value]  # without an error there is one


def call_each(
    pool: Pool,
    function: Callable[..., Result],
    tasks: Sequence[tuple[Any, ...]],
    *,
    is_over: Callable[[], bool] = lambda: False,
) -> list[Result | None] | None:
    """Call a function with each tuple of arguments on the workers; returns the results in order.

    is_over: when it is true, running calls are cancelled, whose results are None. Returns None if the cluster cannot be
    used any more, which is logged: the caller does the work itself. Raises an error of a call.
    """
    remote, head = RemoteFunction.of(function), HeadWatch(pool)
    pool.use_gpus(pays=False)

    def dropped() -> Collection[int]:
        if head.is_gone():
            return ()
        if pool.workers < 1:
            raise ClusterError("No worker is left.")
        return range(len(tasks)) if is_over() else ()

    found: dict[int, Result] = {}
    try:
        for index, result in pool.run(answer, [(remote, *one) for one in tasks], dropped=dropped):
            found[index] = value_of(result)
    except ClusterError as error:
        LOG.warning("This process does the work of the cluster, because of an error: %s", error)
        return None
    return [found.get(index) for index in range(len(tasks))]
