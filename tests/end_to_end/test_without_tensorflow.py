"""All but training works in an environment without TensorFlow, Keras and keras-tuner."""

from __future__ import annotations

import json
import subprocess
import sysconfig
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest
from pyarrow import csv

from recommender.examples import example

if TYPE_CHECKING:
    from executor.runs.run import Run

ROOT: Final = Path(__file__).parents[2]
LEFT_OUT: Final = ("tensorflow", "keras", "__editable__")  # what starts with them, such as keras_tuner
EXAMPLE: Final = str(example("breast_cancer"))
MISSING: Final = "Training, and predicting with a run, need TensorFlow, which is not installed."
SCRIPT: Final = """
import contextlib, io, json, sys
import executor
from recommender.cli.main import group
from rules.errors import PcwatError

def ran(arguments):
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)  # predictions are written as bytes
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        error = message(lambda: group(arguments, prog_name="recommend", standalone_mode=False) or "")
    return error or output.buffer.getvalue().decode("utf-8")

def message(call):
    try:
        return str(call())
    except PcwatError as error:
        return str(error)

commands, run, rows = json.load(sys.stdin)
found = [ran(command) for command in commands]
calls = [message(lambda: executor.train), message(lambda: executor.Run(run).predict(rows))]
assert not any(name.partition(".")[0] in {"tensorflow", "keras", "keras_tuner"} for name in sys.modules)
print(json.dumps([found, calls]))
"""


@pytest.fixture(scope="session")
def light_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of a virtual environment with links to all installed packages but those left out."""
    folder = tmp_path_factory.mktemp("light")
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(LEFT_OUT):
            (packages / entry.name).symlink_to(entry)
    return folder / "bin" / "python"


def test_only_training_needs_tensorflow(light_python: Path, cancer_run: Run, tmp_path: Path) -> None:
    run, exported, out = str(cancer_run.directory), str(tmp_path / "exported"), tmp_path / "out.csv"
    cancer_run.export(to="numpy", directory=exported)
    works = {
        (EXAMPLE, "--target", "diagnosis"): "roc_auc",
        ("rules", "show", "A101"): "A101",
        ("rules", "check"): "Proved",
        ("audit", "explain", run, "optimizer"): "optimizer",
        ("audit", "verify", run): "intact",
        ("report", run, "-o", str(tmp_path / "report.html")): "report.html",
        ("runs", str(cancer_run.directory.parent)): "cancer",
        ("predict", exported, EXAMPLE, "-o", str(out)): "569 predictions",
    }
    refused = [
        ("train", EXAMPLE, "--target", "diagnosis"),
        ("predict", run, EXAMPLE),
        ("export", run, "--to", "numpy", "-o", str(tmp_path / "again")),
        ("rules", "measure", "A101", "--corpus", "."),
    ]
    ran = subprocess.run(
        [light_python, "-c", SCRIPT],
        input=json.dumps([[*works, *refused], run, EXAMPLE]),
        env={"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found, calls = json.loads(ran.stdout)
    for (command, part), output in zip(works.items(), found, strict=False):
        assert part in output, command
    assert all(output.startswith(MISSING) for output in [*found[len(works) :], *calls])
    again, expected = csv.read_csv(out), cancer_run.predict(EXAMPLE)
    assert again.column_names == expected.column_names
    for name in expected.column_names[1:]:
        np.testing.assert_allclose(again[name], expected[name], atol=1e-5)
