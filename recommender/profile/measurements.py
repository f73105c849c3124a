"""Characteristics of rows, features, targets and time order, with unit and interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from recommender.dataset.sql import category_text, is_number, one_in, quoted
from recommender.profile.characteristic import (
    MIN_SAMPLED,
    Characteristic,
    Labelled,
    by_name,
    count,
    measured_number,
    share,
)
from recommender.profile.characteristics.features import (
    Hint,
    alike_rows,
    areas,
    correlations,
    determined,
    duplicate_rows,
    empty_rows,
    outliers,
)
from recommender.profile.characteristics.target import Classes, TargetDistribution, target_distribution
from recommender.profile.whole import whole_repeats
from recommender.roles.tasks import class_counts
from recommender.roles.time_order import persistence, spacing
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.costs import cost_ratio
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from recommender.dataset.column_summary import ColumnSummary
    from recommender.dataset.dataset import Dataset
    from recommender.roles.roles import Roles

HINT_CELLS: Final = 200_000
"""Cells, times targets, of the sample for leakage hints: a few hundred rows suffice to detect leakage."""
MAX_CATEGORIES: Final = 1_000
"""Categories of a column whose leakage is measured."""
MAX_HINTED_TARGETS: Final = 10
"""Targets for which leakage is measured."""
SPLIT_REASONS: Final = {
    "random": "no time, entity or split column",
    "entity": "given by --entity",
    "time": "rows are ordered by a time column, or are a series",
    "predefined": "given by a split column",
}
CATEGORY_KINDS: Final = frozenset({Kind.CATEGORICAL, Kind.INTEGER_CODE, Kind.ORDINAL, Kind.BOOLEAN})


@dataclass(frozen=True, kw_only=True)
class Features:
    """Characteristics and leakage hints of the feature columns."""

    characteristics: tuple[Characteristic, ...]
    hints: tuple[Hint, ...]


def measure_rows(
    dataset: Dataset, roles: Roles, table: Labelled, *, whole: Labelled | None = None
) -> Sequence[Characteristic]:
    """Number of rows, rows without target, and duplicate rows. whole: all labelled rows, where table is a sample."""
    weights = _weights(dataset, roles, table)
    sample, among, every = table, table, dataset.total_rows
    table = whole or table
    unlabelled = every - table.rows - int(measured_number(by_name(weights), "weightless_rows"))
    apart = {roles.split_column, roles.weight_column}
    compared = [name for name, role in roles.columns.items() if role.kind is not Kind.IDENTIFIER and name not in apart]
    if whole is None:
        copies = duplicate_rows(dataset.connection, compared, where=table.where) if compared else 0
        learned = compared if roles.task is Task.FORECASTING else roles.features
        alike = alike_rows(dataset.connection, learned, roles.targets, where=table.where)
    else:
        copies, alike, among = whole_repeats(dataset, roles, compared, whole, sample=sample)
    return (
        count("rows", table.rows, "rows", "rows with a target"),
        Characteristic(name="split", value=roles.split, unit="way", how=SPLIT_REASONS[roles.split]),
        count("unlabelled_rows", unlabelled, "rows", f"counted on {every:,} rows"),
        share("target_missing_share", unlabelled, every, "fraction of rows", table, sampled=False),
        share("duplicate_share", copies, among.rows, "fraction of rows", among, sampled=False),
        share("alike_share", alike.rows, among.rows, "fraction of rows", among, sampled=False),
        share("most_alike_share", alike.most, among.rows, "fraction of rows", among, sampled=False),
        share("alike_unlike_target_share", alike.differing, alike.groups, "fraction of groups", among, sampled=False),
        *weights,
        *_costs(roles),
    )


def _costs(roles: Roles) -> Iterator[Characteristic]:
    """Ratio of the largest to the smallest cost of a wrong class, of exclusive classes."""
    if roles.task in {Task.BINARY, Task.MULTICLASS}:
        value, how = (cost_ratio(roles.costs), "given by --costs") if roles.costs else (1.0, "no costs")
        yield Characteristic(name="cost_ratio", value=value, unit="cost per cost", how=how)


def _weights(dataset: Dataset, roles: Roles, table: Labelled) -> Sequence[Characteristic]:
    """Effective sample size of weighted rows, relative to their number (Kish 1965), and rows with weight 0."""
    name, unit = "effective_row_share", "fraction of rows"
    column = roles.weight_column
    if column is None:
        return (Characteristic(name=name, value=1.0, unit=unit, how="no weight column"),)
    weight, known = quoted(column), " AND ".join(f"{quoted(target)} IS NOT NULL" for target in roles.targets)
    # Relative to the largest weight, so that no square overflows.
    scaled = f"({weight}::DOUBLE / (SELECT max({weight}) FROM dataset))"
    ((effective, without),) = dataset.connection.execute(
        f"SELECT power(sum({scaled}), 2) / sum(power({scaled}, 2)), count(*) FILTER (WHERE {weight} = 0) "
        f"FROM dataset WHERE {known}"
    ).fetchall()
    how = f"(sum of {column!r})² / sum of its squares, {table.counted}"
    return (
        Characteristic(name=name, value=min(1.0, effective / table.rows), unit=unit, how=how),
        count("weightless_rows", without, "rows", f"weight 0, counted on {dataset.row_count:,} rows"),
    )


def measure_features(
    dataset: Dataset, roles: Roles, table: Labelled, summaries: Mapping[str, ColumnSummary]
) -> Features:
    """Characteristics of the feature columns: kinds, missing values, zeros, outliers, categories and leakage hints."""
    names = roles.features
    missing = {name: summaries[name].missing for name in names}
    cells = table.rows * len(names)
    numeric = [name for name in names if is_number(dataset.storage[name])]
    values = sum(summaries[name].count for name in numeric)
    beyond = outliers(dataset.connection, numeric, sample=table.sample)
    sampled_values = sum(round(summaries[name].count / table.rows * table.sample_rows) for name in numeric)
    worst = max(missing, key=lambda name: missing[name], default=None)
    categorical = [name for name in names if roles.columns[name].kind in CATEGORY_KINDS]
    kinds = [role.kind for role in roles.columns.values()]
    past = roles.task is Task.FORECASTING
    found = [
        count("columns", len(dataset.columns), "columns", "columns of the file"),
        count(
            "features",
            len(names) + (len(roles.targets) if past else 0),
            "columns",
            "feature columns, and the past of each target" if past else "feature columns",
        ),
        *(
            count(f"{kind}_columns", kinds.count(kind), "columns", "inferred, or given by --kind")
            for kind in Kind
            if kind in kinds
        ),
        share("missing_share", sum(missing.values()), cells, "fraction of cells", table, sampled=False),
        share(
            "sparsity",
            sum(summaries[name].zeros for name in numeric),
            values,
            "fraction of cells",
            table,
            sampled=False,
        ),
        share("feature_outlier_share", sum(beyond.values()), sampled_values, "fraction of cells", table, sampled=True),
        share(
            "empty_row_share",
            empty_rows(dataset.connection, missing, where=table.where) if names else 0,
            table.rows,
            "fraction of rows",
            table,
            sampled=False,
        ),
    ]
    if worst is not None:
        found.append(
            Characteristic(
                name="worst_missing_share",
                value=missing[worst] / table.rows,
                unit="fraction of rows",
                how=f"column {worst!r}, {table.counted}",
            )
        )
    if texts := [name for name in names if roles.columns[name].kind is Kind.TEXT]:
        words = sum(summaries[name].words for name in texts)
        how = f"mean over rows of {len(texts)} text column{'s' if len(texts) > 1 else ''}, {table.counted}"
        found.append(Characteristic(name="text_words", value=words, unit="words", how=how))
    if categorical:
        most = max(categorical, key=lambda name: summaries[name].distinct)
        found.append(count("most_levels", summaries[most].distinct, "categories", f"column {most!r}, {table.counted}"))
    return Features(characteristics=tuple(found), hints=tuple(_hints(dataset, roles, table, numeric, summaries)))


def _hints(
    dataset: Dataset,
    roles: Roles,
    table: Labelled,
    numeric: Sequence[str],
    summaries: Mapping[str, ColumnSummary],
) -> Sequence[Hint]:
    """How well each single column predicts each target; none for forecasts, which use only the past."""
    if roles.task is Task.FORECASTING:
        return ()
    connection, hints = dataset.connection, list[Hint]()
    targets = roles.targets[:MAX_HINTED_TARGETS]
    size = max(MIN_SAMPLED, HINT_CELLS // (len(roles.features) * len(targets)))
    every = -(-table.sample_rows // size)
    sample = table.sample
    if every > 1:
        sample = "hinted"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE hinted AS SELECT * FROM {table.sample} WHERE {one_in(every)}")
    categorical = {
        name: dataset.storage[name]
        for name in roles.features
        if roles.columns[name].kind in CATEGORY_KINDS and summaries[name].distinct <= MAX_CATEGORIES
    }
    for target in targets:
        if not roles.task.is_classification:
            hints += correlations(connection, numeric, target, sample=sample)
            continue
        label = category_text(target, dataset.storage[target])
        hints += areas(connection, numeric, target, label, sample=sample)
        hints += determined(connection, categorical, target, label, sample=sample)
    return hints


def measure_targets(
    dataset: Dataset, roles: Roles, table: Labelled, target: str, summary: ColumnSummary, *, source: str = "dataset"
) -> tuple[Characteristic, ...]:
    """Characteristics of one target: its classes, or its distribution and outliers. source: SQL table of the rows."""
    if roles.task.is_classification:
        return _of_classes(Classes(counts=class_counts(dataset, target, where=table.where, source=source)), table)
    low, high = summary.minimum, summary.maximum
    if low is None or high is None or low == high:
        return ()
    found = target_distribution(
        dataset.connection,
        target,
        table=f"(SELECT * FROM {source} WHERE {table.where})",
        sample=table.sample,
        extent=(low, high),
    )
    return _of_shape(found, summary, table)


def _of_classes(classes: Classes, table: Labelled) -> tuple[Characteristic, ...]:
    rarest = f"class {classes.rarest!r}, {table.counted}"
    return (
        count("classes", len(classes.counts), "classes", table.counted),
        Characteristic(name="minority_share", value=classes.minority_share, unit="fraction of rows", how=rarest),
        Characteristic(name="imbalance_ratio", value=classes.imbalance_ratio, unit="rows per row", how=rarest),
        count("minority_class_rows", classes.rare_rows, "rows", rarest),
        count("single_row_classes", sum(rows == 1 for rows in classes.counts.values()), "classes", table.counted),
        Characteristic(name="rarest_class", value=classes.rarest, unit="class", how=table.counted),
        *(
            count(f"rows of {name}", rows, "rows", table.counted)
            for name, rows in list(classes.counts.items())[:MAX_SHOWN_CLASSES]
        ),
    )


MAX_SHOWN_CLASSES: Final = 50
"""Classes whose row counts are listed."""


def _of_shape(found: TargetDistribution, summary: ColumnSummary, table: Labelled) -> tuple[Characteristic, ...]:
    def beyond(name: str, hits: int) -> Characteristic:
        return share(name, hits, found.sample, "fraction of rows", table, sampled=True)

    return (
        Characteristic(name="minimum", value=summary.minimum, unit="the target's", how=table.counted),
        Characteristic(name="maximum", value=summary.maximum, unit="the target's", how=table.counted),
        share("zero_share", summary.zeros, summary.count, "fraction of rows", table, sampled=False),
        Characteristic(name="target_skew", value=found.skew, unit="1", how=table.counted),
        Characteristic(name="target_kurtosis", value=found.kurtosis, unit="1, normal is 0", how=table.counted),
        Characteristic(
            name="squared_deviation_top_share",
            value=found.top_share,
            unit="fraction of squared deviations",
            how=f"of the 1 % of rows farthest from the mean, {table.counted}",
        ),
        Characteristic(
            name="yeo_johnson_power",
            value=found.power,
            unit="1",
            sample=found.sample if table.is_sampled else None,
            how=f"maximum likelihood, {table.sampled}",
        ),
        beyond("outlier_share", found.outliers),
        beyond("robust_z_outlier_share", found.raw),
        beyond("transformed_outlier_share", found.transformed),
        beyond("tukey_outlier_share", found.tukey),
    )


def measure_order(dataset: Dataset, roles: Roles) -> Sequence[Characteristic]:
    """Characteristics of row order: spacing of the time column, entities, and autocorrelation of the first target."""
    found: list[Characteristic] = []
    time, entity, season = roles.time_column, roles.entity_column, None
    steps = None if time is None else spacing(dataset, time, entity=entity)
    if steps is not None:
        season, how = steps.season, f"measured on the last {steps.steps + steps.entities:,} rows"
        found += [
            Characteristic(name="time_column", value=time, unit="column", how=roles.time_reason),
            Characteristic(name="step", value=steps.step_text, unit="time", how=f"most frequent step, {how}"),
            Characteristic(name="regular_step_share", value=steps.regular_share, unit="fraction of steps", how=how),
            Characteristic(name="rising_step_share", value=steps.rising_share, unit="fraction of steps", how=how),
            count("gaps", steps.gaps, "steps longer than the most frequent one", how),
            count("repeated_times", steps.repeats, "rows", how),
            count("entities", steps.entities, "series", how),
        ]
    tie = persistence(dataset, roles.targets[0], order=time, entity=entity, season=season)
    if tie is not None:
        order = "the file" if time is None else f"{time!r}"
        how = f"{roles.targets[0]!r} in the order of {order}, last {tie.length:,} rows"
        found += [
            Characteristic(name="autocorrelation", value=tie.lag_1, unit="1", how=f"lag 1 of {how}"),
            Characteristic(
                name="ljung_box_p", value=tie.p_value, unit="probability", how=f"lags 1 to {tie.lags} of {how}"
            ),
        ]
        if tie.lag_season is not None and season is not None:
            found += [
                count("season", season, "steps", "suggested by the step"),
                Characteristic(
                    name="season_autocorrelation", value=tie.lag_season, unit="1", how=f"lag {season} of {how}"
                ),
            ]
    if roles.task is Task.FORECASTING:
        from recommender.profile.characteristics.series import measure_series  # noqa: PLC0415  needs NumPy, tables do not

        found = [one for one in found if one.name != "season"] + list(measure_series(dataset, roles, steps))
    return found
