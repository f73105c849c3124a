"""Evaluation on the hold-out: metrics with intervals, baselines and verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.components.metric import Predictions, apply_thresholds, compute_metrics, expected_cost
from executor.components.metric_functions import effective_share
from executor.evaluation.baselines.baseline import scaling_error
from executor.evaluation.baselines.constant import constant_baseline, seasonal_baseline
from executor.evaluation.baselines.linear import linear_baseline
from executor.evaluation.bootstrap import bootstrap_sampler, exact_lower_bound, independent_units, tail_percent
from executor.evaluation.calibration import (
    calibration_score,
    describe_calibration,
    interval_score,
    quantile_metrics,
    quantile_score,
    set_score,
)
from executor.evaluation.class_coverage import missing_classes
from executor.evaluation.scores import BaselineCost, BaselineScore, CostScore, Estimate, Scores
from executor.evaluation.verdict import LOWEST, reach_verdict
from executor.model.prediction_columns import (
    ROW,
    decide,
    decode_labels,
    interval_groups,
    names_in_file,
    prediction_columns,
)
from rules.text.numbers import number
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.components.metric import PerformanceMetric
    from executor.data.raw_table import RawTable
    from executor.evaluation.baselines.baseline import Baseline
    from executor.evaluation.scores import CutOff
    from executor.model.signature import Signature
    from executor.preprocessing.examples import Examples, Parts
    from executor.runtime.clock import Clock

RESAMPLES: Final = 1_000  # bootstrap samples; 25 of them are beyond the 2.5 % percentile
MIN_RESAMPLES: Final = 100
ROWS_RESAMPLED: Final = 5_000_000  # rows of all samples; 1 s for F1, 2 s for ROC AUC
MAX_SAMPLE: Final = 20_000  # maximum rows of a sample
BOOTSTRAP_STREAM: Final = 7  # separates the bootstrap from other random numbers of the same seed


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Result of the evaluation on the hold-out."""

    scores: Scores
    predictions: dict[str, np.ndarray]
    """Columns of predictions.csv: row number, true target, predictions; no features."""


