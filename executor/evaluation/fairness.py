"""Fairness figures: scores, rates, calibration and errors of groups of rows, with bootstrap intervals.

A disparity is the difference and the ratio between the groups with the largest and the smallest value, as in
demographic parity (selection rates) and equalized odds (true and false positive rates; Hardt, Price and Srebro 2016).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from executor.components.metric import class_probability
from executor.evaluation.bootstrap import bootstrap_sampler, exact_lower_bound, independent_units, tail_percent
from executor.evaluation.scores import Estimate
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from executor.components.metric import PerformanceMetric, Predictions

RESAMPLES: Final = 400  # bootstrap samples; a percentile at 2.5 % then rests on ten of them
MAX_SAMPLE: Final = 20_000  # maximum rows of a sample
MIN_GROUP_ROWS: Final = 20  # rows below which a rate has a standard error above 0.1, and may reveal single rows

Measure = Literal["score", "selection_rate", "true_positive_rate", "false_positive_rate", "mean_absolute_error"]


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class GroupScore(_Figures):
    """Metric of a group. rows, score: None where the group is suppressed, because it has too few rows."""

    name: str
    rows: int | None
    score: Estimate | None


class GroupRates(_Figures):
    """Rates of a group for one positive class.

    base_rate: share of positives. selection_rate: share predicted as positive. calibration_gap: mean probability minus
    base rate.
    """

    name: str
    base_rate: Estimate
    selection_rate: Estimate
    true_positive_rate: Estimate
    false_positive_rate: Estimate
    calibration_gap: Estimate


class GroupErrors(_Figures):
    """Errors of a group for one target. mean_error: mean of prediction minus truth."""

    name: str
    mean_absolute_error: Estimate
    mean_error: Estimate


class Disparity(_Figures):
    """Difference and ratio between the groups with the largest and the smallest value.

    difference: largest minus smallest. ratio: smallest divided by largest. Their intervals compare these two groups.
    """

    measure: Measure
    largest: str
    smallest: str
    difference: Estimate
    ratio: Estimate


class OutcomeFairness(_Figures):
    """Rates of all groups for one positive class or label, against all others."""

    positive: str
    groups: tuple[GroupRates, ...]
    disparities: tuple[Disparity, ...]
    """Of the selection rate (demographic parity), and of the true and the false positive rate."""
    equalized_odds_difference: float | None
    """The larger difference of the true and the false positive rate."""
    equalized_odds_ratio: float | None
    """The smaller ratio of the true and the false positive rate."""


class TargetFairness(_Figures):
    """Errors of all groups for one target."""

    target: str
    groups: tuple[GroupErrors, ...]
    disparities: tuple[Disparity, ...]


class FairnessFigures(_Figures):
    """Scores of groups, and rates of classes or errors of numbers. Groups are sorted by rows."""

    metric: str
    resamples: int
    groups: tuple[GroupScore, ...]
    disparities: tuple[Disparity, ...]
    """Of the metric; empty with fewer than two groups of enough rows."""
    outcomes: tuple[OutcomeFairness, ...] = ()
    targets: tuple[TargetFairness, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Samples:
    """Values of groups, (groups,), in all rows and in bootstrap samples, (samples, groups).

    outside: percent at each end of an interval of each group.
    """

    names: tuple[str, ...]
    outside: tuple[float, ...]
    shrink: float
    """Factor of the spread of samples that have fewer rows than there are."""

    def estimates(self, values: np.ndarray, samples: np.ndarray) -> list[Estimate]:
        return [self.estimate(float(values[at]), samples[:, at], self.outside[at]) for at in range(len(self.names))]

    def estimate(self, value: float, samples: np.ndarray, outside: float) -> Estimate:
        """Percentile interval of the defined samples."""
        defined = samples[np.isfinite(samples)]
        if not math.isfinite(value) or len(defined) < RESAMPLES // 2:
            return Estimate(value=value if math.isfinite(value) else None, low=None, high=None)
        low, high = np.percentile(value + (defined - value) * self.shrink, [outside, 100 - outside])
        return Estimate(value=value, low=float(low), high=float(high))

    def disparity(self, measure: Measure, values: np.ndarray, samples: np.ndarray) -> list[Disparity]:
        """Disparity of a measure; none unless two groups have a value."""
        known = np.flatnonzero(np.isfinite(values))
        if len(known) < 2:  # noqa: PLR2004  a difference needs two
            return []
        least, *_, most = known[np.argsort(values[known], kind="stable")]
        outside = min(self.outside[most], self.outside[least])
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio, ratios = values[least] / values[most], samples[:, least] / samples[:, most]
        return [
            Disparity(
                measure=measure,
                largest=self.names[most],
                smallest=self.names[least],
                difference=self.estimate(values[most] - values[least], samples[:, most] - samples[:, least], outside),
                ratio=self.estimate(float(ratio), ratios, outside),
            )
        ]


def measure_groups(
    predictions: Predictions,
    groups: np.ndarray,
    *,
    metric: PerformanceMetric,
    outcomes: Mapping[str, int],
    targets: Sequence[str],
    min_rows: int = MIN_GROUP_ROWS,
    units: np.ndarray | None = None,
    seed: int = 0,
) -> FairnessFigures:
    """Measure the fairness figures of groups of rows.

    groups: (rows,) name of each row's group. outcomes: positive classes or labels, with their index. targets: names of
    predicted numbers; of a forecast one name for all its outputs. min_rows: rows below which a group is suppressed.
    units: (rows,) which rows depend on each other, as in `executor.evaluation.bootstrap`.
    """
    found, counts = np.unique(groups, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    names = tuple(str(found[at]) for at in order if counts[at] >= min_rows)
    masks = np.column_stack([groups == name for name in names]) if names else np.zeros((len(groups), 0), bool)
    rows = len(groups)
    size = min(rows, MAX_SAMPLE)
    random = np.random.default_rng([seed, rows])
    draw = bootstrap_sampler(rows, size, in_blocks=predictions.task is Task.FORECASTING, groups=units)
    draws = [draw(random) for _ in range(RESAMPLES)] if names else []
    samples = _Samples(
        names=names,
        outside=tuple(
            tail_percent(independent_units(int(mask.sum()), None if units is None else units[mask])) for mask in masks.T
        ),
        shrink=math.sqrt(min(1.0, MAX_SAMPLE / rows)),
    )
    scores = np.array([metric.of_predictions(predictions.take(np.flatnonzero(mask))) for mask in masks.T])
    drawn = np.array([_scores(metric, predictions, masks, own) for own in draws]).reshape(len(draws), len(names))
    shown = dict(zip(names, samples.estimates(scores, drawn), strict=True))
    is_classification = predictions.task.is_classification
    return FairnessFigures(
        metric=metric.name,
        resamples=RESAMPLES,
        groups=tuple(
            GroupScore(
                name=str(found[at]),
                rows=int(counts[at]) if str(found[at]) in shown else None,
                score=shown.get(str(found[at])),
            )
            for at in order
        ),
        disparities=tuple(samples.disparity("score", scores, drawn)),
        outcomes=tuple(
            _outcome(positive, _positives(predictions, at), masks, draws, samples)
            for positive, at in outcomes.items()
            if is_classification
        ),
        targets=()
        if is_classification
        else tuple(_target(name, error, masks, draws, samples) for name, error in _errors(predictions, targets)),
    )


def _scores(metric: PerformanceMetric, predictions: Predictions, masks: np.ndarray, drawn: np.ndarray) -> list[float]:
    """Metric of each group in a sample; NaN where it has no row."""
    own = [drawn[mask[drawn]] for mask in masks.T]
    return [metric.of_predictions(predictions.take(rows)) if len(rows) else math.nan for rows in own]


def _positives(predictions: Predictions, at: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whether rows are positive, whether they are predicted so, and with which probability, each (rows,)."""
    if predictions.task is Task.MULTILABEL:
        return predictions.truth[:, at] == 1, predictions.decided[:, at] == 1, predictions.outcome[:, at]
    outcome = predictions.outcome
    probability = class_probability(outcome, at) if predictions.task is Task.BINARY else outcome[:, at]
    return predictions.truth == at, predictions.decided == at, probability


