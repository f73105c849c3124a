"""Split into training, validation and hold-out rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.data.duplicates import find_duplicates, first_equal_row, value_ids
from recommender.dataset.split_names import HOLD_OUT, PARTS, TRAINING, VALIDATION
from recommender.dataset.split_shares import HOLD_OUT_SHARE, MIN_FOLDED_ROWS
from recommender.profile.known_split import validation_share
from rules.errors import ColumnError, DatasetError
from rules.vocabulary.choices import CrossValidation, Holdout
from rules.vocabulary.facts import CLASSIFICATION, Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.data.raw_table import RawTable
    from recommender.roles.roles import Roles
    from rules.vocabulary.choices import Validation

    Draw = Callable[[np.ndarray, float], np.ndarray]

MIN_ROWS: Final = 10  # labelled rows; with fewer, a part of the split would have at most one row
MIN_ENTITIES: Final = 3  # one for each part
UNITS_A_STRATUM: Final = 5  # entities per class from which a grouped split is stratified: 1 / 0.2


@dataclass(frozen=True, kw_only=True)
class Split:
    """Indices of a RawTable's rows, each (n,) int64 in ascending order; together all rows.

    Each row is in one part, except with folds: there the training rows are the validation rows, too.
    """

    train: np.ndarray
    validation: np.ndarray
    hold_out: np.ndarray
    folds: np.ndarray | None = None
    """Fold of each training row in each repeat, (n, repeats) int32, numbered over all repeats: a network that trains
    without a fold is validated on it."""
    groups: np.ndarray | None = None
    """Group of each row of the table, (rows,) int64; groups are never split."""
    sentence: str
    """How the rows were split, and why."""

    def first_repeat(self) -> Split:
        """Keep the folds of the first repeat only."""
        if self.folds is None:
            return self
        sentence = re.sub(r", repeated \d+ times", "", self.sentence)
        return replace(self, folds=self.folds[:, :1], sentence=sentence)

    def divided(self) -> Split:
        """Replace folds by one split: the first fold of the first repeat validates, the others train."""
        if self.folds is None:
            return self
        first = self.folds[:, 0] == 0
        train, validation = self.train[~first], self.train[first]
        _, _, how = self.sentence.partition("; ")
        counts = f"{len(train):,} rows for training, {len(validation):,} for validation, {len(self.hold_out):,}"
        return replace(
            self, train=train, validation=validation, folds=None, sentence=f"{counts} in the hold-out; {how}"
        )


def split(table: RawTable, roles: Roles, *, seed: int, validation_by: Validation = Holdout()) -> Split:  # noqa: B008  frozen
    """Split by the dataset's own column, by time, by entity, or stratified by class: the first that applies.

    validation_by: the bundle's choice; folds need MIN_FOLDED_ROWS. A class of two rows is in training and hold-out; the
    single row of a class is in training. Duplicate rows stay together.

    Raises DatasetError on too few rows, ColumnError on too few entities or times.
    """
    if len(table) < MIN_ROWS:
        raise DatasetError(
            f"Training needs at least {MIN_ROWS} rows with a known target, but got {len(table)}. Collect more rows."
        )
    random = np.random.default_rng(seed)
    everything = np.arange(len(table))
    given = _parts_from_column(table)
    draw, groups, how = _split_function(table, roles, random)
    rest, hold_out, validation = everything, given.get(HOLD_OUT), given.get(VALIDATION)
    taken = [part for part in (hold_out, validation) if part is not None]
    if taken:
        rest = np.setdiff1d(everything, np.concatenate(taken))
        how = f"by the column {roles.split_column!r}; parts that it does not name {how}"
    if hold_out is None:
        hold_out = draw(rest, HOLD_OUT_SHARE)
        rest = np.setdiff1d(rest, hold_out)
    if validation is None and isinstance(validation_by, CrossValidation) and len(rest) >= MIN_FOLDED_ROWS:
        count, repeats = validation_by.folds, validation_by.repeats
        folds = np.column_stack([count * repeat + _assign_folds(rest, draw, count) for repeat in range(repeats)])
        times = f", repeated {repeats} times" if repeats > 1 else ""
        counts = f"{len(rest):,} rows for {count}-fold cross-validation{times}, {len(hold_out):,} in the hold-out"
        sentence = f"{counts}; split {how}."
        return Split(train=rest, validation=rest, hold_out=hold_out, folds=folds, groups=groups, sentence=sentence)
    if validation is None:
        validation = draw(rest, validation_share(len(rest)))
        rest = np.setdiff1d(rest, validation)
    counts = f"{len(rest):,} rows for training, {len(validation):,} for validation, {len(hold_out):,} in the hold-out"
    sentence = f"{counts}; split {how}."
    return Split(train=rest, validation=validation, hold_out=hold_out, groups=groups, sentence=sentence)


def _split_function(table: RawTable, roles: Roles, random: np.random.Generator) -> tuple[Draw, np.ndarray | None, str]:
    """Choose a function that draws a share of rows, the groups that it keeps together, and its description."""
    if roles.task is Task.FORECASTING or (table.time is not None and table.entity is None):
        time = table.time if table.time is not None else table.rows.astype(np.float64)
        order = f"by {roles.time_column!r}" if roles.time_column is not None else "in the order of the file"
        how = f"{order}, later rows in later parts"
        return lambda rows, share: _draw_latest(rows, time[rows], share), None, how
    if table.entity is not None:
        groups = first_equal_row(value_ids(table.entity))
        entities = len(np.unique(groups))
        if entities < MIN_ENTITIES:
            raise ColumnError(
                f"A split by {roles.entity_column!r} needs at least {MIN_ENTITIES} different values, one for each "
                f"part, but got {entities}. Leave the entity column out, or choose another."
            )
        strata = _strata_of_groups(groups, _strata(table, roles.task))
        return (
            lambda rows, share: _draw_groups(rows, groups[rows], strata[rows], share, random),
            groups,
            f"by {roles.entity_column!r}, each of its {entities} values in one part",
        )
    groups, repeats = find_duplicates(table)
    strata = _rarest_of_groups(groups, _strata(table, roles.task))
    how = "at random" if roles.task not in CLASSIFICATION else "at random, stratified by class"
    together = f"; {repeats} duplicate rows stay together" if repeats else ""
    kept = groups if repeats else None
    return lambda rows, share: _draw_groups(rows, groups[rows], strata[rows], share, random), kept, how + together


def _assign_folds(rows: np.ndarray, draw: Draw, count: int) -> np.ndarray:
    """Draw the fold of each row, (rows,) int32, one fold after the other."""
    folds = np.full(len(rows), count - 1, np.int32)
    left = rows
    for fold in range(count - 1):
        drawn = draw(left, 1 / (count - fold))
        folds[np.searchsorted(rows, drawn)] = fold
        left = np.setdiff1d(left, drawn)
    return folds


def _parts_from_column(table: RawTable) -> dict[str, np.ndarray]:
    """Read the parts that the split column names; its values were checked by `recommender.roles.infer`."""
    if table.part is None:
        return {}
    part_of = {name: part for part, names in PARTS.items() for name in names}
    names = np.array([part_of[value.strip().lower()] for value in table.part.tolist()])
    parts = {part: np.flatnonzero(names == part) for part in PARTS}
    return {part: rows for part, rows in parts.items() if part != TRAINING and len(rows)}


def _draw_latest(rows: np.ndarray, time: np.ndarray, share: float) -> np.ndarray:
    """Draw the latest share of rows; rows of one time stay together, so the cut moves to the change before."""
    order = np.argsort(time, kind="stable")
    ascending = time[order]
    cut = len(rows) - max(1, round(share * len(rows)))
    start = int(np.searchsorted(ascending, ascending[cut], side="left"))
    if start == 0:
        start = int(np.searchsorted(ascending, ascending[cut], side="right"))
    if start in {0, len(rows)}:
        raise ColumnError("A split by time needs at least two different times in each part, but got too few.")
    return np.sort(rows[order[start:]])


def _draw_groups(
    rows: np.ndarray, groups: np.ndarray, strata: np.ndarray, share: float, random: np.random.Generator
) -> np.ndarray:
    """Draw groups that make up a share of each stratum's rows: at least one group, but never all.

    rows, groups, strata: (n,), parallel; a group is in one stratum.
    """
    _, first, unit, size = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    stratum = strata[first]
    shuffled = np.lexsort((random.random(len(first)), stratum))
    _, start, units = np.unique(stratum[shuffled], return_index=True, return_counts=True)
    rank = np.arange(len(first)) - np.repeat(start, units)
    until = np.cumsum(size[shuffled])
    before = np.repeat(until[start] - size[shuffled][start], units)
    wanted = np.rint(share * np.add.reduceat(size[shuffled], start))
    fits = (until - before <= np.repeat(wanted, units)) | (rank == 0)
    chosen = np.zeros(len(first), bool)
    chosen[shuffled] = fits & (rank < np.repeat(units, units) - 1)
    return np.sort(rows[chosen[unit]])


def _strata(table: RawTable, task: Task) -> np.ndarray:
    """Stratum of each row, (rows,) int64: its class, or its rarest positive label."""
    truth = table.truth
    if truth is None or task not in CLASSIFICATION:
        return np.zeros(len(table), np.int64)
    if truth.ndim == 1:
        return truth
    rarest_first = np.argsort(truth.sum(axis=0), kind="stable")
    ranked = truth[:, rarest_first]
    return np.asarray(np.where(ranked.any(axis=1), ranked.argmax(axis=1), truth.shape[1]), np.int64)


def _strata_of_groups(groups: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Assign each group its most frequent stratum; a single stratum where one has too few groups."""
    _, unit = np.unique(groups, return_inverse=True)
    width = int(strata.max()) + 1
    pairs, rows = np.unique(unit * width + strata, return_counts=True)
    by_size = np.lexsort((pairs, -rows))
    units, first = np.unique(pairs[by_size] // width, return_index=True)
    main = np.empty(len(units), np.int64)
    main[units] = pairs[by_size][first] % width
    if np.unique(main, return_counts=True)[1].min() < UNITS_A_STRATUM:
        return np.zeros(len(groups), np.int64)
    return np.asarray(main[unit])


def _rarest_of_groups(groups: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Assign each row the rarest stratum of its group, (rows,), so that classes are in as many parts as possible."""
    frequency = np.argsort(np.argsort(np.bincount(strata), kind="stable"), kind="stable")
    rarest = np.full(len(groups), len(frequency), np.int64)
    np.minimum.at(rarest, groups, frequency[strata])
    return np.asarray(np.argsort(frequency)[rarest[groups]])
