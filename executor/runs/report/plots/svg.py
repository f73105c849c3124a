"""Conversion of charts into SVG in a separate process, so that an abort of V8 does not end the run."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS: Final = 60.0  # limit for one chart; the first takes 2 to 3 s on two busy cores, the others 0.05 s


class DrawingError(Exception):
    """A chart cannot be drawn; the message is the reason."""


@dataclass
class SvgProcess:
    """The process that draws charts; it starts with the first chart, and again after it ended."""

    process: subprocess.Popen[bytes] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def convert(self, spec: Mapping[str, Any], config: Mapping[str, Any]) -> str:
        """Convert a Vega-Lite chart to SVG. Raises DrawingError."""
        line = json.dumps({"spec": dict(spec), "config": dict(config)}).encode() + b"\n"
        with self.lock:
            try:
                process = self.process = self.process or _start()
                answer = _ask(process, line)
            except OSError as error:
                self.close()
                raise DrawingError(f"the process that draws it cannot be used: {error.strerror or error}") from None
            except BaseException:  # Ctrl-C: a late answer would be read as that of the next chart
                if self.process is not None:
                    self.process.kill()
                self.close()
                raise
            if not answer:
                code = self.close()
                raise DrawingError(f"the process that draws it ended with code {code}; it may need more memory")
        found: dict[str, str] = json.loads(answer)
        if "svg" not in found:
            raise DrawingError(found["error"])
        return found["svg"]

    def close(self) -> int | None:
        """End the process and return its exit code; None without a process."""
        process, self.process = self.process, None
        if process is None:
            return None
        with suppress(OSError):
            process.communicate()  # closes its standard input, which ends it
        return process.returncode


def _start() -> subprocess.Popen[bytes]:
    worker = Path(__file__).with_name("svg_worker.py")
    # -P: modules of this folder must not shadow the standard library.
    return subprocess.Popen(  # noqa: S603  this interpreter and a file of ours
        [sys.executable, "-P", str(worker)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )


def _ask(process: subprocess.Popen[bytes], line: bytes) -> bytes:
    """Send a line and read the answer; empty where the process ended or took too long."""
    if process.stdin is None or process.stdout is None:
        return b""
    timer = threading.Timer(SECONDS, process.kill)
    timer.start()
    try:
        process.stdin.write(line)
        process.stdin.flush()
        return process.stdout.readline()
    finally:
        timer.cancel()


SVG_PROCESS: Final = SvgProcess()
atexit.register(SVG_PROCESS.close)
