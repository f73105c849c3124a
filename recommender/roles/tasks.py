"""What is to be predicted: the task that a target's values stand for, or why they cannot be learned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from recommender.dataset.readers.types.reading import is_infinite
from recommender.dataset.sql import category_text, is_number, is_time_stamp, quoted
from recommender.roles.infer_kind import COMMA_REMEDY, FEW_INTEGERS, comma_use
from rules.errors import TargetError
from rules.text.wording import counted
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recommender.dataset.column_summary import ColumnSummary
    from recommender.dataset.dataset import Dataset
    from recommender.dataset.readers.types.settle import Exceptions

SMALL_TABLE: Final = 1_000
"""Rows up to which AutoGluon reads more of the numeric targets as classes (docs/evidence.md 1, target type)."""
CLASS_SHARE_SMALL: Final = 0.10
"""Distinct values per row up to which whole numbers are classes, in a small table (AutoGluon)."""
CLASS_SHARE: Final = 0.05
"""The same in a larger table (AutoGluon)."""
MAX_CLASSES: Final = 1_000
"""Classes that a target may have (AutoGluon)."""
UNLEARNABLE_SHARE: Final = 0.5
"""Classes per row above which scikit-learn warns that the target looks like a number (docs/evidence.md 1)."""
NUMBERS_WITH_MISTAKES: Final = 0.9
"""Share of a text target's values that parse as numbers from which the others are taken for mistakes."""
COINCIDENCE: Final = 0.05
"""Chance below which classes numbered at random would not show so clear a peak: the usual level of a test."""
TWO: Final = 2
NUMERIC_TASKS: Final = frozenset({Task.REGRESSION, Task.MULTIOUTPUT_REGRESSION, Task.FORECASTING})
SINGLE_TASKS: Final = frozenset({Task.BINARY, Task.MULTICLASS, Task.REGRESSION})


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A task with its reason, and the class names of a binary or multiclass target."""

    task: Task
    reason: str
    labels: tuple[str, ...] = ()
    doubt: str = ""
    """The other way in which the target can be read, where there is one."""


def class_counts(dataset: Dataset, target: str, *, where: str = "TRUE") -> Mapping[str, int]:
    """Rows of each class by its name, in the classes' order: numbers by value, words alphabetically.

    where: a condition in SQL on the rows that count.
    """
    storage = dataset.storage[target]
    text, column = category_text(target, storage), quoted(target)
    order = f"min({column})" if is_number(storage) else text
    found = dataset.connection.execute(
        f"SELECT {text}, count(*) FROM dataset WHERE {column} IS NOT NULL AND {where} GROUP BY 1 ORDER BY {order}"
    ).fetchall()
    return dict(found)


def peak_by_chance(counts: Sequence[int]) -> float:
    """Chance that k counts in random order rise strictly to a peak between the ends and fall strictly after it.

    counts: rows of each whole number from the lowest to the highest, in order; at least 3.
    Of the k! orders 2^(k-1) are single-peaked, as each smaller count may stand left or right of the larger ones; in
    two of these the peak is at an end. Returns 1 when the counts do not show such a peak.

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
    """The task of some targets whose values are known to be fit; without a look at time.

    task: what the user said; checked against the values.
    Raises TargetError when the values cannot be learned, or not as that task.
    """
    summaries = [dataset.summaries[target] for target in targets]
    for summary in summaries:
        _check_values(dataset, summary)
    if task is not None:
        return _said(dataset, summaries, task)
    if len(targets) > 1:
        return _several(dataset, summaries)
    reading = _single(dataset, summaries[0])
    if reading.labels:
        _check_classes(dataset, summaries[0], reading.task)
    return reading


def can_be_target(summary: ColumnSummary, task: Task | None) -> bool:
    """Whether a column's values are of the sort that is predicted; flaws that a person can mend count for nothing."""
    if task in NUMERIC_TASKS:
        return is_number(summary.storage) or summary.storage == "BOOLEAN"
    if task in {Task.BINARY, Task.MULTILABEL}:
        return summary.distinct == TWO
    numbers = task is None and (is_number(summary.storage) or summary.numbers >= NUMBERS_WITH_MISTAKES)
    return numbers or not _are_too_many(summary)


def _are_too_many(summary: ColumnSummary) -> bool:
    """Whether a column has too many different values for classes."""
    return summary.distinct > MAX_CLASSES or summary.distinct > UNLEARNABLE_SHARE * summary.count


