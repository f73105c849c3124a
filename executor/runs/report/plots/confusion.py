"""Which classes a model takes for which, counted from a run's answers for the hold-out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.runs.report.hold_out_answers import HoldOutPredictions

MAX_CLASSES: Final = 20  # a wider table cannot be taken in at a glance
MAX_MISTAKES: Final = 10  # pairs of classes that are listed


@dataclass(frozen=True, kw_only=True)
class ConfusionMatrix:
    """counts: rows of the hold-out, by true class (first index) and predicted class."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def is_shown(self) -> bool:
        """Whether the table can be taken in."""
        return len(self.labels) <= MAX_CLASSES

    def share(self, true: int, said: int) -> float:
        """Of the rows of a true class, the share for which a class was said; 0 where it has no row."""
        return self.counts[true][said] / max(1, sum(self.counts[true]))

    @property
    def mistakes(self) -> list[tuple[str, str, int]]:
        """The most frequent mistakes: true class, said class, rows."""
        pairs = [
            (self.labels[true], self.labels[said], count)
            for true, row in enumerate(self.counts)
            for said, count in enumerate(row)
            if true != said and count
        ]
        return sorted(pairs, key=lambda pair: -pair[2])[:MAX_MISTAKES]


def confusion_matrix(answers: HoldOutPredictions) -> ConfusionMatrix | None:
    """The confusion matrix of a classification; None for another task."""
    said = answers.said
    if said.task not in {Task.BINARY, Task.MULTICLASS}:
        return None
    classes = len(answers.names)
    counts = np.bincount(said.truth * classes + said.decided, minlength=classes * classes).reshape(classes, classes)
    return ConfusionMatrix(labels=answers.names, counts=tuple(tuple(row) for row in counts.tolist()))
