"""Data guardrails: checks of a dataset, each with the measured value, the bound and its status.

- `status`: The status of a check and the order of checks.
- `columns`: Empty, constant and incomplete columns; duplicate names; times.
- `rows`: Number of rows, empty rows and duplicate rows.
- `targets`: Rows per class, and outliers of a numeric target.
- `readings`: Numbers with units, values that are not numbers, and missing values.
- `leakage`: Features that determine the target.
- `entity`: Several rows of one entity, which a random split separates.
- `order`: Order of rows that the split should respect.
- `drift`: Differences between training rows and hold-out rows.
- `images`: Images that were left out, resized, or are duplicates.

The statuses follow Azure's automated machine learning: "alerted" asks the user to look at something, "done" reports
what was done about it, and "passed" reports what was measured and found correct.
"""

from __future__ import annotations

from recommender.profile.guardrails.columns import check_columns, check_names, check_times
from recommender.profile.guardrails.drift import check_drift
from recommender.profile.guardrails.entity import check_entity
from recommender.profile.guardrails.images import check_pictures
from recommender.profile.guardrails.leakage import check_leakage
from recommender.profile.guardrails.order import check_order
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
    "not_passed",
    "sort_by_status",
]
