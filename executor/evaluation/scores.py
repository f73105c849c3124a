"""Scores on the hold-out: scores.json of a run."""

from __future__ import annotations

import math
from typing import Final, Self

from pydantic import BaseModel, ConfigDict

from rules.text.numbers import number
from rules.vocabulary.direction import Direction

SEASONAL: Final = "seasonal naive"
EXPONENTIAL: Final = "exponential smoothing"
TF_IDF: Final = "TF-IDF"
NEIGHBOURS: Final = "nearest neighbours"
BOOSTING: Final = "gradient boosting"
"""Names of baselines in scores.json; TF-IDF is a linear model on the words of texts."""
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
    """Of a forecast: its mean absolute scaled error."""
    gain: Estimate
    """How much better the model is, positive when it is better, whatever P's direction."""


class IntervalScore(BaseModel):
    """How prediction intervals did on the hold-out; one number a target."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    percent: int
    """Of the rows that they were to hold."""
    coverage: tuple[float, ...]
    """Share of the hold-out that they hold."""
    mean_width: tuple[float, ...]
    """From the lower to the upper end, in the target's own unit."""
    falls_short: bool
    """Whether they hold fewer rows than chance explains, of any target."""


class CalibrationScore(BaseModel):
    """What temperatures did to the probabilities of the hold-out: before and after."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    log_loss: tuple[float | None, float | None]
    calibration_error: tuple[float | None, float | None]
    """Expected calibration error, in 15 bins."""


class ClassTreatment(BaseModel):
    """What becomes of one class, or of one label's yes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    rows: int
    """Training rows of it."""
    weight: float
    """By which its rows count in C, relative to the mean row."""
    bias: float
    """The logit with which the output begins."""
    threshold: float | None
    """The probability from which the answer is yes; None where the most probable class is answered."""


class ImbalanceChoice(BaseModel):
    """What a run does about classes of unlike size."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ratio: float
    """Training rows of the most frequent class per row of the rarest; of several labels that of the worst one."""
    metric: str
    loss: str
    classes: tuple[ClassTreatment, ...]
    temperatures: tuple[float, ...]
    """By which logits are divided before the threshold; one for all classes, or one a label."""

    @property
    def sentence(self) -> str:
        """For people; the rarest class stands for all."""
        rare = min(self.classes, key=lambda one: one.rows)
        weight = (
            "no class weights"
            if math.isclose(rare.weight, 1.0)
            else f"rows of {rare.name!r} weigh {number(rare.weight)}"
        )
        said = [f"P {self.metric}", f"C {self.loss}", weight]
        said.append("output bias 0" if rare.bias == 0 else f"output bias {number(rare.bias)} for {rare.name!r}")
        said.append(
            "logits as they are" if all(math.isclose(one, 1.0) for one in self.temperatures) else "calibrated logits"
        )
        if rare.threshold is not None:
            said.append(f"{rare.name!r} from a probability of {number(rare.threshold)} on")
        return f"Imbalance of {number(self.ratio)} to 1, met by: {', '.join(said)}."


class CutOff(BaseModel):
    """A model of which a network was not trained to the end of its planned epochs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trial: int
    """Number of the network's trial; of several the one that lacks most epochs."""
    epochs: int
    """Epochs that it was trained."""
    planned: int
    """Epochs of a whole training. Many end earlier, once the score no longer improves."""
    seconds: float | None
    """Time limit that the planned epochs need, in seconds; None where no epoch could be timed."""

    @property
    def extent(self) -> str:
        """How far the training came."""
        return f"training was cut off after {self.epochs:,} of {self.planned:,} planned epochs"

    @property
    def need(self) -> str:
        """The time that the planned epochs need."""
        if self.seconds is None:
            return "no epoch could be timed, so that the time that they need is unknown; use a longer --budget"
        return f"by the measured seconds per epoch they need about --budget {format_duration(self.seconds)}"

    @property
    def option(self) -> str:
        """What a longer training takes, as an option of the command."""
        return "a longer --budget" if self.seconds is None else f"--budget {format_duration(self.seconds)}"


def format_duration(seconds: float) -> str:
    """A number of seconds, rounded up, as --budget reads it.

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
    """P of the chosen trial on the rows that chose it: too good by the choice."""
    training: float | None = None
    """P of the model on training rows."""
    hold_out: Estimate
    rows: int
    """Rows of the hold-out."""
    resamples: int
    others: dict[str, float | None]
    baselines: dict[str, BaselineScore]
    thresholds: tuple[str, ...]
    """How each decision threshold was found, with its value."""
    intervals: IntervalScore | None = None
    """Of regression, unless the validation rows were too few for intervals."""
    calibration: CalibrationScore | None = None
    """Of classification, where a temperature other than 1 was chosen."""
    remarks: tuple[str, ...] = ()
    """Calibration, or coverage of the prediction intervals, in a sentence."""
    missing_classes: tuple[str, ...] = ()
    """Classes or labels that training rows, folds or hold-out lack, a sentence each."""
    has_signal: bool
    """Whether the model is certainly better than the constant answer."""
    cut_off: CutOff | None = None
    """How much of the training is missing, where time or Ctrl-C cut it off; else None."""
    verdict: str


class Sensitivity(BaseModel):
    """One hyperparameter after the search.

    importance: share of what all hyperparameters together explain of P, by permutation; None where too few trials tell.
    rating: the notes' own. edge: what to do where the best value lies on the edge of its range; else empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    best: float | int | str
    importance: float | None
    rating: str
    edge: str


class ColumnImportance(BaseModel):
    """By how much P is worse without what a column says; negative where it is better."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    loss: float
    """The mean over the repeats, positive when the column helps, whatever P's direction."""
    spread: float
    """Standard deviation between repeats."""


class Importance(BaseModel):
    """The file importance.json: aggregates, no row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    rows: int
    """Rows of the hold-out that were dealt out."""
    repeats: int
    columns: tuple[ColumnImportance, ...]
    """The most important first."""
    missing: tuple[str, ...] = ()
    """Columns for which there was no time."""

    @classmethod
    def unmeasured(cls, metric: str) -> Self:
        return cls(metric=metric, rows=0, repeats=0, columns=())


def format_estimate(estimate: Estimate) -> str:
    """A score with its interval."""
    if estimate.value is None:
        return "undefined"
    if estimate.low is None or estimate.high is None:
        return number(estimate.value)
    return f"{number(estimate.value)}  (95 %: {number(estimate.low)} to {number(estimate.high)})"
