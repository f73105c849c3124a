"""Rows on disk equal rows in memory, and are removed."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from executor.data.raw_table import Form
from executor.data.read_rows import read_rows
from executor.data.stored_rows import RowCache, StoredArray, StoredColumns
from recommender.dataset.dataset import Dataset
from recommender.roles.infer import infer_roles
from rules.decision.request import Request
from rules.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROWS = 90
WINDOW = 400  # bytes: 50 numbers


@pytest.fixture
def cache() -> Iterator[RowCache]:
    with RowCache(window=WINDOW, sample=30, outputs=1_000) as opened:
        yield opened


def numbers(cache: RowCache, rows: int = 60) -> tuple[StoredArray, np.ndarray]:
    values = np.arange(2.0 * rows, dtype=np.float32).reshape(rows, 2)
    return cache.write(rows, ([values[start : start + 7]] for start in range(0, rows, 7)))[0], values


def test_columns_on_disk_have_the_values_of_columns_in_memory(cache: RowCache) -> None:
    frame = pl.DataFrame(
        {
            "x": [None if row % 9 == 0 else row / 7 for row in range(ROWS)],
            "word": [None if row % 8 == 0 else f"w{row % 5}" for row in range(ROWS)],
            "group": [f"g{row % 12}" for row in range(ROWS)],
            "day": pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 3, 30), eager=True),
            "y": [row % 2 for row in range(ROWS)],
        }
    )
    request = Request(target="y", entity="group")
    with Dataset.open(frame) as dataset:
        roles = infer_roles(dataset, request)
        memory, disk = read_rows(dataset, roles), read_rows(dataset, roles, cache)
    assert isinstance(disk.features, StoredColumns)
    assert disk.forms == memory.forms
    assert {*disk.forms.values()} == {Form.NUMBER, Form.LEVEL, Form.TIME}
    some = np.array([3, 80, 7])
    many = np.arange(ROWS) % 4 > 0
    for name, values in memory.features.items():
        np.testing.assert_array_equal(disk.features[name], values)
        np.testing.assert_array_equal(disk.take(some).features[name], values[some])
        np.testing.assert_array_equal(disk.take(many).features[name], values[many])
        np.testing.assert_array_equal(disk.take(many).take(some[::2]).features[name], values[many][some[::2]])
    np.testing.assert_array_equal(np.asarray(disk.entity), np.asarray(memory.entity))
    joined = np.concatenate([part.features["x"] for _, part in disk.parts()])
    np.testing.assert_array_equal(joined, memory.features["x"])
    assert [rows.stop - rows.start for rows, _ in disk.parts(5)][:2] == [15, 15]  # 16 rows of 24 bytes fit


def test_few_rows_are_read_and_many_are_selected(cache: RowCache) -> None:
    stored, values = numbers(cache)
    few, many = stored[10:40], stored[np.arange(59, -1, -1)]
    assert isinstance(few, np.ndarray)
    assert isinstance(many, StoredArray)
    np.testing.assert_array_equal(few, values[10:40])
    np.testing.assert_array_equal(many.read(np.array([0, 2])), values[[59, 57]])
    np.testing.assert_array_equal(np.asarray(many), values[::-1])
    np.testing.assert_array_equal(np.asarray(many.joined(values[:3])), np.concatenate([values[::-1], values[:3]]))


def test_the_folder_is_removed_when_it_is_closed_after_an_error_and_when_it_is_no_longer_used() -> None:
    folders = []

    def stop() -> None:
        with RowCache(window=WINDOW, sample=30, outputs=1_000) as cache:
            numbers(cache)
            folders.append(cache.folder)
            assert folders[0].exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    forgotten = RowCache(window=WINDOW, sample=30, outputs=1_000)
    folders.append(forgotten.folder)
    del forgotten
    assert not any(folder.exists() for folder in folders)


def test_a_full_disk_is_reported_with_its_remedy(cache: RowCache) -> None:
    def parts() -> Iterator[Sequence[np.ndarray]]:
        yield [np.zeros(3)]
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(TrainingError, match=r"failed: No space left on device. Free space, let TMPDIR"):
        cache.write(6, parts())
