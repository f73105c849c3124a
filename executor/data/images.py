"""Images as rows: pixels in memory, or in a temporary file where there are many."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


MAX_IN_MEMORY: Final = 2**29
"""Bytes of pixels: 512 MiB. More are in a temporary file, because a search copies training and validation rows."""
IMAGES_PER_CALL: Final = 512
"""Images per call of a network: 16 channels of 512 images of 64 x 64 take 128 MiB, and several are kept."""
ROWS_READ: Final = 2_048  # images per chunk


class PixelFile:
    """The pixels of all images of a dataset in a temporary file that ends with the process."""

    def __init__(self, shape: tuple[int, ...], parts: Iterable[np.ndarray]) -> None:
        """parts: consecutive images, each (images, height, width, channels) uint8; shape: of all."""
        self.shape = shape
        self._size = int(np.prod(shape[1:]))
        self._file = tempfile.TemporaryFile(prefix="pcwat-pixels-")  # noqa: SIM115  open as long as the object
        for part in parts:
            self._file.write(part.tobytes())
        self._file.flush()

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        # Read, not mapped: mapped pages count as memory of the process.
        found = np.empty((len(rows), self._size), np.uint8)
        handle = self._file.fileno()
        for place, row in enumerate(rows):
            found[place] = np.frombuffer(os.pread(handle, self._size, int(row) * self._size), np.uint8)
        return found.reshape(-1, *self.shape[1:])


class ImageArray:
    """Images of a dataset, (rows, height, width, channels) uint8; numpy.asarray reads them."""

    ndim = 4
    dtype = np.dtype(np.uint8)

    def __init__(self, stored: PixelFile | np.ndarray, rows: np.ndarray | None = None) -> None:
        self._stored = stored
        self._rows = np.arange(stored.shape[0]) if rows is None else rows

    @classmethod
    def of(cls, shape: tuple[int, ...], parts: Iterable[np.ndarray]) -> ImageArray:
        """Create from consecutive chunks; shape: of all images."""
        if int(np.prod(shape)) > MAX_IN_MEMORY:
            return cls(PixelFile(shape, parts))
        together, start = np.empty(shape, np.uint8), 0
        for part in parts:
            together[start : start + len(part)] = part
            start += len(part)
        return cls(together)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self._rows), *self._stored.shape[1:])

    @property
    def is_in_memory(self) -> bool:
        return isinstance(self._stored, np.ndarray) and self._stored.nbytes <= MAX_IN_MEMORY

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: slice | np.ndarray) -> ImageArray:
        """Select images without reading them. rows: a slice, indices or a mask."""
        return ImageArray(self._stored, self._rows[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:  # noqa: ANN401  NumPy's protocol
        del copy
        return self._stored[self._rows].astype(dtype or np.uint8, copy=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy for another process has these images in memory, which processes of a machine share."""
        return ImageArray, (np.asarray(self),)

    def in_chunks(self) -> Iterator[np.ndarray]:
        """Read all images, at most ROWS_READ at a time."""
        for start in range(0, len(self), ROWS_READ):
            yield np.asarray(self[start : start + ROWS_READ])
