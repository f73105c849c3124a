"""Rows on disk: columns of a table, and encoded rows, in .npy files that are read in parts."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from recommender.dataset.memory import VARIABLE
from recommender.planning.training_memory import NUMBER_BYTES
from rules.errors import TrainingError
from rules.text.temporary import process_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class RowCache:
    """A temporary folder of arrays, removed when it is closed, when it is no longer used, or when the process ends.

    window: bytes of rows that are read at once. sample: rows on which encoders and baselines are fitted. outputs: bytes
    of outputs of networks for these rows.
    """

    def __init__(self, *, window: int, sample: int, outputs: int) -> None:
        self.window = window
        self.sample = sample
        self.outputs = outputs
        self.folder = Path(tempfile.mkdtemp(prefix=f"{process_prefix()}-rows-"))
        self._remove = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        self._count = 0

    def write(self, rows: int, parts: Iterable[Sequence[np.ndarray]]) -> list[StoredArray]:
        """Write several arrays of one number of rows at once; parts: consecutive rows of each of them.

        Raises TrainingError if the disk is full.
        """
        found: list[StoredArray] = []
        with ExitStack() as opened:
            try:
                for part in parts:
                    if not found:
                        found = [self._create((rows, *array.shape[1:]), array.dtype) for array in part]
                        files = [opened.enter_context(one.path.open("wb")) for one in found]
                        for file, one in zip(files, found, strict=True):
                            header = {"descr": one.dtype.str, "fortran_order": False, "shape": one.shape}
                            np.lib.format.write_array_header_1_0(file, header)
                    for file, array in zip(files, part, strict=True):
                        file.write(np.ascontiguousarray(array).data)
                opened.close()
            except OSError as error:
                raise TrainingError(
                    f"Rows that do not fit into memory are written to {self.folder.parent}, but that failed: "
                    f"{error.strerror}. Free space, let TMPDIR name a folder of a larger disk, or allow more memory by "
                    f"{VARIABLE}."
                ) from None
        return found

    def _create(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> StoredArray:
        self._count += 1
        return StoredArray(path=self.folder / f"{self._count}.npy", stored=shape, dtype=dtype, cache=self)

    def rows_of(self, row_bytes: int) -> int:
        """Number of rows that are read at once, of some size."""
        return max(1, self.window // max(1, row_bytes))

    def close(self) -> None:
        """Remove the folder."""
        self._remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredArray:
    """Rows of an array on disk; numpy.asarray reads them."""

    path: Path
    stored: tuple[int, ...]
    """Shape of the array in the file."""
    dtype: np.dtype[Any]
    cache: RowCache
    rows: np.ndarray | None = None
    """Indices of the rows in the file; None for all."""

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self.stored[1:])

    @property
    def ndim(self) -> int:
        return len(self.stored)

    @property
    def row_bytes(self) -> int:
        return self.dtype.itemsize * int(np.prod(self.stored[1:]))

    def __len__(self) -> int:
        return self.stored[0] if self.rows is None else len(self.rows)

    def __getitem__(self, rows: slice | np.ndarray) -> StoredArray | np.ndarray:
        """Select rows: those that fit into a window are read, of more only their indices are kept."""
        own = select(len(self), self.rows, rows)
        chosen = StoredArray(path=self.path, stored=self.stored, dtype=self.dtype, cache=self.cache, rows=own)
        return np.asarray(chosen) if len(chosen) <= self.cache.rows_of(self.row_bytes) else chosen

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Read rows by their indices."""
        # Mapped for this call only: mapped pages count as memory of the process.
        every: np.ndarray = np.load(self.path, mmap_mode="r")
        return np.asarray(every[rows if self.rows is None else self.rows[rows]])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:  # noqa: ANN401  NumPy's protocol
        del copy
        every: np.ndarray = np.load(self.path, mmap_mode="r")
        found = np.array(every) if self.rows is None else np.asarray(every[self.rows])
        return found.astype(dtype or self.dtype, copy=False)

    def parts(self) -> Iterator[np.ndarray]:
        """Read all rows, a window at a time."""
        yield from parts_of(self, self.cache.rows_of(self.row_bytes))

    def joined(self, below: StoredArray | np.ndarray) -> StoredArray:
        """Write a new array of these rows and others."""

        def parts() -> Iterator[list[np.ndarray]]:
            for rows in (self, below):
                yield from ([part] for part in parts_of(rows, self.cache.rows_of(self.row_bytes)))

        (found,) = self.cache.write(len(self) + len(below), parts())
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredColumn:
    """A column on disk: numbers, or the index of each value among categories."""

    values: StoredArray
    categories: np.ndarray | None = None
    """(categories,) str objects; None for numbers."""

    def read(self, rows: np.ndarray | None) -> np.ndarray:
        """Read the column; rows: all by default."""
        found = np.asarray(self.values) if rows is None else self.values.read(rows)
        return found if self.categories is None else self.categories[found]


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredColumns(Mapping[str, np.ndarray]):
    """Columns of a table on disk, which are read when they are used."""

    columns: Mapping[str, StoredColumn]
    cache: RowCache
    count: int
    """Number of rows in the files."""
    rows: np.ndarray | None = None
    """Indices of the rows in the files; None for all."""

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name].read(self.rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def row_count(self) -> int:
        """Number of rows."""
        return self.count if self.rows is None else len(self.rows)

    @property
    def rows_at_once(self) -> int:
        """Number of rows that are read at once."""
        return self.cache.rows_of(NUMBER_BYTES * len(self.columns))

    def take(self, rows: slice | np.ndarray) -> Mapping[str, np.ndarray]:
        """Select rows: those that fit into a window are read, of more only their indices are kept."""
        own = select(self.row_count, self.rows, rows)
        found = StoredColumns(columns=self.columns, cache=self.cache, count=self.count, rows=own)
        return dict(found) if len(own) <= self.rows_at_once else found


def select(count: int, rows: np.ndarray | None, chosen: slice | np.ndarray) -> np.ndarray:
    """Indices of some of the rows; chosen: a slice, indices or a mask. rows: indices so far, None for all."""
    if rows is not None:
        return rows[chosen]
    if isinstance(chosen, slice):
        return np.arange(*chosen.indices(count))
    return np.flatnonzero(chosen) if chosen.dtype == bool else chosen


def parts_of(rows: StoredArray | np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Consecutive rows, at most `size` at a time."""
    for start in range(0, len(rows), size):
        yield np.asarray(rows[start : start + size])
