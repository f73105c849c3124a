"""A table that does not fit into the memory limit is trained from disk as in memory."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from executor import train
from executor.components.metric import create_metric
from executor.data.stored_rows import StoredArray
from executor.evaluation.baselines.linear import linear_baseline
from executor.pipeline.encoding.encode_data import encode
from executor.pipeline.prepare import prepare
from executor.preprocessing.encode import encode_hold_out
from executor.runs.files import PREDICTIONS
from executor.runs.plan import read_plan
from executor.runtime.budget import Budget
from executor.runtime.clock import Clock
from executor.search.runners.feeds import row_windows
from recommender import training_cost
from recommender.dataset.dataset import Dataset
from recommender.planning import training_memory
from rules.decision.request import Request
from rules.decision.trace import Pin
from rules.errors import ClusterError
from rules.text.temporary import process_prefix
from rules.vocabulary.choices import Holdout, Slot
from tests.effort import long_test

if TYPE_CHECKING:
    from executor.runs.run import Run

ROWS = 300


@pytest.fixture
def table() -> pl.DataFrame:
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, 3))
    return pl.DataFrame(
        {
            **{f"x{column}": x[:, column] for column in range(3)},
            "kind": random.choice(["a", "b", "c"], ROWS),
            "weight": random.uniform(1, 2, ROWS),
            "y": np.where(x[:, 0] + x[:, 1] > 0, "yes", "no"),
        }
    )


def test_rows_on_disk_are_split_encoded_and_read_by_baselines_as_those_in_memory(
    table: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, budget = Request(target="y", weight="weight"), Budget(trials=1)
    with Dataset.open(table) as first, Dataset.open(table) as second:
        memory = encode(prepare(first, request, budget=budget, directory=tmp_path / "memory"), Clock())
        monkeypatch.setenv("PCWAT_MEMORY", "0.1MB")
        monkeypatch.setattr(training_memory, "MIN_SAMPLE", 100)
        disk = encode(prepare(second, request, budget=budget, directory=tmp_path / "disk"), Clock())
    stored, parts = disk.run.data, disk.parts
    assert (memory.run.plan.streaming, memory.run.data.cache) == (None, None)
    assert disk.run.plan.streaming is not None
    assert read_plan(tmp_path / "disk").streaming == disk.run.plan.streaming
    assert stored.cache is not None
    assert stored.cache.sample == 100
    assert isinstance(parts.train.dense, StoredArray)
    np.testing.assert_array_equal(stored.rows.train, memory.run.data.rows.train)
    np.testing.assert_array_equal(parts.train.target, memory.parts.train.target)
    np.testing.assert_array_equal(np.asarray(parts.train.weight), np.asarray(memory.parts.train.weight))
    # Numbers are scaled by 100 of 240 rows, so their encoding differs, but little; categories are counted on all rows.
    seen, whole = (np.asarray(one.train.dense) for one in (parts, memory.parts))
    assert seen.shape == whole.shape
    np.testing.assert_array_equal(seen[:, -3:], whole[:, -3:])
    assert np.abs(seen[:, :3] - whole[:, :3]).mean() < 0.2
    hold_out = encode_hold_out(stored.table, stored.rows, disk.preprocessing, parts)
    found = linear_baseline(create_metric(disk.run.bundle.metric), parts, hold_out, clock=Clock())
    assert found is not None
    assert found.says == "logistic regression on 100 training rows"
    assert len(found.predictions.outcome) == len(stored.rows.hold_out) == 60
    everything = parts.with_all_rows(hold_out).train
    assert isinstance(everything.dense, StoredArray)
    np.testing.assert_array_equal(np.asarray(everything.dense), np.concatenate([seen, np.asarray(hold_out.dense)]))
    folder = stored.cache.folder
    with stored.cache:
        assert folder.exists()
    assert not folder.exists()


def folders() -> set[Path]:
    return {*Path(tempfile.gettempdir()).glob(f"{process_prefix()}-rows-*")}


@long_test
def test_a_streamed_training_is_that_in_memory_where_rows_have_the_same_order(
    table: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_cost, "EPOCHS", 2)

    def run(name: str) -> Run:
        return train(
            table,
            target="y",
            weight="weight",
            trials=1,
            pins=[Pin(slot=Slot.VALIDATION, choice=Holdout(), reason="one network is faster")],
            report=False,
            directory=tmp_path / name,
        )

    memory = run("memory")
    monkeypatch.setenv("PCWAT_MEMORY", "0.1MB")
    monkeypatch.setattr(row_windows, "window_size", lambda _stored, _batch: ROWS)
    before = folders()
    disk = run("disk")
    assert folders() == before
    assert memory.plan.streaming is None
    assert disk.plan.streaming is not None
    assert disk.plan.streaming.limit == 100_000
    assert disk.plan.streaming.sentence in (tmp_path / "disk" / "log.txt").read_text()
    assert (disk.directory / PREDICTIONS).read_bytes() == (memory.directory / PREDICTIONS).read_bytes()
    assert disk.scores.hold_out == memory.scores.hold_out
    assert disk.scores.validation == memory.scores.validation
    assert disk.scores.baselines["linear"].value == memory.scores.baselines["linear"].value
    assert disk.summary.delivery.rows == ROWS
    assert disk.predict(table.head(3)).equals(memory.predict(table.head(3)))


def test_the_workers_of_a_cluster_do_not_get_rows_that_exceed_the_limit(
    table: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PCWAT_MEMORY", "0.1MB")
    monkeypatch.setattr("executor.pipeline.prepare.parse_cluster", lambda _: None)  # which needs Ray
    with Dataset.open(table) as dataset, pytest.raises(ClusterError, match="Leave out --cluster, or allow more memory"):
        prepare(dataset, Request(target="y"), budget=Budget(trials=1), cluster="local:1", directory=tmp_path / "run")
    assert not (tmp_path / "run").exists()
