"""Split of a forecast by time: later forecast origins validate and evaluate, without overlapping horizons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from executor.data.series.lag_table import series_starts
from executor.data.split import MIN_ROWS, Split, split
from recommender.dataset.split_shares import HOLD_OUT_SHARE
from recommender.profile.known_split import validation_share
from rules.errors import DatasetError

if TYPE_CHECKING:
    from executor.data.raw_table import RawTable
    from recommender.roles.roles import Roles

TRAIN, VALIDATE, EVALUATE, UNASSIGNED = 0, 1, 2, -1
MAX_VALIDATING: Final = 4  # at most a fourth of the rows validates, where the horizon requires more


def rolling_split(table: RawTable, roles: Roles, *, horizon: int, seed: int) -> Split:
    """Split forecast origins by time: the model is fitted once and evaluated from every later origin.

    Rolling-origin evaluation with a fixed fit (Tashman 2000, IJF 16:437). Origins between two parts are dropped so that
    no horizon of the earlier part overlaps the later one. table: a lag table. A split column has precedence.

    Raises DatasetError on too few origins.
    """
    if roles.split_column is not None or horizon == 1:
        found = split(table, roles, seed=seed)
        part = np.full(len(table), UNASSIGNED)
        part[found.train], part[found.validation], part[found.hold_out] = TRAIN, VALIDATE, EVALUATE
        if horizon == 1:
            return found
    else:
        part = _by_time(table, horizon)
    part = _drop_overlapping(part, table, horizon)
    train, validation, hold_out = (np.flatnonzero(part == each) for each in (TRAIN, VALIDATE, EVALUATE))
    if min(len(train), len(validation), len(hold_out)) < 1 or len(train) + len(validation) < MIN_ROWS:
        raise DatasetError(
            f"A forecast of {horizon} steps must have at least {MIN_ROWS} forecast origins to train and validate on "
            f"and one to evaluate on, but the {len(table)} origins of this series give {len(train)} for training, "
            f"{len(validation)} for validation and {len(hold_out)} for evaluation. Reduce --horizon or add earlier "
            "rows."
        )
    order = f"by {roles.time_column!r}" if roles.time_column is not None else "in the order of the file"
    others = f"{len(validation):,} for validation and {len(hold_out):,} in the hold-out"
    counts = f"{len(train):,} origins for training, {others}"
    return Split(
        train=train,
        validation=validation,
        hold_out=hold_out,
        sentence=f"Split of forecasts of {horizon} steps {order}: {counts}, without overlapping horizons.",
    )


def _by_time(table: RawTable, horizon: int) -> np.ndarray:
    """Assign rows to parts by time; origins within a horizon before the next part are unassigned."""
    time = table.rows if table.time is None else table.time
    times, place = np.unique(time, return_inverse=True)
    evaluate_from = len(times) - max(1, round(HOLD_OUT_SHARE * len(times)))
    rest = evaluate_from - (horizon - 1)
    chosen = max(round(validation_share(max(1, rest)) * rest), min(horizon, rest // MAX_VALIDATING), 1)
    validate = rest - chosen
    part_of = np.full(len(times), UNASSIGNED)
    part_of[evaluate_from:] = EVALUATE
    part_of[max(0, validate) : max(0, rest)] = VALIDATE
    part_of[: max(0, validate - (horizon - 1))] = TRAIN
    return part_of[place]


def _drop_overlapping(part: np.ndarray, table: RawTable, horizon: int) -> np.ndarray:
    """Unassign rows whose horizon overlaps a later part of the same entity."""
    starts = series_starts(table)
    entity = np.cumsum(starts)
    latest = part.copy()
    for step in range(1, horizon):
        same = entity[step:] == entity[:-step]
        latest[:-step] = np.maximum(latest[:-step], np.where(same, part[step:], UNASSIGNED))
    return np.where(part < latest, UNASSIGNED, part)
