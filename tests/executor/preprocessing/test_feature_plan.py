"""The number of random features follows the measured speed and the time limit."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest

from executor.data.raw_table import Form, RawTable
from executor.data.split import Split
from executor.preprocessing import feature_plan
from executor.preprocessing.feature_plan import FeaturePlan, plan_features
from rules.vocabulary.choices import MiniRocket

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
    monkeypatch.setattr(feature_plan, "MAX_CELLS", 14 * 500)
    made = plan(None)
    assert made.used == 500
    assert made.sentence == "MiniRocket: 500 instead of 1,000 features, because more do not fit in memory."
