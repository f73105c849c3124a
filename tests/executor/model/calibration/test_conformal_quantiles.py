"""Quantiles of forecasts."""

from __future__ import annotations

import numpy as np
import pytest

from executor.model.calibration.conformal_quantiles import Quantiles, conformal_quantiles


def test_each_quantile_is_the_end_of_the_interval_of_its_conformal_rank() -> None:
    # Of nine errors of sizes 1 to 9, (9 + 1) · 0.2 = 2 must lie inside the narrowest interval; then 4, 6 and 8.
    errors = np.arange(1.0, 10)[:, None] * np.array([[-1.0, 2]])
    found = conformal_quantiles(errors, np.zeros((9, 2)))
    assert found.levels == pytest.approx((0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9))
    values = found.values(np.array([[100.0, 0]]), None)
    assert values[0, 0].tolist() == [92, 94, 96, 98, 100, 102, 104, 106, 108]
    assert values[0, 1].tolist() == [-16, -12, -8, -4, 0, 4, 8, 12, 16]


def test_a_window_of_twice_the_spread_has_quantiles_twice_as_far_apart() -> None:
    # Errors of 1 to 9 spreads.
    spread = np.full((9, 1), 10.0)
    found = conformal_quantiles(spread * np.arange(1, 10)[:, None], np.zeros((9, 1)), spread=spread)
    values = found.values(np.zeros((2, 1)), np.array([[1.0], [2.0]]))
    assert values[0, 0].tolist() == [-8, -6, -4, -2, 0, 2, 4, 6, 8]
    assert values[1, 0].tolist() == [-16, -12, -8, -4, 0, 4, 8, 12, 16]


def test_too_few_rows_have_no_quantiles_and_say_why() -> None:
    few = conformal_quantiles(np.ones((3, 1)), np.zeros((3, 1)))
    assert not few.is_measured
    assert few.reason_missing == "3 validation rows are too few, 80 % needs 4"
    assert conformal_quantiles(np.ones((4, 1)), np.zeros((4, 1))).is_measured


def test_new_values_lie_below_each_quantile_as_often_as_its_level() -> None:
    random = np.random.default_rng(0)
    below = []
    for _ in range(2_000):
        found = conformal_quantiles(random.normal(size=(19, 1)), np.zeros((19, 1)))
        below.append(random.normal(size=(10, 1, 1)) <= found.values(np.zeros((10, 1)), None))
    # (19 + 1) · 0.2, 0.4, 0.6 and 0.8 are whole numbers, so that the coverage is exact. Standard error 0.004.
    assert np.mean(below, axis=(0, 1, 2)) == pytest.approx(found.levels, abs=0.015)


def test_quantiles_survive_json() -> None:
    found = conformal_quantiles(np.arange(12.0)[:, None], np.zeros((12, 1)), spread=np.ones((12, 1)))
    assert Quantiles.model_validate_json(found.model_dump_json()) == found
