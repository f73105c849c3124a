"""Calibration of probabilities and coverage of prediction intervals, measured on the hold-out."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.components.metric import compute_metrics
from executor.components.metric_functions import (
    column_means,
    effective_share,
    pinball_loss,
    scaled_quantile_loss,
    weighted_mean,
)
from executor.evaluation.scores import (
    CalibrationScore,
    ClassCoverage,
    GroupCoverage,
    IntervalScore,
    QuantileScore,
    SetScore,
)
from executor.model.calibration.conformal_intervals import PERCENT
from executor.model.calibration.temperature import IDENTITY_TEMPERATURE, rescale_probabilities
from executor.model.prediction_columns import class_shares
from rules.text.numbers import number
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from executor.components.metric import Predictions
    from executor.model.calibration.conformal_intervals import Intervals
    from executor.model.signature import Signature

STANDARD_ERRORS: Final = (
    2.0  # below its level, from which coverage is called too low; chance alone does that in 2 % of runs
)
MIN_INCREASE: Final = 0.02  # relative increase of a loss that is reported
UNDERCOVERAGE: Final = ": too few, because the hold-out is harder than the validation rows, which selected the model"


def calibration_score(signature: Signature, predictions: Predictions) -> CalibrationScore | None:
    """Compare log-loss and calibration error on the hold-out without and with temperatures; None if all are 1."""
    values = np.array([temperature.value for temperature in signature.temperatures])
    if not np.any(values != IDENTITY_TEMPERATURE):
        return None
    before = compute_metrics(
        replace(predictions, outcome=rescale_probabilities(predictions.outcome, 1 / values, predictions.task))
    )
    after = compute_metrics(predictions)
    return CalibrationScore(
        log_loss=(_defined(before["log_loss"]), _defined(after["log_loss"])),
        calibration_error=(_defined(before["calibration_error"]), _defined(after["calibration_error"])),
    )


def interval_score(
    signature: Signature,
    predictions: Predictions,
    spread: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> IntervalScore | None:
    """Measure coverage and width of the prediction intervals on the hold-out; None without intervals.

    spread: (rows, outputs) spread of the windows of a forecast. groups: from `interval_groups`.
    """
    intervals = signature.intervals
    if intervals is None or not intervals.half_widths:
        return None
    low, high = intervals.bounds(predictions.outcome, spread, groups)
    is_covered = (low <= predictions.truth) & (predictions.truth <= high)
    coverage = column_means(is_covered, predictions.weight)
    level = intervals.percent / 100
    # Coverage varies with the rows that set the width (beta distribution: Vovk 2012) and with those of the hold-out
    # (binomial distribution).
    of_row = level * (1 - level) / effective_share(predictions.weight)
    deviation = math.sqrt(of_row * (1 / (intervals.rows + 2) + 1 / len(predictions)))
    return IntervalScore(
        percent=intervals.percent,
        coverage=tuple(coverage.tolist()),
        mean_width=tuple(column_means(high - low, predictions.weight).tolist()),
        falls_short=bool(coverage.min() < level - STANDARD_ERRORS * deviation),
        by=intervals.by,
        groups=()
        if groups is None
        else tuple(_group_coverages(intervals, is_covered, high - low, groups, predictions.weight)),
    )


def _group_coverages(
    intervals: Intervals, is_covered: np.ndarray, widths: np.ndarray, groups: np.ndarray, weight: np.ndarray | None
) -> Iterator[GroupCoverage]:
    """Coverage and mean width of each group of the hold-out, the largest first."""
    for name, rows in Counter(groups.tolist()).most_common():
        own = groups == name
        weight_of_group = None if weight is None else weight[own]
        yield GroupCoverage(
            name=name,
            validation_rows=intervals.group_rows.get(name, 0),
            has_own_width=name in intervals.groups,
            rows=rows,
            coverage=tuple(column_means(is_covered[own], weight_of_group).tolist()),
            mean_width=tuple(column_means(widths[own], weight_of_group).tolist()),
        )


def set_score(signature: Signature, predictions: Predictions) -> SetScore | None:
    """Measure coverage and size of the prediction sets on the hold-out; None without sets."""
    found = signature.sets
    if found is None:
        return None
    shares, truth = class_shares(predictions.outcome, signature.task), predictions.truth
    weight = predictions.weight
    usual, own = (found.sets(shares, by_class=by_class) for by_class in (False, True))
    covered, covered_by_class = (members[np.arange(len(truth)), truth] for members in (usual, own))

    def share(values: np.ndarray, rows: np.ndarray) -> float | None:
        return weighted_mean(values[rows], None if weight is None else weight[rows]) if rows.any() else None

    return SetScore(
        percent=PERCENT,
        coverage=weighted_mean(covered, weight),
        mean_size=weighted_mean(usual.sum(axis=1), weight),
        coverage_by_class=weighted_mean(covered_by_class, weight),
        mean_size_by_class=weighted_mean(own.sum(axis=1), weight),
        classes=tuple(
            ClassCoverage(
                name=name,
                validation_rows=found.rows[at],
                rows=int((truth == at).sum()),
                coverage=share(covered, truth == at),
                coverage_by_class=share(covered_by_class, truth == at),
            )
            for at, name in enumerate(signature.labels)
        ),
    )


def quantile_score(
    signature: Signature, predictions: Predictions, spread: np.ndarray | None = None
) -> QuantileScore | None:
    """Measure the share of the hold-out below each quantile of a forecast; None without quantiles.

    spread: as of `interval_score`.
    """
    if signature.quantiles is None or not signature.quantiles.is_measured:
        return None
    values = signature.quantiles.values(predictions.outcome, spread)
    shares = (predictions.truth[..., None] <= values).mean(axis=(0, 1))
    return QuantileScore(levels=signature.quantiles.levels, shares=tuple(shares.tolist()))


def quantile_metrics(
    signature: Signature, predictions: Predictions, spread: np.ndarray | None = None
) -> dict[str, float]:
    """Pinball loss, in the unit of the target, and scaled quantile loss, both averaged over the levels.

    spread: as of `interval_score`.
    """
    found = signature.quantiles
    if found is None or not found.is_measured or predictions.naive_error is None:
        return {}
    values, levels = found.values(predictions.outcome, spread), np.array(found.levels)
    return {
        "pinball_loss": float(pinball_loss(predictions.truth, values, levels).mean()),
        "scaled_quantile_loss": scaled_quantile_loss(predictions.truth, values, levels, predictions.naive_error),
    }


def describe_calibration(
    signature: Signature,
    calibration: CalibrationScore | None,
    intervals: IntervalScore | None,
    quantiles: QuantileScore | None = None,
) -> tuple[str, ...]:
    """Describe calibration, or intervals and quantiles, or why there are none, a sentence each."""
    if signature.temperatures:
        return (_of_temperatures(signature, calibration),)
    if signature.intervals is None:
        return ()
    if intervals is None:
        return (f"No prediction intervals: {signature.intervals.reason_missing}.",)
    of_intervals = _of_intervals(signature, intervals)
    return (of_intervals,) if quantiles is None else (of_intervals, _of_quantiles(quantiles))


def _of_temperatures(signature: Signature, found: CalibrationScore | None) -> str:
    whys = [temperature.why for temperature in signature.temperatures]
    if found is None:
        return f"Probabilities are not calibrated: {whys[0] if len(whys) == 1 else 'no label gains from it'}."
    values = [temperature.value for temperature in signature.temperatures]
    given = number(values[0]) if len(values) == 1 else f"{number(min(values))} to {number(max(values))}"
    loss, error = (
        "undefined" if before is None or after is None else f"{number(before)} → {number(after)}"
        for before, after in (found.log_loss, found.calibration_error)
    )
    sentence = f"Calibration by temperature {given}: on the hold-out log-loss {loss}, calibration error {error}."
    return sentence + _unlike_validation(found)


def _unlike_validation(found: CalibrationScore) -> str:
    """A sentence where the hold-out does not confirm the validation rows; else empty."""
    if _has_risen(found.log_loss):
        return " The log-loss rose, although it fell on the validation rows: use these probabilities with care."
    if _has_risen(found.calibration_error):
        return " Prefer the log-loss: the calibration error uses 15 bins, some nearly empty."
    return ""


def _has_risen(pair: tuple[float | None, float | None]) -> bool:
    before, after = pair
    return before is not None and after is not None and after > (1 + MIN_INCREASE) * before


def _of_intervals(signature: Signature, found: IntervalScore) -> str:
    start = f"The {found.percent} % prediction intervals cover"
    if signature.windows is not None and signature.windows.horizon > 1:
        mean = sum(found.coverage) / len(found.coverage)
        low, high = min(found.coverage), max(found.coverage)
        short = ": too few, because errors grew after the validation rows"
        return (
            f"{start} {mean * 100:.1f} % of the hold-out ({low * 100:.0f} to {high * 100:.0f} % by step)"
            f"{short if found.falls_short else ''}."
        )
    kind = "width" if signature.intervals and signature.intervals.on == "as_is" else "mean width"
    covered = [
        (f"{share * 100:.1f} % of", f"({kind} {number(width)})")
        for share, width in zip(found.coverage, found.mean_width, strict=True)
    ]
    short = UNDERCOVERAGE if found.falls_short else ""
    if signature.task is not Task.MULTIOUTPUT_REGRESSION:
        share, width = covered[0]
        return f"{start} {share} the hold-out {width}{short}."
    each = (f"{share} {target!r} {width}" for (share, width), target in zip(covered, signature.targets, strict=True))
    return f"{start} on the hold-out {', '.join(each)}{short}."


def _of_quantiles(found: QuantileScore) -> str:
    shares = [f"{share * 100:.0f} % ({level:g})" for level, share in zip(found.levels, found.shares, strict=True)]
    return f"Share of the hold-out below each quantile: {', '.join(shares)}."


def _defined(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
