"""Scores for each group of a column on the hold-out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from executor.components.metric import create_metric
from executor.evaluation.bootstrap import bootstrap_sampler, tail_percent
from executor.evaluation.scores import Estimate
from recommender.dataset.sql import quoted
from rules.errors import ColumnError, did_you_mean
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.components.metric import PerformanceMetric, Predictions
    from executor.runs.report.hold_out_predictions import HoldOutPredictions
    from executor.runs.run import Run
    from recommender.dataset.dataset import Dataset

MAX_GROUPS: Final = 12  # the most frequent ones; the others form one group
QUANTILES: Final = 4  # ranges of a numeric column with more values than groups
RESAMPLES: Final = 400  # bootstrap samples of a group; a percentile at 2.5 % then rests on ten of them
MIN_ROWS: Final = 2
MISSING, OTHERS = "(missing)", "(all others)"


@dataclass(frozen=True, kw_only=True)
class Group:
    """A group of rows of the hold-out. score: metric on them with its 95 % interval."""

    name: str
    rows: int
    score: Estimate


def score_groups(run: Run, hold_out: HoldOutPredictions, dataset: Dataset, column: str) -> list[Group]:
    """Score each group of a column, the largest first; numbers with many values are grouped by quantiles.

    Raises ColumnError where the dataset has no such column.
    """
    if column not in dataset.columns:
        raise ColumnError(
            f"--by must be a column of the dataset, but {dataset.name} has no column {column!r}."
            f"{did_you_mean(column, dataset.columns)}"
        )
    metric, predictions = create_metric(run.bundle.metric), hold_out.predictions
    if (weight := run.plan.request.weight) is not None:
        cells = _cells(dataset, f"{quoted(weight)}::DOUBLE")
        predictions = replace(predictions, weight=np.array([cells[int(row)] for row in hold_out.rows]))
    names = np.array(group_names(dataset, column, hold_out.rows), dtype=object)
    found, counts = np.unique(names, return_counts=True)
    most = [str(name) for name in found[np.argsort(-counts, kind="stable")][:MAX_GROUPS]]
    masks = {name: names == name for name in most}
    if len(found) > len(most):
        masks[OTHERS] = ~np.isin(names, most)
    return [
        Group(
            name=name,
            rows=int(mask.sum()),
            score=_score(metric, predictions, np.flatnonzero(mask), run.plan.seed),
        )
        for name, mask in masks.items()
    ]


def group_names(dataset: Dataset, column: str, rows: np.ndarray) -> list[str]:
    """Group of each row, given by its number: its value as the dataset writes it, or a range."""
    name = quoted(column)
    numeric = dataset.connection.execute(
        f"SELECT count(DISTINCT {name}) > ? AND count(TRY_CAST({name} AS DOUBLE)) = count({name}) FROM dataset",  # noqa: S608  quoted
        [MAX_GROUPS],
    ).fetchall()[0][0]
    read = f"TRY_CAST({name} AS DOUBLE)" if numeric else f"CAST({name} AS VARCHAR)"
    cells = _cells(dataset, read)
    values = [cells.get(int(row)) for row in rows]
    if not numeric:
        return [MISSING if value is None else str(value) for value in values]
    known = np.array([value for value in values if value is not None])
    edges = np.unique(np.quantile(known, np.linspace(0, 1, QUANTILES + 1))) if len(known) else np.zeros(2)
    ranges = [f"{low:,.4g} to {high:,.4g}" for low, high in pairwise(edges)] or [f"{edges[0]}"]
    inner = edges[1:-1]
    return [MISSING if value is None else ranges[int(np.searchsorted(inner, value, side="left"))] for value in values]


def _cells(dataset: Dataset, expression: str) -> dict[int, Any]:
    """Value of an SQL expression by row, from 0."""
    return dict(dataset.connection.execute(f"SELECT rowid, {expression} FROM dataset").fetchall())  # noqa: S608  quoted


def _score(metric: PerformanceMetric, predictions: Predictions, rows: np.ndarray, seed: int) -> Estimate:
    """Score some rows, with a bootstrap interval; None where the metric is undefined."""
    own = predictions.take(rows)
    value = metric.of_predictions(own)
    if not np.isfinite(value) or len(rows) < MIN_ROWS:
        return Estimate(value=float(value) if np.isfinite(value) else None, low=None, high=None)
    random = np.random.default_rng([seed, len(rows)])
    draw = bootstrap_sampler(len(rows), len(rows), in_blocks=predictions.task is Task.FORECASTING)
    samples = np.array([metric.of_predictions(own.take(draw(random))) for _ in range(RESAMPLES)])
    defined = samples[np.isfinite(samples)]
    if len(defined) < RESAMPLES // 2:
        return Estimate(value=float(value), low=None, high=None)
    outside = tail_percent(len(rows))
    low, high = np.percentile(defined, [outside, 100 - outside])
    return Estimate(value=float(value), low=float(low), high=float(high))
