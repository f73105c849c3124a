"""Batch sizes of predictions, with which the prediction of a row does not depend on its place in the batch.

Matrix products compute several rows at once: 6 with AVX2, 8 or more with AVX-512. What is left of a batch at its end is
summed in another order, and its last bit can differ. A multiple of 48 rows leaves nothing.
"""

from __future__ import annotations

from typing import Final

MULTIPLE: Final = 48
MAX_ROWS: Final = 2_016  # of a table without sequences; bounds the memory of a bag at 2,016 · 4,096 · 4 bytes = 32 MiB
MAX_SEQUENCES: Final = 480  # batches of 2,016 would slow single predictions
MAX_IMAGES: Final = 240
VALUES_PER_BATCH: Final = 2**21  # numbers of all images in a batch, so that few large images are predicted at once

CELLS_PER_PART: Final = 2**21  # 16 MiB of numbers, of which there are a few copies
CELLS_PER_TEXT: Final = 100  # 800 bytes
MAX_BATCHES: Final = 64  # of a part


def rows_per_batch(steps: int) -> int:
    """Batch size of rows. steps: of the longest sequence; 0 without one.

    >>> rows_per_batch(0), rows_per_batch(40), rows_per_batch(1_000_000)
    (2016, 480, 48)
    """
    if not steps:
        return _whole(MAX_ROWS)
    from executor.layers.steps import rows_at_once  # noqa: PLC0415  imports Keras, which opening a run does not need

    return _whole(min(MAX_SEQUENCES, rows_at_once(steps)))


def images_per_batch(values: int) -> int:
    """Batch size of images. values: numbers per image.

    >>> images_per_batch(28 * 28), images_per_batch(64 * 64 * 3), images_per_batch(224 * 224 * 3)
    (240, 144, 48)
    """
    return _whole(min(MAX_IMAGES, VALUES_PER_BATCH // values))


def rows_per_part(batch: int, *, columns: int, texts: int = 0) -> int:
    """Rows of a file that are read at once: whole batches of about CELLS_PER_PART cells.

    batch: rows of a model call. texts: how many of the columns are texts.

    >>> rows_per_part(2016, columns=20), rows_per_part(2016, columns=3_000), rows_per_part(2016, columns=1, texts=1)
    (104832, 2016, 20160)
    """
    return batch * max(1, min(MAX_BATCHES, CELLS_PER_PART // (batch * (columns + CELLS_PER_TEXT * texts))))


def _whole(rows: int) -> int:
    return max(MULTIPLE, rows // MULTIPLE * MULTIPLE)
