"""What a continued training changes on the rows of its parent run: scores on the old hold-out, and drift."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import duckdb
import numpy as np
import pyarrow as pa

from executor.components.metric import Predictions
from executor.data.read_rows import read_rows
from executor.data.row_arrays import evenly_spaced
from executor.model.keras_file import predict_rows
from executor.model.prediction_columns import decide
from executor.runs.delivery import Change
from executor.runs.plan import reopen_dataset
from recommender.profile.characteristics.comparing import feature_drift
from recommender.profile.characteristics.drift import PART_ROWS, lay_out
from recommender.roles.infer import infer_roles

if TYPE_CHECKING:
    import keras

    from executor.components.metric import PerformanceMetric
    from executor.data.raw_table import RawTable
    from executor.model.signature import Signature
    from executor.runs.run import Run
    from recommender.dataset.dataset import Dataset
    from recommender.roles.roles import Roles

COMPARED: Final = "the training rows of the parent run and the new rows"


def score_outcome(outcome: np.ndarray, signature: Signature, table: RawTable, metric: PerformanceMetric) -> float:
    """Score predictions of raw rows with a known target; NaN where the score is undefined."""
    if table.truth is None:
        raise ValueError("a score needs the true targets")
    decided = decide(signature, outcome)
    return metric.of_predictions(
        Predictions(
            task=signature.task,
            truth=table.truth,
            outcome=outcome,
            decided=decided,
            rare_class=signature.rare_class,
            weight=table.weight,
        )
    )


def compare_models(
    before: tuple[keras.Model, Signature],
    after: tuple[keras.Model, Signature],
    table: RawTable,
    metric: PerformanceMetric,
) -> Change:
    """Scores of two models on the same rows."""
    scores = (
        score_outcome(predict_rows(model, signature, table), signature, table, metric)
        for model, signature in (before, after)
    )
    first, second = (score if math.isfinite(score) else None for score in scores)
    return Change(rows=len(table), before=first, after=second)


def measure_parent(
    parent: Run,
    after: tuple[keras.Model, Signature],
    metric: PerformanceMetric,
    *,
    new: Dataset,
    roles: Roles,
) -> tuple[Change | None, str, str]:
    """Compare both models on the hold-out of a run, and the new rows with its training rows.

    Returns the scores, or the reason why they are missing, and a sentence about drift.
    """
    dataset, missing = reopen_dataset(parent.plan, must=False)
    rows = parent.hold_out_rows()
    if dataset is None or rows is None:
        missing = missing or "the file with its rows is missing"
        return None, missing, f"Drift between {COMPARED}: not measured, because {missing}."
    with dataset:
        table = read_rows(dataset, infer_roles(dataset, parent.plan.request))
        hold_out = table.take(np.isin(table.rows, rows))
        change = compare_models((parent.model, parent.signature), after, hold_out, metric)
        return change, "", _describe_drift(dataset, new, roles, known=np.setdiff1d(table.rows, rows))


def _describe_drift(old: Dataset, new: Dataset, roles: Roles, *, known: np.ndarray) -> str:
    """Whether columns of new rows differ from some rows of another dataset; known: row numbers of these."""
    every = old.connection.sql("SELECT * FROM dataset").to_arrow_table()
    new.connection.register("parent_rows", every.take(pa.array(known[evenly_spaced(len(known), PART_ROWS)])))
    lay_out(new.connection, "new_rows", "TRUE", rows=new.row_count, columns=len(new.columns))
    try:
        found = feature_drift(new, roles, training="parent_rows", hold_out="new_rows")
    except duckdb.Error as error:
        return f"Drift between {COMPARED}: not measured, because their types differ ({str(error).splitlines()[0]})."
    finally:
        new.connection.unregister("parent_rows")
    far = [one for one in found if one.is_drift]
    if not far:
        return f"No drift between {COMPARED}."
    worst = max(far, key=lambda one: one.distance)
    count = len({one.column for one in far})
    columns = "1 column differs" if count == 1 else f"{count:,} columns differ"
    return f"Drift between {COMPARED}: {columns}, {worst.column!r} most ({worst.measure} {worst.distance:.3f})."
