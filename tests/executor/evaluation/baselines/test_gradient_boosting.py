"""Gradient-boosted trees as a rival: on every task, fairly, and within their time."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from executor.components.metric import create_metric
from executor.data.raw_table import Form, RawTable
from executor.evaluation.baselines.gradient_boosting import (
    BOOSTING_SECONDS,
    UNLIMITED_BOOSTING_SECONDS,
    Columns,
    _readable,
    boosting_baseline,
    boosting_seconds,
)
from executor.preprocessing.inputs import ImageInputs
from executor.runtime.clock import Clock
from recommender.time_plan import TimePlan
from rules.vocabulary.choices import F1, Accuracy, Mae, Metric, Pinball, Rmse
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.evaluation.baselines.baseline import Baseline
    from executor.preprocessing.examples import Parts
    from tests.executor.conftest import MakeParts

RANDOM = np.random.default_rng(0)


def _raw(dense: np.ndarray) -> RawTable:
    """Columns of numbers as a raw table."""
    features = {f"c{at}": column.astype(np.float64) for at, column in enumerate(dense.T)}
    return RawTable(features=features, forms=dict.fromkeys(features, Form.NUMBER), rows=np.arange(len(dense)))


def _boosted(metric: Metric, parts: Parts, *, clock: Clock | None = None) -> Baseline | None:
    """The validation rows play the hold-out."""
    validation = _raw(parts.validation.dense)
    return boosting_baseline(
        create_metric(metric),
        parts,
        _raw(parts.train.dense),
        validation,
        (validation, parts.validation),
        clock=clock or Clock(),
    )


def _short() -> Clock:
    """A clock of a millisecond, of which each look takes a quarter."""
    milliseconds = itertools.count(step=0.25)
    return Clock(TimePlan(limit=1e-3), now=lambda: 1e-3 * next(milliseconds))


def _p(metric: Metric, baseline: Baseline | None) -> float:
    assert baseline is not None
    return create_metric(metric).of_predictions(baseline.predictions)


def test_trees_tell_classes_apart_that_a_line_cannot(make_parts: MakeParts) -> None:
    dense = RANDOM.normal(size=(600, 2))
    quadrant = (dense[:, 0] > 0) ^ (dense[:, 1] > 0)
    assert _p(Accuracy(), _boosted(Accuracy(), make_parts(dense, quadrant[:, None], task=Task.BINARY))) > 0.95


def test_a_number_is_answered_in_its_own_unit(make_parts: MakeParts) -> None:
    values, target = load_diabetes(return_X_y=True)
    parts = make_parts(values, (target[:, None] - 150) / 75, task=Task.REGRESSION)
    parts = replace(
        parts,
        target_mean=np.array([150.0]),
        target_scale=np.array([75.0]),
        validation=replace(parts.validation, raw_target=parts.validation.target.astype(np.float64) * 75 + 150),
    )
    # The target's standard deviation is 77.
    assert 45 < _p(Rmse(), _boosted(Rmse(), parts)) < 68


def test_trees_of_a_quantile_predict_that_quantile(make_parts: MakeParts) -> None:
    parts = make_parts(np.zeros((400, 1)), RANDOM.normal(size=(400, 1)), task=Task.REGRESSION)
    found = _boosted(Pinball(level=0.9), parts)
    assert found is not None
    # The 90 % quantile of a normal distribution is 1.28.
    assert found.predictions.outcome.mean() == pytest.approx(1.28, abs=0.3)


def test_a_forecast_is_the_last_value_and_a_learned_change(make_parts: MakeParts) -> None:
    change = np.tile([1.0, -0.5], 100)[:, None]
    values = change.cumsum(axis=0)
    parts = make_parts(change * [-1.0], values, task=Task.FORECASTING)
    train, validation = (
        replace(examples, offset=(rows - steps).astype(np.float32))
        for examples, rows, steps in (
            (parts.train, values[:160], change[:160]),
            (parts.validation, values[160:], change[160:]),
        )
    )
    assert _p(Mae(), _boosted(Mae(), replace(parts, train=train, validation=validation))) < 0.01


def test_several_classes_labels_and_numbers_have_answers_of_their_shape(make_parts: MakeParts) -> None:
    dense = RANDOM.normal(size=(400, 3))
    labels = make_parts(dense, (dense[:, :2] > 0).astype(float), task=Task.MULTILABEL)
    assert _p(F1(), _boosted(F1(), labels)) > 0.95
    numbers = make_parts(dense, dense[:, :2] * 2, task=Task.MULTIOUTPUT_REGRESSION)
    assert _p(Rmse(), _boosted(Rmse(), numbers)) < 0.4
    # A class without training rows has no column in scikit-learn, but has one here.
    classes = make_parts(dense, np.eye(4)[(dense[:, 0] > 0) * 2], task=Task.MULTICLASS)
    several = _boosted(Accuracy(), classes)
    assert several is not None
    assert several.predictions.outcome.shape == (80, 4)
    assert several.predictions.outcome[:, [1, 3]].max() == 0
    assert _p(Accuracy(), several) > 0.95


def test_its_threshold_is_tuned_on_the_validation_rows_as_the_networks_is(make_parts: MakeParts) -> None:
    dense = RANDOM.normal(size=(2_000, 1))
    rare = RANDOM.random(2_000) < 0.4 * (dense[:, 0] > 1)
    parts = make_parts(dense, rare[:, None], task=Task.BINARY)
    # No row is more likely than not of the rare class, so that a threshold of one half answers no to all.
    assert _p(F1(average="binary"), _boosted(F1(average="binary"), parts)) > 0.4
    halved = F1(average="binary", threshold="fixed")
    assert _p(halved, _boosted(halved, parts)) < 0.3


def test_a_large_table_is_fitted_in_part_and_says_so(make_parts: MakeParts) -> None:
    dense = RANDOM.normal(size=(5_000, 4))
    parts = make_parts(dense, dense[:, :1] + dense[:, 1:2], task=Task.REGRESSION)
    short = _boosted(Rmse(), parts, clock=_short())
    assert short is not None
    assert short.says == "10 trees per output on 500 of 4,000 training rows; stopped by the time limit"
    whole = _boosted(Rmse(), parts)
    assert whole is not None
    assert whole.says.endswith("trees per output on 4,000 training rows")


def test_there_is_none_without_time_for_images_and_with_one_class(make_parts: MakeParts, breast_cancer: Parts) -> None:
    assert _boosted(Accuracy(), breast_cancer, clock=Clock(TimePlan(limit=0.0))) is None
    assert (
        _boosted(Accuracy(), replace(breast_cancer, inputs=ImageInputs(shape=(5, 6, 1), mean=(0.0,), scale=(1.0,))))
        is None
    )
    assert _boosted(Accuracy(), make_parts(np.zeros((10, 1)), np.zeros((10, 1)), task=Task.BINARY)) is None


def test_the_same_seed_gives_the_same_trees(breast_cancer: Parts) -> None:
    first, again = (_boosted(Accuracy(), breast_cancer) for _ in range(2))
    assert first is not None
    assert again is not None
    assert first.says == again.says
    np.testing.assert_array_equal(first.predictions.outcome, again.predictions.outcome)


def test_gaps_levels_times_and_texts_are_read_as_trees_read_them() -> None:
    day = 86_400.0
    seen = RawTable(
        features={
            "number": np.array([1.0, np.nan, 3.0]),
            "time": np.array([0.0, day * 1.5, day * 8]),
            "level": np.array(["red", "", "blue"], dtype=object),
            "text": np.array(["a fine day", "", "a day"], dtype=object),
        },
        forms={"number": Form.NUMBER, "time": Form.TIME, "level": Form.LEVEL, "text": Form.TEXT},
        rows=np.arange(3),
    )
    columns = Columns(seen, Task.BINARY)
    read = columns.read(seen)
    assert columns.categorical == [0]
    assert len(set(read[:, 0])) == 3
    np.testing.assert_array_equal(read[:, 1], seen.features["number"])
    # Lateness, the time of day, and the time of the week.
    np.testing.assert_array_equal(read[:, 2], seen.features["time"])
    np.testing.assert_array_equal(read[:, 3], [0, day / 2, 0])
    np.testing.assert_array_equal(read[:, 4], [0, day * 1.5, day])
    assert read.shape == (3, 1 + 1 + 4 + 3)
    unseen = replace(seen, features=seen.features | {"level": np.array(["green"] * 3, dtype=object)})
    assert np.isnan(columns.read(unseen)[:, 0]).all()
    np.testing.assert_allclose(columns.read(unseen)[:, 1:], read[:, 1:])  # texts of fitted rows are not read again
    assert Columns(seen, Task.FORECASTING).read(seen).shape == (3, 1 + 1 + 3 + 3)


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [
        (None, UNLIMITED_BOOSTING_SECONDS),
        (60, BOOSTING_SECONDS),
        (1_000, 30),
        (8, 2),
    ],
)
def test_its_time_is_a_part_of_the_time_limit(limit: float | None, seconds: float) -> None:
    assert boosting_seconds(Clock(TimePlan(limit=limit), now=lambda: 0.0)) == pytest.approx(seconds)


def test_of_folds_the_first_chooses_and_then_all_rows_train(make_parts: MakeParts) -> None:
    dense = RANDOM.normal(size=(500, 2))
    parts = make_parts(dense, (dense[:, :1] > 0).astype(float), task=Task.BINARY)
    train = replace(parts.train, fold=(np.arange(400) % 5).astype(np.int32)[:, None])
    folded = replace(parts, train=train, validation=train)
    baseline = _boosted(Accuracy(), folded)
    assert baseline is not None
    assert baseline.says.endswith(" on 400 training rows")


def test_there_is_none_where_the_rows_outside_the_first_fold_hold_one_class(make_parts: MakeParts) -> None:
    answers = np.zeros((500, 1))
    answers[:80] = 1
    parts = make_parts(RANDOM.normal(size=(500, 2)), answers, task=Task.BINARY)
    folds = np.repeat(np.arange(5, dtype=np.int32), 80)[:, None]
    train = replace(parts.train, fold=folds)
    assert _boosted(Accuracy(), replace(parts, train=train, validation=train)) is None


@pytest.mark.parametrize(
    ("others", "rows", "seconds"), [(200, 300, 50.0), (450, 50, 50.0), (500, 0, 50.0), (0, 400, 60.0)]
)
def test_texts_are_read_in_half_of_the_time(others: int, rows: int, seconds: float) -> None:
    """Splitting 100 texts takes 10 s of a limit of 100 s, so 500 rows take half of it."""
    readings = iter([0.0, 0.0, 10.0])
    clock = Clock(TimePlan(limit=100.0), now=lambda: next(readings))
    texts = RawTable(features={"t": np.array(["a text"] * 400, object)}, forms={"t": Form.TEXT}, rows=np.arange(400))
    assert _readable(texts, others, clock) == (rows, pytest.approx(seconds))


def test_tables_without_texts_take_no_time_to_read() -> None:
    assert _readable(_raw(np.zeros((7, 2))), 100, Clock(TimePlan(limit=9.0))) == (7, 9.0)
