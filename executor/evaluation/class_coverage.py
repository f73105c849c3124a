"""Classes and labels that a part of the split lacks: what was not learned, not selected by, or not judged."""

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
    """What training rows, folds and hold-out lack, a sentence each; none where targets are numbers.

    names: of the classes, or of the labels, of which a yes is looked for.
    """
    if not parts.task.is_classification:
        return ()
    trains, judges = (_rows_of_each(one, parts.task) for one in (parts.train, hold_out))
    what = "no yes of label" if parts.task is Task.MULTILABEL else "no row of class"
    sentences = (
        ("Training rows hold {0} {1}: it was not learned.", trains == 0),
        ("The hold-out holds {0} {1}: nothing judges how well it was learned.", (trains > 0) & (judges == 0)),
        (
            "All training rows of {1} lie in one fold, so trials were selected without one that knew it.",
            _in_single_fold(parts),
        ),
    )
    return tuple(
        sentence.format(what, listed([repr(names[at]) for at in np.flatnonzero(some).tolist()], most=MAX_NAMED))
        for sentence, some in sentences
        if some.any()
    )


def _rows_of_each(examples: Examples, task: Task) -> np.ndarray:
    """Rows of each class, or with a yes for each label, (classes or labels,)."""
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
