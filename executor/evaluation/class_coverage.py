"""Classes and labels without rows in the training rows, in a fold or in the hold-out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from rules.text.wording import listed
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.preprocessing.examples import Examples, Parts

MAX_NAMED: Final = 8  # classes that a sentence names


def missing_classes(parts: Parts, hold_out: Examples, names: Sequence[str]) -> tuple[str, ...]:
    """Report classes, or labels without positives, that training rows, folds or hold-out lack, a sentence each.

    names: of the classes or labels. Nothing is reported for numeric targets.
    """
    if not parts.task.is_classification:
        return ()
    in_training, in_hold_out = (_rows_of_each(one, parts.task) for one in (parts.train, hold_out))
    several = parts.task is Task.MULTILABEL
    kind, rows = ("label", "positive rows") if several else ("class", "rows")
    sentences = (
        (f"No {rows} for training, so not learned", in_training == 0),
        (f"No {rows} in the hold-out, so not evaluated", (in_training > 0) & (in_hold_out == 0)),
        (f"All {rows} for training in one fold, so not validated", _in_single_fold(parts)),
    )
    return tuple(
        f"{sentence}: {kind} {listed([repr(names[at]) for at in np.flatnonzero(some).tolist()], most=MAX_NAMED)}."
        for sentence, some in sentences
        if some.any()
    )


def _rows_of_each(examples: Examples, task: Task) -> np.ndarray:
    """Rows of each class, or positive rows of each label, (classes or labels,)."""
    target = examples.target
    if task is Task.BINARY:
        target = np.hstack([1 - target, target])
    return np.asarray(target.sum(axis=0))


def _in_single_fold(parts: Parts) -> np.ndarray:
    """Which classes have all their training rows in one fold, (classes or labels,) boolean."""
    whole = _rows_of_each(parts.train, parts.task)
    if parts.folds is None:
        return np.zeros(len(whole), bool)
    each = [
        _rows_of_each(parts.train.take(parts.folds[:, 0] == fold), parts.task)
        for fold in range(parts.folds_of_a_repeat)
    ]
    return np.asarray((whole > 0) & (np.max(each, axis=0) == whole))
