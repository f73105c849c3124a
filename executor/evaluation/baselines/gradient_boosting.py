"""Gradient boosting baseline: histogram gradient boosting of scikit-learn on raw columns.

Categories and missing values are handled natively: docs/evidence.md#gradient-boosting.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import OrdinalEncoder
from threadpoolctl import threadpool_limits

from executor.components.metric import apply_thresholds, outcome_of
from executor.data.raw_table import Form
from executor.evaluation.baselines.baseline import Baseline, create_predictions, has_single_class
from executor.evaluation.scores import BOOSTING
from executor.layers.words import split_words
from executor.preprocessing.inputs import ImageInputs
from recommender.training_cost import (
    BOOSTING_SECONDS,
    BOOSTING_SHARE,
    BOOSTING_TREES,
    SECONDS_PER_TREE_CELL,
    SECONDS_PER_TREE_COLUMN,
    UNLIMITED_BOOSTING_SECONDS,
)
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from executor.components.metric import PerformanceMetric
    from executor.components.threshold import Threshold
    from executor.data.raw_table import RawTable
    from executor.preprocessing.examples import Examples, Parts
    from executor.runtime.clock import Clock

STAGES: Final = (
    10,
    20,
    40,
    80,
    160,
    320,
)  # numbers of trees after which the clock and the validation score are checked
ABSOLUTE: Final = frozenset({"mae", "mape", "smape"})  # metrics for which absolute errors are minimized
MIN_TREES: Final = 80  # trees after which early stopping is possible
RATE, MAX_RATE = 0.05, 0.3  # learning rate, and its maximum for short budgets
RATE_TREES: Final = RATE * BOOSTING_TREES  # rate times trees of a complete fit
TREES_PER_CHECK: Final = 5  # trees between two candidates for the number of trees
LEAF: Final = 20  # minimum rows of a leaf: default of scikit-learn
SMALL_LEAF, FEW_ROWS = 5, 500
"""Minimum rows of a leaf for fewer training rows: docs/evidence.md#gradient-boosting."""
MIN_FITTED: Final = 500  # minimum number of training rows, for any width
MANY_CELLS: Final = 1_000_000  # training cells; thread overhead dominates for smaller tables
MAX_LEVELS: Final = 254  # per column, the most frequent categories; the limit of scikit-learn is 255
TEXTS_TIMED: Final = 100  # rows on which splitting texts is timed
MIN_SECONDS_PER_TEXT: Final = 1e-9  # avoids division by zero with a fake clock
TOPICS: Final = 32  # components of a text
WORDS: Final = 4_096  # buckets of hashed words, the maximum of the network's bag
CYCLES: Final = (86_400.0, 604_800.0, 31_556_952.0)  # seconds of a day, a week and a mean year


def boosting_baseline(
    metric: PerformanceMetric,
    parts: Parts,
    train: RawTable,
    validation: RawTable,
    hold_out: tuple[RawTable, Examples],
    *,
    clock: Clock,
    seed: int = 0,
) -> Baseline | None:
    """Fit histogram gradient boosting of scikit-learn, tuned on the same rows as the network.

    It trains on the training rows; the validation rows choose the number of trees and the decision threshold, as they
    choose the network's epoch and threshold. Of folds the first one chooses, then all rows train.
    train, validation, hold_out: raw rows of the parts and the hold-out.
    A table that would take more than the limit of the clock is fitted on evenly spaced training rows, or with fewer
    trees; one whose rows are on disk on a sample of them.
    None for images and sequences, without time, and where a target has a single class.
    """
    all_rows = len(parts.train)
    train, validation, parts = train.in_memory, validation.in_memory, parts.in_memory
    everything = train, parts.train
    if (first := parts.in_first_fold) is not None:
        train, validation = train.take(~first), train.take(first)
    has_folds, parts = parts.folds is not None, parts.divided()
    if clock.is_over or isinstance(parts.inputs, ImageInputs) or not _are_columns(train) or has_single_class(parts):
        return None
    read_whole = len(validation) + len(hold_out[0]) + (len(everything[0]) if has_folds else 0)
    readable, seconds = _readable(train, read_whole, clock)
    if readable == 0:
        return None
    rows, rate = _affordable(readable, len(train.forms) * parts.outputs, seconds=seconds)
    some = train.evenly_spaced(rows)
    # Thread overhead dominates for models this small.
    with threadpool_limits(1 if rows * len(train.forms) < MANY_CELLS else None):
        columns = Columns(some, parts.task)
        forest = BoostedTrees(metric, parts, columns, rate=rate, seed=seed)
        inputs = columns.read(some)
        forest.fit(inputs, parts.train.evenly_spaced(rows), columns.read(validation), clock=clock)
        if has_folds:
            forest.fit_again(columns.read(everything[0]), everything[1])
        outcome = np.concatenate(
            [forest.outcome(columns.read(part), hold_out[1].take(rows)) for rows, part in hold_out[0].parts()]
        )
    best = forest.best
    cuts = tuple(threshold.value for threshold in best.thresholds)
    fitted = len(everything[0]) if has_folds else rows
    part = "" if fitted == all_rows else f" of {all_rows:,}"
    short = "; stopped by the time limit" if forest.is_cut_short else ""
    return Baseline(
        name=BOOSTING,
        says=f"{best.trees} trees per output on {fitted:,}{part} training rows{short}",
        predictions=create_predictions(
            parts,
            hold_out[1],
            outcome,
            apply_thresholds(outcome, parts.task, thresholds=cuts, rare_class=parts.rare_class, costs=parts.costs),
        ),
    )


