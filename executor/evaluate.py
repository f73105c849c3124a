"""The hold-out, opened once: P with its uncertainty, all other metrics, the baselines, and a verdict in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from executor.baselines import constant_baseline, linear_baseline, naive_error, seasonal_baseline
from executor.catalog.performance import Direction, Predictions, decide, every_score
from executor.signature import answers
from rules.facts import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.catalog.performance import PerformanceMetric
    from executor.parts import Examples, Parts
    from executor.signature import Signature
    from executor.table import RawTable

RESAMPLES: Final = 1_000  # bootstrap samples; a percentile at 2.5 % then rests on 25 of them
FEWEST_RESAMPLES: Final = 100
ROWS_RESAMPLED: Final = 5_000_000  # rows over all samples: measured 1 s for F1, 2 s for the area under the ROC curve
LARGEST_SAMPLE: Final = 20_000  # rows of one sample; above it fewer rows than the hold-out's are drawn
TAIL: Final = 2.5  # percent below and above a 95 % interval
BOOTSTRAP_STREAM: Final = 7  # tells the bootstrap's random numbers from others of the same seed


class Estimate(BaseModel):
    """A value measured on the hold-out, with its 95 % bootstrap interval; None where it is undefined."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float | None
    low: float | None
    high: float | None


class BaselineScore(BaseModel):
    """P of a simple answer on the same rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    says: str
    value: float | None
    gain: Estimate
    """How much better the model is, positive when it is better, whatever P's direction."""
    seconds: float


