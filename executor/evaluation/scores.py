"""Scores on the hold-out: scores.json of a run."""

from __future__ import annotations

import math
from typing import Final, Self

from pydantic import BaseModel, ConfigDict

from rules.text.numbers import number
from rules.vocabulary.direction import Direction

SEASONAL: Final = "seasonal naive"
EXPONENTIAL: Final = "exponential smoothing"
THETA: Final = "theta"
MEAN_FORECAST: Final = "mean of forecasts"
TF_IDF: Final = "TF-IDF"
NEIGHBOURS: Final = "nearest neighbours"
BOOSTING: Final = "gradient boosting"
"""Names of baselines in scores.json; TF-IDF is a linear model on the words of texts, the mean of forecasts is that of
Theta, exponential smoothing and seasonal naive."""
DURATION_STEPS: Final = ((60, 10), (600, 60), (3_600, 300), (math.inf, 3_600))
"""Pairs of a duration and a step, in seconds: a duration up to the first is rounded up to a multiple of the second."""


class Estimate(BaseModel):
    """A value measured on the hold-out, with its 95 % bootstrap interval; None where it is undefined."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float | None
    low: float | None
    high: float | None

    @property
    def is_positive(self) -> bool:
        """Whether the interval lies above 0."""
        return self.low is not None and self.low > 0

    @property
    def is_negative(self) -> bool:
        """Whether the interval lies below 0."""
        return self.high is not None and self.high < 0

    @property
    def is_level(self) -> bool:
        """Whether the interval contains 0."""
        return self.low is not None and self.high is not None and self.low <= 0 <= self.high


class BaselineScore(BaseModel):
    """Score of a baseline on the hold-out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    says: str
    value: float | None
    mase: float | None = None
    """Mean absolute scaled error of a forecast."""
    gain: Estimate
    """Gain of the model over the baseline, positive where the model is better, for any direction of the metric."""


class GroupCoverage(BaseModel):
    """Coverage and width of the prediction intervals of one group on the hold-out; one number per target."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    validation_rows: int
    has_own_width: bool
    """Whether its validation rows were enough; else its width is that of all rows."""
    rows: int
    coverage: tuple[float, ...]
    mean_width: tuple[float, ...]


class IntervalScore(BaseModel):
    """Coverage and width of prediction intervals on the hold-out; one number per target."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    percent: int
    """Nominal coverage."""
    coverage: tuple[float, ...]
    """Share of the hold-out that the intervals cover."""
    mean_width: tuple[float, ...]
    """Mean width in the target's unit."""
    falls_short: bool
    """Whether the coverage of some target is significantly too low."""
    by: str = ""
    """Column by whose groups the intervals were measured; empty for none."""
    groups: tuple[GroupCoverage, ...] = ()


class QuantileScore(BaseModel):
    """Share of the hold-out below each quantile of a forecast, averaged over its outputs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    levels: tuple[float, ...]
    """Expected shares."""
    shares: tuple[float, ...]


class ClassCoverage(BaseModel):
    """Coverage of the prediction sets of one class."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    validation_rows: int
    rows: int
    """Rows of the class in the hold-out."""
    coverage: float | None
    """Share of them whose set contains the class; None without rows."""
    coverage_by_class: float | None
    """The same of the sets that cover each class."""


class SetScore(BaseModel):
    """Coverage and size of prediction sets on the hold-out, and of sets that cover each class."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    percent: int
    """Nominal coverage."""
    coverage: float
    mean_size: float
    """Mean number of classes in a set."""
    coverage_by_class: float
    mean_size_by_class: float
    classes: tuple[ClassCoverage, ...]


class CalibrationScore(BaseModel):
    """Calibration metrics on the hold-out, without and with temperatures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    log_loss: tuple[float | None, float | None]
    calibration_error: tuple[float | None, float | None]
    """Expected calibration error, in 15 bins."""


class BaselineCost(BaseModel):
    """Expected cost of a baseline on the hold-out, with the costs deciding its predictions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    saving: Estimate
    """Cost that the model saves per row, positive where the model is better."""


class CostScore(BaseModel):
    """Expected cost per row on the hold-out, by the costs of the request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Estimate
    most_probable: float
    """Of the same model, if it predicted the most probable class."""
    baselines: dict[str, BaselineCost]

    @property
    def sentence(self) -> str:
        """The costs in words."""
        others = [f"{name} {number(one.value)}" for name, one in self.baselines.items()]
        without = f"{number(self.most_probable)} without the costs, predicting the most probable class"
        return f"Expected cost per row: {format_estimate(self.model)}; {without}. Baselines: {', '.join(others)}."


class ClassTreatment(BaseModel):
    """Treatment of one class, or of the positives of one label."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    rows: int
    """Training rows of the class."""
    weight: float
    """Weight of its rows in the loss, relative to the mean."""
    bias: float
    """Initial bias of its output."""
    threshold: float | None
    """Decision threshold; None where the most probable class is predicted."""


class ImbalanceChoice(BaseModel):
    """Treatment of class imbalance in a run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ratio: float
    """Training rows of the most frequent class per row of the rarest; of several labels the maximum."""
    metric: str
    loss: str
    classes: tuple[ClassTreatment, ...]
    temperatures: tuple[float, ...]
    """Divisors of the logits; one for all classes, or one per label."""

    @property
    def sentence(self) -> str:
        """Description with the values of the rarest class."""
        rare = min(self.classes, key=lambda one: one.rows)
        weight = (
            "no class weights"
            if math.isclose(rare.weight, 1.0)
            else f"class weight {number(rare.weight)} for {rare.name!r}"
        )
        parts = [f"metric {self.metric}", f"loss {self.loss}", weight]
        parts.append("output bias 0" if rare.bias == 0 else f"output bias {number(rare.bias)} for {rare.name!r}")
        if not all(math.isclose(one, 1.0) for one in self.temperatures):
            parts.append("calibrated probabilities")
        if rare.threshold is not None:
            parts.append(f"threshold {number(rare.threshold)} for {rare.name!r}")
        return f"Class imbalance {number(self.ratio)}:1, handled with {', '.join(parts)}."


