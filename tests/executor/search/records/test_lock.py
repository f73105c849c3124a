"""A run directory belongs to one process, and to none once that has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from executor.search.records.lock import HOLDER, lock_run_directory
from rules.errors import RunError

HOLD = """
import sys
from pathlib import Path

from executor.search.records.lock import lock_run_directory

with lock_run_directory(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_by_name_until_the_first_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path],
        cwd=Path(__file__).parents[4],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(RunError, match=rf"but process {other.pid} on .* already uses .*\. Wait until it has ended"),
            lock_run_directory(tmp_path),
        ):
            pass
        other.send_signal(signal.SIGKILL)
        other.wait()
        with lock_run_directory(tmp_path):
            assert f"process {os.getpid()} on " in (tmp_path / HOLDER).read_text()


def test_the_same_process_is_refused_too_and_let_in_afterwards(tmp_path: Path) -> None:
    with (
        lock_run_directory(tmp_path / "new"),
        pytest.raises(RunError, match="Only one process"),
        lock_run_directory(tmp_path / "new"),
    ):
        pass
    with lock_run_directory(tmp_path / "new"):
        pass


def test_an_error_inside_releases_the_directory(tmp_path: Path) -> None:
    with pytest.raises(KeyError), lock_run_directory(tmp_path):
        raise KeyError
    with lock_run_directory(tmp_path):
        pass


def test_a_directory_that_cannot_be_written_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(RunError, match=r"Cannot write .*search\.lock: .*\. Free disk space or allow writing"),
        lock_run_directory(tmp_path / "file"),
    ):
        pass
