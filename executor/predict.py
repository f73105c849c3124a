"""New rows through a run's model: checked against its signature, answered in the dataset's own words."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from executor.assemble import predict_rows
from executor.signature import answers, rows_for
from executor.windows import next_steps
from recommender.dataset import Dataset

if TYPE_CHECKING:
    from executor.run import Run


def predict(run: Run, data: object, *, delimiter: str | None = None, ignore_extra: bool = False) -> pa.Table:
    """Predict every row of a table; of a series, the step after its last row.

    Raises ColumnError on missing, extra or retyped columns.
    """
    with nullcontext(data) if isinstance(data, Dataset) else Dataset.open(data, delimiter=delimiter) as dataset:
        rows = rows_for(run.signature, dataset, ignore_extra=ignore_extra)
    if run.signature.windows is not None:
        rows = next_steps(rows, run.signature.windows)
    found = answers(run.signature, predict_rows(run.model, run.signature, rows))
    if run.signature.windows is not None and rows.entity is not None:
        found = {str(run.signature.entity_column): np.asarray(rows.entity), **found}
    return pa.table(found)
