"""Whether a column says of whom a row is, so that several rows are of one patient, speaker or machine."""

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
"""Last words of the names of columns that say of whom a row is."""
NUMBER_WORDS: Final = frozenset({"id", "ids", "no", "nr", "num", "number", "name", "key"})
"""Words that may follow them; a name that ends in the first two says of what a row is, whatever stands before."""
SORTS: Final = (CODE_WORDS - {"id"}) | {"group", "region", "segment", "state", "status"}
"""Words before them that make the name that of a sort ("category id")."""
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
"""Words in the names of columns by which rows are often sorted in equal runs without being of one entity."""
MIN_ENTITIES: Final = 10
"""Values: of fewer a column is a plain category, and a split by it has too few groups (vowel has 15 speakers)."""
ROWS_EACH: Final = 2.0
"""Rows of a value in the mean, below which a column hardly repeats (titanic's Ticket: 1.3)."""
REPEATED: Final = 0.5
"""Share of values that must stand on several rows."""
EQUAL_RUNS: Final = 0.05
"""Greatest deviation of the rows of a value, relative to their mean, in a design of repeated measurements. On 60 public
tables it is 0 for vowel's speakers and 0.13 or more for sorted categories that are no time."""
ALIKE: Final = 0.1
"""Median intraclass correlation of the numeric features from which rows of one value are alike: 0.22 for the speakers
of vowel; 0 where each value meets the same cases, as in a full factorial design."""
DETERMINED: Final = 2
"""Columns that a value fixes: of one, it is a finer name of the same thing (adult: education and its number)."""
CHANCE: Final = 1e-3
"""Probability below which a column is not constant within each value by chance."""
MAX_CANDIDATES: Final = 20
"""Columns that are looked at, those with the most values; each takes a query or two."""
MAX_NUMBERS: Final = 32
"""Numeric features that are looked at for whether rows of one value are alike."""
COUNTED_KINDS: Final = frozenset({Kind.CATEGORICAL, Kind.INTEGER_CODE, Kind.ORDINAL, Kind.NUMERIC, Kind.IDENTIFIER})


@dataclass(frozen=True, kw_only=True)
class EntityHint:
    """A column that may say of whom a row is; why: in words that follow its name."""

    column: str
    values: int
    rows_each: float
    why: str


@dataclass(frozen=True, kw_only=True)
class _Counts:
    """Rows of each value in the sample: how many values, the share of repeated ones, pairs within values, deviation."""

    values: int
    repeated: float
    pairs: int
    deviation: float


def find_entity(
    dataset: Dataset, roles: Roles, table: Labelled, summaries: Mapping[str, ColumnSummary]
) -> EntityHint | None:
    """The likeliest entity of the rows that nobody has named: by its name, by what it fixes, by the order of the file.

    Only where rows are to be divided by chance. Sought are columns with many values, most on several rows, that are
    named as people and things are; or fix several other columns, as a person does age and sex; or stand in runs of
    equal length, one after the other, within which rows are alike, as repeated measurements do.
    """
    if not roles.by_chance or roles.entity_column is not None:
        return None
    found = sorted(_candidates(roles, summaries), key=lambda one: -one.distinct)
    named = [one for one in found if _is_named(one.name)]
    for one in named[:MAX_CANDIDATES]:
        if _counts(dataset, one.name, "dataset", where=table.where).repeated >= REPEATED:
            return _hint(one, "is named as what several rows are of")
    for one in found[:MAX_CANDIDATES]:
        counts = _counts(dataset, one.name, table.sample)
        if counts.values < MIN_ENTITIES or counts.repeated < REPEATED:
            continue
        coarser = _coarser(roles, one, summaries)
        if len(fixed := _fixed(dataset, one.name, coarser, table, counts.pairs)) >= DETERMINED:
            return _hint(one, f"fixes {' and '.join(map(repr, fixed[:2]))}, as a person does age and sex")
        if _in_equal_runs(dataset, one.name, table, counts) and _are_alike(dataset, roles, one.name, table):
            return _hint(one, "stands in runs of equal length, within which rows are alike")
    return None


