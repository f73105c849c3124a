"""Inference of the task from a target's values, with errors about unsuitable targets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from recommender.dataset.readers.types.reading import is_infinite
from recommender.dataset.sql import category_text, is_number, is_time_stamp, quoted
from recommender.roles.infer_kind import COMMA_REMEDY, MAX_ORDINAL_INTEGERS, comma_use
from rules.errors import TargetError
from rules.text.wording import counted
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recommender.dataset.column_summary import ColumnSummary
    from recommender.dataset.dataset import Dataset
    from recommender.dataset.readers.types.settle import Exceptions

SMALL_TABLE: Final = 1_000
"""Rows up to which a larger share of distinct integers is classes (AutoGluon, docs/evidence.md 1, target type)."""
MAX_CLASS_SHARE_SMALL: Final = 0.10
"""Distinct values per row up to which integers are classes, in a small table (AutoGluon)."""
MAX_CLASS_SHARE: Final = 0.05
"""The same in a larger table (AutoGluon)."""
MAX_CLASSES: Final = 1_000
"""Classes of a target (AutoGluon)."""
MAX_CLASSES_PER_ROW: Final = 0.5
"""Classes per row above which scikit-learn warns that the target looks numeric (docs/evidence.md 1)."""
MIN_NUMBER_SHARE: Final = 0.9
"""Share of numbers in a text target from which the other values count as mistakes."""
MAX_P_VALUE: Final = 0.05
"""Significance level of the test whether counts of integers have a single peak."""
BINARY_CLASSES: Final = 2
NUMERIC_TASKS: Final = frozenset({Task.REGRESSION, Task.MULTIOUTPUT_REGRESSION, Task.FORECASTING})
SINGLE_TASKS: Final = frozenset({Task.BINARY, Task.MULTICLASS, Task.REGRESSION})


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Inferred task, with its reason and the class names of a binary or multiclass target."""

    task: Task
    reason: str
    labels: tuple[str, ...] = ()
    doubt: str = ""
    """Another possible task of the target, as text; empty if there is none."""


def class_counts(dataset: Dataset, target: str, *, where: str = "TRUE", source: str = "dataset") -> Mapping[str, int]:
    """Rows of each class by name, sorted: numbers by value, text alphabetically.

    where: SQL condition on the rows. source: SQL table of the rows.
    """
    storage = dataset.storage[target]
    text, column = category_text(target, storage), quoted(target)
    order = f"min({column})" if is_number(storage) else text
    found = dataset.connection.execute(
        f"SELECT {text}, count(*) FROM {source} WHERE {column} IS NOT NULL AND {where} GROUP BY 1 ORDER BY {order}"
    ).fetchall()
    return dict(found)


def peak_by_chance(counts: Sequence[int]) -> float:
    """Probability that k counts in random order rise strictly to an inner peak and fall strictly after it.

    counts: rows of each integer from the smallest to the largest; at least 3.
    Of the k! orders, 2^(k-1) have a single peak, since each smaller count may be left or right of the larger ones; two
    of these have the peak at an end. Returns 1 if the counts do not have such a peak.

    >>> peak_by_chance([1, 4, 9, 8, 3, 2])  # 30 of 720 orders
    0.041666666666666664
    >>> peak_by_chance([4, 1, 9])
    1.0
    """
    peak = counts.index(max(counts))
    rises = all(one < two for one, two in pairwise(counts[: peak + 1]))
    falls = all(one > two for one, two in pairwise(counts[peak:]))
    if not (rises and falls and 0 < peak < len(counts) - 1):
        return 1.0
    return float((2 ** (len(counts) - 1) - 2) / math.factorial(len(counts)))


def read_task(dataset: Dataset, targets: Sequence[str], *, task: Task | None) -> Reading:
    """Task of the targets, ignoring time.

    task: the requested task, checked against the values; None to infer it.
    Raises TargetError if the values cannot be predicted, or not as that task.
    """
    summaries = [dataset.summaries[target] for target in targets]
    for summary in summaries:
        _check_values(dataset, summary)
    if task is not None:
        return _requested(dataset, summaries, task)
    if len(targets) > 1:
        return _several(dataset, summaries)
    reading = _single(dataset, summaries[0])
    if reading.labels:
        _check_classes(dataset, summaries[0], reading.task)
    return reading


def can_be_target(summary: ColumnSummary, task: Task | None) -> bool:
    """Whether a column's values are suitable for a task, ignoring mistakes that the user can correct."""
    if task in NUMERIC_TASKS:
        return is_number(summary.storage) or summary.storage == "BOOLEAN"
    if task in {Task.BINARY, Task.MULTILABEL}:
        return summary.distinct == BINARY_CLASSES
    numbers = task is None and (is_number(summary.storage) or summary.numbers >= MIN_NUMBER_SHARE)
    return numbers or not _are_too_many(summary)


def _are_too_many(summary: ColumnSummary) -> bool:
    """Whether a column has too many distinct values for classes."""
    return summary.distinct > MAX_CLASSES or summary.distinct > MAX_CLASSES_PER_ROW * summary.count


