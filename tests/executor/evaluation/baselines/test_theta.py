"""The Theta model along a series predicts what the library predicts when it is stopped there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from statsmodels.tsa.forecasting.theta import ThetaModel

from executor.data.raw_table import RawTable
from executor.data.series.lag_table import Windows, lag_table
from executor.evaluation.baselines.theta import MAX_TAUGHT, FittedTheta, theta_baseline, theta_forecasts
from executor.runtime.clock import Clock
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.evaluation.baselines.baseline import Baseline
    from tests.executor.conftest import MakeParts

FIRST = 70  # month of the hold-out


def _baseline(make_parts: MakeParts, values: np.ndarray, horizon: int, season: int | None) -> Baseline | None:
    series = RawTable(features={}, forms={}, rows=np.arange(len(values)), truth=values[:, None])
    windows = Windows(targets=("y",), lags=(2, 3), season=season, step=1.0, horizon=horizon, least_spread=(0.1,))
    table = lag_table(series, windows)
    hold_out = table.take(np.flatnonzero(table.rows >= FIRST))
    parts = make_parts(np.zeros((len(hold_out), 1)), hold_out.truth, task=Task.FORECASTING)
    return theta_baseline(parts, parts.train, hold_out, series, windows, clock=Clock())


@pytest.mark.parametrize(("floor", "kind"), [(100, "multiplicative season"), (-5, "additive season")])
def test_forecasts_from_the_first_origin_are_the_librarys_own(make_parts: MakeParts, floor: float, kind: str) -> None:
    at = np.arange(96)
    noise = np.random.default_rng(0).normal(size=96)
    values = floor + at / 2 + 10 * np.sin(at * np.pi / 6) + noise
    found = _baseline(make_parts, values, 15, 12)
    assert found is not None
    assert found.says == f"Theta model, {kind}"
    expected = ThetaModel(values[:FIRST], period=12).fit().forecast(15)
    np.testing.assert_allclose(found.predictions.outcome[0], expected, rtol=1e-9)


def test_without_a_season_it_is_exponential_smoothing_with_half_of_the_slope(make_parts: MakeParts) -> None:
    values = np.random.default_rng(1).normal(size=96).cumsum()
    found = _baseline(make_parts, values, 3, None)
    assert found is not None
    assert found.says == "Theta model, no season"
    expected = ThetaModel(values[:FIRST], deseasonalize=False).fit().forecast(3)
    np.testing.assert_allclose(found.predictions.outcome[0], expected, rtol=1e-9)


def test_a_later_origin_has_the_level_and_the_season_of_its_step() -> None:
    fitted = FittedTheta(
        level=np.array([10.0, 12, 14]),
        slope=2,
        smoothing=0.5,
        season=np.array([1.0, 10]),
        is_multiplicative=True,
        first=5,
    )
    # After step 6, the second fitted one: level 12, trend 1 · (h - 1 + (1 - 0.5²) / 0.5), seasons of steps 7 and 8.
    # After step 7: level 14, trend 1 · (h - 1 + (1 - 0.5³) / 0.5).
    assert fitted.forecast(np.array([6, 7]), 2).tolist() == [[13.5, 145.0], [157.5, 16.75]]
    assert np.isnan(fitted.forecast(np.array([4]), 2)).all()  # before the first fitted step


def test_after_the_time_limit_there_is_no_baseline(make_parts: MakeParts) -> None:
    values = np.arange(96.0)
    series = RawTable(features={}, forms={}, rows=np.arange(96), truth=values[:, None])
    windows = Windows(targets=("y",), lags=(2, 3), season=None, step=1.0, horizon=1, least_spread=(0.1,))
    table = lag_table(series, windows)
    parts = make_parts(np.zeros((len(table), 1)), table.truth, task=Task.FORECASTING)
    assert theta_baseline(parts, parts.train, table, series, windows, clock=Clock().lasting(-1)) is None


def test_forecasts_of_all_rows_know_nothing_from_the_validation_rows_on() -> None:
    at = np.arange(96)
    values = 100 + at / 2 + 10 * np.sin(at * np.pi / 6) + np.random.default_rng(0).normal(size=96)
    windows = Windows(targets=("y",), lags=(2, 3), season=12, step=1.0, horizon=3, least_spread=(0.1,))

    def forecasts(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        series = RawTable(features={}, forms={}, rows=at, truth=values[:, None])
        table = lag_table(series, windows)
        found = theta_forecasts(table, series, windows, np.flatnonzero(table.rows >= FIRST))
        assert found is not None
        return table.rows, found

    rows, found = forecasts(values)
    assert found.shape == (len(rows), 3)
    expected = ThetaModel(values[:FIRST], period=12).fit().forecast(3)
    np.testing.assert_allclose(found[rows == FIRST][0], expected, rtol=1e-9)
    _, other = forecasts(np.where(at < FIRST, values, 0.0))
    np.testing.assert_array_equal(found[rows <= FIRST], other[rows <= FIRST])


def test_of_many_series_networks_start_without_forecasts() -> None:
    names = np.repeat([f"s{number:02}" for number in range(MAX_TAUGHT + 1)], 6).astype(object)
    series = RawTable(
        features={}, forms={}, rows=np.arange(len(names)), entity=names, truth=np.arange(len(names))[:, None] * 1.0
    )
    windows = Windows(targets=("y",), lags=(2, 3), season=None, step=1.0, horizon=1, least_spread=(0.1,))
    table = lag_table(series, windows)
    assert theta_forecasts(table, series, windows, np.arange(len(table))) is None
