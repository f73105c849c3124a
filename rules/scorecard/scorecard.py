"""The scorecard of a rulebook: what each rule and each slot is worth on the measured datasets."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict

from rules.scorecard.results import Settings
from rules.vocabulary.choices import Slot

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

    def rule(self, identifier: str) -> RuleScore | None:
        """The score of a rule; None if it decided on no measured dataset."""
        return next((one for one in self.rules if one.rule == identifier), None)


def interval_text(effect: Effect) -> str:
    """A ratio of errors with its interval.

    >>> interval_text(Effect(ratio=1.019, low=1.008, high=1.031, datasets=61, wins=40, ties=11, losses=10))
    '1.019 (1.008 to 1.031)'
    """
    return f"{effect.ratio:.3f} ({effect.low:.3f} to {effect.high:.3f})"
