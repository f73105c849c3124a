"""Simple answers, against scikit-learn and by hand."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score

from executor.components.metric import create_metric
from executor.data.raw_table import RawTable
from executor.evaluation.baselines.baseline import scaling_error
from executor.evaluation.baselines.constant import constant_baseline, seasonal_baseline
from executor.evaluation.baselines.linear import linear_baseline
from executor.runtime.clock import Clock
from recommender.time_plan import TimePlan
from rules.vocabulary.choices import F1, Accuracy, LogLoss, Mae, Metric, Pinball, Rmse, Smape
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.preprocessing.examples import Examples, Parts
    from tests.executor.conftest import MakeParts

ONE_COLUMN = np.zeros((10, 1))


def _says(metric: Metric, parts: Parts, labels: tuple[str, ...] = ()) -> str:
    return constant_baseline(create_metric(metric), parts, parts.validation, labels).says


def _p(metric: Metric, parts: Parts, labels: tuple[str, ...] = ()) -> float:
    judge = create_metric(metric)
    return judge.of_predictions(constant_baseline(judge, parts, parts.validation, labels).predictions)


def test_the_constant_answer_is_the_one_that_suits_p(make_parts: MakeParts) -> None:
    # Of the eight training rows one is of class 1; of the two validation rows one.
    target = np.array([1, 0, 0, 0, 0, 0, 0, 0, 1, 0])[:, None]
    parts = make_parts(ONE_COLUMN, target, task=Task.BINARY)
    assert _says(Accuracy(), parts, ("no", "yes")) == "always 'no'"
    assert _p(Accuracy(), parts, ("no", "yes")) == 0.5
    assert _says(F1(average="binary"), parts, ("no", "yes")) == "always 'yes'"
    # One hit, one false alarm: 2 / 3.
    assert _p(F1(average="binary"), parts, ("no", "yes")) == pytest.approx(2 / 3)


def test_the_constant_class_of_macro_f1_is_the_most_frequent(make_parts: MakeParts) -> None:
    classes = np.array([0, 1, 1, 1, 2, 1, 0, 1, 1, 0])
    parts = make_parts(ONE_COLUMN, np.eye(3)[classes], task=Task.MULTICLASS)
    assert _says(F1(), parts, ("a", "b", "c")) == "always 'b'"


def test_several_labels_are_all_yes_for_f1_and_the_majority_for_accuracy(make_parts: MakeParts) -> None:
    labels = np.array([[1, 0]] * 8 + [[1, 1], [0, 0]])
    parts = make_parts(ONE_COLUMN, labels, task=Task.MULTILABEL)
    # Yes to all: F1 of each label is 2·1 / (1 + 2).
    assert _p(F1(), parts) == pytest.approx(2 / 3)
    # Always yes and no: right in one cell of the row (1, 1) and in one of the row (0, 0).
    assert _p(Accuracy(), parts) == 0.5


def test_a_number_is_the_mean_or_for_mae_the_median(make_parts: MakeParts) -> None:
    target = np.array([0.0, 0, 0, 0, 0, 1, 1, 6, 3, 5])[:, None]
    parts = make_parts(ONE_COLUMN, target, task=Task.REGRESSION)
    assert _says(Rmse(), parts) == "always the mean (1)"
    assert _p(Rmse(), parts) == pytest.approx(np.sqrt((2**2 + 4**2) / 2))
    assert _says(Mae(), parts) == "always the median (0)"
    assert _p(Mae(), parts) == 4


def test_a_number_of_another_metric_is_the_best_quantile_of_the_training_rows(make_parts: MakeParts) -> None:
    target = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 9])[:, None]
    parts = make_parts(ONE_COLUMN, target, task=Task.REGRESSION)
    # The least pinball loss of eight rows at the level 0.9 is that of the largest, as 7 of 8 are less than 90 %.
    assert _says(Pinball(level=0.9), parts) == "always the 100% quantile (8)"
    # Of 1, 1, 1 and 9 relative errors choose 1.
    few = make_parts(ONE_COLUMN, np.array([1.0, 1, 1, 9] * 2 + [1, 1])[:, None], task=Task.REGRESSION)
    assert _says(Smape(), few).endswith("quantile (1)")


def test_the_constant_of_log_loss_is_the_class_shares(make_parts: MakeParts) -> None:
    target = np.array([1, 0, 0, 0, 0, 0, 0, 0, 1, 0])[:, None]
    parts = make_parts(ONE_COLUMN, target, task=Task.BINARY)
    assert _says(LogLoss(), parts, ("no", "yes")) == "the class shares of the training rows"
    assert _p(LogLoss(), parts, ("no", "yes")) == pytest.approx(-(np.log(1 / 8) + np.log(7 / 8)) / 2)


def _forecast(make_parts: MakeParts) -> Parts:
    """Values 0 to 9 in steps of 1, in units of 10 from 100."""
    values = np.arange(1.0, 11.0)[:, None]
    parts = make_parts(ONE_COLUMN, values, task=Task.FORECASTING)

    def with_offset(examples: Examples) -> Examples:
        return replace(examples, offset=examples.target - 1, raw_target=examples.target * 10.0 + 100)

    return replace(
        parts,
        train=with_offset(parts.train),
        validation=with_offset(parts.validation),
        target_mean=np.array([100.0]),
        target_scale=np.array([10.0]),
    )


def test_the_constant_answer_of_a_forecast_is_the_last_value(make_parts: MakeParts) -> None:
    parts = _forecast(make_parts)
    assert _says(Mae(), parts) == "the last value"
    assert _p(Mae(), parts) == 10
    assert scaling_error(parts.train, parts) == pytest.approx([10])


def test_the_last_season_is_an_answer_where_there_is_one(make_parts: MakeParts) -> None:
    parts = _forecast(make_parts)
    rows = RawTable(features={}, forms={}, rows=np.arange(2), season_before=np.array([[195.0], [np.nan]]))
    seasonal = seasonal_baseline(parts, parts.validation, rows)
    assert seasonal is not None
    # The truth is 190 and 200; without a season before, the last value, 190, answers.
    assert seasonal.predictions.outcome[:, 0].tolist() == [195, 190]
    assert seasonal_baseline(parts, parts.validation, replace(rows, season_before=None)) is None


def test_the_linear_baseline_of_classes_is_scikit_learns(breast_cancer: Parts) -> None:
    metric = create_metric(Accuracy())
    linear = linear_baseline(metric, breast_cancer, breast_cancer.validation, clock=Clock())
    assert linear is not None
    train, validation = breast_cancer.train, breast_cancer.validation
    theirs = LogisticRegression().fit(train.dense, train.raw_target).predict(validation.dense)
    assert metric.of_predictions(linear.predictions) == accuracy_score(validation.raw_target, theirs)
    assert metric.of_predictions(linear.predictions) > 0.95
    assert linear.says == "logistic regression on 455 training rows"


def test_the_linear_baseline_of_a_number_beats_the_mean(make_parts: MakeParts) -> None:
    values, target = load_diabetes(return_X_y=True)
    standard = (target - target.mean()) / target.std()
    parts = make_parts(values / values.std(axis=0), standard[:, None], task=Task.REGRESSION)
    metric = create_metric(Rmse())
    linear = linear_baseline(metric, parts, parts.validation, clock=Clock())
    assert linear is not None
    # The published fit of the diabetes data explains about half of the variance (Efron et al. 2004).
    assert 0.6 < metric.of_predictions(linear.predictions) < 0.8


def test_codes_are_levels_to_the_linear_baseline(make_parts: MakeParts) -> None:
    codes = (np.arange(100) % 4)[:, None]
    effects = np.array([0.0, 10.0, -5.0, 3.0])
    parts = make_parts(np.zeros((100, 1)), effects[codes], task=Task.REGRESSION, codes=codes, vocabulary=4)
    linear = linear_baseline(create_metric(Rmse()), parts, parts.validation, clock=Clock())
    assert linear is not None
    assert np.abs(linear.predictions.outcome - effects[parts.validation.codes]).max() < 0.5


def test_labels_and_classes_have_a_linear_answer_of_their_shape(make_parts: MakeParts) -> None:
    random = np.random.default_rng(0)
    dense = random.normal(size=(200, 3))
    labels = make_parts(dense, (dense[:, :2] > 0).astype(float), task=Task.MULTILABEL)
    linear = linear_baseline(create_metric(F1()), labels, labels.validation, clock=Clock())
    assert linear is not None
    assert create_metric(F1()).of_predictions(linear.predictions) > 0.9
    # A class without training rows has no column in scikit-learn, but has one here.
    classes = make_parts(dense, np.eye(4)[(dense[:, 0] > 0) * 2], task=Task.MULTICLASS)
    several = linear_baseline(create_metric(Accuracy()), classes, classes.validation, clock=Clock())
    assert several is not None
    assert several.predictions.outcome.shape == (40, 4)
    assert several.predictions.outcome[:, [1, 3]].max() == 0


def test_a_linear_answer_that_runs_out_of_time_is_given_as_far_as_it_came(breast_cancer: Parts) -> None:
    metric = create_metric(Accuracy())
    seconds = itertools.count(step=0.6)  # each look at the clock takes so long
    clock = Clock(TimePlan(limit=1.0), now=lambda: next(seconds))
    linear = linear_baseline(metric, breast_cancer, breast_cancer.validation, clock=clock)
    assert linear is not None
    assert metric.of_predictions(linear.predictions) > 0.9


def test_there_is_no_linear_answer_without_time_or_with_one_class(make_parts: MakeParts, breast_cancer: Parts) -> None:
    metric = create_metric(Accuracy())
    assert linear_baseline(metric, breast_cancer, breast_cancer.validation, clock=Clock(TimePlan(limit=0.0))) is None
    single = make_parts(ONE_COLUMN, np.zeros((10, 1)), task=Task.BINARY)
    assert linear_baseline(metric, single, single.validation, clock=Clock()) is None
