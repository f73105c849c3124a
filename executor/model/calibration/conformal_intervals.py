"""Split-conformal prediction intervals from residuals of validation rows."""

from __future__ import annotations

from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from executor.preprocessing.target_scale import from_learning_scale, to_learning_scale
from rules.vocabulary.choices import TargetScale

ROUNDING: Final = 1e-12  # relative error of a sum of weights
PERCENT: Final = 90  # of new rows that an interval is to cover: the default of MAPIE


class Intervals(BaseModel):
    """Prediction intervals with one half-width per target.

    They cover `percent` of rows from the distribution of the validation rows, for any model (Vovk et al. 2005; Lei et
    al. 2018, theorem 2); slightly fewer where the validation rows also selected the model. The hold-out measures how
    many.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    percent: int
    rows: int
    """Validation rows whose residuals were measured."""
    half_widths: tuple[float, ...]
    """One per target, on the scale on which it is learned; none where the rows are too few."""
    on: TargetScale = "as_is"
    """Scale of the half-widths; on log1p intervals are wider around greater values."""
    in_spreads: bool = False
    """Whether half-widths are multiples of the spread of a forecast's window (docs/evidence.md#quantiles-of-forecasts);
    not in runs of older versions."""

    by: str = ""
    """Column of categories by whose groups half-widths are measured (Mondrian); empty for none."""
    groups: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    """Half-widths of each group with enough rows; other groups have those of all rows."""
    group_rows: dict[str, int] = Field(default_factory=dict)
    """Validation rows of each group."""

    @property
    def reason_missing(self) -> str:
        """Why there are no intervals; empty where there are some."""
        if self.half_widths:
            return ""
        return f"{self.rows} validation rows are too few, {self.percent} % needs {min_rows(self.percent)}"

    def bounds(
        self, outcome: np.ndarray, spread: np.ndarray | None = None, groups: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper ends for predicted values, (rows, targets) each.

        spread: (rows, targets) spread of each row's window, where half-widths are multiples of it. groups: (rows,)
        values of the column `by`, where half-widths are measured by group.
        """
        half = np.array(self.half_widths)
        if self.by:
            if groups is None:
                raise ValueError("half-widths by group need the group of each row")
            half = np.array([self.groups.get(str(group), self.half_widths) for group in groups]).reshape(-1, len(half))
        if self.in_spreads:
            if spread is None:
                raise ValueError("half-widths in spreads need the spread of each row")
            half = half * spread
        if self.on == "as_is":
            return outcome - half, outcome + half
        middle = to_learning_scale(outcome, self.on)
        # A target on log1p is never below 0.
        return np.maximum(from_learning_scale(middle - half, self.on), 0), from_learning_scale(middle + half, self.on)


def conformal_intervals(
    truth: np.ndarray,
    outcome: np.ndarray,
    *,
    on: TargetScale = "as_is",
    percent: int = PERCENT,
    spread: np.ndarray | None = None,
    weight: np.ndarray | None = None,
) -> Intervals:
    """Measure intervals whose half-width is the ⌈(n + 1) · level⌉-th smallest absolute residual of n rows.

    truth, outcome: (rows, targets) of rows that were not trained on, in the target's own unit. on: scale of the
    residuals. spread: (rows, targets), by which residuals are divided (locally weighted conformal inference: Lei et al.
    2018, section 5.2). weight: (rows,) of the rows: the half-width is then the smallest residual up to which the rows
    have that share of the whole weight, with 1 for the new row (Tibshirani et al. 2019).

    >>> predicted = np.zeros((9, 1))
    >>> conformal_intervals(predicted + np.arange(9.0)[:, None], predicted).half_widths
    (8.0,)
    >>> conformal_intervals(predicted + np.arange(9.0)[:, None], predicted, weight=np.repeat([2.0, 1.0], [8, 1])).rows
    9
    """
    rows = len(truth)
    rank, in_spreads = _rank(rows, percent), spread is not None
    residuals = np.abs(to_learning_scale(truth, on) - to_learning_scale(outcome, on))
    residuals = residuals if spread is None else residuals / spread
    half_widths: tuple[float, ...] = ()
    if weight is not None:
        half_widths = _weighted_quantiles(residuals, weight, percent)
    elif rank <= rows:
        half_widths = tuple(np.sort(residuals, axis=0)[rank - 1].tolist())
    return Intervals(percent=percent, rows=rows, half_widths=half_widths, on=on, in_spreads=in_spreads)


def intervals_by_group(
    found: Intervals,
    truth: np.ndarray,
    outcome: np.ndarray,
    *,
    by: str,
    groups: np.ndarray,
    weight: np.ndarray | None = None,
) -> Intervals:
    """Measure half-widths for each group with enough rows, too (Mondrian: Vovk et al. 2005, section 4.5).

    found: intervals of all rows. truth, outcome, weight: as of `conformal_intervals`. by, groups: a column, and its
    value in each row.

    >>> truth = np.concatenate([np.ones(9), np.full(9, 3.0), [0.0]])[:, None]
    >>> groups = np.array(["a"] * 9 + ["b"] * 9 + ["c"])
    >>> found = intervals_by_group(conformal_intervals(truth, 0 * truth), truth, 0 * truth, by="g", groups=groups)
    >>> found.half_widths, found.groups
    ((3.0,), {'a': (1.0,), 'b': (3.0,)})
    """
    names, counts = np.unique(groups.astype(str), return_counts=True)
    measured = {
        str(name): conformal_intervals(
            truth[groups == name],
            outcome[groups == name],
            on=found.on,
            percent=found.percent,
            weight=None if weight is None else weight[groups == name],
        ).half_widths
        for name in names
    }
    return found.model_copy(
        update={
            "by": by,
            "groups": {name: own for name, own in measured.items() if own},
            "group_rows": dict(zip(map(str, names), counts.tolist(), strict=True)),
        }
    )


def min_rows(percent: int = PERCENT) -> int:
    """Smallest number of rows from which intervals can be measured.

    >>> min_rows(90), min_rows(95)
    (9, 19)
    """
    return -(-percent // (100 - percent))


def _weighted_quantiles(residuals: np.ndarray, weight: np.ndarray, percent: int) -> tuple[float, ...]:
    """Half-width of each column of residuals, (rows, targets); none where the weight of the new row is too large."""
    needed = percent * (float(weight.sum()) + 1) / 100 * (1 - ROUNDING)
    order = np.argsort(residuals, axis=0, kind="stable")
    reached = np.cumsum(weight[order], axis=0) >= needed
    if not reached[-1].all():
        return ()
    return tuple(
        np.take_along_axis(residuals, order, axis=0)[reached.argmax(axis=0), range(residuals.shape[1])].tolist()
    )


def _rank(rows: int, percent: int) -> int:
    """⌈(n + 1) · level⌉ in integers: in floats 0.9 · 10 may exceed 9."""
    return -(-(rows + 1) * percent // 100)
