"""Temperature scaling of a classifier's probabilities."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import expit, softmax

from executor.components import metric_functions as measures
from executor.model.calibration.temperature import (
    IDENTITY_TEMPERATURE,
    RANGE,
    fit_temperatures,
    rescale_probabilities,
    tune_temperature,
)
from rules.vocabulary.facts import Task

ROWS = 2_000


def _sure(logit: float, right: float, *, rows: int = ROWS, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Classes of 0 and 1 and logits (rows, 1) of one size, of which a share has the right sign."""
    random = np.random.default_rng(seed)
    truth = random.permutation(np.arange(rows) % 2)
    is_right = random.permutation(np.arange(rows) < right * rows)
    return truth, np.where((truth == 1) == is_right, logit, -logit)[:, None]


def test_a_temperature_makes_a_network_as_sure_as_it_is_right() -> None:
    found = tune_temperature(*_sure(4.0, 0.8))
    # At the optimum the probability is the share of right rows: 4 / T = ln(0.8 / 0.2), but for the smoothing.
    assert found.value == pytest.approx(4 / math.log(4), rel=5e-3)
    assert found.why.startswith("lowers the log-loss of 2000 validation rows")


def test_a_network_that_is_not_sure_enough_gets_a_temperature_below_one() -> None:
    assert tune_temperature(*_sure(0.5, 0.8)).value == pytest.approx(0.5 / math.log(4), rel=5e-3)


def test_several_classes_share_one_temperature() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(20_000, 4)) * 2
    truth = (softmax(logits, axis=1).cumsum(axis=1) < random.random((20_000, 1))).sum(axis=1)
    (found,) = fit_temperatures(truth, logits * 3, Task.MULTICLASS)
    assert found.value == pytest.approx(3, rel=0.05)


def test_each_label_has_its_own_temperature() -> None:
    pairs = [_sure(4.0, 0.8), _sure(0.5, 0.8, seed=1)]
    truth, logits = np.column_stack([truth for truth, _ in pairs]), np.hstack([logits for _, logits in pairs])
    found = fit_temperatures(truth, logits, Task.MULTILABEL)
    assert [one.value for one in found] == pytest.approx([4 / math.log(4), 0.5 / math.log(4)], rel=5e-3)


def test_where_the_bundle_does_not_calibrate_logits_stay() -> None:
    truth, logits = _sure(4.0, 0.8)
    (found,) = fit_temperatures(truth, logits, Task.BINARY, tuned=False)
    assert (found.value, found.why) == (IDENTITY_TEMPERATURE, "the bundle does not calibrate probabilities")
    both = fit_temperatures(np.column_stack([truth] * 2), np.hstack([logits] * 2), Task.MULTILABEL, tuned=False)
    assert [one.value for one in both] == [IDENTITY_TEMPERATURE] * 2


def test_probabilities_that_are_right_stay() -> None:
    found = tune_temperature(*_sure(math.log(4), 0.8))
    assert found.value == IDENTITY_TEMPERATURE
    assert "does not lower the log-loss" in found.why


def test_numbers_have_no_temperature() -> None:
    assert fit_temperatures(np.zeros((100, 1)), np.zeros((100, 1)), Task.REGRESSION) == ()


def test_rows_without_an_error_do_not_make_a_network_infinitely_sure() -> None:
    found = tune_temperature(*_sure(2.0, 1.0, rows=100))
    # Two of 100 rows count as if they were wrong: 2 / T = ln(98 / 2).
    assert found.value == pytest.approx(2 / math.log(49), rel=1e-3)
    assert found.value > RANGE[0]


@pytest.mark.parametrize("truth", [np.arange(49) % 2, (np.arange(60) < 4).astype(np.int64)])
def test_too_few_rows_or_rare_rows_leave_the_network_as_it_is(truth: np.ndarray) -> None:
    found = tune_temperature(truth, np.full((len(truth), 1), 4.0))
    assert found.value == IDENTITY_TEMPERATURE
    assert "are too few for a temperature" in found.why


def test_probabilities_at_a_further_temperature_are_those_of_the_divided_logits() -> None:
    logits = np.random.default_rng(0).normal(size=(50, 3)) * 2
    np.testing.assert_allclose(
        rescale_probabilities(softmax(logits, axis=1), np.array([2.5]), Task.MULTICLASS), softmax(logits / 2.5, axis=1)
    )
    apart = np.array([0.5, 1.0, 2.0])
    np.testing.assert_allclose(rescale_probabilities(expit(logits), apart, Task.MULTILABEL), expit(logits / apart))


def test_a_calibration_error_is_the_mean_gap_over_the_bins() -> None:
    probability = np.array([0.9, 0.9, 0.9, 0.9, 0.1, 0.1])
    happened = np.array([True, True, True, False, False, False])
    # A gap of 0.15 for four rows, and one of 0.1 for two.
    assert measures.calibration_error(happened, probability) == pytest.approx((4 * 0.15 + 2 * 0.1) / 6)
    assert measures.calibration_error(np.array([True]), np.array([1.0])) == 0
