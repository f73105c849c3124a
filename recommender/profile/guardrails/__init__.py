"""Data guardrails: each check of a dataset, passed or not, with the measured value, the bound, and what was done.

In the manner of Azure's automated machine learning: "alerted" asks a person to look, "done" says what was done about
it, "passed" says what was measured and found fine.
"""

from __future__ import annotations

from recommender.profile.guardrails.columns import check_columns, check_names, check_times
from recommender.profile.guardrails.drift import check_drift
from recommender.profile.guardrails.entity import check_entity
from recommender.profile.guardrails.leakage import check_leakage
from recommender.profile.guardrails.order import check_order
from recommender.profile.guardrails.pictures import check_pictures
from recommender.profile.guardrails.readings import check_readings
from recommender.profile.guardrails.rows import check_rows
from recommender.profile.guardrails.targets import check_targets

__all__ = [
    "check_columns",
    "check_drift",
    "check_entity",
    "check_leakage",
    "check_names",
    "check_order",
    "check_pictures",
    "check_readings",
    "check_rows",
    "check_targets",
    "check_times",
    "in_order",
    "not_passed",
]
