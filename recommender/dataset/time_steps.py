"""Steps between times, in SQL: seconds, calendar months and business days."""

from __future__ import annotations

from typing import Final

STEP_TOLERANCE: Final = 0.01
"""Relative difference up to which numeric steps are equal: decimal years are rounded, and leap years longer."""
FIRST_MONDAY: Final = 4 - 7 * 200_000
"""Days from 1970-01-01, a Thursday, to a Monday before all times, so that remainders are never negative."""


def calendar_steps() -> str:
    """SQL of a step in seconds, in calendar months, and in business days."""
    month = "year({0}) * 12 + month({0})"
    same_day = "(day(t) = day(before) OR (CAST(t AS DATE) = last_day(t) AND CAST(before AS DATE) = last_day(before)))"
    same_time = "CAST(t AS TIME) = CAST(before AS TIME)"
    days = f"(CAST({{0}} AS DATE) - DATE '1970-01-01' - ({FIRST_MONDAY}))"
    business = f"5 * ({days} // 7) + least({days} % 7, 5)"
    return (
        "epoch(t) - epoch(before) AS seconds, "
        f"CASE WHEN {same_day} AND {same_time} THEN {month.format('t')} - ({month.format('before')}) END AS months, "
        f"CASE WHEN {same_time} THEN {business.format('t')} - ({business.format('before')}) END AS business"
    )


def summary_of_steps(*, numeric: bool) -> str:
    """SQL of one row per unit: unit, most frequent step, counts of equal and longer steps, and counts of all steps."""
    whole = "count(*), count_if(rises), count_if(repeats)"
    if numeric:
        equal = f"abs(number - step) <= {STEP_TOLERANCE} * abs(step)"
        more = f"number > step * (1 + {STEP_TOLERANCE})"
        return (
            f"SELECT '' AS unit, any_value(step), count_if({equal}), count_if({more}), {whole} "
            "FROM steps, (SELECT median(number) AS step FROM steps)"
        )
    return " UNION ALL ".join(
        f"SELECT '{unit}', any_value(step), count_if({name} = step), count_if({name} > step), {whole} "
        f"FROM steps, (SELECT mode({name}) AS step FROM steps)"
        for unit, name in (("seconds", "seconds"), ("months", "months"), ("business days", "business"))
    )
