"""What the parts of a split lack."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from executor.evaluation.class_coverage import missing_classes
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.preprocessing.examples import Parts
    from tests.executor.conftest import MakeParts


def of_classes(make_parts: MakeParts, train: list[int], judge: list[int], classes: int) -> Parts:
    """Parts whose validation rows play the hold-out; four fifths of the rows must be training rows."""
    target = np.eye(classes)[[*train, *judge]]
    return make_parts(np.zeros((len(target), 1)), target, task=Task.MULTICLASS)


def test_classes_that_are_not_learned_or_not_evaluated_are_named(make_parts: MakeParts) -> None:
    parts = of_classes(make_parts, [0, 0, 1, 1, 1, 3, 3, 3], [0, 2], 4)
    assert missing_classes(parts, parts.validation, ("a", "b", "c", "d")) == (
        "No rows for training, so not learned: class 'c'.",
        "No rows in the hold-out, so not evaluated: class 'b', 'd'.",
    )


def test_a_class_in_a_single_fold_is_named(make_parts: MakeParts) -> None:
    parts = of_classes(make_parts, [0, 1, 0, 1, 0, 1, 2, 2], [0, 1], 3)
    folds = np.array([0, 0, 1, 1, 2, 2, 1, 1], np.int32)[:, None]
    judged = parts.train.take(np.array([0, 1, 6]))
    train = replace(parts.train, fold=folds)
    (sentence,) = missing_classes(replace(parts, train=train, validation=train), judged, ("a", "b", "c"))
    assert sentence == "All rows for training in one fold, so not validated: class 'c'."


def test_labels_without_positive_rows_are_named(make_parts: MakeParts) -> None:
    target = np.array([[1, 0], [0, 1], [1, 0], [0, 0], [1, 0]])
    parts = make_parts(np.zeros((5, 1)), target, task=Task.MULTILABEL)
    assert missing_classes(parts, parts.validation, ("one", "two")) == (
        "No positive rows in the hold-out, so not evaluated: label 'two'.",
    )


def test_complete_parts_and_numeric_targets_have_no_missing_classes(make_parts: MakeParts) -> None:
    parts = of_classes(make_parts, [0, 1] * 4, [1, 0], 2)
    assert missing_classes(parts, parts.validation, ("a", "b")) == ()
    numbers = make_parts(np.zeros((10, 1)), np.ones((10, 1)), task=Task.REGRESSION)
    assert missing_classes(numbers, numbers.validation, ()) == ()