def _readable(train: RawTable, others: int, clock: Clock) -> tuple[int, float]:
    """Number of training rows whose texts can be split into words in half of the time, and the seconds for trees.

    The time of a row is measured on a sample. others: rows that are read in any case. Returns 0 rows where they alone
    take half of the time.
    """
    names = train.of_form(Form.TEXT)
    if not names or clock.limit == math.inf:
        return len(train), clock.limit
    start, some = clock.now(), train.evenly_spaced(TEXTS_TIMED)
    for name in names:
        HashingVectorizer(n_features=WORDS, analyzer=split_words).transform(some.features[name])
    each = max((clock.now() - start) / len(some), MIN_SECONDS_PER_TEXT)
    readable = min(len(train), max(0, int(clock.limit / 2 / each) - others))
    return readable, clock.limit - each * (readable + others)


def boosting_seconds(clock: Clock) -> float:
    """What gradient boosting may take of what is left of a time limit."""
    if clock.plan.limit is None:
        return UNLIMITED_BOOSTING_SECONDS
    return min(max(BOOSTING_SECONDS, BOOSTING_SHARE * clock.plan.limit), clock.left / 4)


def _are_columns(train: RawTable) -> bool:
    """Whether all columns have single values."""
    return not {*train.forms.values()} & {Form.IMAGE, Form.SEQUENCE, Form.LETTERS}


class Columns:
    """Encoding for trees: numbers with NaN, times with their cycles, ordinal categories, components of texts."""

    def __init__(self, seen: RawTable, task: Task) -> None:
        self._numbers, self._times = seen.of_form(Form.NUMBER), seen.of_form(Form.TIME)
        self._categories, self._texts = seen.of_form(Form.LEVEL), seen.of_form(Form.TEXT)
        # Time itself is out of range in every row to forecast.
        self._reads_time = task is not Task.FORECASTING
        if self._categories:
            self._encoder = OrdinalEncoder(
                max_categories=MAX_LEVELS, handle_unknown="use_encoded_value", unknown_value=np.nan
            ).fit(_stack_columns(seen, self._categories))
        self._words = HashingVectorizer(n_features=WORDS, alternate_sign=False, analyzer=split_words)
        words = [self._words.transform(seen.features[name]) for name in self._texts]
        self._topics = [TruncatedSVD(min(TOPICS, len(seen)), random_state=0).fit(counts) for counts in words]
        self._topics_of_seen = [topics.transform(counts) for topics, counts in zip(self._topics, words, strict=True)]
        self._seen = seen

    def read(self, rows: RawTable) -> np.ndarray:
        """Encode rows, (rows, columns) float64, NaN where missing; categories come first."""
        parts = [self._encoder.transform(_stack_columns(rows, self._categories))] if self._categories else []
        parts += [rows.features[name][:, None] for name in self._numbers]
        for name in self._times:
            seconds = rows.features[name][:, None]
            parts += [seconds] * self._reads_time + [seconds % cycle for cycle in CYCLES]
        if rows is self._seen:
            return np.hstack([*parts, *self._topics_of_seen])
        for name, topics in zip(self._texts, self._topics, strict=True):
            parts.append(topics.transform(self._words.transform(rows.features[name])))
        return np.hstack(parts)

    @property
    def categorical(self) -> list[int]:
        """Indices of categorical columns."""
        return list(range(len(self._categories)))


def _stack_columns(rows: RawTable, names: Sequence[str]) -> np.ndarray:
    return np.column_stack([rows.features[name] for name in names])


