"""A grid search that SIGKILL ends within a stack, and then between two, finishes all its combinations."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SEARCH = """
import importlib
import os, signal, sys
from pathlib import Path

from executor.runtime.tensorflow_import import quiet_tensorflow

quiet_tensorflow()

import numpy as np

from executor.runtime.budget import Budget
from recommender import training_cost as speed
from executor.preprocessing.examples import Examples, Parts
from rules.vocabulary.bundle import Bundle
from rules.vocabulary.choices import Accuracy, Adam, BinaryCrossentropy, Grid, He, MostSensitive, Relu
from rules.vocabulary.facts import Task

module = importlib.import_module("executor.search.search")
speed.EPOCHS = 2
directory, deed = Path(sys.argv[1]), sys.argv[2]


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def progress(now):
    with (directory / "started").open("a") as file:
        file.write(f"{now.done} {now.epoch}\\n")
    if deed == "within" and (now.done, now.epoch) == (3, 1):
        die()


append = module.Journal.append


def appended(journal, outcomes):
    append(journal, outcomes)
    if deed == "between" and outcomes[-1].number == 5:
        die()


module.Journal.append = appended
dense = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
target = (dense[:, :1] > 0).astype(np.float32)
rows = Examples(
    dense=dense, codes=np.zeros((100, 0), np.int32), target=target, offset=0 * target,
    raw_target=target[:, 0].astype(np.int64),
)
parts = Parts(
    task=Task.BINARY, train=rows.take(np.arange(80)), validation=rows.take(np.arange(80, 100)), vocabulary=0,
    outputs=1, rare_class=1, target_mean=np.zeros(1), target_scale=np.ones(1),
)
bundle = Bundle(
    activation=Relu(), metric=Accuracy(), loss=BinaryCrossentropy(), initializer=He(), optimizer=Adam(),
    hyperparameters=MostSensitive(), tuner=Grid(),
)
trials = module.search(bundle, parts, budget=Budget(trials=9), seed=0, directory=directory, at_once=3,
    progress=progress,
)
print(trials.stopped_by, len(trials.ranked))
"""


@pytest.fixture
def search(tmp_path: Path):  # noqa: ANN201 - a function that runs the search until it ends or kills itself
    script = tmp_path / "search.py"
    script.write_text(SEARCH)
    root = Path(__file__).parents[3]

    def run(deed: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, script, tmp_path, deed],
            cwd=root,
            env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_killed_grid_finishes_all_its_combinations_without_repeating_a_trial(search, tmp_path: Path) -> None:
    def journal() -> list[dict[str, object]]:
        return [json.loads(line) for line in (tmp_path / "trials.jsonl").read_text().splitlines()]

    assert search("within").returncode == -signal.SIGKILL
    assert [line["number"] for line in journal()] == [0, 1, 2]
    assert search("between").returncode == -signal.SIGKILL
    assert [line["number"] for line in journal()] == [0, 1, 2, 3, 4, 5]

    last = search("nothing")
    assert last.returncode == 0, last.stderr
    assert last.stdout.split() in (["trials", "9"], ["exhausted", "9"])
    assert last.stderr == ""
    assert [line["number"] for line in journal()] == list(range(9))
    assert len({str(line["hyperparameters"]) for line in journal()}) == 9

    # Only the stack that was killed within started twice; a finished one never did.
    first_epochs = [line.split()[0] for line in (tmp_path / "started").read_text().splitlines() if line.endswith(" 1")]
    assert first_epochs == ["0", "3", "3", "6"]
