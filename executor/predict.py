"""New rows through a run's model: checked against its signature, answered in the dataset's own words."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from executor.assemble import predict_rows
from executor.grid import at_regular_steps
from executor.opening import open_rows
from executor.rows import rows_for
from executor.signature import answers
from executor.table import fetch
from executor.windows import following, next_steps, rows_of_shortest
from executor.zones import in_zone, zone_of
from recommender.guardrails.pictures import left_out
from recommender.sql import is_integer, level_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.run import Run
    from executor.signature import Signature
    from executor.table import RawTable
    from recommender.dataset import Dataset
    from rules.asked import Unreadable

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
    """Predict every row of a table; of a series, the steps after its last row, each with its time.

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
        with dataset.naming_columns():
            rows = rows_for(signature, dataset, ignore_extra=ignore_extra or is_folder)
        source = None if dataset.images is None else dataset.images.source
        zone = zone_of(dataset, signature.time_column)
        named = {} if signature.sequences is None else _names(dataset, signature.sequences.by)
    if source is not None and source.left_out:
        say(f"{left_out(source)} They are not in the answers.")
    if signature.windows is None:
        of = {} if source is None else {FILE: np.array(source.files, dtype=object)}
        return pa.table({**named, **of, **answers(signature, predict_rows(run.model, signature, rows))})
    steps = next_steps(at_regular_steps(rows, signature.windows.regular), signature.windows)
    if (shortest := rows_of_shortest(rows)) < signature.windows.lookback:
        say(
            f"The model looks back {signature.windows.lookback} steps, but the {'shortest ' * (len(steps) > 1)}series "
            f"has {shortest} rows: what lies before counts as unknown. Give more of the past for a better forecast."
        )
    found = _step_by_step(signature, predict_rows(run.model, signature, steps))
    of = {} if steps.entity is None else {str(signature.entity_column): steps.entity.repeat(signature.windows.horizon)}
    return pa.table({**of, **_when(signature, rows, steps, zone), **found})


def _names(dataset: Dataset, by: str) -> dict[str, np.ndarray]:
    """The column that names each sequence, beside its answer."""
    return {by: fetch(dataset, [level_text(by, dataset.storage[by])])[0]}


def _step_by_step(signature: Signature, outcome: np.ndarray) -> dict[str, np.ndarray]:
    """The answers with a row for each entity and step ahead; outcome: (entities, targets · horizon)."""
    wide = answers(signature, outcome)
    horizon = 1 if signature.windows is None else signature.windows.horizon
    if horizon == 1:
        return wide
    words = [word for word in ("prediction", "low", "high") if any(name.startswith(f"{word} of ") for name in wide)]
    names = {target: [f"{target} +{step}" for step in range(1, horizon + 1)] for target in signature.targets}
    # Of one target and several steps the wide columns are named by the step, the long one by the word alone.
    return {
        word if len(names) == 1 else f"{word} of {target}": np.column_stack(
            [wide[f"{word} of {name}"] for name in names[target]]
        ).ravel()
        for target in names
        for word in words
    }


def _times(signature: Signature, rows: RawTable, steps: RawTable) -> np.ndarray:
    """The time of each step ahead of each entity, (entities · horizon,)."""
    if steps.time is None or rows.time is None or signature.windows is None:
        raise ValueError("only rows with a time are continued in time")
    times = [steps.time]
    while len(times) < signature.windows.horizon:
        times.append(following(times[-1], rows.time, signature.windows))
    return np.column_stack(times).ravel()


def _when(signature: Signature, rows: RawTable, steps: RawTable, zone: str | None) -> dict[str, np.ndarray | pa.Array]:
    """The time for which each forecast is, in its own column; or how many steps it lies ahead.

    zone: that of the rows; None where their times have none.
    """
    name = signature.time_column
    windows = signature.windows
    if name is None or steps.time is None or windows is None or windows.regular is None:
        return {STEPS: np.tile(np.arange(1, (windows.horizon if windows else 1) + 1), len(steps))}
    time = _times(signature, rows, steps)
    if steps.has_clock and zone is not None:
        return {name: in_zone(time, zone)}
    if steps.has_clock:
        stamps = time.astype("M8[s]")
        days = stamps.astype("M8[D]")
        return {name: days if (days == stamps).all() else stamps}
    storage = next(column.storage for column in signature.columns if column.name == name)
    rounded = time.round(DECIMALS)
    return {name: rounded.astype(np.int64) if is_integer(storage) and (rounded % 1 == 0).all() else rounded}
