"""A Ray cluster that runs tasks; those of a lost worker run again on another one."""

from __future__ import annotations

import math
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from executor.runtime.log import LOG
from executor.runtime.versions import PACKAGES
from recommender.planning.cluster_address import CONNECT_SECONDS
from recommender.planning.ray_connection import CORES_PER_TASK, connect_ray
from rules.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from recommender.planning.cluster_address import ClusterAddress

TICK_SECONDS: Final = 0.5  # between two calls of `dropped` while tasks run
MAX_CRASHES: Final = 3
"""Times that a task may crash its worker, for instance for lack of memory, before it counts as failed. Nodes that die
do not count."""
MAX_CALLS: Final = 20
"""Tasks of `serve` after which the process of a worker ends: only that frees what TensorFlow has compiled."""
HEAD_SECONDS: Final = 30.0  # without a response of the head; Ray ends the process after 60
VERSION_SECONDS: Final = 60.0  # for the nodes to report their versions; a first process of a node starts in seconds
HEAD: Final = "node:__internal_head__"  # resource of the node with the control store, without which Ray ends anyway

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Lost:
    """The result of a task that crashed its worker again and again."""

    reason: str


class Pool(Protocol):
    """Workers that run tasks."""

    @property
    def workers(self) -> int:
        """Tasks that can run at once, at the moment."""

    @property
    def peak(self) -> int:
        """The most workers so far."""

    @property
    def is_reachable(self) -> bool:
        """Whether its head responds; without it no other method returns."""

    def use_gpus(self, *, pays: bool) -> bool:
        """Give each task a GPU if that pays and there is one; returns whether it does. Workers are then GPUs."""

    def share(self, value: Any) -> Any:  # noqa: ANN401  any value
        """Copy a value to where all tasks can read it; tasks get the value for what is returned."""

    def create_shared(self, kind: type[Result]) -> Result:
        """Create an object without arguments whose methods the driver and the tasks may call."""

    def run(
        self,
        function: Callable[..., Result],
        tasks: Sequence[tuple[Any, ...]],
        *,
        dropped: Callable[[], Collection[int]] = tuple,
    ) -> Iterator[tuple[int, Result | Lost]]:
        """Run a function with each tuple of arguments; yields the index of each task and its result as tasks end.

        dropped: called every TICK_SECONDS; returns the indices of tasks that are to be cancelled, which yield nothing.
        """

    def serve(
        self,
        function: Callable[..., Result],
        draw: Callable[[], tuple[Any, ...] | None],
        *,
        dropped: Callable[[], Collection[int]] = tuple,
    ) -> Iterator[tuple[int, Result | Lost]]:
        """As `run`, with tasks that are drawn one by one as workers become free; ends when none is drawn and none runs.

        draw: returns the next task, or None if there is none before another one has ended.
        """


class RemoteObject:
    """An object on a cluster, whose methods can be called from everywhere."""

    def __init__(self, handle: Any) -> None:  # noqa: ANN401  Ray has no types for handles
        self._handle = handle

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):  # of copies, whose handle is not set yet
            raise AttributeError(name)

        def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401  those of the method
            import ray  # noqa: PLC0415  an extra

            reference = getattr(self._handle, name).remote(*arguments, **named)
            with ThreadPoolExecutor(1) as thread:  # a task whose main thread waits gives its core to another one
                return thread.submit(ray.get, reference).result()

        return call