def _hint(summary: ColumnSummary, why: str) -> EntityHint:
    each = summary.count / summary.distinct
    return EntityHint(column=summary.name, values=summary.distinct, rows_each=each, why=why)


def _candidates(roles: Roles, summaries: Mapping[str, ColumnSummary]) -> Iterator[ColumnSummary]:
    for name, role in roles.columns.items():
        one = summaries[name]
        whole = is_text(one.storage) or is_integer(one.storage) or (is_number(one.storage) and one.whole)
        many = one.distinct >= MIN_ENTITIES and one.count >= ROWS_EACH * one.distinct
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
    return bool(ids or ENTITY_WORDS & {*words[-1:]}) and not {*words} & (SORTS | TIME_WORDS)


def _counts(dataset: Dataset, name: str, table: str, *, where: str = "TRUE") -> _Counts:
    values, several, rows, deviation = dataset.connection.execute(
        "SELECT count(*), count_if(n > 1), coalesce(sum(n), 0), coalesce(stddev_pop(n) / avg(n), 0) FROM "
        f"(SELECT count(*) AS n FROM {table} WHERE {quoted(name)} IS NOT NULL AND {where} GROUP BY {quoted(name)})"
    ).fetchall()[0]
    share = several / values if values else 0.0
    return _Counts(values=values, repeated=share, pairs=int(rows) - values, deviation=deviation)


def _coarser(roles: Roles, one: ColumnSummary, summaries: Mapping[str, ColumnSummary]) -> Sequence[str]:
    """The features with fewer values, which a column of words or codes may fix; none for a quantity."""
    if roles.columns[one.name].kind not in {Kind.CATEGORICAL, Kind.INTEGER_CODE}:
        return ()
    return [name for name in roles.features if 1 < summaries[name].distinct < one.distinct]


def _fixed(dataset: Dataset, name: str, coarser: Sequence[str], table: Labelled, pairs: int) -> Sequence[str]:
    """The columns that are the same in all rows of a value, though not by chance.

    coarser: columns to look at, with fewer values each. pairs: rows of the sample that are not the first of a value.
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
    return [other for other in fixed if pairs * math.log(_agreement(dataset, other, table)) < math.log(CHANCE)]


def _agreement(dataset: Dataset, name: str, table: Labelled) -> float:
    """Probability that two rows drawn at random have the same value."""
    found = dataset.connection.execute(
        "SELECT sum(CAST(n AS DOUBLE) * n) / pow(sum(n), 2) FROM "
        f"(SELECT count(*) AS n FROM {table.sample} GROUP BY {quoted(name)})"
    ).fetchall()
    return float(found[0][0])


def _in_equal_runs(dataset: Dataset, name: str, table: Labelled, counts: _Counts) -> bool:
    """Whether all rows of a value follow each other in the file, and values have equally many."""
    if counts.deviation > EQUAL_RUNS or table.is_sampled or {*words_of(name)} & TIME_WORDS:
        return False
    column = quoted(name)
    runs = dataset.connection.execute(
        "SELECT count_if(coalesce(own IS DISTINCT FROM before, TRUE)) FROM "
        f"(SELECT {column} AS own, lag({column}) OVER (ORDER BY rowid) AS before FROM {table.sample})"
    ).fetchall()[0][0]
    return int(runs) == counts.values


def _are_alike(dataset: Dataset, roles: Roles, name: str, table: Labelled) -> bool:
    """Whether the median intraclass correlation of numeric features is at least ALIKE.

    By one-way analysis of variance, (F - 1) / (F - 1 + rows a value); all values have equally many rows.
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
    return bool(found) and sorted(found)[len(found) // 2] >= ALIKE
