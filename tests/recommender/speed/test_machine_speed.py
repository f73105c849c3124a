"""The measured speed of the machine, kept in a cache directory."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from recommender.speed import machine_speed
from recommender.speed.machine_speed import known_slowdown, remember_slowdown

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PCWAT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_speed_is_known_once_it_was_measured_and_later_ones_are_averaged(cache: Path) -> None:
    assert known_slowdown() is None
    remember_slowdown(2.0)
    assert known_slowdown() == 2.0
    remember_slowdown(8.0)
    assert known_slowdown() == 4.0  # the geometric mean
    assert [path.name for path in cache.iterdir()] == ["speed.json"]


def test_another_number_of_cores_has_a_speed_of_its_own(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remember_slowdown(2.0)
    monkeypatch.setattr(machine_speed, "usable_cores", lambda: 77)
    assert known_slowdown() is None
    remember_slowdown(3.0)
    assert sorted(json.loads((cache / "speed.json").read_text()).values()) == [2.0, 3.0]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', "null", "\udcff"])
def test_a_damaged_file_is_ignored_and_replaced(cache: Path, text: str) -> None:
    cache.mkdir()
    (cache / "speed.json").write_bytes(text.encode(errors="surrogateescape"))
    assert known_slowdown() is None
    remember_slowdown(2.0)
    assert known_slowdown() == 2.0


@pytest.mark.parametrize("value", [0.0, -1.0, 1e9, float("nan"), float("inf")])
def test_an_implausible_speed_is_not_kept(cache: Path, value: float) -> None:
    remember_slowdown(value)
    assert not cache.exists()


def test_without_a_cache_directory_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PCWAT_CACHE", os.devnull)
    remember_slowdown(2.0)
    assert known_slowdown() is None


def test_the_users_cache_directory_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PCWAT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    remember_slowdown(2.0)
    assert (tmp_path / "pcwat" / "speed.json").exists()