def _affordable(rows: int, columns: int, *, seconds: float) -> tuple[int, float]:
    """Choose training rows and learning rate so that a fit is complete in time; all rows if possible.

    columns: of all trees that are grown at once.
    """
    trees = seconds / (columns * (SECONDS_PER_TREE_COLUMN + SECONDS_PER_TREE_CELL * rows))
    rate = min(max(RATE, RATE_TREES / trees), MAX_RATE)
    fitted = (seconds * rate / RATE_TREES / columns - SECONDS_PER_TREE_COLUMN) / SECONDS_PER_TREE_CELL
    return int(min(rows, max(MIN_FITTED, fitted))), rate


@dataclass(frozen=True, kw_only=True)
class BestStage:
    """Number of trees with the best validation score, and its decision thresholds."""

    score: float
    trees: int
    thresholds: tuple[Threshold, ...]


class BoostedTrees:
    """One model per output; one for all exclusive classes."""

    def __init__(self, metric: PerformanceMetric, parts: Parts, columns: Columns, *, rate: float, seed: int) -> None:
        self._metric, self._parts = metric, parts
        more: dict[str, Any] = {
            "learning_rate": rate,
            "early_stopping": False,
            "warm_start": True,
            "categorical_features": columns.categorical or None,
            "min_samples_leaf": SMALL_LEAF if len(parts.train) < FEW_ROWS else LEAF,
            "random_state": seed,
        }
        if parts.task.is_classification:
            self._models = [HistGradientBoostingClassifier(**more) for _ in self._truth(parts.train).T]
        else:
            more["loss"] = "absolute_error" if metric.name in ABSOLUTE else "squared_error"
            if metric.level is not None:
                more |= {"loss": "quantile", "quantile": metric.level}
            self._models = [HistGradientBoostingRegressor(**more) for _ in range(parts.outputs)]
        self.best: BestStage
        self.is_cut_short = False

    def _truth(self, examples: Examples) -> np.ndarray:
        """Targets of each model, (rows, models)."""
        if self._parts.task.is_classification:
            return np.asarray(examples.raw_target.reshape(len(examples), -1))
        return np.asarray(examples.change)

    def fit(self, inputs: np.ndarray, examples: Examples, validation: np.ndarray, *, clock: Clock) -> None:
        """Double the trees while the validation score improves and time is left."""
        start = clock.now()
        for trees in STAGES:
            for model, column in zip(self._models, self._truth(examples).T, strict=True):
                model.set_params(max_iter=trees).fit(inputs, column, examples.weight)
            self.best = self._chosen(validation)
            if trees >= MIN_TREES and self.best.trees <= trees // 2:
                return
            # The next stage doubles the trees.
            if clock.now() - start > clock.remaining():
                self.is_cut_short = trees < STAGES[-1]
                return

    def fit_again(self, inputs: np.ndarray, examples: Examples) -> None:
        """Refit the best number of trees on other rows."""
        for model, column in zip(self._models, self._truth(examples).T, strict=True):
            model.set_params(max_iter=self.best.trees, warm_start=False).fit(inputs, column, examples.weight)

    def _chosen(self, inputs: np.ndarray) -> BestStage:
        """Choose the number of trees, of ties the largest; inputs: the validation rows."""
        rows, parts = self._parts.validation, self._parts
        found = []
        for trees, outcome in enumerate(self._staged(inputs, rows), start=1):
            if trees % TREES_PER_CHECK:
                continue
            thresholds = self._metric.thresholds(outcome, rows, parts)
            cuts = tuple(threshold.value for threshold in thresholds)
            decided = apply_thresholds(
                outcome, parts.task, thresholds=cuts, rare_class=parts.rare_class, costs=parts.costs
            )
            score = self._metric.of_predictions(create_predictions(parts, rows, outcome, decided))
            found.append(BestStage(score=score, trees=trees, thresholds=thresholds))
        return max(found, key=lambda one: (self._metric.direction.utility(one.score), one.trees))

    def outcome(self, inputs: np.ndarray, examples: Examples) -> np.ndarray:
        """Predict with the best number of trees, as Predictions.outcome."""
        return next(itertools.islice(self._staged(inputs, examples), self.best.trees - 1, None))

    def _staged(self, inputs: np.ndarray, examples: Examples) -> Iterator[np.ndarray]:
        """Iterate over the outcomes after each tree."""
        parts = self._parts
        if not parts.task.is_classification:
            for outputs in zip(*(model.staged_predict(inputs) for model in self._models), strict=True):
                yield outcome_of(examples.restored(np.column_stack(outputs)), parts)
            return
        for outputs in zip(*(model.staged_predict_proba(inputs) for model in self._models), strict=True):
            if parts.task is Task.MULTICLASS:
                shares = np.zeros((len(inputs), parts.outputs))
                shares[:, self._models[0].classes_] = outputs[0]
                yield shares
            else:
                yield np.column_stack([probabilities[:, 1] for probabilities in outputs])