def _check_values(dataset: Dataset, summary: ColumnSummary) -> None:
    name = summary.name
    if name in dataset.not_a_number:
        raise TargetError(
            f"The target must not be NaN, but {name!r} is NaN in row "
            f"{dataset.not_a_number[name] + 1:,}. Use an empty cell for a missing value, or remove the row."
        )
    note = dataset.notes.get(name)
    if note is not None and note.exceptions is not None and not note.doubt:
        _refuse_exceptions(name, note.exceptions)
    if summary.count == 0:
        raise TargetError(
            f"The target must have values, but {name!r} is empty in all {summary.rows:,} rows. Choose another target."
        )
    if summary.distinct == 1:
        value = dataset.connection.execute(
            f"SELECT {category_text(name, summary.storage)} FROM dataset WHERE {quoted(name)} IS NOT NULL LIMIT 1"
        ).fetchall()[0][0]
        other = "Choose another target." if summary.rows > 1 else "A table needs more than one row."
        raise TargetError(
            f"The target must have at least two distinct values, but {name!r} is {str(value)[:80]!r} in all "
            f"{counted(summary.count, 'row')}. {other}"
        )
    if is_time_stamp(summary.storage):
        raise TargetError(
            f"The target must be numbers or classes, but {name!r} contains times ({summary.storage}). "
            "To predict a time, convert it to a number of seconds or days."
        )


def _refuse_exceptions(name: str, exceptions: Exceptions) -> None:
    """Raise TargetError on values of a numeric target that are not numbers, since the user must decide about them."""
    row, value = exceptions.quoted[0]
    if is_infinite(value):
        raise TargetError(
            f"The target must be finite, but {name!r} is infinite in {counted(exceptions.count, 'row')}, first in row "
            f"{row:,}. Replace the value, or make the cell empty to exclude the row."
        )
    if value.lower().lstrip("+-") == "nan":
        raise TargetError(
            f"The target must not be NaN, but {name!r} is NaN in row "
            f"{row:,}. Use an empty cell for a missing value, or remove the row."
        )
    raise TargetError(
        f"A numeric target must be a number in all rows, but {name!r} is {value!r} in row {row:,}, and not a number in "
        f"{counted(exceptions.count, 'row')}. Correct the values, or exclude these rows with --missing {value!r}."
    )


def _single(dataset: Dataset, summary: ColumnSummary) -> Reading:
    """Task of one target: AutoGluon's rule with the bounds of docs/evidence.md, except for integers."""
    name = summary.name
    if summary.distinct == BINARY_CLASSES:
        labels = tuple(class_counts(dataset, name))
        return Reading(
            task=Task.BINARY, reason=f"{name!r} has 2 distinct values: {' and '.join(labels)}", labels=labels
        )
    if not is_number(summary.storage):
        _check_words(dataset, summary)
        labels = tuple(class_counts(dataset, name))
        return Reading(task=Task.MULTICLASS, reason=f"{name!r} has {len(labels)} distinct text values", labels=labels)
    if not summary.whole:
        return Reading(task=Task.REGRESSION, reason=f"{name!r} has numbers with decimals")
    return _integers(dataset, summary)


def _integers(dataset: Dataset, summary: ColumnSummary) -> Reading:
    """Task of an integer target: classes or a quantity.

    Many integers are a quantity. Few integers are a quantity if their counts rise to an inner peak and fall after it
    without gaps, as for ratings and sizes, and if that is significant: codes of classes have counts in random order, so
    for six or more of them such a peak has a probability below 5 %.
    """
    name, distinct = summary.name, summary.distinct
    if distinct > MAX_ORDINAL_INTEGERS:
        return Reading(
            task=Task.REGRESSION,
            reason=f"{name!r} has {distinct:,} distinct integers (more than {MAX_ORDINAL_INTEGERS})",
        )
    limit = MAX_CLASS_SHARE if summary.count > SMALL_TABLE else MAX_CLASS_SHARE_SMALL
    share = distinct / summary.count
    if share > limit:
        return Reading(
            task=Task.REGRESSION,
            reason=f"{name!r} has {distinct} distinct integers in {summary.count:,} rows (more than {limit:.0%})",
        )
    counts = class_counts(dataset, name)
    first, last = int(float(next(iter(counts)))), int(float(list(counts)[-1]))
    every = [counts.get(str(value), 0) for value in range(first, last + 1)] if last - first < MAX_CLASSES else []
    chance = peak_by_chance(every) if every else 1.0
    if chance < MAX_P_VALUE:
        return Reading(
            task=Task.REGRESSION,
            reason=(
                f"{name!r} has the integers {first} to {last}, with counts that have a single peak "
                f"({', '.join(map(str, every))}), which for class codes has a probability of {chance:.1%}"
            ),
            doubt=f"if {name!r} is {distinct} classes, use --task multiclass",
        )
    return Reading(
        task=Task.MULTICLASS,
        reason=f"{name!r} has {distinct} distinct integers, {share:.1%} of its rows (at most {limit:.0%})",
        labels=tuple(counts),
        doubt=f"if the numbers of {name!r} are a quantity, not codes, use --task regression",
    )


