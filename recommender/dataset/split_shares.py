"""Shares of the parts of a split, and bounds on duplicate rows."""

from __future__ import annotations

from typing import Final

HOLD_OUT_SHARE: Final = 0.2  # of all rows (docs/evidence.md, section 1)
SMALL_TABLE: Final = 5_000  # rows
SMALL_SHARES: Final = (
    0.1,
    0.2,
    500,
)  # smallest and largest share, wanted rows (AutoGluon; docs/evidence.md, section 1)
LARGE_SHARES: Final = (0.01, 0.1, 2_500)  # the same for tables of SMALL_TABLE rows or more
MAX_SHARE: Final = 0.2  # after doubling
MIN_FOLDED_ROWS: Final = 20  # rows outside the hold-out set; smaller folds often lack a class
MAX_REPEAT: Final = 0.05  # share of all rows; a more frequent row is a common case of a coarse table, not a duplicate
MAX_CONTRADICTING_SHARE: Final = 0.5
"""Largest share of groups of rows with equal features and different targets for which such rows count as duplicates
(docs/evidence.md#contradicting-duplicates)."""
