"""New rows through a run's model: checked against its signature, answered in the dataset's own words."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from executor.assemble import predict_rows
from executor.opening import open_rows
from executor.signature import answers, rows_for
from executor.windows import next_steps, rows_of_shortest
from recommender.guardrails.pictures import left_out
from recommender.sql import is_integer

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.run import Run
    from executor.signature import Signature
    from executor.table import RawTable
    from rules.record import Unreadable

FILE: Final = "file"  # the column that names the image for which an answer is
STEPS: Final = "steps after the last row"  # the column that stands for the time of a forecast where it cannot be told
DECIMALS: Final = 9  # of a number that stands for a time: more come from adding up floats


def predict(
    run: Run,
    data: object,
    *,
    delimiter: str | None = None,
    ignore_extra: bool = False,
    say: Callable[[str], None] = warnings.warn,
    unreadable: Unreadable = "refuse",
) -> pa.Table:
    """Predict every row of a table; of a series, the step after its last row, with the time of that step.

    Of image files, the column `file` says for which each answer is.
    say: receives a sentence where a series is shorter than what the model looks back to, or images were left out.
    unreadable: what is done about image files that cannot be read.
    Raises ColumnError on missing, extra or retyped columns.
    """
    signature = run.signature
    opened = open_rows(signature, data, delimiter=delimiter, unreadable=unreadable)
    with nullcontext(opened) if opened is data else opened as dataset:
        if signature.image is not None:
            dataset.call_images(signature.image.name)
        is_folder = dataset.format in {"folder", "archive"}  # whose columns are not of a person's making
        rows = rows_for(signature, dataset, ignore_extra=ignore_extra or is_folder)
        source = None if dataset.images is None else dataset.images.source
    if source is not None and source.left_out:
        say(f"{left_out(source)} They are not in the answers.")
    if signature.windows is None:
        of = {} if source is None else {FILE: np.array(source.files, dtype=object)}
        return pa.table({**of, **answers(signature, predict_rows(run.model, signature, rows))})
    steps = next_steps(rows, signature.windows)
    if (shortest := rows_of_shortest(rows)) < signature.windows.lookback:
        say(
            f"The model looks back {signature.windows.lookback} steps, but the {'shortest ' * (len(steps) > 1)}series "
            f"has {shortest} rows: what lies before counts as unknown. Give more of the past for a better forecast."
        )
    found = answers(signature, predict_rows(run.model, signature, steps))
    of = {} if steps.entity is None else {str(signature.entity_column): steps.entity}
    return pa.table({**of, **_when(signature, steps), **found})


def _when(signature: Signature, steps: RawTable) -> dict[str, np.ndarray]:
    """The time for which each forecast is, in its own column; or how many steps it lies ahead."""
    name, time = signature.time_column, steps.time
    if name is None or time is None or signature.windows is None or signature.windows.regular is None:
        return {STEPS: np.ones(len(steps), np.int64)}
    if steps.has_clock:
        stamps = time.astype("M8[s]")
        days = stamps.astype("M8[D]")
        return {name: days if (days == stamps).all() else stamps}
    storage = next(column.storage for column in signature.columns if column.name == name)
    rounded = time.round(DECIMALS)
    return {name: rounded.astype(np.int64) if is_integer(storage) and (rounded % 1 == 0).all() else rounded}
