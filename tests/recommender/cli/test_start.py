"""The entry point of `recommend`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from recommender.cli.start import name_conflict

START = [sys.executable, "-c", "from recommender.cli.start import main; main()", "--help"]
OURS = str(Path(__file__).parents[3])


def test_the_packages_of_pcwat_are_no_conflict() -> None:
    assert name_conflict() == ""


@pytest.mark.parametrize("name", ["rules", "executor"])
def test_a_package_of_another_distribution_is_one_line_and_its_code_does_not_run(name: str, tmp_path: Path) -> None:
    package = tmp_path / name
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemError('imported')\n", encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), OURS])
    done = subprocess.run(
        START, env=os.environ | {"PYTHONPATH": path}, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"Error: The Python package '{name}' must belong to pcwat, but {package / '__init__.py'} belongs to another "
        "distribution. Install pcwat in a virtual environment of its own.\n"
    )
