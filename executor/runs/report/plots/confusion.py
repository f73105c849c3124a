"""Confusion matrix on the hold-out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.runs.report.hold_out_predictions import HoldOutPredictions

MAX_CLASSES: Final = 20  # a wider table is not readable
MAX_MISTAKES: Final = 10  # pairs of classes that are listed


@dataclass(frozen=True, kw_only=True)
class ConfusionMatrix:
    """counts: rows of the hold-out, by true class (first index) and predicted class."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def is_shown(self) -> bool:
        """Whether the matrix is small enough for a table."""
        return len(self.labels) <= MAX_CLASSES

    def share(self, true: int, predicted: int) -> float:
        """Share of the rows of a true class that are predicted as a class; 0 where it has no rows."""
        return self.counts[true][predicted] / max(1, sum(self.counts[true]))

    @property
    def mistakes(self) -> list[tuple[str, str, int]]:
        """Most frequent errors: true class, predicted class, rows."""
        pairs = [
            (self.labels[true], self.labels[predicted], count)
            for true, row in enumerate(self.counts)
            for predicted, count in enumerate(row)
            if true != predicted and count
        ]
        return sorted(pairs, key=lambda pair: -pair[2])[:MAX_MISTAKES]


def confusion_matrix(hold_out: HoldOutPredictions) -> ConfusionMatrix | None:
    """Count the confusion matrix of a classification; None for other tasks."""
    predictions = hold_out.predictions
    if predictions.task not in {Task.BINARY, Task.MULTICLASS}:
        return None
    classes = len(hold_out.names)
    counts = np.bincount(predictions.truth * classes + predictions.decided, minlength=classes * classes).reshape(
        classes, classes
    )
    return ConfusionMatrix(labels=hold_out.names, counts=tuple(tuple(row) for row in counts.tolist()))
