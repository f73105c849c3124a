"""The batches of an epoch: from all rows in memory, or from windows of rows on disk, which tf.data reads ahead.

A window has random blocks of consecutive rows, which are shuffled within it. If all rows are one window, their order is
that of rows in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import tensorflow as tf

from executor.runtime.devices import CPU
from executor.search.runners.feeds.rows import Batch, StoredInput
from recommender.training_cost import steps_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from executor.data.stored_rows import StoredArray
    from executor.search.runners.feeds.rows import Rows

BLOCKS_PER_WINDOW: Final = 64
"""Random blocks of a window: a class that is in one place of a sorted file is in most windows, and blocks are long
enough to read."""
READ_AHEAD: Final = 1  # windows that wait while one trains


class EpochRows:
    """The batches of one epoch, in a random order that a seed determines; the last one is padded."""

    def __init__(self, rows: Rows, seed: list[int], batch: int) -> None:
        self._windows = windows(rows, seed, batch)
        self._columns, self._order = next(self._windows)

    def take(self, steps: int) -> tuple[Batch, np.ndarray]:
        """At least one and at most `steps` of the next batches: rows, and the indices in them, (steps, batch) int32."""
        if not len(self._order):
            self._columns, self._order = next(self._windows)
        now, self._order = np.split(self._order, [steps])
        return self._columns, now


def windows(rows: Rows, seed: list[int], batch: int) -> Iterator[tuple[Batch, np.ndarray]]:
    """Rows, and the indices in them of each batch, (steps, batch) int32; in memory all rows at once."""
    stored = {name: values.values for name, values in rows.inputs.items() if isinstance(values, StoredInput)}
    if not stored:
        yield rows.columns, shuffle_rows(seed, len(rows), batch)
        return
    size = window_size(stored, batch)
    order = BlockOrder(len(rows), size, seed)
    names = [*stored]
    others = [np.asarray(values) for values in (rows.target, rows.offset, rows.weight, rows.fold)]

    def read(number: np.ndarray) -> list[np.ndarray]:
        chosen = order.window(int(number))
        return [*(stored[name].read(chosen) for name in names), *(values[chosen] for values in others)]

    kinds = [tf.as_dtype(kind) for kind in (*(own.dtype for own in stored.values()), *(own.dtype for own in others))]
    with tf.device(CPU.name):  # not around a yield: scopes would not be nested
        every = tf.data.Dataset.range(len(order)).map(
            lambda number: tf.numpy_function(read, [number], kinds), num_parallel_calls=1
        )
        ahead = iter(every.prefetch(READ_AHEAD))
    for number, tensors in enumerate(ahead):
        target, offset, weight, fold = tensors[len(names) :]
        inputs = dict(zip(names, tensors, strict=False))
        own = seed if len(order) == 1 else [*seed, number]
        window = Batch(inputs=inputs, target=target, offset=offset, weight=weight, fold=fold)
        yield window, shuffle_rows(own, int(target.shape[0]), batch)


def window_size(stored: dict[str, StoredArray], batch: int) -> int:
    """Rows of a window: whole batches that fit into the bytes of a window, at least one."""
    fitting = min(values.cache.rows_of(sum(own.row_bytes for own in stored.values())) for values in stored.values())
    return batch * max(1, fitting // batch)


class BlockOrder:
    """Windows of rows: consecutive blocks in a random order, cut where a window is full.

    size: rows of a window; the last one may have fewer.
    """

    def __init__(self, rows: int, size: int, seed: list[int]) -> None:
        self._rows, self._size = rows, size
        self._block = rows if rows <= size else max(1, size // BLOCKS_PER_WINDOW)
        self._order = np.random.default_rng(seed).permutation(steps_of(rows, self._block))
        ends = np.minimum((self._order + 1) * self._block, rows)
        self._ends = np.cumsum(ends - self._order * self._block)

    def __len__(self) -> int:
        """Number of windows."""
        return steps_of(self._rows, self._size)

    def window(self, number: int) -> np.ndarray:
        """Rows of a window, (n,) int64."""
        first, last = number * self._size, min((number + 1) * self._size, self._rows)
        begin, end = np.searchsorted(self._ends, [first, last - 1], side="right")
        blocks = [
            np.arange(start, min(start + self._block, self._rows))
            for start in (self._order[begin : end + 1] * self._block).tolist()
        ]
        before = int(self._ends[begin - 1]) if begin else 0
        return np.concatenate(blocks)[first - before : last - before]


def shuffle_rows(seed: list[int], rows: int, batch: int) -> np.ndarray:
    """Shuffle the rows of an epoch, (steps, batch) int32; the last batch is padded from the first."""
    order = np.random.default_rng(seed).permutation(rows).astype(np.int32)
    return np.resize(order, (steps_of(rows, batch), batch))
