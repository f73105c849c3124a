"""Shares of the parts of a split."""

from __future__ import annotations

from typing import Final

HOLD_OUT_SHARE: Final = 0.2  # of all rows (docs/evidence.md, section 1)
SMALL_TABLE: Final = 5_000  # rows
SMALL_SHARES: Final = (
    0.1,
    0.2,
    500,
)  # least and largest share, wanted rows (AutoGluon; docs/evidence.md, section 1)
LARGE_SHARES: Final = (0.01, 0.1, 2_500)  # the same from SMALL_TABLE on
MAX_SHARE: Final = 0.2  # after doubling
MIN_FOLDED_ROWS: Final = 20  # rows that are not hold-out; in folds of fewer than four a class is soon missing
MAX_REPEAT: Final = 0.05  # of all rows; a more frequent row is a common case of a coarse table, not a copy
MAX_CONTRADICTING_SHARE: Final = 0.5
"""Share of the groups of rows with equal features that may differ in the target, for rows to count as copies at all: of
copies of one record most agree. On public tables that hold records twice it is 0 to 0.14 (wine_quality,
maternal_health_risk, phishing), in coarse ones 0.4 (orange_juice) to 1 (cps1988_wage)."""
