"""What is worth saying about a dataset: the measured value, the threshold it passed, and what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from recommender.characteristics.sequence import CHANCE, PERSISTENCE, REGULAR_SHARE
from recommender.kinds import COMMA_REMEDY, MOSTLY_NUMBERS, TOO_EMPTY, Kind, comma_use, named_as_number
from recommender.wording import counted
from rules.facts import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from recommender.characteristic import Characteristic
    from recommender.characteristics.columns import ColumnSummary
    from recommender.characteristics.features import Hint
    from recommender.dataset import Dataset
    from recommender.roles import Roles

FEW_ROWS: Final = 200
"""Rows under which every score is a guess (Ludwig's minimum, EVIDENCE.md 1, size)."""
FEW_IN_CLASS: Final = 30
"""Rows of the rarest class under which more should be collected (EVIDENCE.md 1, imbalance)."""
MISSING: Final = 0.20
"""Share of missing cells from which a column is worth naming (EvalML, EVIDENCE.md 1)."""
LEAK_CORRELATION: Final = 0.95
"""Correlation with the target from which a column is suspected (EvalML, EVIDENCE.md 1, leakage)."""
BLOCK_CORRELATION: Final = 0.99
"""Correlation from which it should be left out unless it is known to be fair (Ludwig, EVIDENCE.md 1)."""
LEAK_AREA: Final = 0.995
"""Area under the ROC curve of one column alone above which it is suspected (EVIDENCE.md 1)."""
LEAK_LEVELS: Final = 0.995
"""Share of rows whose level tells the class above which a column is suspected: the same bound, for categories."""
KNOWN_SHARE: Final = 0.5
"""Share of the rows in which a column must be known before it can be suspected: what is rarely known tells little."""
SKEW: Final = 1.0
"""Skewness from which a target is worth transforming (EVIDENCE.md 2, C in regression)."""
OUTLIERS: Final = 0.01
"""Share of outliers on both scales from which the cost function changes (EVIDENCE.md 1, outliers)."""
DUPLICATES: Final = 0.01
"""Share of rows that repeat another from which the split matters: under it no score moves visibly."""
MANY_LEVELS: Final = 50
"""Levels above which a category is embedded (EVIDENCE.md 1, category)."""
TEXT_FORMATS: Final = frozenset({"csv", "tsv"})
"""Formats whose first line holds the names."""
MOST_NAMED: Final = 8
"""Columns that a message names."""


class Finding(BaseModel):
    """One thing worth saying.

    message: a sentence with what was found and what was done. value, threshold: the number and the bound it passed,
    where there are such. columns: whom it concerns.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    message: str
    columns: tuple[str, ...] = ()
    value: float | None = None
    threshold: float | None = None
    unit: str = ""


def find(
    dataset: Dataset,
    roles: Roles,
    *,
    measured: Mapping[str, Characteristic],
    targets: Mapping[str, Mapping[str, Characteristic]],
    hints: Sequence[Hint],
    summaries: Mapping[str, ColumnSummary],
) -> tuple[Finding, ...]:
    """Everything worth saying, the gravest first.

    measured, targets: characteristics by name, of the dataset and of each target.
    """
    return (
        *_of_leaks(hints),
        *_of_names(dataset),
        *_of_rows(dataset, measured),
        *_of_targets(roles, targets),
        *_of_order(roles, measured),
        *_of_columns(roles, summaries),
    )


def _named(columns: Sequence[str]) -> str:
    more = f" and {len(columns) - MOST_NAMED:,} more" if len(columns) > MOST_NAMED else ""
    return ", ".join(map(repr, columns[:MOST_NAMED])) + more


def _number(measured: Mapping[str, Characteristic], name: str) -> float:
    value = measured[name].value if name in measured else None
    return float(value) if isinstance(value, int | float) else 0.0


def _of_leaks(hints: Sequence[Hint]) -> Iterator[Finding]:
    bounds = {"correlation": LEAK_CORRELATION, "AUC": LEAK_AREA, "determined share": LEAK_LEVELS}
    worst: dict[str, Hint] = {}
    most = max((hint.rows for hint in hints), default=0)
    for hint in hints:
        known = worst.get(hint.column)
        passed = abs(hint.value) >= bounds[hint.measure] and hint.rows >= KNOWN_SHARE * most
        if passed and (known is None or abs(hint.value) > abs(known.value)):
            worst[hint.column] = hint
    for hint in sorted(worst.values(), key=lambda one: -abs(one.value)):
        sure = hint.measure == "correlation" and abs(hint.value) >= BLOCK_CORRELATION
        advice = "leave it out unless" if sure else "check that"
        yield Finding(
            name="leakage",
            message=(
                f"{hint.column!r} alone nearly tells {hint.target!r} ({hint.measure} {hint.value:.3f} on {hint.rows:,} "
                f"rows): {advice} it is known before the target is. It was kept; leave it out with "
                f"--kind '{hint.column}=identifier'."
            ),
            columns=(hint.column,),
            value=hint.value,
            threshold=BLOCK_CORRELATION if sure else bounds[hint.measure],
            unit=hint.measure,
        )


def _of_names(dataset: Dataset) -> Iterator[Finding]:
    """Of a text file alone: elsewhere names are written apart from the rows."""
    numbers = tuple(name for name in dataset.columns if named_as_number(name))
    if numbers and dataset.format in TEXT_FORMATS:
        yield Finding(
            name="numbers_as_names",
            message=(
                f"The first line of {dataset.name} was taken for the names of the columns, and numbers are among them: "
                f"{_named(numbers)}. If it is a row, write a line of names above it."
            ),
            columns=numbers,
        )


def _of_rows(dataset: Dataset, measured: Mapping[str, Characteristic]) -> Iterator[Finding]:
    rows, without = _number(measured, "rows"), _number(measured, "unlabelled_rows")
    if without:
        yield Finding(
            name="rows_without_target",
            message=(
                f"{without:,.0f} of {dataset.row_count:,} rows {'has' if without == 1 else 'have'} no target and "
                f"{'was' if without == 1 else 'were'} left out."
            ),
            value=without,
            threshold=0,
            unit="rows",
        )
    if rows < FEW_ROWS:
        yield Finding(
            name="few_rows",
            message=f"{rows:,.0f} rows are few (under {FEW_ROWS}): expect scores to vary much from split to split.",
            value=rows,
            threshold=FEW_ROWS,
            unit="rows",
        )
    if (copies := _number(measured, "duplicate_share")) >= DUPLICATES:
        yield Finding(
            name="duplicate_rows",
            message=f"{copies:.1%} of the rows repeat an earlier row; copies are kept on one side of the split.",
            value=copies,
            threshold=DUPLICATES,
            unit="fraction of rows",
        )
    if empty := _number(measured, "empty_row_share"):
        yield Finding(
            name="empty_rows",
            message=f"{empty:.1%} of the rows have more than {TOO_EMPTY:.0%} of their cells empty; they were kept.",
            value=empty,
            threshold=0,
            unit="fraction of rows",
        )


def _of_targets(roles: Roles, targets: Mapping[str, Mapping[str, Characteristic]]) -> Iterator[Finding]:
    if roles.doubt:
        yield Finding(name="other_reading", message=f"{roles.task_reason}; {roles.doubt}.", columns=roles.targets)
    for target, measured in targets.items():
        rare = _number(measured, "rare_class_rows")
        if "rare_class_rows" in measured and rare < FEW_IN_CLASS:
            yield Finding(
                name="tiny_class",
                message=(
                    f"The rarest class of {target!r} has {counted(rare, 'row')} (under {FEW_IN_CLASS}): collect more "
                    "of it, or merge it; it was kept."
                ),
                columns=(target,),
                value=rare,
                threshold=FEW_IN_CLASS,
                unit="rows",
            )
        yield from _of_shape(target, measured)


def _of_shape(target: str, measured: Mapping[str, Characteristic]) -> Iterator[Finding]:
    skew, both = _number(measured, "target_skew"), _number(measured, "outlier_share")
    if both >= OUTLIERS:
        yield Finding(
            name="target_outliers",
            message=(
                f"{both:.1%} of {target!r} lies far out (modified z above 3.5), also on a power-transformed scale: "
                "the rules may choose a robust cost."
            ),
            columns=(target,),
            value=both,
            threshold=OUTLIERS,
            unit="fraction of rows",
        )
    elif abs(skew) > SKEW:
        power = _number(measured, "yeo_johnson_power")
        yield Finding(
            name="skewed_target",
            message=(
                f"{target!r} is skewed ({skew:.1f}); a power transformation (λ = {power:g}) takes in its far values, "
                "so they count as skew and not as outliers. It was not transformed."
            ),
            columns=(target,),
            value=skew,
            threshold=SKEW,
            unit="1",
        )


def _of_order(roles: Roles, measured: Mapping[str, Characteristic]) -> Iterator[Finding]:
    time = () if roles.time_column is None else (roles.time_column,)
    regular = measured.get("regular_step_share")
    if regular is not None and _number(measured, "regular_step_share") < REGULAR_SHARE:
        yield Finding(
            name="irregular_steps",
            message=f"Only {regular.value:.0%} of the steps of {roles.time_column!r} are equal.",
            columns=time,
            value=_number(measured, "regular_step_share"),
            threshold=REGULAR_SHARE,
            unit="fraction of steps",
        )
    if repeats := _number(measured, "repeated_times"):
        yield Finding(
            name="repeated_times",
            message=(
                f"{counted(repeats, 'row')} {'has' if repeats == 1 else 'have'} the {roles.time_column!r} of the row "
                f"before and {'keeps' if repeats == 1 else 'keep'} the file's order; if "
                "they are several series, name the column that tells them apart with --entity."
            ),
            columns=time,
            value=repeats,
            threshold=0,
            unit="rows",
        )
    if roles.time_column is None and roles.task is Task.FORECASTING:
        yield Finding(
            name="file_order",
            message="No column tells the time, so the order of the rows in the file is taken as time: check that they "
            "are one series from past to future, or name its column with --time.",
        )
    tie = _number(measured, "autocorrelation")
    unordered = roles.time_column is None and roles.task is not Task.FORECASTING
    if unordered and tie > PERSISTENCE and _number(measured, "ljung_box_p") < CHANCE:
        yield Finding(
            name="sorted_rows",
            message=(
                f"The rows may be sorted or in order of time: {roles.targets[0]!r} follows itself from row to row "
                f"(autocorrelation {tie:.2f}). They are split at random, unless --time or --entity names the order or "
                "the groups."
            ),
            columns=roles.targets[:1],
            value=tie,
            threshold=PERSISTENCE,
            unit="1",
        )


def _of_columns(roles: Roles, summaries: Mapping[str, ColumnSummary]) -> Iterator[Finding]:
    apart = {*roles.targets, roles.time_column, roles.entity_column, roles.split_column}
    rest = {name: role for name, role in roles.columns.items() if name not in apart}
    empty = {
        name: summaries[name].missing_share
        for name, role in rest.items()
        if role.kind is Kind.CONSTANT and summaries[name].missing_share > TOO_EMPTY
    }
    if empty:
        message = f"Left out because more than {TOO_EMPTY:.0%} of their cells are empty: {_named(tuple(empty))}."
        yield _of_many("mostly_empty", message, empty, TOO_EMPTY, "fraction of rows")
    if roles.split_column is not None:
        message = f"{roles.split_column!r} names the parts of a split; it is used for that and not learned from."
        yield Finding(name="split_column", message=message, columns=(roles.split_column,))
    unused = {Kind.IDENTIFIER: ("identifiers", "identify rows"), Kind.CONSTANT: ("constants", "hold one value")}
    for kind, (name, why) in unused.items():
        columns = tuple(column for column, role in rest.items() if role.kind is kind and column not in empty)
        if columns:
            reason = f" ({rest[columns[0]].reason})" if len(columns) == 1 else ""
            yield Finding(
                name=name, message=f"Left out because they {why}: {_named(columns)}{reason}.", columns=columns
            )
    used = {name: summaries[name] for name in roles.features}
    gappy = {name: one.missing_share for name, one in used.items() if one.missing_share > MISSING}
    if gappy:
        message = f"More than {MISSING:.0%} of the cells are empty in {_named(tuple(gappy))}"
        yield _of_many(
            "missing_cells", f"{message} (up to {max(gappy.values()):.0%}).", gappy, MISSING, "fraction of rows"
        )
    coded = {Kind.CATEGORICAL, Kind.INTEGER_CODE}
    many = {name: one.distinct for name, one in used.items() if rest[name].kind in coded and one.distinct > MANY_LEVELS}
    if many:
        message = f"More than {MANY_LEVELS} levels in {_named(tuple(many))} (up to {max(many.values()):,})"
        yield _of_many("many_levels", f"{message}; they are embedded.", many, MANY_LEVELS, "levels")
    yield from _of_numbers_as_words(roles, summaries)


def _of_numbers_as_words(roles: Roles, summaries: Mapping[str, ColumnSummary]) -> Iterator[Finding]:
    used = set(roles.features)
    for name, role in roles.columns.items():
        one = summaries[name]
        if commas := comma_use(one):
            message = f"{name!r} holds numbers with {commas}, and is read as words: {COMMA_REMEDY}."
            yield Finding(name="numbers_with_commas", message=message, columns=(name,))
        elif name in used and MOSTLY_NUMBERS <= one.numbers < 1 and role.kind is Kind.CATEGORICAL:
            message = f"{one.numbers:.0%} of {name!r} are numbers, but not all: it is read as words; mend the rest."
            yield _of_many("numbers_as_words", message, {name: one.numbers}, MOSTLY_NUMBERS, "fraction of values")


def _of_many(name: str, message: str, columns: Mapping[str, float], threshold: float, unit: str) -> Finding:
    """A finding about several columns, each with its value; the greatest one stands for all."""
    worst = max(columns.values())
    return Finding(name=name, message=message, columns=tuple(columns), value=worst, threshold=threshold, unit=unit)
