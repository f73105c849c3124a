"""A grid search that SIGKILL ends within a stack finishes all its combinations."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from executor.preprocessing.examples import Examples, Parts
from executor.runtime.budget import Budget
from executor.search.search import search
from recommender import training_cost as speed
from rules.vocabulary.bundle import Bundle
from rules.vocabulary.choices import Accuracy, Adam, BinaryCrossentropy, Grid, He, MostSensitive, Relu
from rules.vocabulary.facts import Task
from tests.effort import long_test

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.search.progress import RoundProgress
    from executor.search.records.trials import Trials

SEARCH = """
import os, signal, sys

from executor.runtime.tensorflow_import import quiet_tensorflow

quiet_tensorflow()

from tests.executor.pipeline.test_killed_search import search_grid


def progress(now):
    if (now.done, now.epoch) == (3, 1):
        os.kill(os.getpid(), signal.SIGKILL)


search_grid(sys.argv[1], progress)
"""


def search_grid(directory: str | Path, progress: Callable[[RoundProgress], None]) -> Trials:
    """A search of nine combinations, three at once, for two epochs."""
    dense = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    target = (dense[:, :1] > 0).astype(np.float32)
    rows = Examples(
        dense=dense,
        codes=np.zeros((100, 0), np.int32),
        target=target,
        offset=0 * target,
        raw_target=target[:, 0].astype(np.int64),
    )
    parts = Parts(
        task=Task.BINARY,
        train=rows.take(np.arange(80)),
        validation=rows.take(np.arange(80, 100)),
        vocabulary=0,
        outputs=1,
        rare_class=1,
        target_mean=np.zeros(1),
        target_scale=np.ones(1),
    )
    bundle = Bundle(
        activation=Relu(),
        metric=Accuracy(),
        loss=BinaryCrossentropy(),
        initializer=He(),
        optimizer=Adam(),
        hyperparameters=MostSensitive(),
        tuner=Grid(),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speed, "EPOCHS", 2)
        return search(
            bundle, parts, budget=Budget(trials=9), seed=0, directory=Path(directory), at_once=3, progress=progress
        )


@long_test
def test_a_killed_grid_finishes_all_its_combinations_without_repeating_a_trial(tmp_path: Path) -> None:
    def journal() -> list[dict[str, object]]:
        return [json.loads(line) for line in (tmp_path / "trials.jsonl").read_text().splitlines()]

    root = Path(__file__).parents[3]
    killed = subprocess.run(
        [sys.executable, "-c", SEARCH, tmp_path],
        cwd=root,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [line["number"] for line in journal()] == [0, 1, 2]

    seen: list[int] = []
    trials = search_grid(tmp_path, lambda now: seen.append(now.done))
    assert trials.stopped_by in {"trials", "exhausted"}
    assert len(trials.ranked) == 9
    assert [line["number"] for line in journal()] == list(range(9))
    assert len({str(line["hyperparameters"]) for line in journal()}) == 9
    assert list(dict.fromkeys(seen)) == [3, 6]  # the finished stack is not run again
