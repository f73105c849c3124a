"""The command line as a process: standard output, environment and signals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from recommender.examples import example
from rules.text.wording import escape_json_controls

if TYPE_CHECKING:
    from pathlib import Path

MAIN = [sys.executable, "-c", "import sys; from recommender.cli.main import main; sys.argv[0] = 'recommend'; main()"]
WINE = str(example("wine"))


PATHS = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
Done = subprocess.CompletedProcess[bytes]


def run(*words: str, folder: Path, stdout: int, environment: dict[str, str] | None = None) -> Done:
    return subprocess.run(
        [*MAIN, *words],
        cwd=folder,
        env=os.environ | PATHS | (environment or {}),
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
    )


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_full_output_is_one_sentence(form: str, tmp_path: Path) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123  a device
        done = run(WINE, "--format", form, folder=tmp_path, stdout=full.fileno())
    assert done.returncode == 2
    assert done.stderr.decode().startswith("Error: The output or a file cannot be used: No space left on device.")
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (
            "duckdb.IOException('IO Error: No space left on device')",
            "temporary files cannot be used: IO Error: No",
        ),
        (
            "OSError(28, 'No space left on device', 'pictures')",
            "pictures cannot be used: No space left on device.",
        ),
        ("PermissionError(13, 'Permission denied', 'rows')", "rows cannot be used: Permission denied."),
        ("MemoryError()", "The dataset must fit into the available memory"),
        ("RecursionError()", "The input is nested too deeply"),
    ],
)
def test_what_the_machine_refuses_is_one_sentence(error: str, part: str, tmp_path: Path) -> None:
    program = (
        "import sys, duckdb, recommender.cli.main as cli, recommender.cli.commands as commands\n"
        f"def advise_on(*_, **__): raise {error}\n"
        "commands.advise_on = advise_on; sys.argv = ['recommend', 'rows.csv']; cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=os.environ | PATHS, capture_output=True, check=False
    )
    assert done.returncode == 2
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("Error: ")
    assert part in line


def test_a_reader_that_ends_early_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = run(WINE, folder=tmp_path, stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_deleted_working_directory_is_one_sentence(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = "import os; from recommender.cli.main import main; os.rmdir(os.getcwd()); main()"
    done = subprocess.run(
        [sys.executable, "-c", program, WINE], cwd=gone, env=os.environ | PATHS, capture_output=True, check=False
    )
    assert done.returncode == 2
    assert b"The working directory cannot be used: No such file or directory." in done.stderr


def test_warnings_as_errors_optimization_and_ascii_change_no_result(tmp_path: Path) -> None:
    data = tmp_path / "rows.csv"
    rows = "".join(f"{n * 7 % 11 / 2},{'ja' if n % 3 else 'nein'}\n" for n in range(60))
    data.write_text(f"größe,y\n{rows}", encoding="utf-8")
    plain = run(str(data), "--format", "json", folder=tmp_path, stdout=subprocess.PIPE)
    hard = {"PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "2", "PYTHONIOENCODING": "ascii"}
    done = run(str(data), "--format", "json", folder=tmp_path, stdout=subprocess.PIPE, environment=hard)
    assert (done.returncode, done.stderr) == (0, plain.stderr)
    assert json.loads(done.stdout)["bundle"] == json.loads(plain.stdout)["bundle"]
    assert run(str(data), folder=tmp_path, stdout=subprocess.PIPE, environment=hard).returncode == 0


def test_json_escapes_del_and_c1_characters() -> None:
    text = json.dumps({"a\x7f": "\x9b31m\x85é"}, ensure_ascii=False)
    assert escape_json_controls(text) == r'{"a\u007f": "\u009b31m\u0085é"}'
    assert json.loads(escape_json_controls(text)) == {"a\x7f": "\x9b31m\x85é"}


@pytest.mark.parametrize(("number", "name", "code"), [(2, "Ctrl-C", 130), (15, "SIGTERM", 143), (1, "SIGHUP", 129)])
def test_signals_end_with_their_code_and_leave_no_temporary_file(
    number: int, name: str, code: int, tmp_path: Path
) -> None:
    program = (
        "import os, signal, sys, tempfile; signal.signal(2, signal.default_int_handler)\n"
        "import recommender.cli.main as cli, recommender.cli.commands as commands\n"
        "def advise_on(*_, **__):\n"
        "    with tempfile.TemporaryDirectory(dir='.'):\n"
        f"        os.kill(os.getpid(), {number})\n"
        "        signal.pause()\n"
        "commands.advise_on = advise_on\n"
        "sys.argv = ['recommend', 'rows.csv']; cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | PATHS,
        capture_output=True,
        check=False,
    )
    assert done.returncode == code
    assert done.stderr.decode().strip() == f"Stopped by {name}."
    assert list(tmp_path.iterdir()) == []


def test_an_existing_record_is_overwritten_only_by_force(tmp_path: Path) -> None:
    kept = tmp_path / "decision.json"
    kept.write_text("mine", encoding="utf-8")
    refused = run(WINE, "--record", str(kept), folder=tmp_path, stdout=subprocess.PIPE)
    assert refused.returncode == 2
    assert b"already exists" in refused.stderr
    assert kept.read_text(encoding="utf-8") == "mine"
    assert run(WINE, "--record", str(kept), "--force", folder=tmp_path, stdout=subprocess.PIPE).returncode == 0
    assert json.loads(kept.read_text(encoding="utf-8"))["format"] == "pcwat/record/2"
