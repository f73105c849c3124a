"""The command `recommend serve`: its address, its errors, and its end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from click.testing import CliRunner

from executor.cli import serve as command
from executor.runs.serving import server
from executor.runs.serving.limits import Limits
from executor.runs.serving.service import Predictions
from recommender.cli.main import group
from recommender.cli.signals import raise_interrupt
from rules.errors import RunError, ServingError

if TYPE_CHECKING:
    from click.testing import Result

RUNS: Final = Path(__file__).parents[3] / "old_runs"
RUN: Final = RUNS / "classes" / "run"


def invoke(*words: object) -> Result:
    return CliRunner().invoke(group, ["serve", *map(str, words)])


def test_a_port_in_use_is_named_before_the_model_is_loaded() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = invoke(RUN, "--port", port)
    assert isinstance(found.exception, ServingError)  # exit code 2 of the command line
    assert str(found.exception) == (
        f"Port {port} of 127.0.0.1 must be free, but another program uses it. Choose another one with --port; --port 0 "
        "finds a free one."
    )


def test_a_host_of_another_machine_is_refused() -> None:
    assert "The host must be an address of this machine" in str(invoke(RUN, "--host", "no such host").exception)
    assert "cannot be used" in str(invoke(RUN, "--host", "192.0.2.1").exception)


def test_a_missing_extra_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None if name in {"uvicorn", "python_multipart"} else name)
    assert str(invoke(RUN).exception) == (
        "'recommend serve' needs fastapi, uvicorn, prometheus_client, but uvicorn cannot be imported. Install them: "
        "pip install 'pcwat[serve]'"
    )
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == "python_multipart" else name)
    assert "python_multipart, but python_multipart cannot be" in str(invoke(RUNS / "images" / "run").exception)


@pytest.mark.parametrize(("host", "warns"), [("0.0.0.0", True), ("127.0.0.1", False)])  # noqa: S104  nothing listens
def test_an_address_that_others_reach_is_warned_about(host: str, warns: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(server, "serve", lambda _open, limits, **options: given.update(options, limits=limits))
    found = invoke(
        RUN, "--host", host, "--max-body", 2, "--max-rows", 5, "--max-values", 9, "--timeout", 1.5, "--max-waiting", 3
    )
    assert found.exit_code == 0, found.output
    assert ("neither authentication nor encryption" in found.stderr) is warns
    assert given["limits"] == Limits(body_bytes=2_000_000, rows=5, values=9, seconds=1.5, waiting=3)


class Gate:
    """A service that predicts once it is opened."""

    contents = ("application/json",)

    def __init__(self) -> None:
        self.began = threading.Event()
        self.open = threading.Event()
        self.is_closed = False

    async def predict_json(self, *_: object) -> Predictions:
        self.began.set()
        await asyncio.to_thread(self.open.wait)
        return Predictions(rows=[{"prediction": 1.0}])

    def close(self) -> None:
        self.is_closed = True


def test_a_signal_ends_the_server_after_the_requests_that_began(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, answers = Gate(), []

    def ask(address: str) -> None:
        def run() -> None:
            request = urllib.request.Request(  # noqa: S310  our own address
                f"{address}/predict", b'[{"x": 1}]', {"content-type": "application/json"}
            )
            with urllib.request.urlopen(request) as response:  # noqa: S310  our own address
                answers.append(response.read())

        asking = threading.Thread(target=run)
        asking.start()

        def stop() -> None:
            gate.began.wait()
            os.kill(os.getpid(), signal.SIGTERM)
            gate.open.set()
            asking.join()

        threading.Thread(target=stop).start()

    before = signal.signal(signal.SIGTERM, raise_interrupt)
    monkeypatch.setattr("recommender.cli.signals._RECEIVED.number", None)
    try:
        with pytest.raises(KeyboardInterrupt):
            server.serve(lambda _: gate, Limits(), host="127.0.0.1", port=0, on_ready=ask)  # type: ignore[arg-type,return-value]
    finally:
        signal.signal(signal.SIGTERM, before)
    assert answers == [b'{"predictions":[{"prediction":1.0}],"warnings":[]}']
    assert gate.is_closed


def test_a_model_that_cannot_be_loaded_ends_the_server_with_its_error() -> None:
    def open_service(_: object) -> Any:
        raise RunError("model.keras is damaged.")

    with pytest.raises(RunError, match="damaged"):
        server.serve(open_service, Limits(), host="127.0.0.1", port=0, on_ready=print)
