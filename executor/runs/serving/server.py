"""uvicorn on a socket, until a signal."""

from __future__ import annotations

import errno
import ipaddress
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Final

import uvicorn

from executor.runs.serving.app import create_app
from rules.errors import ServingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.runs.serving.app import OpenService
    from executor.runs.serving.limits import Limits

SHUTDOWN_SECONDS: Final = 10  # for which requests that began are completed after a signal
IDLE_SECONDS: Final = 5  # after which a connection without requests is closed


def serve(
    open_service: OpenService,
    limits: Limits,
    *,
    host: str,
    port: int,
    on_ready: Callable[[str], None],
    logs_requests: bool = False,
) -> None:
    """Serve a run until SIGTERM or Ctrl-C; requests that began are completed.

    on_ready: called with the address once the model is loaded. Raises ServingError if the address cannot be used,
    RunError if the model cannot be loaded, and KeyboardInterrupt after a signal.
    """
    failures: list[BaseException] = []

    def stop(error: BaseException) -> None:
        failures.append(error)
        server.should_exit = True

    with closing(bind(host, port)) as bound:
        address = address_of(bound)
        app = create_app(open_service, limits, on_ready=lambda: on_ready(address), on_failure=stop)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                lifespan="on",
                log_level="info" if logs_requests else "warning",
                access_log=logs_requests,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
                ws="none",
            )
        )
        server.run(sockets=[bound])
    if failures:
        raise failures[0]


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens on an address. Raises ServingError if it cannot be used."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a name"
        raise ServingError(
            f"The host must be an address of this machine, but {host!r} is not: {reason}. Use --host 127.0.0.1."
        ) from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise ServingError(
                f"Port {port} of {host} must be free, but another program uses it. Choose another one with --port; "
                "--port 0 finds a free one."
            ) from None
        raise ServingError(
            f"Port {port} of {host} cannot be used: {error.strerror}. Choose another one with --host or --port."
        ) from None
    return bound


BACKLOG: Final = 2_048  # connections that the system keeps until they are accepted, as in uvicorn


def address_of(bound: socket.socket) -> str:
    """URL of a socket."""
    host, port, *_ = bound.getsockname()
    return f"http://[{host}]:{port}" if bound.family == socket.AF_INET6 else f"http://{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("192.0.2.1"), is_loopback("example.org")
    (True, True, False, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
