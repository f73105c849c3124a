"""Windows of rows on disk have each row once, in bounded memory; a single window has the order of rows in memory."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from executor.data.stored_rows import RowCache
from executor.search.runners.feeds.row_windows import BlockOrder, EpochRows
from executor.search.runners.feeds.rows import gather, to_device

if TYPE_CHECKING:
    from collections.abc import Iterator

    from executor.preprocessing.examples import Examples, Parts

BATCH = 32


@pytest.fixture
def examples(breast_cancer: Parts) -> Examples:
    train = breast_cancer.train
    return replace(train, codes=np.arange(2 * len(train), dtype=np.int32).reshape(-1, 2))


def stored(examples: Examples, window: int) -> Examples:
    cache = RowCache(window=window, sample=100, outputs=1_000)
    dense, codes = cache.write(len(examples), [(np.asarray(examples.dense), np.asarray(examples.codes))])
    return replace(examples, dense=dense, codes=codes)


def batches(examples: Examples, seed: list[int]) -> Iterator[dict[str, np.ndarray]]:
    """The batches of an epoch, 3 steps at a time."""
    weight = np.arange(len(examples), dtype=np.float32)
    feed, left = EpochRows(to_device(examples, weight), seed, BATCH), -(-len(examples) // BATCH)
    while left:
        rows, order = feed.take(3)
        left -= len(order)
        for step in order:
            batch = gather(rows, step)
            columns = {**batch.inputs, "target": batch.target, "weight": batch.weight, "fold": batch.fold}
            yield {name: values.numpy() for name, values in columns.items()}


def test_the_batches_of_one_window_are_those_of_rows_in_memory_to_the_bit(examples: Examples) -> None:
    for seed in ([0, 0], [0, 1]):
        pairs = zip(batches(examples, seed), batches(stored(examples, 10**6), seed), strict=True)
        for memory, disk in pairs:
            assert memory.keys() == disk.keys()
            for name, values in memory.items():
                np.testing.assert_array_equal(disk[name], values)


def test_the_batches_of_several_windows_have_each_row_once_in_an_order_that_the_seed_determines(
    examples: Examples,
) -> None:
    own = stored(examples, 100 * (30 * 4 + 2 * 4))  # 100 rows of 30 features and 2 codes: 96 rows are 3 batches
    first, again, other = (list(batches(own, seed)) for seed in ([0, 0], [0, 0], [0, 1]))
    orders = [np.concatenate([one["weight"] for one in found]) for found in (first, again, other)]
    assert len(first) == 15  # 455 rows
    assert {*orders[0].tolist()} == {*range(455)}
    np.testing.assert_array_equal(orders[0], orders[1])
    assert orders[0].tolist() != orders[2].tolist()
    for batch in first:
        rows = batch["weight"].astype(int)
        np.testing.assert_array_equal(batch["dense"], np.asarray(examples.dense)[rows])
        np.testing.assert_array_equal(batch["codes"][:, 0], 2 * rows)
        np.testing.assert_array_equal(batch["target"], examples.target[rows])


@pytest.mark.parametrize(("rows", "size"), [(10, 10), (455, 96), (1_000, 64), (1_001, 640), (7, 2)])
def test_windows_are_full_but_the_last_one_and_cover_all_rows(rows: int, size: int) -> None:
    order = BlockOrder(rows, size, [0])
    windows = [order.window(number) for number in range(len(order))]
    assert [len(window) for window in windows[:-1]] == [size] * (rows // size - (rows % size == 0))
    assert sorted(np.concatenate(windows).tolist()) == list(range(rows))


def test_an_epoch_needs_the_memory_of_a_few_windows(examples: Examples) -> None:
    many = replace(
        stored(replace(examples, dense=np.zeros((455, 2_000), np.float32)), 200_000), fold=None
    )  # 3.6 MB in windows of at most 0.2 MB
    rows = to_device(many)
    feed = EpochRows(rows, [0, 0], 8)
    tracemalloc.start()
    for _ in range(-(-455 // 8)):
        feed.take(1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * 200_000
