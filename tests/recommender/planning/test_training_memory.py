"""Rows are streamed where they exceed the memory limit, and then need bounded memory."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from recommender.planning.stages import PROCESS_BYTES
from recommender.planning.training_memory import Streaming, plan_streaming
from rules.vocabulary.choices import Standard
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Task

GIB = 2**30


def dataset(*kinds: Kind, task: Task = Task.BINARY, distinct: int = 80) -> tuple[Any, Any]:
    """Roles and profile of a table of some columns, each with a number of distinct values."""
    names = [f"x{number}" for number in range(len(kinds))]
    roles = SimpleNamespace(
        features=names,
        task=task,
        columns={name: SimpleNamespace(kind=kind) for name, kind in zip(names, kinds, strict=True)},
    )
    return roles, SimpleNamespace(columns=[SimpleNamespace(column=name, distinct=distinct) for name in names])


def test_rows_are_streamed_from_the_size_that_exceeds_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    roles, profile = dataset(Kind.NUMERIC, Kind.ORDINAL, Kind.CATEGORICAL)
    # 3 raw values of 8 bytes; encoded are 1 + 4 bins, 1, and 50 of 80 categories: 56 values of 4 bytes, four times.
    needed = 1_000 * (3 * 8 + 56 * 4 * 4)
    monkeypatch.setenv("PCWAT_MEMORY", f"{needed / 1e6}MB")
    assert plan_streaming(roles, profile, Standard(bins=4), rows=1_000) is None
    found = plan_streaming(roles, profile, Standard(bins=4), rows=1_001)
    assert found is not None
    assert found.limit == pytest.approx(needed, abs=2e6 * 1e-6)
    assert found.needed == 1_001 * 920


@pytest.mark.parametrize(
    ("kinds", "task"),
    [((Kind.TEXT,), Task.BINARY), ((Kind.NUMERIC, Kind.IMAGE), Task.BINARY), ((Kind.NUMERIC,), Task.FORECASTING)],
)
def test_texts_images_and_forecasts_are_not_streamed(
    kinds: tuple[Kind, ...], task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PCWAT_MEMORY", "1MB")
    assert plan_streaming(*dataset(*kinds, task=task), Standard(), rows=10**9) is None


def test_a_table_of_20_gb_trains_within_4_gib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PCWAT_MEMORY", "800MB")
    rows = 10_000_000  # of 250 doubles
    found = plan_streaming(*dataset(*[Kind.NUMERIC] * 250), Standard(bins=16), rows=rows)
    assert found is not None
    assert rows * 250 * 8 == 20 * 10**9
    assert PROCESS_BYTES + found.peak(rows) < 4 * GIB
    assert found.sample > 5_000


def test_windows_and_samples_are_shares_of_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PCWAT_MEMORY", "64MB")
    found = Streaming(needed=1, limit=24_000, sample=10)
    assert (found.window, found.outputs) == (1_000, 6_000)
    assert found.peak(100) == 64_000_000 + 18_000 + 16_000
    assert "in memory they need about 0 KiB, more than the limit of 23 KiB" in found.sentence
