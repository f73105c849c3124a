"""Default horizon of a forecast."""

from __future__ import annotations

from typing import Final

HOUR, DAY, WEEK = 3_600.0, 86_400.0, 604_800.0  # seconds
MONTH, QUARTER = 2_629_746.0, 7_889_238.0  # seconds, of the mean Gregorian year
HORIZONS: Final = ((HOUR, 48), (DAY, 14), (WEEK, 13), (MONTH, 18), (QUARTER, 8))
"""Largest step in seconds, and the horizon in the M4 competition (Makridakis et al. 2020, table 1)."""
YEARLY_HORIZON: Final = 6  # yearly steps (same source)
TOLERANCE: Final = (
    1.2  # relative length up to which a step counts as the same unit: a month of 31 days, a quarter of 92
)
UNTIMED_HORIZON: Final = 10  # steps without known length and season; between those of M4's weeks and quarters
MAX_SEASON_AHEAD: Final = 48  # steps of a season that is forecast completely without a known step length: M4's longest
HORIZONS_A_SERIES: Final = 10
"""Horizons that a series must span: the hold-out set is a fifth of it, with several forecast origins."""


def horizon_of(*, seconds: float | None, season: int | None, length: int) -> int:
    """Default horizon in steps, from the length of a step in seconds, or from the season if that is unknown.

    length: rows of the longest series.

    >>> horizon_of(seconds=86_400, season=7, length=1_000), horizon_of(seconds=None, season=24, length=1_000)
    (14, 24)
    >>> horizon_of(seconds=2_629_746, season=12, length=100)
    10
    """
    if seconds is not None:
        wanted = next((steps for longest, steps in HORIZONS if seconds <= TOLERANCE * longest), YEARLY_HORIZON)
    else:
        wanted = season if season and season <= MAX_SEASON_AHEAD else UNTIMED_HORIZON
    return max(1, min(wanted, length // HORIZONS_A_SERIES))
