"""Exponential smoothing along a series says what the library says when it is stopped there."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from executor.data.raw_table import RawTable
from executor.data.series.lag_table import Windows, lag_table
from executor.evaluation.baselines.exponential_smoothing import exponential_baseline
from executor.runtime.clock import Clock
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from tests.executor.conftest import MakeParts

MONTHS = 96


def _series() -> RawTable:
    random = np.random.default_rng(0)
    at = np.arange(MONTHS)
    values = 100 + at / 2 + 10 * np.sin(at * np.pi / 6) + random.normal(size=MONTHS)
    return RawTable(features={}, forms={}, rows=at, truth=values[:, None])


def test_forecasts_from_a_beginning_are_the_librarys_own(make_parts: MakeParts) -> None:
    series, horizon = _series(), 15
    windows = Windows(targets=("y",), lags=(2, 3), season=12, step=1.0, horizon=horizon, least_spread=(0.1,))
    table = lag_table(series, windows)
    hold_out = table.take(np.flatnonzero(table.rows >= 70))
    parts = make_parts(np.zeros((len(hold_out), 1)), hold_out.truth, task=Task.FORECASTING)
    found = exponential_baseline(parts, parts.train, hold_out, series, windows, clock=Clock())
    assert found is not None
    assert found.says.startswith("ETS model A")
    name = found.says.rsplit(" ", 1)[1]
    values = series.truth[:, 0]
    choices = {
        "error": "add",
        "trend": "add" if "Ad" in name else None,
        "damped_trend": "Ad" in name,
        "seasonal": {"A": "add", "M": "mul", "N": None}[name[-1]],
        "seasonal_periods": 12,
        "initialization_method": "heuristic",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        params = ETSModel(values[:70], **choices).fit(disp=False, maxiter=200).params
        expected = ETSModel(values[:70], **choices).smooth(params).forecast(horizon)
    np.testing.assert_allclose(found.predictions.outcome[0], expected, rtol=1e-6)


def test_a_beginning_later_on_knows_the_values_up_to_it(make_parts: MakeParts) -> None:
    series = _series()
    windows = Windows(targets=("y",), lags=(2, 3), season=12, step=1.0, horizon=2, least_spread=(0.1,))
    table = lag_table(series, windows)
    hold_out = table.take(np.flatnonzero(table.rows >= 70))
    parts = make_parts(np.zeros((len(hold_out), 1)), hold_out.truth, task=Task.FORECASTING)
    found = exponential_baseline(parts, parts.train, hold_out, series, windows, clock=Clock())
    assert found is not None
    errors = np.abs(found.predictions.outcome - hold_out.truth).mean(axis=0)
    assert errors == pytest.approx([1, 1], abs=0.8)  # the noise has a standard deviation of 1


def test_after_the_time_limit_no_model_is_fitted(make_parts: MakeParts) -> None:
    series = _series()
    windows = Windows(targets=("y",), lags=(2, 3), season=12, step=1.0, horizon=2, least_spread=(0.1,))
    table = lag_table(series, windows)
    parts = make_parts(np.zeros((len(table), 1)), table.truth, task=Task.FORECASTING)
    assert exponential_baseline(parts, parts.train, table, series, windows, clock=Clock().lasting(-1)) is None