def _errors(predictions: Predictions, targets: Sequence[str]) -> list[tuple[str, np.ndarray]]:
    """Errors of each target, (rows, outputs)."""
    errors = predictions.outcome - predictions.truth
    if len(targets) == 1:
        return [(targets[0], errors)]
    return [(name, errors[:, at : at + 1]) for at, name in enumerate(targets)]


def _sums(values: np.ndarray, masks: np.ndarray, draws: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Sums of values, (rows, quantities), per group: (groups, quantities) of all rows, (samples, …) of the samples."""
    rows, quantities = values.shape
    columns = (masks[:, :, None] * values[:, None, :]).reshape(rows, -1)
    shape = (masks.shape[1], quantities)
    sampled = [np.bincount(drawn, minlength=rows) @ columns for drawn in draws]
    return columns.sum(axis=0).reshape(shape), np.array(sampled).reshape(len(draws), *shape)


def _outcome(
    positive: str,
    arrays: tuple[np.ndarray, np.ndarray, np.ndarray],
    masks: np.ndarray,
    draws: Sequence[np.ndarray],
    samples: _Samples,
) -> OutcomeFairness:
    truth, decided, probability = arrays
    quantities = np.column_stack(
        [np.ones(len(truth)), truth, decided, truth & decided, ~truth & decided, probability]
    ).astype(np.float64)
    sums, sampled = _sums(quantities, masks, draws)
    values, drawn = _rates(sums), _rates(sampled)
    rows, positives = sums[:, 0], sums[:, 1]
    counts = {"true_positive_rate": positives, "false_positive_rate": rows - positives}
    estimates = {
        name: [
            _with_exact_end(one, int(count)) if name != "calibration_gap" else one
            for one, count in zip(samples.estimates(values[name], drawn[name]), counts.get(name, rows), strict=True)
        ]
        for name in values
    }
    measures: tuple[Measure, ...] = ("selection_rate", "true_positive_rate", "false_positive_rate")
    disparities = [one for name in measures for one in samples.disparity(name, values[name], drawn[name])]
    odds = [one for one in disparities if one.measure != "selection_rate"]
    differences = [one.difference.value for one in odds if one.difference.value is not None]
    ratios = [one.ratio.value for one in odds if one.ratio.value is not None]
    return OutcomeFairness(
        positive=positive,
        groups=tuple(
            GroupRates(name=group, **{name: own[at] for name, own in estimates.items()})
            for at, group in enumerate(samples.names)
        ),
        disparities=tuple(disparities),
        equalized_odds_difference=max(differences, default=None),
        equalized_odds_ratio=min(ratios, default=None),
    )


def _with_exact_end(found: Estimate, count: int) -> Estimate:
    """Replace an end of the interval of a rate of 0 or 1 by an exact one; a bootstrap has no spread there."""
    if found.value == found.low == 1:
        return found.model_copy(update={"low": exact_lower_bound(count)})
    if found.value == found.high == 0:
        return found.model_copy(update={"high": 1 - exact_lower_bound(count)})
    return found


def _rates(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Rates of each group, (…, groups), from sums, (…, groups, quantities); NaN where a rate is undefined."""
    rows, positives, selected, hits, alarms, probability = np.moveaxis(sums, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "base_rate": positives / rows,
            "selection_rate": selected / rows,
            "true_positive_rate": hits / positives,
            "false_positive_rate": alarms / (rows - positives),
            "calibration_gap": (probability - positives) / rows,
        }


def _target(
    name: str, errors: np.ndarray, masks: np.ndarray, draws: Sequence[np.ndarray], samples: _Samples
) -> TargetFairness:
    quantities = np.column_stack([np.ones(len(errors)), np.abs(errors).mean(axis=1), errors.mean(axis=1)])
    values, drawn = _sums(quantities, masks, draws)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, means = values / values[:, :1], drawn / drawn[..., :1]
    absolute, signed = (samples.estimates(mean[:, at], means[..., at]) for at in (1, 2))
    return TargetFairness(
        target=name,
        groups=tuple(
            GroupErrors(name=group, mean_absolute_error=absolute[at], mean_error=signed[at])
            for at, group in enumerate(samples.names)
        ),
        disparities=tuple(samples.disparity("mean_absolute_error", mean[:, 1], means[..., 1])),
    )
