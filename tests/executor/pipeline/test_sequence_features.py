"""The number of random features follows the measured speed and the time limit, and is chosen once for a run."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from executor.data.raw_table import Form, RawTable
from executor.data.split import Split
from executor.pipeline.encoding import sequence_features
from executor.pipeline.encoding.sequence_features import plan_features, scale_to_time
from executor.runs.feature_plan import FeaturePlan
from executor.runs.files import FEATURES, read_json
from executor.runtime.clock import Clock
from rules.vocabulary.choices import MiniRocket, Standard

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 20
VALUES = np.random.default_rng(0).normal(size=(ROWS, 30, 1)).astype(np.float32)
TABLE = RawTable(features={"x": VALUES}, forms={"x": Form.SEQUENCE}, rows=np.arange(ROWS), truth=np.zeros(ROWS))
SPLIT = Split(train=np.arange(10), validation=np.arange(10, 14), hold_out=np.arange(14, 20), sentence="")
SHARE = 0.1  # of the time limit
ENCODINGS = 10 + 10 + 4 + 3 * 6  # fitted, training, validation, and the hold-out three times


def plan(seconds: float | None, *, batch: float = 1.0) -> FeaturePlan:
    """A plan where ten training rows are encoded in `batch` seconds."""
    ticks = count()
    return plan_features(TABLE, SPLIT, MiniRocket(features=1_000), seconds=seconds, now=lambda: batch * next(ticks))


def test_enough_time_leaves_the_planned_features() -> None:
    enough = ENCODINGS * 0.1 / SHARE
    assert plan(enough) == FeaturePlan(
        planned=1_000, used=1_000, encodings=ENCODINGS, row_seconds=0.1, allowed_seconds=SHARE * enough
    )


@pytest.mark.parametrize(("share", "used"), [(0.5, 500), (0.25, 250), (0.01, 84)])
def test_less_time_takes_a_share_of_the_features(share: float, used: int) -> None:
    made = plan(share * ENCODINGS * 0.1 / SHARE)
    assert made.used == pytest.approx(used, abs=1)
    assert f"{made.used} instead of 1,000 features" in made.sentence
    assert "need about 4.2 s for 42 encodings of a row" in made.sentence


def test_of_disturbed_measurements_the_fastest_counts() -> None:
    readings = iter([0.0, 9.0, 9.0, 10.0])  # 9 s, then 1 s for ten rows
    made = plan_features(TABLE, SPLIT, MiniRocket(), seconds=ENCODINGS * 0.1 / SHARE, now=lambda: next(readings))
    assert (made.used, made.row_seconds) == (10_000, 0.1)


def test_without_a_time_limit_nothing_is_measured() -> None:
    made = plan(None, batch=1e9)
    assert (made.used, made.row_seconds) == (1_000, None)


def test_features_fit_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence_features, "MAX_CELLS", 14 * 500)
    made = plan(None)
    assert made.used == 500
    assert made.sentence == "MiniRocket: 500 instead of 1,000 features, because more do not fit in memory."


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
