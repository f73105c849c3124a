"""Encoded images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from executor.data.images import ROWS_READ, ImageArray

if TYPE_CHECKING:
    from collections.abc import Mapping

    from executor.layers.pixels import Pixels


class EncodedImages:
    """Images as network inputs, (rows, height · width · channels) float32; numpy.asarray encodes them."""

    ndim = 2
    dtype = np.dtype(np.float32)

    def __init__(self, pictures: ImageArray, layer: Pixels) -> None:
        self.pictures = pictures
        self.layer = layer

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.pictures), self.layer.output_width

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, rows: slice | np.ndarray) -> EncodedImages:
        return EncodedImages(self.pictures[rows], self.layer)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy for another process, without Keras' own format, which is for models."""
        return _create, (self.pictures, self.layer.get_config())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:  # noqa: ANN401  NumPy's protocol
        del copy
        found = np.empty(self.shape, dtype or np.float32)
        for start in range(0, len(self), ROWS_READ):
            some = slice(start, start + ROWS_READ)
            found[some] = self.layer(np.asarray(self.pictures[some])).numpy()
        return found


def _create(pictures: ImageArray, config: Mapping[str, Any]) -> EncodedImages:
    from executor.layers.pixels import Pixels  # noqa: PLC0415  TensorFlow, which a worker has silenced by now

    return EncodedImages(pictures, Pixels(**config))