class RayPool:
    """Workers of a Ray cluster: one for each core, or for each GPU."""

    def __init__(self) -> None:
        self.peak = 0
        self._has_gpus = False

    @property
    def workers(self) -> int:
        found = _resources()
        now = int(found.get("GPU", 0) if self._has_gpus else found.get("CPU", 0) / CORES_PER_TASK)
        self.peak = max(self.peak, now)
        return now

    @property
    def is_reachable(self) -> bool:
        import ray  # noqa: PLC0415  an extra

        host, _, port = ray.get_runtime_context().gcs_address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
        except OSError:
            return False
        return True

    def use_gpus(self, *, pays: bool) -> bool:
        self._has_gpus = pays and _resources().get("GPU", 0) >= 1
        return self._has_gpus

    def share(self, value: Any) -> Any:  # noqa: ANN401  any value
        import ray  # noqa: PLC0415  an extra

        return ray.put(value)

    def create_shared(self, kind: type[Result]) -> Result:
        import ray  # noqa: PLC0415  an extra

        # Without a core, and on the head node: it must outlive the workers.
        settings = {"num_cpus": 0, "resources": {HEAD: 0.001}}
        proxy: Any = RemoteObject(ray.remote(kind).options(**settings).remote())
        return proxy  # type: ignore[no-any-return]  # it has the methods of the kind

    def run(
        self,
        function: Callable[..., Result],
        tasks: Sequence[tuple[Any, ...]],
        *,
        dropped: Callable[[], Collection[int]] = tuple,
    ) -> Iterator[tuple[int, Result | Lost]]:
        waiting = iter(tasks)
        yield from self._serve(function, lambda: next(waiting, None), dropped, most=lambda: len(tasks))

    def serve(
        self,
        function: Callable[..., Result],
        draw: Callable[[], tuple[Any, ...] | None],
        *,
        dropped: Callable[[], Collection[int]] = tuple,
    ) -> Iterator[tuple[int, Result | Lost]]:
        # One task more than there are workers waits, so that no worker does.
        yield from self._serve(function, draw, dropped, most=lambda: self.workers + 1, max_calls=MAX_CALLS)

    def _serve(
        self,
        function: Callable[..., Result],
        draw: Callable[[], tuple[Any, ...] | None],
        dropped: Callable[[], Collection[int]],
        *,
        most: Callable[[], int],
        max_calls: int = 0,
    ) -> Iterator[tuple[int, Result | Lost]]:
        """Run the tasks that are drawn, at most `most` at once. max_calls: of a process, 0 for any number."""
        import ray  # noqa: PLC0415  an extra

        # Ray's own retries are not used, because it repeats tasks without end that exceed the memory of a node.
        settings = {"num_cpus": CORES_PER_TASK, "num_gpus": int(self._has_gpus), "max_retries": 0}
        remote = ray.remote(**settings, max_calls=max_calls)(function)
        tasks: dict[int, tuple[Any, ...]] = {}
        running: dict[Any, int] = {}
        drawn = 0
        crashes: Counter[int] = Counter()
        try:
            while True:
                while len(running) < most() and (task := draw()) is not None:
                    tasks[drawn] = task
                    running[remote.remote(*task)] = drawn
                    drawn += 1
                if not running:
                    return
                done, _ = ray.wait(list(running), timeout=TICK_SECONDS)
                gone = {*dropped()}
                _cancel(running, [one for one, index in running.items() if index in gone and one not in done])
                for reference in done:
                    index = running.pop(reference)
                    result = _result_of(reference)
                    if isinstance(result, _Loss):
                        crashes[index] += result.is_crash
                        if crashes[index] < MAX_CRASHES:
                            LOG.warning("A %s; its task runs again on another one.", result)
                            running[remote.remote(*tasks[index])] = index
                            continue
                        result = Lost(reason=f"{MAX_CRASHES} workers were lost; the last one because {result.reason}")
                    del tasks[index]
                    if result is not _CANCELLED:
                        yield index, result
        finally:
            _cancel(running, [*running])


def _cancel(running: dict[Any, int], references: Sequence[Any]) -> None:
    """End running tasks."""
    import ray  # noqa: PLC0415  an extra

    for reference in references:
        del running[reference]
        with suppress(ray.exceptions.RayError):
            ray.cancel(reference, force=True)


@dataclass(frozen=True, kw_only=True)
class _Loss:
    """The worker of a task was lost."""

    is_crash: bool
    """Whether the worker died, not its node."""
    reason: str

    def __str__(self) -> str:
        return f"{'worker' if self.is_crash else 'node'} of the cluster was lost"


_CANCELLED: Final = object()


