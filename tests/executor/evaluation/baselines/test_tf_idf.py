"""A linear model on TF-IDF as a rival: on every task, on all text columns, within its time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from executor.components.metric import create_metric
from executor.data.raw_table import Form, RawTable
from executor.evaluation.baselines.tf_idf import (
    _affordable,
    tf_idf_baseline,
)
from executor.runtime.clock import Clock
from recommender.time_plan import TimePlan
from rules.vocabulary.choices import F1, Accuracy, Metric, Rmse
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.evaluation.baselines.baseline import Baseline
    from executor.preprocessing.examples import Parts
    from tests.executor.conftest import MakeParts

ROWS = 200
FILLING = ("one", "two", "three", "four", "five")


def _raw(rows: np.ndarray, words: list[str], form: Form = Form.TEXT) -> RawTable:
    """Sentences that hold one telling word each, in the second of two text columns."""
    filling = [" ".join(FILLING[row % 5 :]) for row in rows]
    telling = [f"This is {words[row]}, {FILLING[row % 3]}!" for row in rows]
    features = {"a": np.array(filling, dtype=object), "b": np.array(telling, dtype=object)}
    return RawTable(features=features, forms=dict.fromkeys(features, form), rows=rows)


def _compared(
    metric: Metric, parts: Parts, words: list[str], *, clock: Clock | None = None, form: Form = Form.TEXT
) -> Baseline | None:
    """The validation rows play the hold-out."""
    cut = len(parts.train)
    train, validation = _raw(np.arange(cut), words, form), _raw(np.arange(cut, ROWS), words, form)
    return tf_idf_baseline(
        create_metric(metric), parts, train, validation, (validation, parts.validation), clock=clock or Clock()
    )


def _p(metric: Metric, baseline: Baseline | None) -> float:
    assert baseline is not None
    return create_metric(metric).of_predictions(baseline.predictions)


@pytest.mark.parametrize("words", [["good", "bad"], ["很好", "不好"]])
def test_two_classes_are_told_by_their_words(make_parts: MakeParts, words: list[str]) -> None:
    classes = np.arange(ROWS) % 2
    parts = make_parts(np.zeros((ROWS, 1)), classes[:, None], task=Task.BINARY)
    found = _compared(Accuracy(), parts, [words[one] for one in classes])
    assert _p(Accuracy(), found) == 1
    assert found is not None
    assert found.name == "TF-IDF"
    assert found.says == "logistic regression on words and bigrams of 200 rows"


def test_several_classes_and_several_labels_are_told(make_parts: MakeParts) -> None:
    classes = np.arange(ROWS) % 3
    words = ["red", "green", "red green"]
    said = [words[one] for one in classes]
    several = make_parts(np.zeros((ROWS, 1)), np.eye(3)[classes], task=Task.MULTICLASS)
    assert _p(Accuracy(), _compared(Accuracy(), several, said)) == 1
    labels = np.stack(["red" in one for one in said] + ["green" in one for one in said]).reshape(2, -1).T.astype(float)
    both = make_parts(np.zeros((ROWS, 1)), labels, task=Task.MULTILABEL)
    assert _p(F1(), _compared(F1(), both, said)) == 1


def test_a_number_is_told_in_its_own_unit(make_parts: MakeParts) -> None:
    values = np.where(np.arange(ROWS) % 2, 1.0, -1.0)
    parts = make_parts(np.zeros((ROWS, 1)), values[:, None], task=Task.REGRESSION)
    parts = replace(
        parts,
        target_mean=np.array([100.0]),
        target_scale=np.array([10.0]),
        validation=replace(parts.validation, raw_target=parts.validation.target.astype(np.float64) * 10 + 100),
    )
    found = _compared(Rmse(), parts, ["dear" if value > 0 else "cheap" for value in values])
    assert _p(Rmse(), found) < 2  # of 10 without the words
    assert found is not None
    assert found.says.startswith("ridge regression")


def test_it_is_left_out_without_texts_without_words_without_time_and_of_one_class(make_parts: MakeParts) -> None:
    classes = np.arange(ROWS) % 2
    parts = make_parts(np.zeros((ROWS, 1)), classes[:, None], task=Task.BINARY)
    words = ["good"] * ROWS
    assert _compared(Accuracy(), parts, words, form=Form.LEVEL) is None
    assert _compared(Accuracy(), parts, words, clock=Clock(TimePlan(limit=0.0))) is None
    alone = make_parts(np.zeros((ROWS, 1)), np.ones((ROWS, 1)), task=Task.BINARY)
    assert _compared(Accuracy(), alone, words) is None
    silent = RawTable(
        features={"a": np.array(["…"] * ROWS, dtype=object)}, forms={"a": Form.TEXT}, rows=np.arange(ROWS)
    )
    train, validation = silent.take(np.arange(160)), silent.take(np.arange(160, ROWS))
    metric = create_metric(Accuracy())
    assert tf_idf_baseline(metric, parts, train, validation, (validation, parts.validation), clock=Clock()) is None


def test_folds_choose_and_all_rows_train(make_parts: MakeParts) -> None:
    classes = np.arange(ROWS) % 2
    parts = make_parts(np.zeros((ROWS, 1)), classes[:, None], task=Task.BINARY)
    folded = replace(parts.train, fold=(np.arange(len(parts.train)) // 2 % 5).astype(np.int32)[:, None])
    parts_of_folds = replace(parts, train=folded, validation=folded)
    words = [("bad", "good")[one] for one in classes]
    train, hold_out = _raw(np.arange(160), words), _raw(np.arange(160, ROWS), words)
    metric = create_metric(Accuracy())
    found = tf_idf_baseline(metric, parts_of_folds, train, train, (hold_out, parts.validation), clock=Clock())
    assert found is not None
    assert metric.of_predictions(found.predictions) == 1
    assert found.says.endswith("of 160 rows")


def test_long_texts_are_read_by_words_and_then_fewer_of_them() -> None:
    texts = ["x" * 1_000] * 20_000
    assert _affordable(texts, 0, seconds=60) == (True, 20_000)
    assert _affordable(texts, 0, seconds=12) == (False, 20_000)
    # 0.4 of 3 s read 14 million characters, and the training rows are read twice: 7,059 rows.
    assert _affordable(texts, 0, seconds=3) == (False, 7_059)
    assert _affordable(texts, 10**9, seconds=3) == (False, 500)