def evaluate(
    outcome: np.ndarray,
    *,
    metric: PerformanceMetric,
    parts: Parts,
    hold_out: Examples,
    rows: RawTable,
    signature: Signature,
    validation: float | None,
    seed: int,
    clock: Clock,
    others: Sequence[Baseline | None] = (),
    training: float | None = None,
    groups: np.ndarray | None = None,
    cut_off: CutOff | None = None,
) -> Evaluation:
    """Evaluate a model on the hold-out.

    outcome: predictions of the assembled model for the hold-out, (rows, outputs).
    hold_out, rows: the same rows, encoded and raw. validation: P of the chosen trial.
    clock: for the linear baseline. others: of further models.
    training: P of the model on training rows.
    groups: which of the hold-out's rows belong together, (rows,), as in `executor.evaluation.bootstrap`.
    cut_off: of a model that was not trained to its end.
    """
    predicted = Predictions(
        task=parts.task,
        truth=hold_out.raw_target,
        outcome=outcome,
        decided=decide(signature, outcome),
        rare_class=parts.rare_class,
        naive_error=scaling_error(parts.train, parts),
        weight=hold_out.weight,
    )
    candidates = (
        constant_baseline(metric, parts, hold_out, signature.labels, last=rows.last),
        seasonal_baseline(parts, hold_out, rows),
        linear_baseline(metric, parts.divided(), hold_out, clock=clock),
        *others,
    )
    baselines = [baseline for baseline in candidates if baseline is not None]
    everything = [predicted, *(baseline.predictions for baseline in baselines)]
    values = np.array([metric.of_predictions(predictions) for predictions in everything])
    outside = tail_percent(_units(predicted, groups))
    cost = _cost_score(predicted, baselines, parts, outside, seed=seed, groups=groups)
    ahead = signature.windows.horizon if signature.windows is not None else 0
    in_blocks = parts.task is Task.FORECASTING
    samples = bootstrap_scores(metric, everything, seed=seed, in_blocks=in_blocks, at_least=ahead, groups=groups)
    samples = _widen(samples, values, len(hold_out))
    sign = metric.direction.sign
    scored = {
        baseline.name: BaselineScore(
            says=baseline.says,
            value=_finite(values[at]),
            mase=_finite(compute_metrics(baseline.predictions)["mase"]) if parts.task is Task.FORECASTING else None,
            gain=_estimate(sign * (values[0] - values[at]), sign * (samples[:, 0] - samples[:, at]), outside),
        )
        for at, baseline in enumerate(baselines, start=1)
    }
    calibration = calibration_score(signature, predicted)
    intervals = interval_score(signature, predicted, rows.spread, interval_groups(signature, rows))
    quantiles = quantile_score(signature, predicted, rows.spread)
    metrics = compute_metrics(predicted) | quantile_metrics(signature, predicted, rows.spread)
    scores = Scores(
        metric=metric.name,
        direction=metric.direction,
        validation=None if validation is None else _finite(validation),
        training=None if training is None else _finite(training),
        hold_out=_with_exact_bound(_estimate(values[0], samples[:, 0], outside), predicted, groups, metric.name),
        rows=len(hold_out),
        resamples=len(samples),
        others={name: _finite(value) for name, value in metrics.items()},
        baselines=scored,
        thresholds=_thresholds(signature),
        intervals=intervals,
        quantiles=quantiles,
        sets=set_score(signature, predicted),
        calibration=calibration,
        cost=cost,
        remarks=(*_unweighted(metric, predicted), *describe_calibration(signature, calibration, intervals, quantiles)),
        missing_classes=missing_classes(parts, hold_out, _names(signature)),
        has_signal=(scored["constant"].gain if cost is None else cost.baselines["constant"].saving).is_positive,
        cut_off=cut_off,
        verdict="",
    )
    scores = scores.model_copy(update={"verdict": reach_verdict(scores).text})
    return Evaluation(scores=scores, predictions=_columns(signature, rows, hold_out.raw_target, outcome))