def _result_of(reference: Any) -> Any:  # noqa: ANN401  what the task returned
    """The result of a task that has ended, a _Loss, or _CANCELLED. Raises ClusterError if the task failed."""
    import ray  # noqa: PLC0415  an extra
    from ray import exceptions as errors  # noqa: PLC0415  as above

    try:
        return ray.get(reference)
    except errors.RayTaskError as error:
        raise ClusterError(
            f"A task failed on a worker of the cluster: {_reason_of(error.cause)}. Install the same version of pcwat "
            "and of its packages on each machine."
        ) from None
    except errors.TaskCancelledError:
        return _CANCELLED
    except errors.RayError as error:
        reason = "its memory was exhausted" if isinstance(error, errors.OutOfMemoryError) else "it died"
        is_crash = not isinstance(error, errors.NodeDiedError | errors.ObjectLostError)
        return _Loss(is_crash=is_crash, reason=reason)


class HeadWatch:
    """Notices that the head of a cluster is gone.

    A signal to all processes of a terminal or a job also ends a cluster that was started on this machine.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._gone_since = math.inf

    def is_gone(self) -> bool:
        """Whether the head does not respond. Raises ClusterError if it has not for HEAD_SECONDS."""
        if self._pool.is_reachable:
            self._gone_since = math.inf
            return False
        self._gone_since = min(self._gone_since, time.monotonic())
        if time.monotonic() - self._gone_since > HEAD_SECONDS:
            raise ClusterError("The head of the cluster does not respond any more. Start it again, and resume the run.")
        return True


def _resources() -> Mapping[str, float]:
    """Resources of all nodes that are alive."""
    import ray  # noqa: PLC0415  an extra

    found: dict[str, float] = ray.cluster_resources()
    return found


def _reason_of(error: BaseException) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[-1]}"


@contextmanager
def connect(address: ClusterAddress) -> Iterator[RayPool]:
    """Connect to a cluster, or start workers on this machine, for the block.

    Raises ClusterError if that fails, no node has a core, or a node has other versions of Python or of packages.
    """
    LOG.info("Connecting to the cluster %s.", address.text)
    with connect_ray(address):
        yield _check_pool(RayPool(), address)


def version_reader() -> Callable[[], dict[str, str]]:
    """Create a function that reads the versions of Python, pcwat and of the packages that affect results.

    Ray sends an inner function as code, so that it runs on machines without pcwat, too, where that is "none".
    """
    names = ("pcwat", *PACKAGES)

    def read() -> dict[str, str]:
        found = {"python": python_version()}
        for name in names:
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                found[name] = "none"
        return found

    return read


def version_problem(expected: Mapping[str, str], found: Mapping[str, str], *, node: str) -> str:
    """A sentence about what a machine of the cluster has in another version than the search; empty if nothing."""
    pairs = [(name, found[name], needed) for name, needed in expected.items()]
    different = [f"{name} {there} instead of {needed}" for name, there, needed in pairs if there != needed]
    if not different:
        return ""
    return (
        f"Each machine of a cluster must have the versions of the machine that searches, but {node} has "
        f"{', '.join(different)}. Install them there."
    )


def _check_pool(pool: RayPool, address: ClusterAddress) -> RayPool:
    """Raise ClusterError if no node has a core, or a node has other versions."""
    if pool.workers < 1 and not address.is_local:
        LOG.warning("No machine of the cluster %s has a free core yet; trials start when one joins.", address.text)
    if not address.is_local:
        _check_versions()
    LOG.info("The cluster has %d workers.", pool.workers)
    return pool


def _check_versions() -> None:
    import ray  # noqa: PLC0415  an extra
    from ray import exceptions as errors  # noqa: PLC0415  an extra
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: PLC0415  an extra

    expected = version_reader()()
    every = ray.nodes()
    nodes = [one for one in every if one["Alive"] and one["Resources"].get("CPU", 0) >= CORES_PER_TASK]
    checks = {
        ray.remote(version_reader())
        .options(num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(one["NodeID"], soft=False))
        .remote(): str(one["NodeManagerAddress"])
        for one in nodes
    }
    done, late = ray.wait(list(checks), num_returns=len(checks), timeout=VERSION_SECONDS) if checks else ((), ())
    for reference in done:
        try:
            problem = version_problem(expected, ray.get(reference), node=checks[reference])
        except errors.RayError:  # the node died
            continue
        if problem:
            raise ClusterError(problem)
    if late:
        LOG.warning("%d machines of the cluster did not report their versions in %.0f s.", len(late), VERSION_SECONDS)
