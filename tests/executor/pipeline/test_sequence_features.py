"""The number of random features is chosen once for a run."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from executor.data.raw_table import Form, RawTable
from executor.data.split import Split
from executor.pipeline.sequence_features import scale_to_time
from executor.preprocessing.feature_plan import FeaturePlan
from executor.runs.files import FEATURES, read_json
from executor.runtime.clock import Clock
from rules.vocabulary.choices import MiniRocket, Standard

if TYPE_CHECKING:
    from pathlib import Path


def run(directory: Path, *, seconds: float | None, architecture: object = None) -> Any:
    """A run of ten training and four hold-out sequences, as far as the number of features depends on it."""
    values = np.random.default_rng(0).normal(size=(14, 30, 1)).astype(np.float32)
    table = RawTable(features={"x": values}, forms={"x": Form.SEQUENCE}, rows=np.arange(14), truth=np.zeros(14))
    rows = Split(train=np.arange(10), validation=np.arange(10), hold_out=np.arange(10, 14), sentence="")
    return SimpleNamespace(
        directory=directory,
        bundle=SimpleNamespace(architecture=architecture or MiniRocket(features=1_000)),
        data=SimpleNamespace(table=table, rows=rows),
        budget=SimpleNamespace(seconds=seconds),
    )


def clock(batch: float) -> Clock:
    """A clock that shows `batch` seconds more at each reading."""
    ticks = count()
    return Clock(now=lambda: batch * next(ticks))


def test_a_resumed_run_keeps_the_number_that_was_measured_when_it_began(tmp_path: Path) -> None:
    slow = scale_to_time(run(tmp_path, seconds=60), clock(10.0))
    assert isinstance(slow, MiniRocket)
    assert 84 <= slow.features < 1_000
    assert read_json(tmp_path / FEATURES, FeaturePlan).used == slow.features
    assert scale_to_time(run(tmp_path, seconds=60), clock(1e-6)) == slow


def test_without_a_limit_the_planned_number_is_used_and_recorded(tmp_path: Path) -> None:
    assert scale_to_time(run(tmp_path, seconds=None), clock(1e9)) == MiniRocket(features=1_000)
    assert read_json(tmp_path / FEATURES, FeaturePlan).used == 1_000


def test_other_networks_have_no_random_features(tmp_path: Path) -> None:
    assert scale_to_time(run(tmp_path, seconds=1, architecture=Standard()), clock(10.0)) == Standard()
    assert not (tmp_path / FEATURES).exists()
