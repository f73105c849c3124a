"""Split-conformal prediction sets of classes from probabilities of validation rows (Sadinle et al. 2019)."""

from __future__ import annotations

from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from executor.model.calibration.conformal_intervals import PERCENT, ROUNDING

PERCENTS: Final = range(50, 100)  # coverages that sets can have
DEFAULT_COVERAGE: Final = PERCENT / 100  # that of prediction intervals


class ClassSets(BaseModel):
    """Smallest probability of a class in a set, for each coverage.

    A set with the classes above it contains the true class of `percent` of rows from the distribution of the validation
    rows, for any model (Vovk et al. 2005); slightly fewer where the validation rows also selected the model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: tuple[int, ...]
    """Validation rows of each class."""
    marginal: tuple[float, ...]
    """One for each coverage in PERCENTS; 0 where rows are too few, so that all classes are in the set."""
    by_class: tuple[tuple[float, ...], ...]
    """The same for each class from its own rows (Mondrian), so that each class is covered."""

    def has_thresholds_for(self, classes: int) -> bool:
        """Whether there is a threshold for each class and each coverage."""
        lengths = {len(own) for own in (self.marginal, *self.by_class)}
        return len(self.by_class) == len(self.rows) == classes and lengths == {len(PERCENTS)}

    def sets(self, shares: np.ndarray, *, percent: int = PERCENT, by_class: bool = False) -> np.ndarray:
        """Whether each class is in the set of each row, (rows, classes) bool; the most probable class always is.

        shares: probabilities, (rows, classes). by_class: whether each class is covered, not only all rows on average.
        """
        at = PERCENTS.index(percent)
        least = np.array([own[at] for own in self.by_class]) if by_class else self.marginal[at]
        found = shares >= least
        found[np.arange(len(shares)), shares.argmax(axis=1)] = True
        return found


def conformal_sets(truth: np.ndarray, shares: np.ndarray, weight: np.ndarray | None = None) -> ClassSets:
    """Measure thresholds: for n rows the ⌊(n + 1) · (1 - coverage)⌋-th smallest probability of the true class.

    truth: (rows,) classes of rows that were not trained on. shares: their probabilities, (rows, classes). weight:
    (rows,) of the rows, with 1 for the new row (Tibshirani et al. 2019).

    >>> found = conformal_sets(np.zeros(9, int), np.column_stack([np.arange(1, 10) / 10, np.arange(9, 0, -1) / 10]))
    >>> found.marginal[PERCENTS.index(80)], found.by_class[1][PERCENTS.index(80)]
    (0.2, 0.0)
    """
    own = shares[np.arange(len(truth)), truth]
    groups = [truth == label for label in range(shares.shape[1])]
    return ClassSets(
        rows=tuple(int(rows.sum()) for rows in groups),
        marginal=_thresholds(own, weight),
        by_class=tuple(_thresholds(own[rows], None if weight is None else weight[rows]) for rows in groups),
    )


def _thresholds(own: np.ndarray, weight: np.ndarray | None) -> tuple[float, ...]:
    """Threshold for each coverage; own: probability of the true class, (rows,)."""
    if weight is not None:
        return _weighted_thresholds(own, weight)
    ranked = [0.0, *np.sort(own).tolist()]
    # In integers: in floats 10 · (1 - 0.9) is less than 1.
    return tuple(ranked[(len(own) + 1) * (100 - percent) // 100] for percent in PERCENTS)


def _weighted_thresholds(own: np.ndarray, weight: np.ndarray) -> tuple[float, ...]:
    """The same for weighted rows: at most the weight of 1 - coverage is below the threshold."""
    order = np.argsort(own, kind="stable")
    ranked, each = [0.0, *own[order].tolist()], weight[order]
    below = np.cumsum(each) - each + 1  # with the new row
    allowed = (100 - np.array(PERCENTS)) * (weight.sum() + 1) / 100 * (1 + ROUNDING)
    return tuple(ranked[count] for count in np.searchsorted(below, allowed, side="right"))
