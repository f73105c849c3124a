"""Duplicate rows, which a split must keep together."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.data.images import ImageArray
from recommender.dataset.split_shares import MAX_CONTRADICTING_SHARE, MAX_REPEAT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from executor.data.raw_table import RawTable

HASH_PRIME: Final = np.uint64(0x100000001B3)  # FNV-1a, 64 bit
HASH_START: Final = np.uint64(0xCBF29CE484222325)  # FNV-1a, 64 bit
HASH_SHIFT: Final = np.uint64(29)  # bits; spreads the high half of a product into the low half


def find_duplicates(table: RawTable) -> tuple[np.ndarray, int]:
    """Find the first row with the same features for each row, (rows,) int64, and the number of duplicates.

    The target is not compared: a case that trains with one class and is evaluated with another would count as an error
    although the network learned it. Equal rows are common cases, not duplicates, where one of them makes up a large
    share of the table, or where most of them differ in the target.
    """
    alike = first_equal_row(_hash_rows(table.features.values(), len(table)))
    repeats = np.bincount(alike)
    if repeats.max() > MAX_REPEAT * len(table) or contradicting_share(table, alike) > MAX_CONTRADICTING_SHARE:
        return np.arange(len(table)), 0
    return alike, len(table) - int(np.count_nonzero(repeats))


def contradicting_share(table: RawTable, groups: np.ndarray) -> float:
    """Share of the groups of several rows whose targets differ; groups: (rows,). 0 without such groups."""
    if table.truth is None:
        return 0.0
    truth = first_equal_row(_hash_rows(table.truth.reshape(len(table), -1).T, len(table)))
    _, group, size = np.unique(groups, return_inverse=True, return_counts=True)
    differing = np.zeros(len(size), bool)
    differing[group[truth != truth[groups]]] = True
    several = np.count_nonzero(size > 1)
    return np.count_nonzero(differing) / several if several else 0.0


def value_ids(values: np.ndarray | ImageArray) -> np.ndarray:
    """Number each distinct value, (rows,) uint64; all NaNs are one value."""
    if isinstance(values, ImageArray):
        digests = (blake2b(image, digest_size=8).digest() for part in values.in_chunks() for image in part)
        return np.frombuffer(b"".join(digests), np.uint64)
    if values.ndim > 1:  # sequences
        digests = (blake2b(one.tobytes(), digest_size=8).digest() for one in values)
        return np.frombuffer(b"".join(digests), np.uint64)
    if values.dtype == object:
        known: dict[object, int] = {}
        return np.fromiter((known.setdefault(value, len(known)) for value in values.tolist()), np.uint64, len(values))
    numbers = np.where(np.isnan(values), np.nan, values) + 0.0  # one NaN, and one zero
    return numbers.astype(np.float64).view(np.uint64)


def first_equal_row(of_rows: np.ndarray) -> np.ndarray:
    """Find the first row with the same id for each row, (rows,) int64."""
    _, first, which = np.unique(of_rows, return_index=True, return_inverse=True)
    return np.asarray(first[which], np.int64)


def _hash_rows(columns: Iterable[np.ndarray], rows: int) -> np.ndarray:
    """Hash all columns of each row, (rows,) uint64."""
    code = np.full(rows, HASH_START)
    for values in columns:
        code = (code ^ value_ids(values)) * HASH_PRIME
        code ^= code >> HASH_SHIFT
    return code
