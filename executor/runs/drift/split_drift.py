"""Guardrails of a finished run: those of the record, with drift measured between training rows and hold-out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa

from recommender.profile.characteristics.comparing import feature_drift
from recommender.profile.characteristics.drift import lay_out
from recommender.profile.guardrails import check_drift
from recommender.profile.guardrails.drift import DRIFT_NAME
from recommender.profile.guardrails.status import sort_by_status

if TYPE_CHECKING:
    import numpy as np

    from recommender.dataset.dataset import Dataset
    from recommender.roles.roles import Roles
    from rules.decision.record import Guardrail

COMPARED_ROWS: Final = "the hold-out and the training rows"


def measure_split_drift(
    guardrails: tuple[Guardrail, ...], dataset: Dataset, roles: Roles, *, training: np.ndarray, hold_out: np.ndarray
) -> tuple[Guardrail, ...]:
    """Replace the drift check by one between training rows and hold-out.

    training, hold_out: (n,) int64 row numbers of the dataset, from 0. Only columns that the model reads are compared.
    Call it after the model is selected: the hold-out must not affect decisions.
    """
    parts = {"training_rows": training, "hold_out_rows": hold_out}
    for name, rows in parts.items():
        numbers = f"{name}_numbers"
        dataset.connection.register(numbers, pa.table({"number": rows}))
        where = f"rowid IN (SELECT number FROM {numbers})"  # noqa: S608  own name
        lay_out(dataset.connection, name, where, rows=len(rows), columns=len(dataset.columns))
        dataset.connection.unregister(numbers)
    found = feature_drift(dataset, roles, training="training_rows", hold_out="hold_out_rows")
    measured = check_drift(roles, found, COMPARED_ROWS)
    return sort_by_status(measured if one.name == DRIFT_NAME else one for one in guardrails)
