"""Detection of a column that identifies the entity of a row, such as a patient, speaker or machine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from recommender.dataset.column_names import CODE_WORDS, words_of
from recommender.dataset.sql import chunks, is_integer, is_number, is_text, quoted
from rules.vocabulary.column_kind import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from recommender.dataset.column_summary import ColumnSummary
    from recommender.dataset.dataset import Dataset
    from recommender.profile.characteristic import Labelled
    from recommender.roles.roles import Roles

ENTITY_WORDS: Final = frozenset(
    {
        "athlete",
        "client",
        "customer",
        "donor",
        "driver",
        "employee",
        "household",
        "participant",
        "patient",
        "person",
        "pid",
        "player",
        "proband",
        "respondent",
        "speaker",
        "student",
        "subject",
        "user",
        "volunteer",
    }
)
"""Last words of names of entity columns."""
NUMBER_WORDS: Final = frozenset({"id", "ids", "no", "nr", "num", "number", "name", "key"})
"""Words that may follow them; a name that starts or ends with one of the first two is that of an entity."""
CATEGORY_WORDS: Final = (CODE_WORDS - {"id"}) | {"group", "region", "segment", "state", "status"}
"""Words that make the name that of a category instead ("category id")."""
TIME_WORDS: Final = frozenset(
    {
        "date",
        "day",
        "hour",
        "julday",
        "minute",
        "mnth",
        "mon",
        "month",
        "period",
        "quarter",
        "season",
        "semester",
        "time",
        "trend",
        "week",
        "weekday",
        "year",
        "yr",
    }
)
"""Words in names of time columns, by which rows are often sorted in runs of equal length."""
MIN_ENTITIES: Final = 10
"""Distinct values of an entity column; with fewer, a split by it has too few groups (vowel has 15 speakers)."""
MIN_ROWS_PER_VALUE: Final = 2.0
"""Average rows per value of an entity column (titanic's Ticket: 1.3)."""
MIN_REPEATED_SHARE: Final = 0.5
"""Share of values with several rows."""
MAX_RUN_DEVIATION: Final = 0.05
"""Relative standard deviation of the rows per value in a design of repeated measurements
(docs/evidence.md#entity-columns)."""
MIN_INTRACLASS_CORRELATION: Final = 0.1
"""Median intraclass correlation of the numeric features within the values of an entity column
(docs/evidence.md#entity-columns)."""
MIN_DETERMINED_COLUMNS: Final = 2
"""Columns that an entity determines; a column that determines only one is a finer version of it, as in adult education
and its number."""
MAX_P_VALUE: Final = 1e-3
"""Probability by chance of a column that is constant within each value."""
MAX_CANDIDATES: Final = 20
"""Candidate columns, those with the most values; each takes one or two queries."""
MAX_NUMBERS: Final = 32
"""Numeric features for the intraclass correlation."""
COUNTED_KINDS: Final = frozenset({Kind.CATEGORICAL, Kind.INTEGER_CODE, Kind.ORDINAL, Kind.NUMERIC, Kind.IDENTIFIER})


@dataclass(frozen=True, kw_only=True)
class EntityHint:
    """A column that may identify the entity of a row. why: text that follows the column's name."""

    column: str
    values: int
    rows_each: float
    why: str


@dataclass(frozen=True, kw_only=True)
class _Counts:
    """Rows per value in the sample: number of values, share with several rows, pairs, and relative deviation."""

    values: int
    repeated: float
    pairs: int
    deviation: float


def find_entity(
    dataset: Dataset, roles: Roles, table: Labelled, summaries: Mapping[str, ColumnSummary]
) -> EntityHint | None:
    """The most likely entity column, for a random split without one.

    Candidates have many values, most with several rows, and one of: the name of an entity; several other columns that
    they determine, as a patient determines age and sex; consecutive runs of equal length with similar rows, as in
    repeated measurements.
    """
    if not roles.by_chance or roles.entity_column is not None:
        return None
    found = sorted(_candidates(roles, summaries), key=lambda one: -one.distinct)
    named = [one for one in found if _is_named(one.name)]
    for one in named[:MAX_CANDIDATES]:
        if _counts(dataset, one.name, "dataset", where=table.where).repeated >= MIN_REPEATED_SHARE:
            return _hint(one, "has the name of an entity")
    for one in found[:MAX_CANDIDATES]:
        counts = _counts(dataset, one.name, table.sample)
        if counts.values < MIN_ENTITIES or counts.repeated < MIN_REPEATED_SHARE:
            continue
        coarser = _coarser(roles, one, summaries)
        if len(fixed := _fixed(dataset, one.name, coarser, table, counts.pairs)) >= MIN_DETERMINED_COLUMNS:
            return _hint(one, f"determines {' and '.join(map(repr, fixed[:2]))}, as a patient determines age and sex")
        if _in_equal_runs(dataset, one.name, table, counts) and _are_alike(dataset, roles, one.name, table):
            return _hint(one, "forms runs of equal length with similar rows")
    return None


def _hint(summary: ColumnSummary, why: str) -> EntityHint:
    each = summary.count / summary.distinct
    return EntityHint(column=summary.name, values=summary.distinct, rows_each=each, why=why)


def _candidates(roles: Roles, summaries: Mapping[str, ColumnSummary]) -> Iterator[ColumnSummary]:
    for name, role in roles.columns.items():
        one = summaries[name]
        whole = is_text(one.storage) or is_integer(one.storage) or (is_number(one.storage) and one.whole)
        many = one.distinct >= MIN_ENTITIES and one.count >= MIN_ROWS_PER_VALUE * one.distinct
        if name not in roles.targets and role.kind in COUNTED_KINDS and whole and many:
            yield one


def _is_named(name: str) -> bool:
    """Whether a name is that of an entity.

    >>> _is_named("patientID"), _is_named("Speaker"), _is_named("id_store"), _is_named("account no")
    (True, True, True, False)
    >>> _is_named("customer_age"), _is_named("category_id"), _is_named("user_type")
    (False, False, False)
    """
    words = [*words_of(name)]
    ids = {"id", "ids"} & {*words[:1], *words[-1:]}
    while len(words) > 1 and words[-1] in NUMBER_WORDS:
        words.pop()
    return bool(ids or ENTITY_WORDS & {*words[-1:]}) and not {*words} & (CATEGORY_WORDS | TIME_WORDS)


def _counts(dataset: Dataset, name: str, table: str, *, where: str = "TRUE") -> _Counts:
    values, several, rows, deviation = dataset.connection.execute(
        "SELECT count(*), count_if(n > 1), coalesce(sum(n), 0), coalesce(stddev_pop(n) / avg(n), 0) FROM "
        f"(SELECT count(*) AS n FROM {table} WHERE {quoted(name)} IS NOT NULL AND {where} GROUP BY {quoted(name)})"
    ).fetchall()[0]
    share = several / values if values else 0.0
    return _Counts(values=values, repeated=share, pairs=int(rows) - values, deviation=deviation)


def _coarser(roles: Roles, one: ColumnSummary, summaries: Mapping[str, ColumnSummary]) -> Sequence[str]:
    """Features with fewer values, which a column of text or codes may determine; none for a quantity."""
    if roles.columns[one.name].kind not in {Kind.CATEGORICAL, Kind.INTEGER_CODE}:
        return ()
    return [name for name in roles.features if 1 < summaries[name].distinct < one.distinct]


def _fixed(dataset: Dataset, name: str, coarser: Sequence[str], table: Labelled, pairs: int) -> Sequence[str]:
    """Columns that are significantly constant within each value of a column.

    coarser: columns to test, with fewer values. pairs: number of sampled rows that are not the first of their value.
    """
    fixed: list[str] = []
    for others in chunks(coarser):
        ends = ", ".join(
            f"bool_and(coalesce(low{at} = high{at}, TRUE) AND known{at} IN (0, n))" for at in range(len(others))
        )
        each = ", ".join(
            f"min({quoted(other)}) AS low{at}, max({quoted(other)}) AS high{at}, count({quoted(other)}) AS known{at}"
            for at, other in enumerate(others)
        )
        (same,) = dataset.connection.execute(
            f"SELECT {ends} FROM (SELECT count(*) AS n, {each} FROM {table.sample} "
            f"WHERE {quoted(name)} IS NOT NULL GROUP BY {quoted(name)})"
        ).fetchall()
        fixed += [other for other, is_same in zip(others, same, strict=True) if is_same]
    return [other for other in fixed if pairs * math.log(_agreement(dataset, other, table)) < math.log(MAX_P_VALUE)]


def _agreement(dataset: Dataset, name: str, table: Labelled) -> float:
    """Probability that two random rows have the same value."""
    found = dataset.connection.execute(
        "SELECT sum(CAST(n AS DOUBLE) * n) / pow(sum(n), 2) FROM "
        f"(SELECT count(*) AS n FROM {table.sample} GROUP BY {quoted(name)})"
    ).fetchall()
    return float(found[0][0])


def _in_equal_runs(dataset: Dataset, name: str, table: Labelled, counts: _Counts) -> bool:
    """Whether all rows of a value are consecutive, with the same number of rows for each value."""
    if counts.deviation > MAX_RUN_DEVIATION or table.is_sampled or {*words_of(name)} & TIME_WORDS:
        return False
    column = quoted(name)
    runs = dataset.connection.execute(
        "SELECT count_if(coalesce(own IS DISTINCT FROM before, TRUE)) FROM "
        f"(SELECT {column} AS own, lag({column}) OVER (ORDER BY rowid) AS before FROM {table.sample})"
    ).fetchall()[0][0]
    return int(runs) == counts.values


def _are_alike(dataset: Dataset, roles: Roles, name: str, table: Labelled) -> bool:
    """Whether the median intraclass correlation of numeric features is at least MIN_INTRACLASS_CORRELATION.

    By one-way analysis of variance, (F - 1) / (F - 1 + rows per value); all values have the same number of rows.
    """
    numbers = [other for other in roles.features if other != name and is_number(dataset.storage[other])][:MAX_NUMBERS]
    if not numbers:
        return False
    found = []
    for other in numbers:
        column = f"CAST({quoted(other)} AS DOUBLE)"
        values, rows, within, total = dataset.connection.execute(
            "SELECT count(*), sum(n), sum(n * spread), var_pop(mean) * count(*) FROM (SELECT count(*) AS n, "
            f"var_pop({column}) AS spread, avg({column}) AS mean FROM {table.sample} "
            f"WHERE isfinite({column}) GROUP BY {quoted(name)})"
        ).fetchall()[0]
        if not values or rows <= values or values == 1:
            continue
        each = rows / values
        between, inside = total * each / (values - 1), within / (rows - values)
        if between + inside > 0:
            found.append((between - inside) / (between + (each - 1) * inside))
    return bool(found) and sorted(found)[len(found) // 2] >= MIN_INTRACLASS_CORRELATION
