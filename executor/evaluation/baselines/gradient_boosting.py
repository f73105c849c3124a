"""Gradient-boosted trees on the raw columns: the rival that a network for tables must beat.

The columns are read as trees read them best. Measured on seven tables with categories, scikit-learn's native categories
and missing values against the network's encoding: better on five, up to six times as fast (adult_income 1.6 s and 9 s).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

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
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from executor.components.metric import PerformanceMetric
    from executor.components.threshold import Threshold
    from executor.data.raw_table import RawTable
    from executor.preprocessing.examples import Examples, Parts
    from executor.runtime.clock import Clock

BOOSTING_SECONDS: Final = 3.0  # what it may take at most, where the budget is short
BOOSTING_SHARE: Final = 0.03  # of a longer budget
UNLIMITED_SECONDS: Final = 60.0  # where no time limit is set
STAGES: Final = (10, 20, 40, 80, 160, 320)  # trees after which the clock and the validation rows are looked at
MIN_TREES: Final = 80  # trees, after which P on validation rows is believed to have passed its best
RATE, MAX_RATE = 0.05, 0.3  # scikit-learn's default, 0.1, was the better one on one of those tables
RATE_TREES: Final = 5.0  # rate times trees by which a fit has come near its end: 0.95^100 is 0.6 % of what is to learn
TREES_PER_CHECK: Final = 5  # trees between two numbers of trees among which validation rows choose
SECONDS_PER_COLUMN: Final = 3e-5  # of a tree, on one core, for its histograms; measured on house_prices_ames
SECONDS_PER_CELL: Final = 2e-8  # of a tree; 1.7e-8 measured on adult_income
LEAF: Final = 20  # training rows of the smallest leaf: scikit-learn's default
SMALL_LEAF, FEW_ROWS = 5, 500
"""Of fewer training rows: ahead on four of seven tables, far ahead where classes are rare (ecoli: F1 0.62 against
0.47; hepatitis: area 0.99 against 0.80), and level on the others."""
MIN_FITTED: Final = 500  # training rows, however wide the table
MANY_CELLS: Final = 1_000_000  # training cells; below it threads cost more than they share out
MAX_LEVELS: Final = 254  # of a column, the most frequent ones; scikit-learn's limit is 255
TOPICS: Final = 32  # numbers that stand for a text
WORDS: Final = 4_096  # buckets of hashed words, as many as the network's bag has at most
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
    """scikit-learn's histogram gradient boosting, with as fair a chance as the network has.

    It trains on the training rows; the validation rows choose the number of trees and the decision threshold, as they
    choose the network's epoch and threshold. Of folds the first one chooses, then all rows train.
    train, validation, hold_out: the raw rows of parts, and those that judge.
    A table that would take more than the limit of the clock is fitted on evenly spaced training rows, or with fewer
    trees.
    None for images and sequences, without time, and where a target has a single class.
    """
    everything = train, parts.train
    if (first := parts.in_first_fold) is not None:
        train, validation = train.take(~first), train.take(first)
    has_folds, parts = parts.folds is not None, parts.divided()
    if clock.is_over or isinstance(parts.inputs, ImageInputs) or not _are_columns(train) or has_single_class(parts):
        return None
    rows, rate = _affordable(len(train), len(train.forms) * parts.outputs, seconds=clock.limit)
    some = train.evenly_spaced(rows)
    # Threads that wait for each other cost more than they share out in models this small.
    with threadpool_limits(1 if rows * len(train.forms) < MANY_CELLS else None):
        columns = Columns(some, parts.task)
        forest = BoostedTrees(metric, parts, columns, rate=rate, seed=seed)
        inputs = columns.read(some)
        forest.fit(inputs, parts.train.evenly_spaced(rows), columns.read(validation), clock=clock)
        if has_folds:
            forest.fit_again(columns.read(everything[0]), everything[1])
        outcome = forest.outcome(columns.read(hold_out[0]), hold_out[1])
    best = forest.best
    cuts = tuple(threshold.value for threshold in best.thresholds)
    fitted, all_rows = (len(everything[0]) if has_folds else rows), len(everything[0])
    part = "" if fitted == all_rows else f" of {all_rows:,}"
    short = "; time allowed no more" if forest.is_cut_short else ""
    return Baseline(
        name=BOOSTING,
        says=f"{best.trees} trees an output on {fitted:,}{part} training rows{short}",
        predictions=create_predictions(
            parts,
            hold_out[1],
            outcome,
            apply_thresholds(outcome, parts.task, thresholds=cuts, rare_class=parts.rare_class),
        ),
    )


def boosting_seconds(clock: Clock) -> float:
    """What gradient boosting may take of what is left of a time limit."""
    if clock.plan.limit is None:
        return UNLIMITED_SECONDS
    return min(max(BOOSTING_SECONDS, BOOSTING_SHARE * clock.plan.limit), clock.left / 4)


def _are_columns(train: RawTable) -> bool:
    """Whether rows are columns of single values, which is what trees divide."""
    return not {*train.forms.values()} & {Form.IMAGE, Form.SEQUENCE, Form.LETTERS}


class Columns:
    """Raw rows as trees read them: numbers with gaps, times with their cycles, levels by number, texts by topic."""

    def __init__(self, seen: RawTable, task: Task) -> None:
        self._numbers, self._times = seen.of_form(Form.NUMBER), seen.of_form(Form.TIME)
        self._levels, self._texts = seen.of_form(Form.LEVEL), seen.of_form(Form.TEXT)
        # How late a row of a series is would be off the scale in every row to be forecast.
        self._reads_lateness = task is not Task.FORECASTING
        if self._levels:
            self._encoder = OrdinalEncoder(
                max_categories=MAX_LEVELS, handle_unknown="use_encoded_value", unknown_value=np.nan
            ).fit(_stack_columns(seen, self._levels))
        self._words = HashingVectorizer(n_features=WORDS, alternate_sign=False, analyzer=split_words)
        self._topics = [
            TruncatedSVD(min(TOPICS, len(seen)), random_state=0).fit(self._words.transform(seen.features[name]))
            for name in self._texts
        ]

    def read(self, rows: RawTable) -> np.ndarray:
        """(rows, columns) float64, NaN where missing; levels come first."""
        parts = [self._encoder.transform(_stack_columns(rows, self._levels))] if self._levels else []
        parts += [rows.features[name][:, None] for name in self._numbers]
        for name in self._times:
            seconds = rows.features[name][:, None]
            parts += [seconds] * self._reads_lateness + [seconds % cycle for cycle in CYCLES]
        for name, topics in zip(self._texts, self._topics, strict=True):
            parts.append(topics.transform(self._words.transform(rows.features[name])))
        return np.hstack(parts)

    @property
    def categorical(self) -> list[int]:
        """Places of the columns that hold levels."""
        return list(range(len(self._levels)))


def _stack_columns(rows: RawTable, names: Sequence[str]) -> np.ndarray:
    return np.column_stack([rows.features[name] for name in names])


def unlimited_fit_seconds(rows: int, columns: int) -> float:
    """About how long a fit takes where no time is set; columns: of all trees that are grown at once.

    >>> round(unlimited_fit_seconds(1_000, 20), 2), unlimited_fit_seconds(100_000, 1_000)
    (0.1, 60.0)
    """
    trees = RATE_TREES / RATE
    return min(UNLIMITED_SECONDS, trees * columns * (SECONDS_PER_COLUMN + SECONDS_PER_CELL * rows))


def _affordable(rows: int, columns: int, *, seconds: float) -> tuple[int, float]:
    """The training rows and the learning rate with which a fit comes near its end in time; all of them if possible.

    columns: of all trees that are grown at once.
    """
    trees = seconds / (columns * (SECONDS_PER_COLUMN + SECONDS_PER_CELL * rows))
    rate = min(max(RATE, RATE_TREES / trees), MAX_RATE)
    fitted = (seconds * rate / RATE_TREES / columns - SECONDS_PER_COLUMN) / SECONDS_PER_CELL
    return int(min(rows, max(MIN_FITTED, fitted))), rate


@dataclass(frozen=True, kw_only=True)
class BestStage:
    """The number of trees with the best P on validation rows, and the decision thresholds with it."""

    score: float
    trees: int
    thresholds: tuple[Threshold, ...]


class BoostedTrees:
    """One model for each output; for exclusive classes one for all."""

    def __init__(self, metric: PerformanceMetric, parts: Parts, columns: Columns, *, rate: float, seed: int) -> None:
        self._metric, self._parts = metric, parts
        more = {
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
            loss = "absolute_error" if metric.name == "mae" else "squared_error"
            self._models = [HistGradientBoostingRegressor(loss=loss, **more) for _ in range(parts.outputs)]
        self.best: BestStage
        self.is_cut_short = False

    def _truth(self, examples: Examples) -> np.ndarray:
        """What each model learns, (rows, models)."""
        if self._parts.task.is_classification:
            return np.asarray(examples.raw_target.reshape(len(examples), -1))
        return np.asarray(examples.change)

    def fit(self, inputs: np.ndarray, examples: Examples, validation: np.ndarray, *, clock: Clock) -> None:
        """Double the trees as long as that helps on the validation rows and there is time for it."""
        start = clock.now()
        for trees in STAGES:
            for model, column in zip(self._models, self._truth(examples).T, strict=True):
                model.set_params(max_iter=trees).fit(inputs, column)
            self.best = self._chosen(validation)
            if trees >= MIN_TREES and self.best.trees <= trees // 2:
                return
            # The next stage adds as many trees as there are.
            if clock.now() - start > clock.remaining():
                self.is_cut_short = trees < STAGES[-1]
                return

    def fit_again(self, inputs: np.ndarray, examples: Examples) -> None:
        """Grow the best number of trees on other rows, too."""
        for model, column in zip(self._models, self._truth(examples).T, strict=True):
            model.set_params(max_iter=self.best.trees, warm_start=False).fit(inputs, column)

    def _chosen(self, inputs: np.ndarray) -> BestStage:
        """Of equally good numbers of trees the largest; inputs: the validation rows."""
        rows, parts = self._parts.validation, self._parts
        found = []
        for trees, outcome in enumerate(self._staged(inputs, rows), start=1):
            if trees % TREES_PER_CHECK:
                continue
            thresholds = self._metric.thresholds(outcome, rows, parts)
            cuts = tuple(threshold.value for threshold in thresholds)
            decided = apply_thresholds(outcome, parts.task, thresholds=cuts, rare_class=parts.rare_class)
            score = self._metric.of_predictions(create_predictions(parts, rows, outcome, decided))
            found.append(BestStage(score=score, trees=trees, thresholds=thresholds))
        return max(found, key=lambda one: (self._metric.direction.utility(one.score), one.trees))

    def outcome(self, inputs: np.ndarray, examples: Examples) -> np.ndarray:
        """What the best number of trees answers, as Predictions.outcome."""
        return next(itertools.islice(self._staged(inputs, examples), self.best.trees - 1, None))

    def _staged(self, inputs: np.ndarray, examples: Examples) -> Iterator[np.ndarray]:
        """The outcome after each tree."""
        parts = self._parts
        if not parts.task.is_classification:
            for answers in zip(*(model.staged_predict(inputs) for model in self._models), strict=True):
                yield outcome_of(examples.restored(np.column_stack(answers)), parts)
            return
        for answers in zip(*(model.staged_predict_proba(inputs) for model in self._models), strict=True):
            if parts.task is Task.MULTICLASS:
                shares = np.zeros((len(inputs), parts.outputs))
                shares[:, self._models[0].classes_] = answers[0]
                yield shares
            else:
                yield np.column_stack([probabilities[:, 1] for probabilities in answers])