def bootstrap_scores(
    metric: PerformanceMetric,
    everything: Sequence[Predictions],
    *,
    seed: int,
    in_blocks: bool,
    at_least: int = 1,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Score several predictions on the same bootstrap samples of the rows, (samples, predictions) float64.

    A sample has the number of rows, but at most about MAX_SAMPLE. in_blocks, at_least, groups: as in
    `bootstrap_sampler`.
    """
    rows = len(everything[0])
    size = min(rows, MAX_SAMPLE)
    random = np.random.default_rng([seed, BOOTSTRAP_STREAM])
    draw = bootstrap_sampler(rows, size, in_blocks=in_blocks, at_least=at_least, groups=groups)
    scores = np.empty((max(MIN_RESAMPLES, min(RESAMPLES, ROWS_RESAMPLED // size)), len(everything)))
    for sample in range(len(scores)):
        drawn = draw(random)
        scores[sample] = [metric.of_predictions(predictions.take(drawn)) for predictions in everything]
    return scores


def _widen(samples: np.ndarray, values: np.ndarray, rows: int) -> np.ndarray:
    """Correct the spread of samples of m instead of n rows, which is √(n / m) as wide (Bickel et al. 1997)."""
    return np.asarray(values + (samples - values) * math.sqrt(min(1.0, MAX_SAMPLE / rows)))


def _cost_score(
    predicted: Predictions,
    baselines: Sequence[Baseline],
    parts: Parts,
    outside: float,
    *,
    seed: int,
    groups: np.ndarray | None,
) -> CostScore | None:
    """Expected cost per row of the model and the baselines, on common bootstrap samples; None without costs."""
    if parts.costs is None:
        return None
    metric = expected_cost(parts.costs)
    everything = [predicted, *(baseline.predictions for baseline in baselines)]
    values = np.array([metric.of_predictions(predictions) for predictions in everything])
    samples = bootstrap_scores(metric, everything, seed=seed, in_blocks=False, groups=groups)
    samples = _widen(samples, values, len(predicted))
    return CostScore(
        model=_estimate(values[0], samples[:, 0], outside),
        most_probable=metric.of_predictions(
            replace(predicted, decided=apply_thresholds(predicted.outcome, predicted.task))
        ),
        baselines={
            baseline.name: BaselineCost(
                value=float(values[at]),
                saving=_estimate(values[at] - values[0], samples[:, at] - samples[:, 0], outside),
            )
            for at, baseline in enumerate(baselines, start=1)
        },
    )


def _estimate(value: float, samples: np.ndarray, outside: float) -> Estimate:
    """Percentile interval of a value from its defined samples; outside: percent at each end."""
    defined = samples[np.isfinite(samples)]
    if not math.isfinite(value) or len(defined) < MIN_RESAMPLES // 2:
        return Estimate(value=_finite(value), low=None, high=None)
    low, high = np.percentile(defined, [outside, 100 - outside])
    return Estimate(value=float(value), low=float(low), high=float(high))


def _with_exact_bound(found: Estimate, predicted: Predictions, groups: np.ndarray | None, metric: str) -> Estimate:
    """Replace the lower end by an exact one where all predictions are correct.

    The units are all rows for accuracy, those of the rarest class for other metrics.
    """
    if metric not in LOWEST or not predicted.task.is_classification or found.value != 1 or found.low != 1:
        return found
    units = _units(predicted, groups)
    if metric != "accuracy":
        truth = predicted.truth if predicted.truth.ndim == 1 else predicted.truth.ravel()
        units = min(units, int(np.bincount(truth)[np.unique(truth)].min()))
    return found.model_copy(update={"low": exact_lower_bound(units)})


def _units(predicted: Predictions, groups: np.ndarray | None) -> int:
    """Number of independent units, fewer where weights differ."""
    return round(independent_units(len(predicted), groups) * effective_share(predicted.weight))


def _unweighted(metric: PerformanceMetric, predicted: Predictions) -> tuple[str, ...]:
    """A sentence where the metric ignores the weights of the rows."""
    if predicted.weight is None or metric.takes_weights:
        return ()
    return (f"The metric {metric.name} has no parameter sample_weight, so each row counts once in its score.",)


def _thresholds(signature: Signature) -> tuple[str, ...]:
    """Describe each threshold; of several labels with the label's name."""
    names = _names(signature) if signature.task is Task.MULTILABEL else ("",)
    return tuple(
        f"{f'{name}: ' if name else ''}{number(threshold.value)} ({threshold.why})"
        for name, threshold in zip(names, signature.thresholds, strict=False)
    )


def _names(signature: Signature) -> tuple[str, ...]:
    """Class names, or label names for multilabel tasks."""
    return signature.targets if signature.task is Task.MULTILABEL else signature.labels


def _finite(value: float) -> float | None:
    """The value, or None where it is not finite."""
    return float(value) if math.isfinite(value) else None


def _columns(signature: Signature, rows: RawTable, truth: np.ndarray, outcome: np.ndarray) -> dict[str, np.ndarray]:
    """Row numbers in the dataset from 0, true targets as in the dataset, and predictions."""
    names = names_in_file(signature)
    by_target = truth if truth.ndim > 1 else truth[:, None]
    if signature.task.is_classification:
        true = {
            name: decode_labels(signature, target, by_target[:, at], as_text=True)
            for at, (name, target) in enumerate(zip(names.truth, signature.targets, strict=True))
        }
    else:
        true = {name: by_target[:, at] for at, name in enumerate(names.truth)}
    groups = interval_groups(signature, rows)
    predicted = prediction_columns(signature, outcome, names, as_text=True, spread=rows.spread, groups=groups)
    return {ROW: rows.rows, **true, **predicted}
