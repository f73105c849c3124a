"""Memory limit of DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recommender.dataset import memory
from recommender.dataset.dataset import Dataset
from recommender.examples import example
from rules.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path


def test_the_environment_variable_is_the_limit_of_duckdb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PCWAT_MEMORY", "1.5 gib")
    assert memory.memory_limit() == 1_610_612_736
    with Dataset.open(example("wine")) as dataset:
        assert dataset.connection.execute("SELECT current_setting('memory_limit')").fetchall() == [("1.5 GiB",)]
    for wrong in ("2", "much", "0GB", "-1GB"):
        monkeypatch.setenv("PCWAT_MEMORY", wrong)
        with pytest.raises(DatasetError, match=r"PCWAT_MEMORY must be a size such as 500MB or 2GB, but is '"):
            memory.memory_limit()


def test_a_small_container_halves_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "CGROUPS", (str(limit), str(tmp_path / "absent")))
    monkeypatch.delenv("PCWAT_MEMORY", raising=False)
    limit.write_text("1000000000\n")
    assert memory.memory_limit() == 500_000_000
    limit.write_text("max\n")
    assert memory.memory_limit() == min(700_000_000, memory.available_memory() // 2)


def test_half_of_the_free_memory_is_for_the_rows_of_a_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PCWAT_MEMORY", raising=False)
    free, limit, used = (tmp_path / name for name in ("meminfo", "memory.max", "memory.current"))
    free.write_text("MemTotal: 9000000 kB\nMemAvailable: 1000000 kB\n")
    monkeypatch.setattr(memory, "FREE", str(free))
    monkeypatch.setattr(memory, "CGROUPS", (str(limit),))
    monkeypatch.setattr(memory, "CGROUPS_USED", (str(used),))
    assert memory.training_limit() == 512_000_000
    limit.write_text("900000000")
    used.write_text("300000000")
    assert memory.training_limit() == 300_000_000
    monkeypatch.setenv("PCWAT_MEMORY", "10MB")
    assert memory.training_limit() == 10_000_000
    assert memory.memory_limit() == 64_000_000  # with less, DuckDB does not work
