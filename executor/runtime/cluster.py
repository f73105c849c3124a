"""A Ray cluster that runs tasks; those of a lost worker run again on another one."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from executor.runtime.cluster_address import CONNECT_SECONDS
from executor.runtime.log import LOG
from executor.runtime.versions import PACKAGES
from rules.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from executor.runtime.cluster_address import ClusterAddress

CORES_PER_TASK: Final = 1
"""Cores of a task: trials are independent of each other, so that many with one core each take less time than few with
more cores; and the results do not depend on the number of cores of a machine."""
TICK_SECONDS: Final = 0.5  # between two calls of `dropped` while tasks run
MAX_CRASHES: Final = 3
"""Times that a task may crash its worker, for instance for lack of memory, before it counts as failed. Nodes that die
do not count."""
VERSION_SECONDS: Final = 60.0  # for the nodes to report their versions; a first process of a node starts in seconds
HEAD: Final = "node:__internal_head__"  # resource of the node with the control store, without which Ray ends anyway

SETTINGS: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",  # workers that are started here do not report to the makers of Ray
    "RAY_worker_niceness": "0",  # else they give way to all other processes
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else Ray warns that its default will change
}
"""Environment of Ray, unless the user sets it."""

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
        import ray  # noqa: PLC0415  an extra
        from ray import exceptions as errors  # noqa: PLC0415  an extra

        # Ray's own retries are not used, because it repeats tasks without end that exceed the memory of a node.
        remote = ray.remote(function).options(num_cpus=CORES_PER_TASK, num_gpus=int(self._has_gpus), max_retries=0)
        running = {remote.remote(*task): index for index, task in enumerate(tasks)}
        crashes: Counter[int] = Counter()
        try:
            while running:
                done, _ = ray.wait(list(running), timeout=TICK_SECONDS)
                for gone in dropped():
                    for reference in [one for one, index in running.items() if index == gone and one not in done]:
                        del running[reference]
                        ray.cancel(reference, force=True)
                for reference in done:
                    index = running.pop(reference)
                    try:
                        yield index, ray.get(reference)
                        continue
                    except errors.RayTaskError as error:
                        raise ClusterError(
                            f"A task failed on a worker of the cluster: {_reason_of(error.cause)}. Install the same "
                            "version of pcwat and of its packages on each machine."
                        ) from None
                    except errors.TaskCancelledError:
                        continue
                    except errors.RayError as error:
                        is_crash = not isinstance(error, errors.NodeDiedError | errors.ObjectLostError)
                        crashes[index] += is_crash
                        reason = "its memory was exhausted" if isinstance(error, errors.OutOfMemoryError) else "it died"
                    if crashes[index] >= MAX_CRASHES:
                        yield index, Lost(reason=f"{MAX_CRASHES} workers were lost; the last one because {reason}")
                        continue
                    lost = "worker" if is_crash else "node"
                    LOG.warning("A %s of the cluster was lost; its trials run again on another one.", lost)
                    running[remote.remote(*tasks[index])] = index
        finally:
            for reference in running:
                with suppress(errors.RayError):
                    ray.cancel(reference, force=True)


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

    A connection of the program to Ray is used, and kept, if there is one.
    Raises ClusterError if that fails, no node has a core, or a node has other versions of Python or of packages.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import ray  # noqa: PLC0415  an extra, which takes a second to import

    if ray.is_initialized():
        yield _check_pool(RayPool(), address)
        return
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        LOG.info("Connecting to the cluster %s.", address.text)
        _start(address)
        with suppress(ValueError):  # only the main thread has handlers
            for number, handler in handlers.items():
                signal.signal(number, handler)
        yield _check_pool(RayPool(), address)
    finally:
        ray.shutdown()


def _start(address: ClusterAddress) -> None:
    """Start or find Ray. Raises ClusterError if that fails."""
    import ray  # noqa: PLC0415  an extra

    logging.getLogger("ray").setLevel(logging.ERROR)  # which the import of Ray sets
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
    if address.is_local:
        settings |= {"num_cpus": address.workers, "include_dashboard": False}
    try:
        ray.init(address="local" if address.is_local else address.text, **settings)
    except Exception as error:  # noqa: BLE001  Ray raises what it finds
        reason = " ".join(str(error).split()).rstrip(".")
        raise ClusterError(
            f"The cluster {address.text} cannot be used: {reason}. Start it with 'ray start --head', with the same "
            "versions of Python, Ray and pcwat as here."
        ) from None
    _mute()


def _mute() -> None:
    """Keep Ray from printing the log of each node that dies on standard output, for which it has no setting."""
    from ray._private import worker  # noqa: PLC0415  an extra

    worker.print_to_stdstream = lambda *_, **__: None


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
