"""Measures against scikit-learn, and by hand where it has none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics

from executor.components import metric_functions as measures

RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.integers(0, 4, 300)
DECIDED = np.where(RANDOM.random(300) < 0.6, TRUTH, RANDOM.integers(0, 4, 300))
SHARES = RANDOM.dirichlet(np.ones(4), 300)
LABELS = RANDOM.integers(0, 2, (300, 3))
SAID_LABELS = np.where(RANDOM.random((300, 3)) < 0.7, LABELS, 1 - LABELS)
# Rounded, so that many scores are tied.
SCORES = np.round(RANDOM.random((300, 3)) * 0.5 + LABELS * 0.3, 1)
VALUES = RANDOM.normal(size=(200, 2)) * (1.0, 50.0)
SAID = VALUES + RANDOM.normal(size=(200, 2)) * (0.3, 20.0)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (measures.accuracy(TRUTH, DECIDED), metrics.accuracy_score(TRUTH, DECIDED)),
        (measures.balanced_accuracy(TRUTH, DECIDED, 4), metrics.balanced_accuracy_score(TRUTH, DECIDED)),
        (measures.macro_f1(TRUTH, DECIDED, 4), metrics.f1_score(TRUTH, DECIDED, average="macro")),
        (measures.matthews(TRUTH, DECIDED, 4), metrics.matthews_corrcoef(TRUTH, DECIDED)),
        (
            measures.quadratic_kappa(TRUTH, DECIDED, 4),
            metrics.cohen_kappa_score(TRUTH, DECIDED, weights="quadratic"),
        ),
        (measures.percentage_error(VALUES, SAID), metrics.mean_absolute_percentage_error(VALUES, SAID)),
        (measures.f1_of_class(TRUTH, DECIDED, 2), metrics.f1_score(TRUTH == 2, DECIDED == 2)),
        (measures.label_f1(LABELS, SAID_LABELS), metrics.f1_score(LABELS, SAID_LABELS, average="macro")),
        (measures.exact_match(LABELS, SAID_LABELS), metrics.accuracy_score(LABELS, SAID_LABELS)),
        (measures.accuracy(LABELS, SAID_LABELS), 1 - metrics.hamming_loss(LABELS, SAID_LABELS)),
        (measures.roc_auc(LABELS[:, 0] == 1, SCORES[:, 0]), metrics.roc_auc_score(LABELS[:, 0], SCORES[:, 0])),
        (measures.mean_roc_auc(LABELS == 1, SCORES), metrics.roc_auc_score(LABELS, SCORES, average="macro")),
        (
            measures.mean_roc_auc(TRUTH[:, None] == np.arange(4), SHARES),
            metrics.roc_auc_score(TRUTH, SHARES, multi_class="ovr"),
        ),
        (
            measures.average_precision(LABELS[:, 0] == 1, SCORES[:, 0]),
            metrics.average_precision_score(LABELS[:, 0], SCORES[:, 0]),
        ),
        (measures.log_loss(TRUTH, SHARES), metrics.log_loss(TRUTH, SHARES)),
        (
            measures.log_loss(LABELS, np.clip(SCORES, 0.1, 0.9)),
            np.mean([metrics.log_loss(LABELS[:, at], np.clip(SCORES[:, at], 0.1, 0.9)) for at in range(3)]),
        ),
        (measures.mean_squared_error(VALUES, SAID), metrics.mean_squared_error(VALUES, SAID)),
        (measures.root_mean_squared_error(VALUES, SAID), metrics.root_mean_squared_error(VALUES, SAID)),
        (measures.mean_absolute_error(VALUES, SAID), metrics.mean_absolute_error(VALUES, SAID)),
        (measures.r_squared(VALUES, SAID), metrics.r2_score(VALUES, SAID)),
    ],
)
def test_a_measure_equals_scikit_learns(ours: float, theirs: float) -> None:
    assert ours == pytest.approx(theirs, rel=1e-12)


def test_f1_of_a_class_nobody_has_or_gets_is_0() -> None:
    assert measures.f1_of_class(np.array([0, 0]), np.array([0, 0]), 1) == 0


def test_macro_f1_leaves_out_a_class_that_neither_occurs_nor_is_decided() -> None:
    # F1 of class 0 is 2·1/(2·1 + 1) = 2/3, so is that of class 1 (one hit, one false alarm); class 2 does not occur.
    assert measures.macro_f1(np.array([0, 0, 1]), np.array([0, 1, 1]), 3) == pytest.approx(2 / 3)


def test_an_area_without_both_classes_or_with_nan_is_undefined() -> None:
    assert math.isnan(measures.roc_auc(np.array([True, True]), np.array([0.1, 0.2])))
    assert math.isnan(measures.roc_auc(np.array([True, False]), np.array([0.1, np.nan])))
    assert math.isnan(measures.mean_roc_auc(np.array([[True], [True]]), np.zeros((2, 1))))


def test_a_mean_area_leaves_out_the_columns_of_one_class() -> None:
    positive = np.array([[True, True], [False, True]])
    assert measures.mean_roc_auc(positive, np.array([[0.9, 0.1], [0.2, 0.3]])) == 1


def test_matthews_of_a_constant_answer_is_0() -> None:
    assert measures.matthews(np.array([0, 1]), np.array([0, 0]), 2) == 0


def test_log_loss_of_a_certain_error_is_large_but_finite() -> None:
    loss = measures.log_loss(np.array([1]), np.array([[1.0, 0.0]]))
    assert loss == pytest.approx(-math.log(float(np.finfo(np.float32).eps)), rel=1e-3)


def test_kappa_of_the_same_constant_is_0() -> None:
    assert measures.quadratic_kappa(np.array([1, 1]), np.array([1, 1]), 3) == 0


def test_the_percentage_error_of_a_zero_is_undefined_and_the_symmetric_one_is_not() -> None:
    truth, said = np.array([[0.0], [0.0], [2.0]]), np.array([[0.0], [1.0], [4.0]])
    assert math.isnan(measures.percentage_error(truth, said))
    # 0, then 2 · 1 / 1, then 2 · 2 / 6
    assert measures.symmetric_percentage_error(truth, said) == pytest.approx((0 + 2 + 2 / 3) / 3)


def test_r_squared_of_a_target_that_does_not_vary_is_undefined() -> None:
    assert math.isnan(measures.r_squared(np.ones((3, 1)), np.zeros((3, 1))))


def test_mase_is_the_error_in_units_of_the_naive_one() -> None:
    truth, said = np.array([[10.0, 1.0], [12.0, 3.0]]), np.array([[11.0, 1.0], [15.0, 2.0]])
    # Mean absolute errors 2 and 0.5, over naive errors 4 and 0.5: (0.5 + 1) / 2.
    assert measures.scaled_error(truth, said, np.array([4.0, 0.5])) == 0.75
    assert math.isnan(measures.scaled_error(truth, said, np.array([0.0, 1.0])))


def test_the_pinball_loss_weighs_errors_on_both_sides_by_the_level() -> None:
    truth, levels = np.array([[3.0]]), np.array([0.1, 0.5, 0.9])
    quantiles = np.array([[[1.0, 4.0, 7.0]]])
    # 0.1 · 2 below the truth; 0.5 · 1 and 0.1 · 4 above it.
    found = measures.pinball_loss(truth, quantiles, levels)
    np.testing.assert_allclose(found, [[[0.2, 0.5, 0.4]]])
    for at, level in enumerate(levels):
        expected = metrics.mean_pinball_loss([3], quantiles[0, :, at], alpha=level)
        assert found[0, 0, at] == pytest.approx(expected)


def test_the_scaled_quantile_loss_of_the_median_is_mase() -> None:
    truth, said = np.array([[1.0, 2], [3, 6]]), np.array([[2.0, 2], [3, 5]])
    naive = np.array([4.0, 0.5])
    of_median = measures.scaled_quantile_loss(truth, said[..., None], np.array([0.5]), naive)
    # Mean absolute errors 0.5 and 0.5, over naive errors 4 and 0.5: (0.125 + 1) / 2.
    assert of_median == measures.scaled_error(truth, said, naive) == 0.5625
    # 2 · mean of 0.2, 0.5 and 0.4, relative to 2.
    three = measures.scaled_quantile_loss(
        np.array([[3.0]]), np.array([[[1.0, 4.0, 7.0]]]), np.array([0.1, 0.5, 0.9]), np.array([2.0])
    )
    assert three == pytest.approx(1.1 / 3)
    assert math.isnan(measures.scaled_quantile_loss(truth, said[..., None], np.array([0.5]), np.array([0.0, 1.0])))
