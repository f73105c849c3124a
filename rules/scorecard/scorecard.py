"""The scorecard of a rulebook: what each rule and each slot is worth on the measured datasets."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from rules.scorecard.results import Settings
from rules.text.wording import counted
from rules.vocabulary.choices import Slot, parse_choice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules.vocabulary.facts import Value

TIE: Final = 0.01  # relative difference of errors within which two choices tie on a dataset
AS_IF: Final[Mapping[str, Mapping[str, Value]]] = MappingProxyType({"A104": {"rows": 50_000}, "V101": {"rows": 1_000}})
"""Facts with which rules are compared with the handbook. Trainings have at most a few thousand rows of larger datasets,
and no dataset for classification of the corpus has 50,000."""
MIN_DATASETS: Final = 3  # over which an interval is meaningful
_CLOSED: Final = ConfigDict(frozen=True, extra="forbid")


class Effect(BaseModel):
    """The error with one choice relative to the error with another: 1.05 is 5 % more.

    The ratio is the geometric mean over datasets of the geometric mean over seeds.
    """

    model_config = _CLOSED

    ratio: float
    low: float
    """95 % interval, by bootstrap over datasets and over the seeds of each."""
    high: float
    datasets: int
    wins: int
    """Datasets on which the other choice has more than 1 % more error."""
    ties: int
    losses: int


class Alternative(BaseModel):
    """The error of an alternative relative to the choice of a rule, on the datasets that the rule decides on."""

    model_config = _CLOSED

    choice: str
    effect: Effect
    worst: tuple[tuple[str, float], ...]
    """Datasets on which the rule's choice has most more error than the alternative, with the ratio of the errors of
    alternative and rule; at most three, all below 1."""


class RuleScore(BaseModel):
    """What the choice of a rule is worth on the datasets that it decides on."""

    model_config = _CLOSED

    rule: str
    slot: Slot
    choice: str
    datasets: tuple[str, ...]
    alternatives: tuple[Alternative, ...]
    """The alternatives with most datasets first, then those with least error."""


class HandbookScore(BaseModel):
    """A rule compared with the handbook, on the datasets for which their choices differ."""

    model_config = _CLOSED

    rule: str
    choice: str
    """The choice of the rule for the first of the datasets."""
    effect: Effect
    """The error with the choice of the handbook, relative to that with the choice of the rule."""
    left_out: float | None
    """The ratio where each dataset keeps the rule only if the other datasets favour it; None with one dataset."""
    settings: tuple[Settings, ...]
    """Of its trainings."""

    @property
    def excludes_worse(self) -> bool:
        """Whether the interval excludes that the choice of the handbook has less error; 1 % less is a tie."""
        return self.effect.low >= 1 - TIE

    @property
    def verdict(self) -> str:
        """Whether it excludes worse; an interval over one or two datasets does not tell."""
        if self.effect.datasets < MIN_DATASETS:
            return "too few datasets"
        return "yes" if self.excludes_worse else "no"


class Regret(BaseModel):
    """The error of a policy relative to the best choice of each dataset in hindsight."""

    model_config = _CLOSED

    policy: str
    effect: Effect


class SlotScore(BaseModel):
    """What choosing in a slot is worth."""

    model_config = _CLOSED

    slot: Slot
    datasets: int
    regrets: tuple[Regret, ...]
    """Of the rulebook, of the handbook, and of each fixed choice that was measured on all datasets where it is
    admissible."""


class MetricScore(BaseModel):
    """Whether a metric ranks models equally on different test rows."""

    model_config = _CLOSED

    metric: str
    datasets: int
    stability: float
    """Rank correlation (Kendall's tau) of models between two halves of the test rows, mean over datasets."""
    low: float
    """95 % interval by bootstrap over datasets."""
    high: float
    top_share: float | None
    """Share of the sum of errors in the 1 % of rows with the largest errors, mean over datasets; None for a
    classification metric."""


class ConfigurationScore(BaseModel):
    """The choice of the strategy notes in one slot of one of their configurations, on the datasets of that kind."""

    model_config = _CLOSED

    configuration: str
    slot: Slot
    choice: str
    """The choice of the handbook for most of the datasets."""
    handbook: Effect
    """Error relative to the best choice in hindsight."""
    rules: Effect
    """The same of the shipped rules."""


class HyperparameterScore(BaseModel):
    """How sensitive networks are to a hyperparameter, as the strategy notes rate it and as it was measured."""

    model_config = _CLOSED

    name: str
    """As in the table of the notes."""
    rating: str
    """Of the notes: high, medium or low."""
    share: float
    """Share of the variance of the scores of random configurations that it explains alone, mean over datasets."""
    low: float
    """95 % interval by bootstrap over datasets."""
    high: float
    datasets: int


class SensitivityScore(BaseModel):
    """Sensitivity to hyperparameters on one kind of data."""

    model_config = _CLOSED

    kind: str
    datasets: int
    configurations: int
    hyperparameters: tuple[HyperparameterScore, ...]
    """In the order of the notes."""


class SpreadScore(BaseModel):
    """How much the error changes with one choice, all others being the recommended ones."""

    model_config = _CLOSED

    name: str
    """As in the table of the notes."""
    rating: str
    kind: str
    spread: float
    """Standard deviation of the error between the alternatives, relative to it, without that between seeds."""
    low: float
    """95 % interval by bootstrap over datasets."""
    high: float
    datasets: int


class TunerScore(BaseModel):
    """The error with a tuner relative to that with random search, after the same number of epochs."""

    model_config = _CLOSED

    tuner: str
    budget: int
    """Epochs of all trials, in full trainings."""
    effect: Effect


class Scorecard(BaseModel):
    """The scorecard of a rulebook."""

    model_config = _CLOSED

    datasets: int
    trainings: int
    settings: Settings
    version: str
    slots: tuple[SlotScore, ...]
    rules: tuple[RuleScore, ...]
    configurations: tuple[ConfigurationScore, ...] = ()
    metrics: tuple[MetricScore, ...] = ()
    sensitivities: tuple[SensitivityScore, ...] = ()
    """Of all datasets, then of each kind of data."""
    spreads: tuple[SpreadScore, ...] = ()
    tuners: tuple[TunerScore, ...] = ()
    contested: tuple[HandbookScore, ...] = ()
    """Rules whose choice differs from that of the handbook."""

    def mean_regret(self, policy: str) -> float:
        """Geometric mean over slots of the error of a policy relative to the best choice in hindsight."""
        found = [one.effect.ratio for slot in self.slots for one in slot.regrets if one.policy == policy]
        return math.prod(found) ** (1 / max(1, len(found)))

    def rule(self, identifier: str) -> RuleScore | None:
        """The score of a rule; None if it decided on no measured dataset."""
        return next((one for one in self.rules if one.rule == identifier), None)


def interval_text(effect: Effect) -> str:
    """A ratio of errors with its interval.

    >>> interval_text(Effect(ratio=1.019, low=1.008, high=1.031, datasets=61, wins=40, ties=11, losses=10))
    '1.019 (1.008 to 1.031)'
    """
    return f"{effect.ratio:.3f} ({effect.low:.3f} to {effect.high:.3f})"


def settings_text(settings: Settings) -> str:
    """How trainings were made.

    >>> settings_text(Settings(seeds=1, splits=4, rows=1000, share=1, pins={"activation": "selu"}))
    'all epochs, 1,000 rows, 4 splits, 1 seed, activation = selu'
    """
    epochs = "all epochs" if settings.share == 1 else f"{100 * settings.share:.0f} % of the epochs"
    counts = f"{settings.rows:,} rows, {counted(settings.splits, 'split')}, {counted(settings.seeds, 'seed')}"
    pins = "".join(f", {slot} = {parse_choice(Slot(slot), choice)}" for slot, choice in settings.pins.items())
    return f"{epochs}, {counts}{pins}"


def spread_text(score: SpreadScore) -> str:
    """A spread with its interval, in percent.

    >>> spread_text(SpreadScore(name="", rating="", kind="", spread=0.05, low=0.031, high=0.09, datasets=9))
    '5.0 % (3.1 to 9.0)'
    """
    return f"{100 * score.spread:.1f} % ({100 * score.low:.1f} to {100 * score.high:.1f})"


def share_text(score: HyperparameterScore) -> str:
    """A share of the variance with its interval, in percent.

    >>> share_text(HyperparameterScore(name="Learning rate", rating="high", share=0.2, low=0.1, high=0.3, datasets=9))
    '20 % (10 to 30)'
    """
    share, low, high = (round(100 * one) + 0 for one in (score.share, score.low, score.high))
    return f"{share} % ({low} to {high})"
