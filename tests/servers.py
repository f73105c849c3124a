"""Servers for tests: PostgreSQL from Debian's packages, a web server, and nodes of Ray."""

from __future__ import annotations

import functools
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import warnings
from contextlib import contextmanager, suppress
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

POSTGRES: Final = Path("/usr/lib/postgresql/15/bin")
ACCESS: Final = "host all ann 127.0.0.1/32 scram-sha-256\nhost all admin 127.0.0.1/32 trust\n"


@contextmanager
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server with the superuser admin, and the user ann, who needs a password."""
    if not (POSTGRES / "initdb").exists():
        pytest.skip("PostgreSQL 15 is not installed; on Debian, install postgresql-15")
    dbapi = pytest.importorskip("adbc_driver_postgresql.dbapi")
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))  # tmp_path belongs to root, as whom the server does not run
    user: dict[str, Any] = {}
    if os.getuid() == 0:
        shutil.chown(folder, "nobody")
        user = {"user": "nobody", "extra_groups": []}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    initdb = [POSTGRES / "initdb", "-D", data, "-U", "admin", "--auth=trust", "--no-sync", "--locale=C", "-E", "UTF8"]
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=folder, **user)
    (data / "pg_hba.conf").write_text(ACCESS, encoding="utf-8")
    options = ["-F", "-h", "127.0.0.1", "-p", str(port), "-k", str(folder), "-c", "log_min_messages=panic"]
    server = subprocess.Popen([POSTGRES / "postgres", "-D", data, *options], stderr=subprocess.DEVNULL, **user)
    url = f"postgres://admin@127.0.0.1:{port}/postgres"
    try:
        for _ in range(100):
            with suppress(dbapi.Error), dbapi.connect(url):
                break
            time.sleep(0.05)
        yield url
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(folder)


class Pages(SimpleHTTPRequestHandler):
    """Files of a folder, and paths that answer with an error."""

    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, "": "text/csv"}  # noqa: RUF012  as in the base class

    def do_GET(self) -> None:
        status = {"/denied.csv": 403, "/broken.csv": 500}.get(self.path.partition("?")[0])
        if status is not None:
            self.send_error(status)
        elif self.path == "/short.csv":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"a,b\n1,2\n")
        elif self.path == "/silent.csv":
            time.sleep(1)
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def web_server(folder: Path) -> Iterator[str]:
    """URL of a web server with the files of a folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Pages, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def ray_nodes() -> Iterator[Any]:
    """A Ray cluster with a head without workers, and two nodes with one each, in its list `added`."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster  # noqa: PLC0415  an extra

    with warnings.catch_warnings(action="ignore"):  # of Ray's own use of Python
        settings = {"object_store_memory": 80_000_000}
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False} | settings)
        made.added = [made.add_node(num_cpus=1, **settings) for _ in range(2)]
        try:
            yield made
        finally:
            made.shutdown()