def _several(dataset: Dataset, summaries: Sequence[ColumnSummary]) -> Reading:
    if all(summary.distinct == BINARY_CLASSES for summary in summaries):
        return Reading(task=Task.MULTILABEL, reason=f"each of {len(summaries)} targets has 2 distinct values")
    for summary in summaries:
        _check_numbers(dataset, summary, "several targets must all be binary or all be numeric")
    most = max(summaries, key=lambda summary: summary.distinct)
    return Reading(
        task=Task.MULTIOUTPUT_REGRESSION,
        reason=f"{len(summaries)} numeric targets, {most.name!r} with {most.distinct:,} distinct values",
    )


def _requested(dataset: Dataset, summaries: Sequence[ColumnSummary], task: Task) -> Reading:
    """The requested task. Raises TargetError if the values do not fit."""
    reason = "given by --task"
    if task in SINGLE_TASKS and len(summaries) > 1:
        raise TargetError(f"The task {task} has one target, but got {len(summaries)}. Give one, or remove --task.")
    if task in {Task.MULTILABEL, Task.MULTIOUTPUT_REGRESSION} and len(summaries) == 1:
        raise TargetError(f"The task {task} has several targets, but got one. Repeat --target, or remove --task.")
    if task in NUMERIC_TASKS:
        for summary in summaries:
            _check_numbers(dataset, summary, f"the target of {task} must be numbers")
        return Reading(task=task, reason=reason)
    for summary in summaries:
        if task is not Task.MULTICLASS and summary.distinct != BINARY_CLASSES:
            raise TargetError(
                f"A {task} target must have two distinct values, but {summary.name!r} has {summary.distinct:,}. "
                f"Use --task {'regression' if is_number(summary.storage) else 'multiclass'}, or remove --task."
            )
    if task is Task.MULTILABEL:
        return Reading(task=task, reason=reason)
    if _are_too_many(summaries[0]):
        _too_many_classes(summaries[0])
    _check_classes(dataset, summaries[0], task)
    return Reading(task=task, reason=reason, labels=tuple(class_counts(dataset, summaries[0].name)))


def _check_numbers(dataset: Dataset, summary: ColumnSummary, must: str) -> None:
    if is_number(summary.storage) or summary.storage == "BOOLEAN":
        return
    name = summary.name
    text = f"CAST({quoted(name)} AS VARCHAR)"
    wrong = dataset.first_value(name, f"{quoted(name)} IS NOT NULL AND TRY_CAST({text} AS DOUBLE) IS NULL")
    shown = wrong or "text"
    raise TargetError(
        f"{must[0].upper()}{must[1:]}, but {name!r} is {shown}. "
        "Choose a numeric column, correct the value, or predict classes with --task multiclass."
    )


def _check_words(dataset: Dataset, summary: ColumnSummary) -> None:
    """Raise TargetError if text is numbers with a few mistakes, or has too many distinct values."""
    if summary.numbers >= MIN_NUMBER_SHARE and summary.distinct > MAX_ORDINAL_INTEGERS:
        _check_numbers(
            dataset, summary, f"a numeric target must be a number in all rows ({summary.numbers:.0%} are numbers)"
        )
    if _are_too_many(summary):
        _too_many_classes(summary)


def _too_many_classes(summary: ColumnSummary) -> None:
    fix = "Use --task regression" if is_number(summary.storage) else "Choose another target"
    if commas := comma_use(summary):
        fix = f"They are numbers with {commas}, read as text: {COMMA_REMEDY}. Or choose another target"
    raise TargetError(
        f"A target may have at most {MAX_CLASSES:,} classes and at most one class per two rows, but "
        f"{summary.name!r} has {summary.distinct:,} distinct values in {summary.count:,} rows. "
        f"{fix}, or merge values."
    )


def _check_classes(dataset: Dataset, summary: ColumnSummary, task: Task) -> None:
    """Raise TargetError unless two classes have at least two rows, one for training and one for evaluation."""
    counts = class_counts(dataset, summary.name)
    alone = [label for label, count in counts.items() if count == 1]
    if len(counts) - len(alone) >= BINARY_CLASSES:
        return
    row = dataset.first_row(f"{category_text(summary.name, summary.storage)} = ?", alone[0])
    others = f" (and {counted(len(alone) - 1, 'more class', 'more classes')})" if len(alone) > 1 else ""
    fix = "Give more rows of it" if task is Task.BINARY else "Give more rows, or merge classes"
    number = ", or use --task regression if the numbers are a quantity" if is_number(summary.storage) else ""
    raise TargetError(
        f"Two classes must have at least two rows each, for training and evaluation, but class "
        f"{alone[0][:80]!r} of {summary.name!r} has only row {row:,}{others}. {fix}{number}."
    )
