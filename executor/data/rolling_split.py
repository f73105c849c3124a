"""A forecast's split: later beginnings validate and judge, and no step ahead of one part lies in a later part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from executor.data.lag_table import series_starts
from executor.data.split import MIN_ROWS, Split, split
from recommender.dataset.split_shares import HOLD_OUT_SHARE
from recommender.profile.known_split import validation_share
from rules.errors import DatasetError

if TYPE_CHECKING:
    from executor.data.raw_table import RawTable
    from recommender.roles.roles import Roles

TRAIN, VALIDATE, EVALUATE, UNASSIGNED = 0, 1, 2, -1
MAX_VALIDATING: Final = 4  # a share of one fourth of the rows validates at most, where a horizon asks for more


def rolling_split(table: RawTable, roles: Roles, *, horizon: int, seed: int) -> Split:
    """Divide the beginnings of forecasts by time: the model is fitted once and judged from every later beginning.

    Rolling-origin evaluation with a fixed fit (Tashman 2000, IJF 16:437). Between two parts so many beginnings are left
    out that no step ahead of the earlier part is one of the later. table: a lag table. A split column goes first.
    Raises DatasetError on too few beginnings.
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
    judged = f"{len(validation):,} select the best trial, {len(hold_out):,} judge it once"
    counts = f"from {len(train):,} beginnings train, {judged}"
    return Split(
        train=train,
        validation=validation,
        hold_out=hold_out,
        sentence=f"Forecasts of {horizon} steps {counts}, {order}: no step ahead of one part lies in a later one.",
    )


def _by_time(table: RawTable, horizon: int) -> np.ndarray:
    """The part of each row, by its place among the different times; a horizon's steps between two parts have none."""
    time = table.rows if table.time is None else table.time
    times, place = np.unique(time, return_inverse=True)
    judge = len(times) - max(1, round(HOLD_OUT_SHARE * len(times)))
    rest = judge - (horizon - 1)
    chosen = max(round(validation_share(max(1, rest)) * rest), min(horizon, rest // MAX_VALIDATING), 1)
    validate = rest - chosen
    part_of = np.full(len(times), UNASSIGNED)
    part_of[judge:] = EVALUATE
    part_of[max(0, validate) : max(0, rest)] = VALIDATE
    part_of[: max(0, validate - (horizon - 1))] = TRAIN
    return part_of[place]


def _drop_overlapping(part: np.ndarray, table: RawTable, horizon: int) -> np.ndarray:
    """The parts without rows of which one of the next steps of the same entity belongs to a later part."""
    starts = series_starts(table)
    entity = np.cumsum(starts)
    latest = part.copy()
    for step in range(1, horizon):
        same = entity[step:] == entity[:-step]
        latest[:-step] = np.maximum(latest[:-step], np.where(same, part[step:], UNASSIGNED))
    return np.where(part < latest, UNASSIGNED, part)
