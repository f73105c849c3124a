"""Properties of the split that are known in advance: shares of its parts, and hold-out rows that are not random."""

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
from recommender.dataset.sql import category_text, is_number, literal, quoted, time_stamp
from recommender.profile.characteristics.drift import lay_out
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from recommender.dataset.dataset import Dataset
    from recommender.profile.characteristic import Labelled
    from recommender.roles.roles import Roles


@dataclass(frozen=True, kw_only=True)
class KnownSplit:
    """Training and hold-out rows as SQL tables. words: "the last 20 % of the rows and the earlier ones"."""

    training: str
    hold_out: str
    words: str


def validation_share(rows: int) -> float:
    """Share of validation rows among the rows outside the hold-out set: twice that of AutoGluon.

    It is doubled because validation rows compare trials. rows: training and validation rows together.

    >>> validation_share(2_500), validation_share(100_000)
    (0.2, 0.05)
    """
    if rows < SMALL_TABLE:
        low, high, target = SMALL_SHARES
    else:
        low, high, target = LARGE_SHARES
    return min(MAX_SHARE, 2 * max(low, min(high, target / rows)))


def training_rows(rows: int, *, in_folds: bool, hold_out: int | None = None) -> int:
    """Number of training rows out of `rows`, at least 1.

    in_folds: whether cross-validation is used, in which all rows outside the hold-out set train. hold_out: rows of the
    hold-out that a split column names; None where the hold-out is drawn.
    """
    rest = rows - (round(HOLD_OUT_SHARE * rows) if hold_out is None else hold_out)
    selecting = 0.0 if in_folds and rest >= MIN_FOLDED_ROWS else validation_share(max(1, rest))
    return max(1, round((1 - selecting) * rest))


def validation_row_share(rows: int, *, in_folds: bool) -> float:
    """Share of validation rows among all rows. rows: number of rows with a target, at least 1.

    >>> round(validation_row_share(1_000, in_folds=False), 3), round(validation_row_share(1_000, in_folds=True), 3)
    (0.16, 0.8)
    """
    rest = rows - round(HOLD_OUT_SHARE * rows)
    return (1.0 if in_folds and rest >= MIN_FOLDED_ROWS else validation_share(rest)) * rest / rows


def named_hold_out(dataset: Dataset, roles: Roles) -> int | None:
    """Number of rows that a split column names as the hold-out; None where it names none."""
    if roles.split_column is None:
        return None
    text = category_text(roles.split_column, dataset.storage[roles.split_column])
    names = ", ".join(map(literal, PARTS[HOLD_OUT]))
    found = dataset.connection.execute(
        f"SELECT count(*) FROM dataset WHERE lower(trim({text})) IN ({names})"
    ).fetchone()
    return int(found[0]) or None if found else None


def known_split(dataset: Dataset, roles: Roles, table: Labelled) -> KnownSplit | None:
    """Hold-out rows that do not depend on chance: from a split column, or the last rows in time; None otherwise.

    They are those of `executor.data.split`, on a sample if the table is large.
    """
    if roles.split_column is not None:
        return _named_by(dataset, roles.split_column, table)
    in_order = roles.task is Task.FORECASTING or (roles.time_column is not None and roles.entity_column is None)
    return _by_time(dataset, roles.time_column, table) if in_order else None


def _named_by(dataset: Dataset, column: str, table: Labelled) -> KnownSplit | None:
    text = category_text(column, dataset.storage[column])
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
    words = f"the hold-out and training rows of {column!r}"
    return KnownSplit(training=f"{TRAINING}_rows", hold_out=f"{HOLD_OUT}_rows", words=words)


def _by_time(dataset: Dataset, column: str | None, table: Labelled) -> KnownSplit | None:
    """The last rows, in file order if a time is missing. Rows with the same time are not split."""
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
    return KnownSplit(
        training=f"(SELECT * FROM {table.sample} WHERE NOT ({judges}))",
        hold_out=f"(SELECT * FROM {table.sample} WHERE {judges})",
        words=f"the last {HOLD_OUT_SHARE:.0%} of the rows {order} and the earlier ones",
    )