class Scores(BaseModel):
    """The file scores.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    direction: Direction
    validation: float | None
    """P of the chosen trial on the rows that chose it: too good by the choice."""
    hold_out: Estimate
    rows: int
    """Rows of the hold-out."""
    resamples: int
    others: dict[str, float | None]
    baselines: dict[str, BaselineScore]
    thresholds: tuple[str, ...]
    """How each decision threshold was found, with its value."""
    has_signal: bool
    """Whether the model is certainly better than the constant answer."""
    verdict: str


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """All that the one look at the hold-out gave."""

    scores: Scores
    predictions: dict[str, np.ndarray]
    """The columns of the file of predictions: row number, truth, answers; no feature."""


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
    linear_seconds: float | None = None,
) -> Judgement:
    """Judge a model on the hold-out.

    outcome: the assembled model's answers for the hold-out's rows, (rows, outputs).
    hold_out, rows: the same rows, encoded and raw. validation: P of the chosen trial.
    linear_seconds: time left for the linear baseline; by default its own limit.
    """
    said = Predictions(
        task=parts.task,
        truth=hold_out.raw_target,
        outcome=outcome,
        decided=decide(outcome, parts.task, thresholds=signature.cuts, rare_class=signature.rare_class),
        rare_class=parts.rare_class,
        naive_error=naive_error(parts.train, parts),
    )
    limit = {} if linear_seconds is None else {"seconds": linear_seconds}
    candidates = (
        constant_baseline(metric, parts, hold_out, signature.labels),
        seasonal_baseline(parts, hold_out, rows),
        linear_baseline(metric, parts, hold_out, **limit),
    )
    baselines = [baseline for baseline in candidates if baseline is not None]
    everything = [said, *(baseline.predictions for baseline in baselines)]
    values = np.array([metric.of_predictions(predictions) for predictions in everything])
    samples = resampled(metric, everything, seed=seed, in_blocks=parts.task is Task.FORECASTING)
    # Of m rows instead of n the spread is √(n / m) as wide (Bickel, Götze and van Zwet 1997).
    samples = values + (samples - values) * math.sqrt(min(1.0, LARGEST_SAMPLE / len(hold_out)))
    sign = 1 if metric.direction == "max" else -1
    scored = {
        baseline.name: BaselineScore(
            says=baseline.says,
            value=_finite(values[at]),
            gain=_estimate(sign * (values[0] - values[at]), sign * (samples[:, 0] - samples[:, at])),
            seconds=round(baseline.seconds, 3),
        )
        for at, baseline in enumerate(baselines, start=1)
    }
    scores = Scores(
        metric=metric.name,
        direction=metric.direction,
        validation=None if validation is None else _finite(validation),
        hold_out=_estimate(values[0], samples[:, 0]),
        rows=len(hold_out),
        resamples=len(samples),
        others={name: _finite(value) for name, value in every_score(said).items()},
        baselines=scored,
        thresholds=tuple(f"{threshold.value:.4g} ({threshold.why})" for threshold in signature.thresholds),
        has_signal=_is_positive(scored["constant"].gain),
        verdict=verdict(scored),
    )
    return Judgement(scores=scores, predictions=_columns(signature, rows, hold_out.raw_target, outcome))


def resampled(
    metric: PerformanceMetric, everything: Sequence[Predictions], *, seed: int, in_blocks: bool
) -> np.ndarray:
    """P of each of several predictions on the same bootstrap samples of the rows, (samples, predictions) float64.

    A sample has as many rows as there are, but at most LARGEST_SAMPLE.
    in_blocks: whether neighbours are drawn together, because errors of a series resemble their neighbours' (moving
    blocks of n^(1/3) rows: Künsch 1989; Hall, Horowitz and Jing 1995).
    """
    rows = len(everything[0])
    size = min(rows, LARGEST_SAMPLE)
    random = np.random.default_rng([seed, BOOTSTRAP_STREAM])
    count = max(FEWEST_RESAMPLES, min(RESAMPLES, ROWS_RESAMPLED // size))
    block = max(1, round(rows ** (1 / 3))) if in_blocks else 1
    scores = np.empty((count, len(everything)))
    for sample in range(count):
        begins = random.integers(0, rows - block + 1, size=-(-size // block))
        drawn = (begins[:, None] + np.arange(block)).ravel()[:size]
        scores[sample] = [metric.of_predictions(predictions.take(drawn)) for predictions in everything]
    return scores


def verdict(baselines: dict[str, BaselineScore]) -> str:
    """What the comparison with the baselines means, in sentences."""
    constant, linear, seasonal = (baselines.get(name) for name in ("constant", "linear", "seasonal naive"))
    if constant is None or constant.gain.low is None or constant.gain.high is None:
        return "P is undefined on the hold-out, so nothing can be said: it is too small or holds a single class."
    if constant.gain.high < 0:
        return f"Worse than {constant.says}: do not use this model."
    if constant.gain.low <= 0:
        return (
            f"No signal found: no better than {constant.says}, for the 95 % interval of the gain, "
            f"{constant.gain.low:.3g} to {constant.gain.high:.3g}, contains 0."
        )
    interval = f"95 % interval {constant.gain.low:.3g} to {constant.gain.high:.3g}"
    sentences = [f"Beats {constant.says} by {constant.gain.value:.3g} ({interval})."]
    if seasonal is not None and not _is_positive(seasonal.gain):
        sentences.append(f"It is not certainly better than {seasonal.says}.")
    if linear is not None and linear.gain.high is not None and linear.gain.high < 0:
        sentences.append(f"But a linear model is better ({linear.says}): use that.")
    elif linear is not None and not _is_positive(linear.gain):
        sentences.append(f"A linear model is as good ({linear.says}).")
    return " ".join(sentences)


def _is_positive(gain: Estimate) -> bool:
    return gain.low is not None and gain.low > 0


def _estimate(value: float, samples: np.ndarray) -> Estimate:
    """A value with the percentile interval of its defined samples."""
    defined = samples[np.isfinite(samples)]
    if not math.isfinite(value) or len(defined) < FEWEST_RESAMPLES // 2:
        return Estimate(value=_finite(value), low=None, high=None)
    low, high = np.percentile(defined, [TAIL, 100 - TAIL])
    return Estimate(value=float(value), low=float(low), high=float(high))


def _finite(value: float) -> float | None:
    """A float that JSON can hold."""
    return float(value) if math.isfinite(value) else None


def _columns(signature: Signature, rows: RawTable, truth: np.ndarray, outcome: np.ndarray) -> dict[str, np.ndarray]:
    """Row number in the dataset from 0, truth as the dataset writes it, and the answers."""
    if signature.task in {Task.BINARY, Task.MULTICLASS}:
        true = {"truth": np.array(signature.labels, dtype=object)[truth]}
    elif signature.task is Task.MULTILABEL:
        written = signature.levels
        true = {
            f"truth of {name}": np.array(written[name], dtype=object)[truth[:, at]]
            for at, name in enumerate(signature.targets)
        }
    elif len(signature.targets) == 1:
        true = {"truth": truth[:, 0]}
    else:
        true = {f"truth of {name}": truth[:, at] for at, name in enumerate(signature.targets)}
    return {"row": rows.rows, **true, **answers(signature, outcome)}
