from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from executor.runs.files import create_run_directory
from rules.errors import RunError
from rules.text.temporary import is_leftover, process_prefix, remove_leftovers, temporary_path_for

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def ended(tmp_path: Path) -> list[Path]:
    """A file and a folder that a process left behind, as after SIGKILL."""
    program = (
        "import os, pathlib, sys; from rules.text.temporary import process_prefix, temporary_path_for;"
        "here = pathlib.Path(sys.argv[1]);"
        "temporary_path_for(here / 'model.keras').touch(); folder = here / process_prefix(); folder.mkdir();"
        "(folder / 'block').touch(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    found = sorted(tmp_path.iterdir())
    assert len(found) == 2
    return found


def test_what_a_killed_process_left_is_removed_and_nothing_else(ended: list[Path], tmp_path: Path) -> None:
    own, others = (
        temporary_path_for(tmp_path / "model.keras"),
        [tmp_path / name for name in ("pcwat-1", "pcwat-x-y", "data")],
    )
    for path in (own, *others, tmp_path / process_prefix()):
        path.touch()
    assert all(is_leftover(path) for path in ended)
    remove_leftovers(tmp_path)
    assert set(tmp_path.iterdir()) == {own, *others, tmp_path / process_prefix()}


def test_files_of_another_machine_stay(tmp_path: Path) -> None:
    path = tmp_path / ".pcwat-anothermachine-999999999-abcd.json"
    path.touch()
    remove_leftovers(tmp_path)
    assert path.exists()


@pytest.mark.usefixtures("ended")
def test_a_directory_with_the_files_of_a_killed_writer_can_be_used(tmp_path: Path) -> None:
    assert create_run_directory(tmp_path) == tmp_path
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "notes.txt").touch()
    with pytest.raises(RunError, match="has files"):
        create_run_directory(tmp_path)
