"""A connection to a Ray cluster."""

from __future__ import annotations

import logging
import os
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from recommender.speed.machine_speed import usable_cores
from rules.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recommender.planning.cluster_address import ClusterAddress

CORES_PER_TASK: Final = 1
"""Cores of a task: trials are independent of each other, so that many with one core each take less time than few with
more cores; and the results do not depend on the number of cores of a machine."""
ATTEMPTS: Final = 2  # to start workers on this machine, for which Ray has a time limit of 30 s
SETTINGS: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",  # workers that are started here do not report to the makers of Ray
    "RAY_worker_niceness": "0",  # else they give way to all other processes
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else Ray warns that its default will change
}
"""Environment of Ray, unless the user sets it."""


@contextmanager
def connect_ray(address: ClusterAddress) -> Iterator[None]:
    """Connect to a cluster, or start workers on this machine, for the block.

    A connection of the program to Ray is used, and kept, if there is one. Raises ClusterError if that fails.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import ray  # noqa: PLC0415  an extra, which takes a second to import

    if ray.is_initialized():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        _start(address)
        with suppress(ValueError):  # only the main thread has handlers
            for number, handler in handlers.items():
                signal.signal(number, handler)
        yield
    finally:
        ray.shutdown()


def _start(address: ClusterAddress) -> None:
    """Start or find Ray. Raises ClusterError if that fails."""
    import ray  # noqa: PLC0415  an extra

    logging.getLogger("ray").setLevel(logging.ERROR)  # which the import of Ray sets
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
    if address.is_local:
        settings |= {"num_cpus": _local_workers(address), "include_dashboard": False}
    for attempt in range(ATTEMPTS if address.is_local else 1):
        try:
            ray.init(address="local" if address.is_local else address.text, **settings)
            break
        except Exception as error:  # noqa: BLE001  Ray raises what it finds
            ray.shutdown()
            if attempt + 1 < ATTEMPTS and address.is_local:
                continue
            reason = " ".join(str(error).split()).rstrip(".")
            remedy = (
                "Try again when other programs use less of this machine"
                if address.is_local
                else "Start it with 'ray start --head', with the same versions of Python, Ray and pcwat as here"
            )
            raise ClusterError(f"The cluster {address.text} cannot be used: {reason}. {remedy}.") from None
    _mute()


def _mute() -> None:
    """Keep Ray from printing the log of each node that dies on standard output, for which it has no setting."""
    from ray._private import worker  # noqa: PLC0415  an extra

    worker.print_to_stdstream = lambda *_, **__: None


def _local_workers(address: ClusterAddress) -> int:
    """Workers that are started on this machine."""
    return usable_cores() if address.workers is None else address.workers


def count_workers(address: ClusterAddress) -> int:
    """Workers of a cluster at the moment, one for each core; none of this machine are started.

    Raises ClusterError if there is no connection to the cluster.
    """
    if address.is_local:
        return _local_workers(address)
    with connect_ray(address):
        import ray  # noqa: PLC0415  an extra

        return int(ray.cluster_resources().get("CPU", 0) / CORES_PER_TASK)