def _check_values(dataset: Dataset, summary: ColumnSummary) -> None:
    name = summary.name
    if name in dataset.not_a_number:
        raise TargetError(
            f"The target must be known or empty in each row, but {name!r} holds NaN, a number that is none, in row "
            f"{dataset.not_a_number[name] + 1:,}. Leave the cell empty, or remove the row."
        )
    note = dataset.notes.get(name)
    if note is not None and note.exceptions is not None and not note.doubt:
        _refuse_exceptions(name, note.exceptions)
    if summary.count == 0:
        raise TargetError(
            f"The target must be known in some rows, but {name!r} is empty in all {summary.rows:,}. Choose another."
        )
    if summary.distinct == 1:
        value = dataset.connection.execute(
            f"SELECT {category_text(name, summary.storage)} FROM dataset WHERE {quoted(name)} IS NOT NULL LIMIT 1"
        ).fetchall()[0][0]
        other = "Choose another target." if summary.rows > 1 else "A table needs more rows than one."
        raise TargetError(
            f"The target must take at least two values, but {name!r} is {str(value)[:80]!r} in every one of its "
            f"{counted(summary.count, 'row')}. {other}"
        )
    if is_time_stamp(summary.storage):
        raise TargetError(
            f"The target must be numbers or classes, but {name!r} holds time stamps ({summary.storage}). "
            "To predict a time, give the seconds or days until it as a number."
        )


def _refuse_exceptions(name: str, exceptions: Exceptions) -> None:
    """Raise TargetError on values of a numeric target that are no numbers: the user decides whether such rows go."""
    row, value = exceptions.quoted[0]
    if is_infinite(value):
        raise TargetError(
            f"The target must be finite, but {name!r} is infinite in {counted(exceptions.count, 'row')}, first in row "
            f"{row:,}. Replace the value, or leave the cell empty so that the row is left out."
        )
    if value.lower().lstrip("+-") == "nan":
        raise TargetError(
            f"The target must be known or empty in each row, but {name!r} holds NaN, a number that is none, in row "
            f"{row:,}. Leave the cell empty, or remove the row."
        )
    raise TargetError(
        f"A target must be numbers or classes, but {name!r} is {value!r} in row {row:,}, and in "
        f"{counted(exceptions.count, 'row')} no number. Mend the value, or leave out such rows: --missing {value!r}."
    )


def _single(dataset: Dataset, summary: ColumnSummary) -> Reading:
    """AutoGluon's rule, with the bounds of docs/evidence.md, and another reading of whole numbers: `_whole_numbers`."""
    name = summary.name
    if summary.distinct == TWO:
        labels = tuple(class_counts(dataset, name))
        return Reading(task=Task.BINARY, reason=f"{name!r} takes 2 values: {' and '.join(labels)}", labels=labels)
    if not is_number(summary.storage):
        _check_words(dataset, summary)
        labels = tuple(class_counts(dataset, name))
        return Reading(task=Task.MULTICLASS, reason=f"{name!r} takes {len(labels)} values, as words", labels=labels)
    if not summary.whole:
        return Reading(task=Task.REGRESSION, reason=f"{name!r} holds numbers with decimals")
    return _whole_numbers(dataset, summary)


def _whole_numbers(dataset: Dataset, summary: ColumnSummary) -> Reading:
    """Classes, or a quantity? Few whole numbers may be either.

    Numbers that only name classes are counted in no particular order. Counts that rise to a peak between the ends and
    fall after it, without a gap, are what a quantity on a scale shows (ratings, sizes); for at least six numbers that
    shape comes about by chance in under 5 % of the orders, and then it is read as a quantity.
    """
    name, distinct = summary.name, summary.distinct
    if distinct > FEW_INTEGERS:
        return Reading(
            task=Task.REGRESSION, reason=f"{name!r} takes {distinct:,} whole numbers, above {FEW_INTEGERS} of them"
        )
    limit = CLASS_SHARE if summary.count > SMALL_TABLE else CLASS_SHARE_SMALL
    share = distinct / summary.count
    if share > limit:
        return Reading(
            task=Task.REGRESSION,
            reason=f"{name!r} takes {distinct} whole numbers in {summary.count:,} rows, above {limit:.0%} of them",
        )
    counts = class_counts(dataset, name)
    first, last = int(float(next(iter(counts)))), int(float(list(counts)[-1]))
    every = [counts.get(str(value), 0) for value in range(first, last + 1)] if last - first < MAX_CLASSES else []
    chance = peak_by_chance(every) if every else 1.0
    if chance < COINCIDENCE:
        return Reading(
            task=Task.REGRESSION,
            reason=(
                f"{name!r} takes the whole numbers {first} to {last} with counts that rise to one peak and fall "
                f"({', '.join(map(str, every))}): class codes would do so with a chance of {chance:.1%}"
            ),
            doubt=f"{name!r} may also be read as {distinct} classes: --task multiclass",
        )
    return Reading(
        task=Task.MULTICLASS,
        reason=f"{name!r} takes {distinct} whole numbers, {share:.1%} of its rows (at most {limit:.0%})",
        labels=tuple(counts),
        doubt=f"if the numbers of {name!r} are a quantity and not codes: --task regression",
    )