class CutOff(BaseModel):
    """A model with a network whose training was cut off before its planned epochs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trial: int
    """Number of the trial; of several the one that lacks most epochs."""
    epochs: int
    """Epochs trained."""
    planned: int
    """Epochs of a full training; many trainings stop earlier, when the score no longer improves."""
    seconds: float | None
    """Time limit for the planned epochs, in seconds; None where no epoch was timed."""

    @property
    def extent(self) -> str:
        """Epochs trained and planned, in words."""
        return f"training was cut off after {self.epochs:,} of {self.planned:,} planned epochs"

    @property
    def need(self) -> str:
        """Time for the planned epochs, in words."""
        if self.seconds is None:
            return "no epoch was timed, so the time needed is unknown; use a longer --budget"
        return f"at the measured speed they need about --budget {format_duration(self.seconds)}"

    @property
    def option(self) -> str:
        """Option of the command for a longer training."""
        return "a longer --budget" if self.seconds is None else f"--budget {format_duration(self.seconds)}"


def format_duration(seconds: float) -> str:
    """Round a number of seconds up and format it for --budget.

    >>> format_duration(31), format_duration(75), format_duration(3_000), format_duration(9_000)
    ('40s', '2m', '50m', '3h')
    """
    step = next(step for most, step in DURATION_STEPS if seconds <= most)
    rounded = max(1, math.ceil(seconds / step)) * step
    size, unit = next((size, unit) for size, unit in ((3_600, "h"), (60, "m"), (1, "s")) if rounded % size == 0)
    return f"{rounded // size}{unit}"


class Scores(BaseModel):
    """The file scores.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    direction: Direction
    validation: float | None
    """Validation score of the selected trial; optimistic, because it was selected by this score."""
    training: float | None = None
    """Score of the model on training rows."""
    hold_out: Estimate
    rows: int
    """Rows of the hold-out."""
    resamples: int
    others: dict[str, float | None]
    baselines: dict[str, BaselineScore]
    thresholds: tuple[str, ...]
    """Description of each decision threshold."""
    intervals: IntervalScore | None = None
    """Prediction intervals of a regression; None where validation rows are too few."""
    quantiles: QuantileScore | None = None
    """Quantiles of a forecast; None for other tasks, where validation rows are too few, and in older runs."""
    sets: SetScore | None = None
    """Prediction sets of a classification; None for other tasks, and in older runs."""
    calibration: CalibrationScore | None = None
    """Calibration of a classification; None where all temperatures are 1."""
    cost: CostScore | None = None
    """Expected cost per row; None without costs."""
    remarks: tuple[str, ...] = ()
    """Calibration, coverage of the prediction intervals, or shares below quantiles, a sentence each."""
    missing_classes: tuple[str, ...] = ()
    """Classes or labels that training rows, folds or hold-out lack, a sentence each."""
    has_signal: bool
    """Whether the model is certainly better than the constant baseline; with costs by the expected cost."""
    cut_off: CutOff | None = None
    """Extent of a training that time or Ctrl-C cut off; else None."""
    verdict: str


class Sensitivity(BaseModel):
    """A hyperparameter after the search.

    importance: share of the variance of scores that the hyperparameters explain; None with too few trials, and for a
    single hyperparameter. low, high: its range over 95 % of the trees of a forest, each on a bootstrap sample of the
    trials; None in runs of older versions. rating: sensitivity in the notes. edge: recommendation where the best value
    is at the edge of its range; else empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    best: float | int | str
    importance: float | None
    low: float | None = None
    high: float | None = None
    rating: str
    edge: str


class ColumnImportance(BaseModel):
    """Permutation importance of a column: loss of the score, negative where the score improves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    loss: float
    """Mean over repeats, positive where the column helps, for any direction of the metric."""
    spread: float
    """Standard deviation over repeats."""


class OutputDependence(BaseModel):
    """Partial dependence of one output on a column; a number per value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    mean: tuple[float, ...]
    """Mean prediction."""
    low: tuple[float, ...]
    """Quantile 0.1 of the predictions of single rows."""
    high: tuple[float, ...]
    """Their quantile 0.9."""


class ColumnDependence(BaseModel):
    """Partial dependence on a column: predictions for rows of the hold-out in which it has each of some values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    is_number: bool
    values: tuple[float, ...] | tuple[str, ...]
    """Quantiles of a number, rising, or the most frequent categories; "" where missing."""
    rows: int
    """Rows of the hold-out."""
    outputs: tuple[OutputDependence, ...]


class Importance(BaseModel):
    """The file importance.json: aggregates, no row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    rows: int
    """Rows of the hold-out that were permuted."""
    repeats: int
    columns: tuple[ColumnImportance, ...]
    """The most important first."""
    missing: tuple[str, ...] = ()
    """Columns that were not measured for lack of time."""
    dependence: tuple[ColumnDependence, ...] = ()
    """Partial dependence on the most important columns; none in older runs."""

    @classmethod
    def unmeasured(cls, metric: str) -> Self:
        return cls(metric=metric, rows=0, repeats=0, columns=())


def format_estimate(estimate: Estimate) -> str:
    """Format a score with its interval."""
    if estimate.value is None:
        return "undefined"
    if estimate.low is None or estimate.high is None:
        return number(estimate.value)
    return f"{number(estimate.value)}  (95 %: {number(estimate.low)} to {number(estimate.high)})"
