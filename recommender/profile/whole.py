"""Measurements of all rows of large files, of which the table of the dataset has a random sample."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from recommender.dataset.readers.row_parts import DRAWN_ROWS, WHOLE
from recommender.dataset.sql import is_number, quoted
from recommender.profile.characteristic import Characteristic, Labelled, share
from recommender.profile.characteristics.features import alike_rows, duplicate_rows
from recommender.profile.characteristics.target import target_distribution
from rules.decision.record import Guardrail
from rules.vocabulary.facts import FACTS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from recommender.dataset.column_summary import ColumnSummary
    from recommender.dataset.dataset import Dataset
    from recommender.profile.characteristics.features import Alike
    from recommender.profile.profile import Profile
    from recommender.roles.roles import Roles

CELLS: Final = ("missing_share", "sparsity")
OUTLIERS: Final = "outlier_share"
SAMPLED_FACTS: Final = frozenset({*CELLS, OUTLIERS})
"""Facts that are estimates from the sample, unless a choice depends on their exact value."""


def can_be_sampled(dataset: Dataset, roles: Roles) -> bool:
    """Whether the profile of a sample is that of a dataset: rows are independent, and all columns can be counted."""
    apart = (roles.time_column, roles.entity_column, roles.split_column, roles.weight_column)
    drawn = dataset.drawn
    return drawn is not None and not any(apart) and {*dataset.columns} <= drawn.exact


def whole_rows(dataset: Dataset, roles: Roles, table: Labelled) -> Labelled:
    """All rows that have all targets. table: those of the sample."""
    where = " AND ".join(f"{quoted(target)} IS NOT NULL" for target in roles.targets)
    rows = dataset.connection.execute(f"SELECT count(*) FROM {WHOLE} WHERE {where}").fetchall()[0][0]
    return replace(table, where=where, rows=rows, total=None)


def whole_summary(dataset: Dataset, summary: ColumnSummary, table: Labelled) -> ColumnSummary:
    """Summary of a numeric column over all labelled rows. summary: that of the sample."""
    value = quoted(summary.name)
    count, low, high, zeros = dataset.connection.execute(
        f"SELECT count({value}), min({value})::DOUBLE, max({value})::DOUBLE, count_if({value} = 0) "
        f"FROM {WHOLE} WHERE {table.where}"
    ).fetchall()[0]
    return replace(summary, rows=table.rows, count=count, minimum=low, maximum=high, zeros=zeros)


def whole_repeats(
    dataset: Dataset, roles: Roles, compared: Sequence[str], table: Labelled, *, sample: Labelled
) -> tuple[int, Alike, Labelled]:
    """Duplicate rows, rows with equal features, and the rows among which they were counted.

    These are the rows whose features have some of all hashes, so that equal rows are counted together. The most
    frequent row is that of the sample.
    """
    connection = dataset.connection
    learned = [*roles.features, *roles.targets]
    every = max(1, table.rows // DRAWN_ROWS)
    columns = ", ".join(f"hash({quoted(name)}) AS {quoted(name)}" for name in dict.fromkeys([*compared, *learned]))
    key = f"hash({', '.join(map(quoted, roles.features))})"
    kept = f"WHERE {table.where}" + (f" AND {key} % {every} = 0" if every > 1 else "")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE repeats AS SELECT {columns} FROM {WHOLE} {kept}")
    rows = int(connection.execute("SELECT count(*) FROM repeats").fetchall()[0][0])
    copies = duplicate_rows(connection, compared, where="TRUE", table="repeats") if compared else 0
    alike = alike_rows(connection, roles.features, roles.targets, where="TRUE", table="repeats")
    most = alike_rows(connection, roles.features, roles.targets, where=sample.where).most
    connection.execute("DROP TABLE repeats")
    among = replace(table, rows=max(1, rows), total=table.rows if every > 1 else None)
    return copies, replace(alike, most=round(most / sample.rows * among.rows)), among


def sampled_facts(profile: Profile, names: Collection[str]) -> frozenset[str]:
    """Those of some facts that were estimated from a random sample and can be measured exactly."""
    wanted = SAMPLED_FACTS & {*names}
    return frozenset(one.name for one in _all(profile) if one.name in wanted and one.low is not None)


def _all(profile: Profile) -> Sequence[Characteristic]:
    return [*profile.characteristics, *(one for own in profile.targets.values() for one in own)]


def measure_exactly(dataset: Dataset, roles: Roles, profile: Profile, names: Collection[str]) -> Profile:
    """Replace facts that were estimated from a sample by measurements of all rows. names: from `sampled_facts`."""
    table = whole_rows(dataset, roles, Labelled(where="", rows=0, sample="dataset", sample_rows=dataset.row_count))
    exact: dict[str, Characteristic] = {}
    if {*CELLS} & {*names}:
        exact = {one.name: one for one in _cells(dataset, roles, table) if one.name in names}
    targets = dict(profile.targets)
    if OUTLIERS in names:
        targets = {
            target: tuple(_outliers(dataset, target, table, one) if one.name == OUTLIERS else one for one in own)
            for target, own in targets.items()
        }
    return profile.model_copy(
        update={
            "characteristics": tuple(exact.get(one.name, one) for one in profile.characteristics),
            "targets": targets,
        }
    )


def _cells(dataset: Dataset, roles: Roles, table: Labelled) -> Sequence[Characteristic]:
    """Shares of missing and of zero cells of the features."""
    numeric = [name for name in roles.features if is_number(dataset.storage[name])]
    known = [f"count({quoted(name)})" for name in roles.features]
    zeros = [f"count_if({quoted(name)} = 0)" for name in numeric]
    values = [f"count({quoted(name)})" for name in numeric]
    sums = ", ".join(" + ".join(some) or "0" for some in (known, zeros, values))
    counted, zero, numbers = dataset.connection.execute(f"SELECT {sums} FROM {WHOLE} WHERE {table.where}").fetchall()[0]
    cells, unit = table.rows * len(roles.features), "fraction of cells"
    return (
        share("missing_share", cells - counted, cells, unit, table, sampled=False),
        share("sparsity", zero, numbers, unit, table, sampled=False),
    )


def _outliers(dataset: Dataset, target: str, table: Labelled, estimate: Characteristic) -> Characteristic:
    """Share of outliers of a target among all rows, by the median and the deviation of the sample."""
    low, high = dataset.connection.execute(
        f"SELECT min({quoted(target)})::DOUBLE, max({quoted(target)})::DOUBLE FROM {WHOLE} WHERE {table.where}"
    ).fetchall()[0]
    found = target_distribution(
        dataset.connection,
        target,
        table=f"(SELECT * FROM {WHOLE} WHERE {table.where})",
        sample="dataset",
        extent=(low, high),
        counted=f"(SELECT * FROM {WHOLE} WHERE {table.where})",
    )
    how = f"{table.counted}, median and deviation of {table.sample_rows:,} rows drawn at random"
    return estimate.model_copy(
        update={"value": found.outliers / found.sample, "low": None, "high": None, "sample": None, "how": how}
    )


def check_sample(dataset: Dataset, profile: Profile) -> Profile:
    """Add a guardrail that states which facts were measured on a sample; none for a dataset with all rows."""
    drawn = dataset.drawn
    if drawn is None:
        return profile
    every = {one.name for one in _all(profile)} & {*SAMPLED_FACTS, *EXACT}
    exact = [name for name in FACTS if name in every - sampled_facts(profile, SAMPLED_FACTS)]
    message = (
        f"The profile is measured on {dataset.row_count:,} of {drawn.rows:,} rows, drawn at random (seed "
        f"{drawn.seed}). Counted on all rows: {', '.join(exact)}."
    )
    others = tuple(one for one in profile.guardrails if one.name != SAMPLE)
    return profile.model_copy(update={"guardrails": (*others, Guardrail(name=SAMPLE, status="done", message=message))})


SAMPLE: Final = "sample"  # name of a guardrail
EXACT: Final = (
    "rows",
    "classes",
    "imbalance_ratio",
    "minority_class_rows",
    "squared_deviation_top_share",
    "target_skew",
)
"""Facts that are counted on all rows."""
