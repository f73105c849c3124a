"""Ridge regression of features equals that of scikit-learn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.linear_model import Ridge, RidgeClassifierCV, RidgeCV

from executor.preprocessing import feature_ridge
from executor.preprocessing.feature_ridge import PENALTIES, choose_penalty
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from tests.executor.conftest import MakeParts

RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.normal(1, 1, size=(40, 90))  # more columns than rows
NUMBERS = FEATURES @ RANDOM.normal(size=(90, 2)) + 20 * RANDOM.normal(size=(40, 2))


def test_the_penalty_and_the_predictions_of_left_out_rows_are_those_of_scikit_learn() -> None:
    penalty, left_out = choose_penalty(FEATURES @ FEATURES.T, NUMBERS)
    expected = RidgeCV(alphas=PENALTIES, scoring="neg_mean_squared_error", store_cv_results=True)
    expected.fit(FEATURES, NUMBERS)
    assert penalty == expected.alpha_
    np.testing.assert_allclose(left_out, expected.cv_results_[:, :, PENALTIES.index(penalty)], rtol=1e-8)


@pytest.mark.parametrize("most", [2_000, 20])  # all rows, or every other one
def test_a_regression_starts_at_ridge_regression(
    make_parts: MakeParts, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(feature_ridge, "MAX_ROWS", most)
    parts = make_parts(FEATURES, NUMBERS, task=Task.MULTIOUTPUT_REGRESSION)
    (start,) = parts.linear_starts
    rows = np.arange(32) if most > 32 else np.linspace(0, 31, most).astype(int)
    expected = Ridge(alpha=start.penalty).fit(parts.train.dense[rows], parts.train.target[rows])
    np.testing.assert_allclose(start.kernel, expected.coef_.T, atol=1e-3)
    np.testing.assert_allclose(start.bias, expected.intercept_, atol=1e-2)


@pytest.mark.parametrize("weight", [None, np.tile([1.0, 3.0], 16)])
def test_with_fewer_columns_than_rows_it_is_the_same_ridge_regression(
    make_parts: MakeParts, weight: np.ndarray | None
) -> None:
    parts = make_parts(FEATURES[:, :5], NUMBERS, task=Task.MULTIOUTPUT_REGRESSION)
    train = replace(parts.train, weight=weight)
    (start,) = replace(parts, train=train).linear_starts
    expected = Ridge(alpha=start.penalty).fit(train.dense, train.target, weight)
    np.testing.assert_allclose(start.kernel, expected.coef_.T, atol=1e-3)
    np.testing.assert_allclose(start.bias, expected.intercept_, atol=1e-2)


@pytest.mark.parametrize("classes", [2, 3])
def test_classes_start_at_the_decisions_of_the_ridge_classifier_scaled_to_logits(
    make_parts: MakeParts, classes: int
) -> None:
    labels = np.arange(40) % classes
    dense = FEATURES + labels[:, None] * RANDOM.normal(size=90)
    target = np.eye(classes)[labels] if classes > 2 else labels[:, None]
    parts = make_parts(dense, target, task=Task.MULTICLASS if classes > 2 else Task.BINARY)
    (start,) = parts.linear_starts
    expected = RidgeClassifierCV(alphas=PENALTIES).fit(parts.train.dense, labels[:32])
    assert start.penalty == expected.alpha_
    logits = parts.validation.dense @ start.kernel + start.bias
    decisions = expected.decision_function(parts.validation.dense).reshape(logits.shape)
    ratio = logits / decisions
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-2)
    assert ratio[0, 0] in feature_ridge.LOGIT_SCALES or ratio[0, 0] == pytest.approx(ratio.mean(), rel=1e-2)


def test_rows_of_a_fold_do_not_change_its_start(make_parts: MakeParts) -> None:
    parts = make_parts(FEATURES, NUMBERS, task=Task.MULTIOUTPUT_REGRESSION)
    folded = replace(parts.train, fold=np.column_stack([np.arange(32) % 2, 2 + np.arange(32) // 16]))
    changed = replace(folded, target=np.where(np.arange(32)[:, None] % 2 == 0, 9.0, folded.target))
    before, after = (replace(parts, train=one, validation=one).linear_starts for one in (folded, changed))
    assert len(before) == 4  # two folds, repeated twice
    np.testing.assert_array_equal(before[0].kernel, after[0].kernel)
    assert not np.allclose(before[1].kernel, after[1].kernel)
