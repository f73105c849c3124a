"""How rows will be divided, as far as it is known before the division: shares, names of parts, and who judges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recommender.dataset.split_names import HOLD_OUT, PART_WORDS, PARTS, TRAINING
from recommender.dataset.split_shares import (
    HOLD_OUT_SHARE,
    LARGE_SHARES,
    MAX_SHARE,
    MIN_FOLDED_ROWS,
    SMALL_SHARES,
    SMALL_TABLE,
)
from recommender.dataset.sql import is_number, level_text, literal, quoted, time_stamp
from recommender.profile.characteristics.drift import lay_out
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from recommender.dataset.dataset import Dataset
    from recommender.profile.characteristic import Labelled
    from recommender.roles.roles import Roles


@dataclass(frozen=True, kw_only=True)
class Division:
    """Training and hold-out rows, each as a table in SQL; words: "the last 20 % of the rows and those before them"."""

    training: str
    hold_out: str
    words: str


def validation_share(rows: int) -> float:
    """Share of the rows that are not hold-out which select, as AutoGluon sets it: doubled, for trials are compared.

    rows: training and validation rows together.

    >>> validation_share(2_500), validation_share(100_000)
    (0.2, 0.05)
    """
    if rows < SMALL_TABLE:
        low, high, target = SMALL_SHARES
    else:
        low, high, target = LARGE_SHARES
    return min(MAX_SHARE, 2 * max(low, min(high, target / rows)))


def rows_that_train(rows: int, *, in_folds: bool) -> int:
    """Rows of so many that train, where the dataset names no parts; at least 1. In folds all but the hold-out do."""
    rest = rows - round(HOLD_OUT_SHARE * rows)
    selecting = 0.0 if in_folds and rest >= MIN_FOLDED_ROWS else validation_share(max(1, rest))
    return max(1, round((1 - selecting) * rest))


def share_that_selects(rows: int, *, in_folds: bool) -> float:
    """Share of all rows that will be validation rows; rows: all rows with a target, at least 1.

    >>> round(share_that_selects(1_000, in_folds=False), 3), round(share_that_selects(1_000, in_folds=True), 3)
    (0.16, 0.8)
    """
    rest = rows - round(HOLD_OUT_SHARE * rows)
    return (1.0 if in_folds and rest >= MIN_FOLDED_ROWS else validation_share(rest)) * rest / rows


def known_division(dataset: Dataset, roles: Roles, table: Labelled) -> Division | None:
    """Which rows will judge, where that does not hang on chance: a split column names them, or they are the last.

    As `executor.data.split` divides them; of a sample where the table is large.
    """
    if roles.split_column is not None:
        return _named_by(dataset, roles.split_column, table)
    in_order = roles.task is Task.FORECASTING or (roles.time_column is not None and roles.entity_column is None)
    return _by_time(dataset, roles.time_column, table) if in_order else None


def _named_by(dataset: Dataset, column: str, table: Labelled) -> Division | None:
    text = level_text(column, dataset.storage[column])
    counts = dataset.connection.execute(
        f"SELECT {text}, count(*) FROM dataset WHERE {table.where} AND {quoted(column)} IS NOT NULL "
        f"GROUP BY 1 HAVING lower(trim(any_value({text}))) IN ({', '.join(map(literal, PART_WORDS))})"
    ).fetchall()
    for part in (TRAINING, HOLD_OUT):
        own = {name: rows for name, rows in counts if name.strip().lower() in PARTS[part]}
        if not own:
            return None
        where = f"{table.where} AND {text} IN ({', '.join(map(literal, own))})"
        lay_out(dataset.connection, f"{part}_rows", where, rows=sum(own.values()), columns=len(dataset.columns))
    words = f"the test and the training rows of {column!r}"
    return Division(training=f"{TRAINING}_rows", hold_out=f"{HOLD_OUT}_rows", words=words)


def _by_time(dataset: Dataset, column: str | None, table: Labelled) -> Division | None:
    """The last rows; the file's order counts where a time is missing. Rows of one time are not parted."""
    if column is None:
        time = "rowid"
    elif is_number(dataset.storage[column]):
        time = f"CAST({quoted(column)} AS DOUBLE)"
    else:
        time = f"epoch({time_stamp(column, dataset.storage[column])})"
    rows = table.sample_rows
    cut = rows - max(1, round(HOLD_OUT_SHARE * rows))
    ((missing, first, start, last),) = dataset.connection.execute(
        f"SELECT count(*) - count(t), min(t), quantile_disc(t, {(cut + 0.5) / rows!r}), max(t) "
        f"FROM (SELECT {time} AS t FROM {table.sample})"
    ).fetchall()
    if missing:
        return _by_time(dataset, None, table)
    if first == last:
        return None
    judges = f"{time} > {start!r}" if start == first else f"{time} >= {start!r}"
    order = "of the file" if time == "rowid" else f"by {column!r}"
    return Division(
        training=f"(SELECT * FROM {table.sample} WHERE NOT ({judges}))",
        hold_out=f"(SELECT * FROM {table.sample} WHERE {judges})",
        words=f"the last {HOLD_OUT_SHARE:.0%} of the rows {order} and those before them",
    )
