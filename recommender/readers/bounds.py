"""Bounds on what a small file may expand to, checked before memory or disk is taken.

Each lies well above what real datasets need. Beyond it a person can unpack the file; what is unpacked has no bound.
"""

from __future__ import annotations

from typing import Final

BLOCK: Final = 2**20  # bytes that are unpacked at a time
MAX_RATIO: Final = 100
"""Bytes unpacked for each byte of a compressed file: tables reach about 30, while gzip can reach 1,032."""
MIN_UNPACKED: Final = 2**26  # bytes, 64 MiB, that any compressed file may unpack to: read in about a second


def max_unpacked(packed: int) -> int:
    """The bytes that a compressed file may unpack to; packed: its own bytes.

    >>> max_unpacked(100), max_unpacked(10_000_000)
    (67108864, 1000000000)
    """
    return max(MIN_UNPACKED, MAX_RATIO * packed)
