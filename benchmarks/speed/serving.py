"""Requests a second and latency of `recommend serve` with a run and with its export, and of MLflow's server.

    python -m benchmarks.speed.serving RUN ROWS.csv [--export DIRECTORY] [--clients 32] [--seconds 10]

Each client keeps a connection, and sends one row of ROWS.csv after the other; every response is compared with the
prediction of `Run.predict`. A request is lost if the server closes its connection without a response. DIRECTORY is what
`recommend export RUN --to numpy` wrote; without it, the run is exported first. `PCWAT_MLFLOW` is a Python with mlflow
and pcwat[track], for the last line of the table.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

START_SECONDS: Final = 120  # in which a server must be ready
TOLERANCE: Final = 1e-6  # of probabilities and values that MLflow's server writes


@dataclass
class Result:
    """What the clients counted."""

    seconds: list[float] = field(default_factory=list)
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    errors: int = 0
    lost: int = 0
    lasted: float = 0.0


async def client(port: int, requests: Sequence[bytes], first: int, until: float, result: Result) -> None:
    """Send requests over one connection, one after the other."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    at = first
    while time.perf_counter() < until:
        at = (at + 1) % len(requests)
        started = time.perf_counter()
        try:
            writer.write(requests[at])
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError):
            result.lost += 1
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            continue
        result.seconds.append(time.perf_counter() - started)
        if head.startswith(b"HTTP/1.1 200"):
            result.answers.append((at, body))
        else:
            result.errors += 1
    writer.close()


async def load(port: int, requests: Sequence[bytes], *, clients: int, seconds: float) -> Result:
    """Send requests by several clients for some seconds."""
    result, started = Result(), time.perf_counter()
    step = max(1, len(requests) // clients)
    await asyncio.gather(
        *(client(port, requests, number * step, started + seconds, result) for number in range(clients))
    )
    result.lasted = time.perf_counter() - started
    return result


def post(path: str, body: object) -> bytes:
    """An HTTP request with a JSON body."""
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
    )
    return head.encode() + b"\r\n\r\n" + content


@contextmanager
def running(command: Sequence[str], port: int, path: str) -> Iterator[None]:
    """A server as a process, once it responds at a path."""
    # MLflow starts uvicorn by its name, as a process of its own.
    own = os.environ | {"PATH": f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=own, start_new_session=True)  # noqa: S603  our own
        try:
            for _ in range(START_SECONDS * 4):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.25)
            else:
                log.seek(0)
                raise SystemExit(f"{command[0]} did not start: {log.read().decode()[-2_000:]}")
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server to measure."""

    name: str
    command: Sequence[str]
    port: int
    ready: str
    """Path that responds once the model is loaded."""
    requests: Sequence[bytes]


def measure(server: Server, expected: Sequence[dict[str, Any]], *, clients: int, seconds: float) -> None:
    """Print a line of the table. expected: the prediction of each request."""
    with running(server.command, server.port, server.ready):
        asyncio.run(load(server.port, server.requests, clients=clients, seconds=1))
        result = asyncio.run(load(server.port, server.requests, clients=clients, seconds=seconds))
    wrong = sum(not agrees(json.loads(body)["predictions"][0], expected[at]) for at, body in result.answers)
    median, high = np.percentile(result.seconds, [50, 99]) * 1_000
    rate = len(result.answers) / result.lasted
    counts = f"{result.errors:,} | {result.lost:,} | {wrong:,}"
    print(f"| {server.name} | {rate:,.0f} | {median:.1f} | {high:.1f} | {counts} |", flush=True)


def agrees(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Whether a response has the expected prediction."""
    return found.keys() == expected.keys() and all(
        abs(found[name] - value) <= TOLERANCE * max(1, abs(value)) if isinstance(value, float) else found[name] == value
        for name, value in expected.items()
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--export", type=Path)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    from executor import Run  # noqa: PLC0415  TensorFlow takes seconds
    from executor.model.validate_rows import open_rows  # noqa: PLC0415  as above

    run = Run(options.run)
    with open_rows(run.signature, options.rows) as dataset:
        table = dataset.connection.sql("SELECT * FROM dataset").to_arrow_table()
    rows = table.select([column.name for column in run.signature.columns]).to_pylist()
    expected = run.predict(options.rows).to_pylist()
    print("| server | requests a second | p50 ms | p99 ms | errors | lost | wrong |\n|---|---|---|---|---|---|---|")
    limits = {"clients": options.clients, "seconds": options.seconds}
    requests = [post("/predict", [row]) for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        exported = options.export or Path(folder) / "exported"
        if options.export is None:
            run.export(to="numpy", directory=exported)
        for name, directory in [("recommend serve RUN", options.run), ("recommend serve EXPORT (numpy)", exported)]:
            start, port = "from recommender.cli.start import main; main()", free_port()
            own = Server(
                name=name,
                command=[sys.executable, "-c", start, "serve", str(directory), "--port", str(port)],
                port=port,
                ready="/ready",
                requests=requests,
            )
            measure(own, expected, **limits)
    if python := os.environ.get("PCWAT_MLFLOW"):
        with tempfile.TemporaryDirectory() as folder:
            model, port = Path(folder) / "model", free_port()
            save = (
                "import sys; from executor.pipeline.tracking.pyfunc_model import save_model; save_model(*sys.argv[1:])"
            )
            subprocess.run([python, "-c", save, str(options.run), str(model)], check=True)  # noqa: S603  our own
            other = Server(
                name="MLflow",
                command=[
                    *(python, "-m", "mlflow", "models", "serve", "-m", str(model)),
                    *("--env-manager", "local", "--port", str(port)),
                ],
                port=port,
                ready="/ping",
                requests=[post("/invocations", {"dataframe_records": [row]}) for row in rows],
            )
            measure(other, expected, **limits)


if __name__ == "__main__":
    main()
