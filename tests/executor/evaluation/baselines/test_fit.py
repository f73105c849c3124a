"""Baselines on the workers of a cluster are those of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from executor.data.raw_table import Form, RawTable
from executor.evaluation.baselines import fit
from executor.evaluation.baselines.fit import BaselineRows, fit_baselines
from executor.runtime.clock import Clock
from recommender.time_plan import TimePlan
from rules.vocabulary.choices import Accuracy
from rules.vocabulary.facts import Task
from tests.executor.search.cluster.conftest import CopyingPool

if TYPE_CHECKING:
    from tests.executor.conftest import MakeParts


@pytest.fixture
def rows(make_parts: MakeParts) -> BaselineRows:
    """60 rows of a number and a text."""
    random = np.random.default_rng(0)
    numbers = random.normal(size=(60, 1))
    texts = np.where(numbers[:, 0] + random.normal(size=60) > 0, "a good day", "a bad night").astype(object)
    parts = make_parts(numbers, numbers > 0, task=Task.BINARY)
    forms = {"x": Form.NUMBER, "t": Form.TEXT}
    table = RawTable(features={"x": numbers[:, 0], "t": texts}, forms=forms, rows=np.arange(60))
    train, count = table.take(np.arange(len(parts.train))), len(parts.train)
    validation = table.take(np.arange(count, 60))
    own = {"hold_out": validation, "encoded": parts.validation}
    return BaselineRows(metric=Accuracy(), parts=parts, train=train, validation=validation, **own)


def test_baselines_on_a_cluster_equal_those_of_this_process_to_the_bit(
    rows: BaselineRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = CopyingPool()
    here = fit_baselines(rows, Clock(), pool=pool)
    assert pool.ran == []  # they are few
    monkeypatch.setattr(fit, "MIN_CELLS", len(rows.train) * 101)
    there = fit_baselines(rows, Clock(), pool=pool)
    assert len(pool.ran) == 2
    for one, two in zip(here, there, strict=True):
        assert one is not None
        assert two is not None
        assert (one.name, one.says) == (two.name, two.says)
        np.testing.assert_array_equal(one.predictions.outcome, two.predictions.outcome)
        np.testing.assert_array_equal(one.predictions.decided, two.predictions.decided)


def test_where_workers_are_lost_this_process_fits_the_baselines(
    rows: BaselineRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "MIN_CELLS", 0)
    for pool in (CopyingPool(lost=(1,)), CopyingPool(workers=0)):
        there = fit_baselines(rows, Clock(), pool=pool)
        assert [one.name for one in there if one is not None] == ["TF-IDF", "gradient boosting"]


def test_baselines_that_take_most_of_the_time_that_is_left_are_cancelled(
    rows: BaselineRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "MIN_CELLS", 0)
    monkeypatch.setattr(fit, "POOL_SHARE", -1.0)
    clock = Clock(TimePlan(limit=10.0), now=lambda: 1.0, start=0.0)
    assert fit_baselines(rows, clock, pool=CopyingPool()) == [None, None]