def _several(dataset: Dataset, summaries: Sequence[ColumnSummary]) -> Reading:
    if all(summary.distinct == TWO for summary in summaries):
        return Reading(task=Task.MULTILABEL, reason=f"each of {len(summaries)} targets takes 2 values")
    for summary in summaries:
        _check_numbers(dataset, summary, "several targets that are not all two-valued must all be numbers")
    most = max(summaries, key=lambda summary: summary.distinct)
    return Reading(
        task=Task.MULTIOUTPUT_REGRESSION,
        reason=f"{len(summaries)} numeric targets, of which {most.name!r} takes {most.distinct:,} values",
    )


def _said(dataset: Dataset, summaries: Sequence[ColumnSummary], task: Task) -> Reading:
    """The user's task, if the values allow it."""
    reason = "given by --task"
    if task in SINGLE_TASKS and len(summaries) > 1:
        raise TargetError(f"The task {task} has one target, but got {len(summaries)}. Give one, or leave out --task.")
    if task in {Task.MULTILABEL, Task.MULTIOUTPUT_REGRESSION} and len(summaries) == 1:
        raise TargetError(f"The task {task} has several targets, but got one. Repeat --target, or leave out --task.")
    if task in NUMERIC_TASKS:
        for summary in summaries:
            _check_numbers(dataset, summary, f"the target of {task} must be numbers")
        return Reading(task=task, reason=reason)
    for summary in summaries:
        if task is not Task.MULTICLASS and summary.distinct != TWO:
            raise TargetError(
                f"A target of {task} takes two values, but {summary.name!r} takes {summary.distinct:,}. "
                f"Use --task {'regression' if is_number(summary.storage) else 'multiclass'}, or leave out --task."
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
    shown = wrong or "stored as text"
    raise TargetError(
        f"{must[0].upper()}{must[1:]}, but {name!r} is {shown}. "
        "Give a numeric column, mend that value, or predict classes with --task multiclass."
    )


def _check_words(dataset: Dataset, summary: ColumnSummary) -> None:
    """Raises TargetError where words are numbers with a few mistakes, or as many as rows."""
    if summary.numbers >= NUMBERS_WITH_MISTAKES and summary.distinct > FEW_INTEGERS:
        _check_numbers(
            dataset, summary, f"a target must be numbers or classes; {summary.numbers:.0%} of the values are numbers"
        )
    if _are_too_many(summary):
        _too_many_classes(summary)


def _too_many_classes(summary: ColumnSummary) -> None:
    helps = "Use --task regression" if is_number(summary.storage) else "Choose another target"
    if commas := comma_use(summary):
        helps = f"They are numbers with {commas}, read as words: {COMMA_REMEDY}. Or choose another target"
    raise TargetError(
        f"A target of classes must repeat them, at most {MAX_CLASSES:,} and at most one for two rows, but "
        f"{summary.name!r} takes {summary.distinct:,} values in {summary.count:,} rows. "
        f"{helps}, or merge values."
    )


def _check_classes(dataset: Dataset, summary: ColumnSummary, task: Task) -> None:
    """Raises TargetError unless two classes have several rows: a single one cannot be both learned and judged."""
    counts = class_counts(dataset, summary.name)
    alone = [label for label, count in counts.items() if count == 1]
    if len(counts) - len(alone) >= TWO:
        return
    row = dataset.first_row(f"{category_text(summary.name, summary.storage)} = ?", alone[0])
    others = f" (and {counted(len(alone) - 1, 'more class', 'more classes')})" if len(alone) > 1 else ""
    helps = "Give more rows of it" if task is Task.BINARY else "Give more rows, or merge classes"
    number = ", or read the numbers as a quantity with --task regression" if is_number(summary.storage) else ""
    raise TargetError(
        f"Two classes must have at least two rows each, one to learn from and one to judge by, but class "
        f"{alone[0][:80]!r} of {summary.name!r} has one, row {row:,}{others}. {helps}{number}."
    )
