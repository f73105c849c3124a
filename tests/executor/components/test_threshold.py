"""The exact scan for the threshold of the best objective."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, f1_score, matthews_corrcoef

from executor.components.threshold import OBJECTIVES, Objective, best_score, score_at, tune_threshold

THEIRS = {
    "f1_positive": f1_score,
    "f1_macro": partial(f1_score, average="macro"),
    "mcc": matthews_corrcoef,
    "balanced_accuracy": balanced_accuracy_score,
    "kappa": partial(cohen_kappa_score, weights="quadratic"),
}


def _rows(seed: int, decimals: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    positive = np.arange(80) < 20
    return positive, np.round(random.random(80) * 0.6 + positive * 0.25, decimals)


@given(seed=st.integers(0, 10_000), decimals=st.integers(1, 2), objective=st.sampled_from(sorted(OBJECTIVES)))
@settings(max_examples=15, deadline=None)
def test_no_other_threshold_has_a_better_score(seed: int, decimals: int, objective: Objective) -> None:
    positive, probability = _rows(seed, decimals)
    every = [THEIRS[objective](positive, probability >= cut) for cut in np.unique(probability)]
    assert best_score(positive, probability, objective=objective) == pytest.approx(max(every))


def test_the_threshold_lies_midway_between_two_probabilities() -> None:
    positive = np.arange(60) >= 50
    probability = np.where(positive, 0.3, 0.1)
    assert tune_threshold(positive, probability).value == pytest.approx(0.2)


def test_of_equally_good_thresholds_the_one_nearest_to_one_half_is_taken() -> None:
    # Above 0.9: 10 hits of 15 in 10 answers, F1 = 20 / 25. Above 0.45: 12 hits in 15 answers, F1 = 24 / 30.
    positive = np.array([*[True] * 10, *[True] * 2, *[False] * 3, *[True] * 3, *[False] * 60])
    probability = np.array([*[0.9] * 10, *[0.45] * 5, *[0.1] * 63])
    assert best_score(positive, probability) == pytest.approx(0.8)
    assert tune_threshold(positive, probability).value == pytest.approx((0.9 + 0.45) / 2)


@pytest.mark.parametrize(("rows", "positives"), [(49, 10), (60, 4), (60, 56), (60, 0)])
def test_too_few_rows_or_positives_keep_one_half_and_say_so(rows: int, positives: int) -> None:
    positive = np.arange(rows) < positives
    threshold = tune_threshold(positive, np.where(positive, 0.2, 0.1))
    assert threshold.value == 0.5
    assert "too few" in threshold.why


def test_50_rows_with_5_positives_are_enough() -> None:
    positive = np.arange(50) < 5
    assert tune_threshold(positive, np.where(positive, 0.2, 0.1)).value == pytest.approx(0.15)


def test_a_model_that_knows_nothing_says_yes_to_all() -> None:
    positive = np.arange(60) < 20
    # Precision 1/3, recall 1: F1 = 2·20 / (60 + 20).
    assert best_score(positive, np.full(60, 0.4)) == 0.5
    assert tune_threshold(positive, np.full(60, 0.4)).value == pytest.approx(0.2)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_score_at_a_decision_equals_scikit_learns(objective: Objective) -> None:
    positive, probability = _rows(1, 2)
    theirs = THEIRS[objective](positive, probability >= 0.4)
    assert score_at(positive, probability >= 0.4, objective=objective) == pytest.approx(theirs)


def test_a_constant_decision_has_no_mcc_and_no_kappa() -> None:
    positive, decided = np.arange(60) < 20, np.ones(60, bool)
    scores = [score_at(positive, decided, objective=objective) for objective in ("mcc", "kappa", "balanced_accuracy")]
    assert scores == [0, 0, 0.5]
