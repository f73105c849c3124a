from __future__ import annotations

import numpy as np
import pytest

from executor.model.calibration.conformal_sets import PERCENTS, conformal_sets


def draw(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """True classes, of which the third is rare, and miscalibrated probabilities."""
    random = np.random.default_rng(seed)
    truth = random.choice(3, rows, p=[0.5, 0.45, 0.05])
    logits = random.normal(size=(rows, 3)) + 1.5 * np.eye(3)[truth] + [1.0, 1.0, 0.0]
    shares = np.exp(logits)
    return truth, shares / shares.sum(axis=1, keepdims=True)


def test_thresholds_are_order_statistics_of_the_probability_of_the_true_class() -> None:
    shares = np.column_stack([np.arange(1, 20) / 20, 1 - np.arange(1, 20) / 20])
    found = conformal_sets(np.zeros(19, int), shares)
    # ⌊20 · 0.1⌋ = 2: the second smallest of 0.05, 0.1, …
    assert found.marginal[PERCENTS.index(90)] == 0.1
    assert found.marginal[PERCENTS.index(99)] == 0  # ⌊20 · 0.01⌋ = 0: 19 rows are too few
    assert found.by_class[1] == (0.0,) * len(PERCENTS)
    assert found.rows == (19, 0)


def test_a_set_has_the_classes_above_the_threshold_and_always_the_most_probable_one() -> None:
    shares = np.column_stack([np.arange(1, 20) / 20, 1 - np.arange(1, 20) / 20])
    found = conformal_sets(np.zeros(19, int), shares)
    rows = np.array([[0.05, 0.95], [0.3, 0.7], [0.04, 0.04]])
    assert found.sets(rows, percent=80).tolist() == [[False, True], [True, True], [True, False]]


@pytest.mark.parametrize("percent", [90, 95])
def test_sets_cover_new_rows_and_sets_by_class_cover_each_class(percent: int) -> None:
    found = conformal_sets(*draw(20_000, seed=0))
    truth, shares = draw(20_000, seed=1)
    at = np.arange(len(truth))
    assert found.sets(shares, percent=percent)[at, truth].mean() == pytest.approx(percent / 100, abs=0.01)
    own = found.sets(shares, percent=percent, by_class=True)[at, truth]
    for label in range(3):
        assert own[truth == label].mean() == pytest.approx(percent / 100, abs=0.03)
    rare = truth == 2
    assert found.sets(shares, percent=percent)[at, truth][rare].mean() < percent / 100 - 0.1
