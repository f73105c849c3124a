"""What more rows and another seed would change: the chosen configuration's P against training rows, and its spread.

The error falls with the training rows n as a power law, a · n^(-b) (Hestness et al. 2017). Their irreducible error is
not fitted: four points do not tell it from the exponent, so that the gain is rather a bit too high.
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

MIN_POINTS: Final = 3  # numbers of rows; a line through two fits always
MIN_SPREAD: Final = 0.01  # of a point's error, relative: seeds on one sample of rows tell nothing of another sample
FIRST_GUESS: Final = 0.3  # of the exponent; Hestness et al. find 0.07 to 0.35
QUANTILE: Final = 0.975  # of Student's t, for a 95 % interval
HALF: Final = 0.5
MIN_ROW_COUNTS: Final = 2  # two numbers of rows that stand side by side, the second twice the first


class Point(BaseModel):
    """P on the validation rows after training on so many rows, one value for each seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    scores: tuple[float, ...]

    @property
    def mean(self) -> float:
        return float(np.mean(self.scores))

    @property
    def spread(self) -> float:
        """Standard deviation of P between seeds; 0 for a single one."""
        return float(np.std(self.scores, ddof=1)) if len(self.scores) > 1 else 0.0


class LearningCurve(BaseModel):
    """The chosen configuration, trained again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    direction: Direction
    rows: int
    """Training rows."""
    points: tuple[Point, ...] = ()
    """By their rows, the fewest first."""
    exponent: float | None = None
    """b of the power law; None where too little is known to fit it."""
    doubled: Estimate | None = None
    """By how much P would be better with twice the training rows, with a 95 % interval; negative where it is worse."""
    missing: str = ""
    """Why not everything was measured, and how to have it measured; else empty."""

    @property
    def whole(self) -> Point | None:
        """What the configuration gives on all training rows."""
        return next((point for point in self.points if point.rows == self.rows), None)

    @property
    def saved(self) -> float | None:
        """The share of the error that the second half of the training rows takes away; None where it is unknown."""
        if self.whole is None or len(self.points) < MIN_ROW_COUNTS:
            return None
        half = self.direction.error(self.points[-2].mean)
        return None if half <= 0 else 1 - self.direction.error(self.whole.mean) / half

    def sentences(self, chosen: float | None) -> list[str]:
        """What was found, for people; chosen: P of the trial that the search chose."""
        said = []
        if self.whole is not None and len(self.whole.scores) > 1:
            also = "" if chosen is None else f"; the chosen trial had {number(chosen)}, also because it was chosen"
            said.append(
                f"Trained again from {len(self.whole.scores)} other seeds: {self.metric} {number(self.whole.mean)} ± "
                f"{number(self.whole.spread)} (standard deviation) on the validation rows{also}."
            )
        if len(self.points) > 1:
            steps = ", ".join(f"{number(point.mean)} with {point.rows:,}" for point in self.points)
            said.append(f"Learning curve: {self.metric} {steps} training rows; {self._doubled()}.")
        return said if not self.missing else [*said, self.missing]

    def _doubled(self) -> str:
        if self.direction.error(self.points[-1].mean) <= 0:
            return "no error is left that more rows could take away"
        if self.doubled is None or self.doubled.value is None or self.doubled.low is None or self.doubled.high is None:
            return "too few points to say what more rows would bring"
        interval = f"(95 %: {number(self.doubled.low)} to {number(self.doubled.high)})"
        if self.doubled.low <= 0:
            return f"it is not certain that twice the rows would help, by about {number(self.doubled.value)} {interval}"
        return f"twice the rows would help by about {number(self.doubled.value)} {interval}"


def learning_curve(
    points: Sequence[Point], *, metric: str, direction: Direction, rows: int, missing: str = ""
) -> LearningCurve:
    """Fit the power law to what was measured. rows: all training rows."""
    known = LearningCurve(metric=metric, direction=direction, rows=rows, points=tuple(points), missing=missing)
    if len(points) < MIN_POINTS or points[-1].rows != rows:
        return known
    exponent, doubled = _fit_power_law(points, direction)
    return known.model_copy(update={"exponent": exponent, "doubled": doubled})


def _fit_power_law(points: Sequence[Point], direction: Direction) -> tuple[float | None, Estimate | None]:
    """The exponent, and the gain of twice the rows of the last point."""
    errors = np.array([direction.error(point.mean) for point in points])
    if errors[-1] <= 0:
        return None, None
    # Seeds spread alike at every number of rows, so that all of them together tell by how much.
    degrees = sum(len(point.scores) - 1 for point in points)
    pooled = math.sqrt(sum(point.spread**2 * (len(point.scores) - 1) for point in points) / max(1, degrees))
    sigma = np.array([pooled / math.sqrt(len(point.scores)) for point in points]) + MIN_SPREAD * errors
    shares = np.array([point.rows for point in points]) / points[-1].rows

    def law(share: np.ndarray, height: float, exponent: float) -> np.ndarray:
        return np.asarray(height * share**-exponent)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)  # an unknown covariance is infinite, which is seen below
        try:
            (height, exponent), covariance = curve_fit(
                law, shares, errors, p0=(errors[-1], FIRST_GUESS), sigma=sigma, absolute_sigma=True
            )
        except RuntimeError:  # no fit was found
            return None, None
    freedom = len(points) - 2
    misfit = float(np.sum(((law(shares, height, exponent) - errors) / sigma) ** 2)) / freedom
    kept = HALF**exponent  # of the error, with twice the rows
    gain = height * (1 - kept)
    slope = np.array([1 - kept, height * math.log(2) * kept])
    # Where the points lie farther from the law than their spread says, the interval is widened by as much. What sets
    # them apart are the rows that were drawn, more than the seeds, so that the points count and not the networks: of
    # 13 tables, the gain of the last doubling lay in 12 of the intervals so foretold from three points, and in 6 of
    # those that count networks (benchmarks/models/learning_curve.py).
    width = math.sqrt(slope @ covariance @ slope * max(1.0, misfit)) * float(student.ppf(QUANTILE, freedom))
    if not math.isfinite(width):
        return None, None
    return float(exponent), Estimate(value=float(gain), low=float(gain - width), high=float(gain + width))
