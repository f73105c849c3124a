"""Run directories whose names or permissions a file system refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from executor.runs.files import PLAN, create_numbered_directory
from executor.runs.plan import read_plan
from executor.runs.report.listing import list_runs
from executor.runs.run import Run
from rules.errors import RunError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_name_that_is_too_long_is_an_error_of_a_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be read: File name too long"):
        Run(tmp_path / ("x" * 300))


def test_a_directory_that_may_not_be_read_is_an_error_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(type(tmp_path), "exists", refused)
    with pytest.raises(RunError, match=r"cannot be read: Permission denied\. Allow reading, or name another run"):
        read_plan(tmp_path)


def test_the_runs_of_a_folder_are_listed_although_one_folder_in_it_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / PLAN).write_text("{}", encoding="utf-8")
    assert [one.name for one in list_runs(tmp_path)] == ["run"]


def test_a_run_of_a_file_with_a_long_name_has_a_shorter_one(tmp_path: Path) -> None:
    # 125 letters of two bytes each are a valid name of a file, but leave no room for a number.
    made = [create_numbered_directory("ö" * 125 + ".csv", tmp_path).name for _ in range(2)]
    assert made == ["ö" * 100 + "-1", "ö" * 100 + "-2"]
