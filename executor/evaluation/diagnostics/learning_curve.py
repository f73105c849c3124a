"""Learning curve and seed variance of the selected configuration.

The error falls with the number of training rows n as a power law, a · n^(-b) (Hestness et al. 2017). Their irreducible
error is not fitted, because four points do not separate it from the exponent; the predicted gain tends to be too high.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy.optimize import OptimizeWarning, curve_fit
from scipy.stats import t as student

from executor.evaluation.scores import Estimate
from rules.text.numbers import number
from rules.vocabulary.direction import Direction

if TYPE_CHECKING:
    from collections.abc import Sequence

MIN_POINTS: Final = 3  # numbers of rows; a line fits any two points
MIN_SPREAD: Final = 0.01  # relative to a point's error: seeds on one sample of rows do not show its sampling variance
FIRST_GUESS: Final = 0.3  # exponent; Hestness et al. find 0.07 to 0.35
QUANTILE: Final = 0.975  # quantile of Student's t for a 95 % interval
MIN_ROW_COUNTS: Final = 2  # numbers of rows, each half of the next one


class Point(BaseModel):
    """Validation scores after training on a number of rows, one per seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    scores: tuple[float, ...]

    @property
    def mean(self) -> float:
        return float(np.mean(self.scores))

    @property
    def spread(self) -> float:
        """Standard deviation of the score between seeds; 0 for one seed."""
        return float(np.std(self.scores, ddof=1)) if len(self.scores) > 1 else 0.0


class LearningCurve(BaseModel):
    """Validation scores of the selected configuration, trained again from other seeds and on fewer rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    direction: Direction
    rows: int
    """Training rows."""
    points: tuple[Point, ...] = ()
    """Sorted by number of rows, ascending."""
    exponent: float | None = None
    """Exponent b of the power law; None with too few points to fit it."""
    doubled: Estimate | None = None
    """Gain in the score that twice the training rows would bring, with a 95 % interval."""
    missing: str = ""
    """Why some points were not measured, and how to get them; else empty."""

    @property
    def whole(self) -> Point | None:
        """The point on all training rows."""
        return next((point for point in self.points if point.rows == self.rows), None)

    @property
    def error_reduction(self) -> float | None:
        """Share of the error that the second half of the training rows removes; None where it is unknown."""
        if self.whole is None or len(self.points) < MIN_ROW_COUNTS:
            return None
        half = self.direction.error(self.points[-2].mean)
        return None if half <= 0 else 1 - self.direction.error(self.whole.mean) / half

    def sentences(self, chosen: float | None) -> list[str]:
        """Seed variance and learning curve in sentences; chosen: validation score of the selected trial."""
        found = []
        if self.whole is not None and len(self.whole.scores) > 1:
            selected = "" if chosen is None else f"; the selected trial, chosen by this score, has {number(chosen)}"
            found.append(
                f"Seed variance: {self.metric} {number(self.whole.mean)} ± {number(self.whole.spread)} on the "
                f"validation rows (mean and standard deviation of {len(self.whole.scores)} other seeds){selected}."
            )
        if len(self.points) > 1:
            steps = ", ".join(f"{number(point.mean)} with {point.rows:,}" for point in self.points)
            found.append(f"Learning curve: {self.metric} {steps} training rows. {self._doubled()}.")
        return found if not self.missing else [*found, self.missing]

    def _doubled(self) -> str:
        if self.direction.error(self.points[-1].mean) <= 0:
            return "No error is left for more rows to remove"
        if self.doubled is None or self.doubled.value is None or self.doubled.low is None or self.doubled.high is None:
            return "There are too few points to predict the gain of more rows"
        gain = f"{number(self.doubled.value)} (95 % interval {number(self.doubled.low)} to {number(self.doubled.high)})"
        doubt = ", which is not certainly a gain" if self.doubled.low <= 0 else ""
        return f"Predicted gain of twice the rows: {gain}{doubt}"


def learning_curve(
    points: Sequence[Point], *, metric: str, direction: Direction, rows: int, missing: str = ""
) -> LearningCurve:
    """Fit the power law to measured points. rows: all training rows."""
    known = LearningCurve(metric=metric, direction=direction, rows=rows, points=tuple(points), missing=missing)
    if len(points) < MIN_POINTS or points[-1].rows != rows:
        return known
    exponent, doubled = _fit_power_law(points, direction)
    return known.model_copy(update={"exponent": exponent, "doubled": doubled})


def _fit_power_law(points: Sequence[Point], direction: Direction) -> tuple[float | None, Estimate | None]:
    """Fit the exponent, and the gain of twice the rows of the last point."""
    errors = np.array([direction.error(point.mean) for point in points])
    if errors[-1] <= 0:
        return None, None
    # The spread between seeds is about the same at every number of rows, so it is pooled.
    degrees = sum(len(point.scores) - 1 for point in points)
    pooled = math.sqrt(sum(point.spread**2 * (len(point.scores) - 1) for point in points) / max(1, degrees))
    sigma = np.array([pooled / math.sqrt(len(point.scores)) for point in points]) + MIN_SPREAD * errors
    shares = np.array([point.rows for point in points]) / points[-1].rows

    def law(share: np.ndarray, height: float, exponent: float) -> np.ndarray:
        return np.asarray(height * share**-exponent)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)  # an unknown covariance is infinite, which is handled below
        try:
            (height, exponent), covariance = curve_fit(
                law, shares, errors, p0=(errors[-1], FIRST_GUESS), sigma=sigma, absolute_sigma=True
            )
        except RuntimeError:  # the fit did not converge
            return None, None
    freedom = len(points) - 2
    misfit = float(np.sum(((law(shares, height, exponent) - errors) / sigma) ** 2)) / freedom
    kept = 2.0**-exponent  # share of the error that is left with twice the rows
    gain = height * (1 - kept)
    slope = np.array([1 - kept, height * math.log(2) * kept])
    # Where points lie farther from the power law than their spread explains, the interval is widened by the ratio. The
    # points count as observations, not the networks: docs/evidence.md#learning-curve-intervals.
    width = math.sqrt(slope @ covariance @ slope * max(1.0, misfit)) * float(student.ppf(QUANTILE, freedom))
    if not math.isfinite(width):
        return None, None
    return float(exponent), Estimate(value=float(gain), low=float(gain - width), high=float(gain + width))
