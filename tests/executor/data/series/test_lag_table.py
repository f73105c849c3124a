"""A series as a table: nothing of a row comes from its own time or later."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.data.raw_table import Form, Lagged, RawTable
from executor.data.series.lag_plan import plan_windows
from executor.data.series.lag_table import Step, Windows, empty_ahead, future_rows, lag_table, rows_of_shortest
from executor.data.series.regular_steps import fill_missing_steps
from executor.data.series.rolling_split import rolling_split
from recommender.roles.roles import Roles
from rules.errors import DatasetError
from rules.vocabulary.facts import Task

DAY = 86_400.0


def _series(values: np.ndarray, **more: Any) -> RawTable:
    truth = values.astype(np.float64).reshape(len(values), 1 if values.ndim == 1 else values.shape[1])
    return RawTable(**{"features": {}, "forms": {}, "rows": np.arange(len(values)), "truth": truth, **more})


def _roles(*targets: str) -> Roles:
    return Roles(task=Task.FORECASTING, task_reason="", targets=targets or ("y",), target_reason="", columns={})


def _windows(*lags: int, season: int | None = None, targets: tuple[str, ...] = ("y",), step: float = 1.0) -> Windows:
    return Windows(targets=targets, lags=lags, season=season, step=step)


def test_a_row_holds_the_changes_back_from_the_last_value() -> None:
    made = lag_table(_series(np.array([1, 2, 4, 8, 16])), _windows(2, 3, season=3))
    # Rows ask for 2, 4, 8, 16; the last values are 1, 2, 4, 8.
    assert made.truth is not None
    assert made.truth[:, 0].tolist() == [2, 4, 8, 16]
    assert made.offset is not None
    assert made.offset[:, 0].tolist() == [1, 2, 4, 8]
    np.testing.assert_array_equal(made.features["y [-2] - [-1]"], [np.nan, 1 - 2, 2 - 4, 4 - 8])
    np.testing.assert_array_equal(made.features["y [-3] - [-1]"], [np.nan, np.nan, 1 - 4, 2 - 8])
    assert made.season_before is not None
    np.testing.assert_array_equal(made.season_before[:, 0], [np.nan, np.nan, 1, 2])
    assert made.rows.tolist() == [1, 2, 3, 4]


@given(seed=st.integers(0, 1_000), cut=st.integers(6, 38), entities=st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_the_future_changes_nothing_in_the_past(seed: int, cut: int, entities: int) -> None:
    random = np.random.default_rng(seed)
    values, other = random.normal(size=40), random.normal(size=40)
    entity = np.array([str(number % entities) for number in range(40)], dtype=object)
    table = _series(values, features={"x": other}, forms={"x": Form.NUMBER}, entity=entity)
    changed = replace(
        table,
        truth=np.where(np.arange(40)[:, None] >= cut, 99.0, values[:, None]),
        features={"x": np.where(np.arange(40) >= cut, 99.0, other)},
    )
    before, after = (lag_table(some, _windows(2, 3, 5, season=5)) for some in (table, changed))
    # The row at the cut itself has another truth but the same features.
    past = before.rows <= cut
    for name, column in before.features.items():
        np.testing.assert_array_equal(column[past], after.features[name][past])
    np.testing.assert_array_equal(before.offset[past], after.offset[past])  # type: ignore[index]  # windows have one


def test_windows_do_not_reach_into_another_entity() -> None:
    entity = np.array(["b", "a", "b", "a"], dtype=object)
    made = lag_table(_series(np.array([10, 1, 20, 2]), entity=entity), _windows(2))
    assert made.offset is not None
    assert made.truth is not None
    assert list(zip(made.offset[:, 0], made.truth[:, 0], strict=True)) == [(1, 2), (10, 20)]
    assert np.isnan(made.features["y [-2] - [-1]"]).all()


def test_rows_are_taken_in_the_order_of_time() -> None:
    made = lag_table(_series(np.array([3, 1, 2]), time=np.array([30.0, 10.0, 20.0])), _windows(2))
    assert made.truth is not None
    assert made.truth[:, 0].tolist() == [2, 3]
    assert made.rows.tolist() == [2, 0]


def test_a_missing_value_is_bridged_and_never_predicted() -> None:
    made = lag_table(_series(np.array([1, np.nan, 3, 4])), _windows(2))
    assert made.rows.tolist() == [2, 3]
    assert made.offset is not None
    assert made.offset[:, 0].tolist() == [1, 3]
    np.testing.assert_array_equal(made.features["y [-2] - [-1]"], [0, 1 - 3])


def test_other_columns_come_from_one_step_before() -> None:
    color = np.array(["red", "blue", "red"], dtype=object)
    table = _series(
        np.array([1, 2, 3]),
        features={"x": np.array([5.0, 7.0, 9.0]), "color": color},
        forms={"x": Form.NUMBER, "color": Form.LEVEL},
    )
    made = lag_table(table, _windows(2))
    assert made.features["x [-1]"].tolist() == [5, 7]
    np.testing.assert_array_equal(made.features["x [-1] - [-2]"], [np.nan, 2])
    assert made.features["color [-1]"].tolist() == ["red", "blue"]


def test_a_column_named_like_a_window_keeps_its_own_feature() -> None:
    table = _series(
        np.array([1, 2, 3]),
        features={"y [-2] - [-1]": np.array([5.0, 7.0, 9.0]), "y": np.array([1.0, 1.0, 1.0])},
        forms={"y [-2] - [-1]": Form.NUMBER, "y": Form.NUMBER},
    )
    made = lag_table(table, _windows(2))
    assert len(made.features) == 5
    assert made.features["y [-2] - [-1] [-1]"].tolist() == [5, 7]
    assert made.lagged["y [-2] - [-1] [-1]"] == Lagged(column="y [-2] - [-1]", lag=1)
    assert made.lagged["y [-2] - [-1]"] == Lagged(column="y", lag=2, minus=1)


@pytest.mark.parametrize(
    ("step", "rows", "seasons"),
    [
        (1_800, 4_000, {48, 336}),
        (3_600, 1_000, {24, 168}),
        (DAY, 2_000, {7, 365}),
        (365.2425 / 12 * DAY, 144, {12}),
        (365.2425 / 4 * DAY, 187, {4}),
    ],
)
def test_the_natural_seasons_of_a_clock_are_looked_back_to(step: float, rows: int, seasons: set[int]) -> None:
    table = _series(np.random.default_rng(0).normal(size=rows), time=np.arange(rows) * step, has_clock=True)
    plan = plan_windows(table, _roles())
    assert seasons <= set(plan.lags)
    assert {season + 1 for season in seasons} <= set(plan.lags)
    assert plan.step == pytest.approx(step)


def test_a_decimal_year_is_a_clock_and_a_counter_is_none() -> None:
    values = np.sin(np.arange(120) * np.pi / 6)
    monthly = plan_windows(_series(values, time=1950 + np.arange(120) / 12), _roles())
    counted = plan_windows(_series(values[:20], time=np.arange(20.0)), _roles())
    assert (monthly.season, counted.season) == (12, None)


def test_the_season_is_the_one_that_repeats_best() -> None:
    hours = np.arange(24 * 7 * 6)
    weekly = np.sin(2 * np.pi * hours / 168)
    plan = plan_windows(_series(weekly, time=hours * 3_600.0, has_clock=True), _roles())
    assert plan.season == 168


def test_a_short_series_has_short_windows_and_a_shorter_one_is_an_error() -> None:
    assert plan_windows(_series(np.arange(20)), _roles()).lags == (2, 3, 4)
    plan = plan_windows(_series(np.arange(1_000)), _roles())
    assert (plan.horizon, plan.lags) == (10, tuple(range(2, 21)))
    with pytest.raises(DatasetError, match="of 1 steps needs more than 4 rows, but the longest series has 3"):
        plan_windows(_series(np.arange(3)), _roles())


def test_the_next_step_follows_the_last_row_of_each_entity() -> None:
    table = _series(
        np.array([1, 10, 2, 20, 4]),
        time=np.array([0.0, 0.0, DAY, DAY, 2 * DAY]),
        has_clock=True,
        entity=np.array(["a", "b", "a", "b", "a"], dtype=object),
    )
    steps = future_rows(table, _windows(2, step=DAY))
    assert steps.offset is not None
    assert steps.offset[:, 0].tolist() == [4, 20]
    assert steps.features["y [-2] - [-1]"].tolist() == [2 - 4, 10 - 20]
    assert steps.features["time"].tolist() == [3 * DAY, 2 * DAY]
    assert steps.truth is None
    assert steps.rows.tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("unit", "size", "history", "after"),
    [
        ("months", 1, ["2023-12-01", "2024-01-01"], "2024-02-01"),
        ("months", 1, ["2023-12-31", "2024-01-31"], "2024-02-29"),
        ("months", 1, ["2023-01-28", "2023-02-28"], "2023-03-28"),
        ("months", 3, ["2023-07-01T06:00", "2023-10-01T06:00"], "2024-01-01T06:00"),
        ("business days", 1, ["2024-05-02", "2024-05-03"], "2024-05-06"),  # a Friday, and the Monday after it
        ("seconds", 1800, ["2024-05-02T23:00", "2024-05-02T23:30"], "2024-05-03T00:00"),
    ],
)
def test_the_next_step_is_a_step_of_the_calendar(unit: str, size: float, history: list[str], after: str) -> None:
    time = np.array(history, "M8[s]").astype(np.float64)
    step = Step.model_validate({"unit": unit, "size": size})
    windows = _windows(2).model_copy(update={"regular": step})
    steps = future_rows(_series(np.array([1, 2]), time=time, has_clock=True), windows)
    assert steps.time is not None
    assert steps.time.astype("M8[s]")[0] == np.datetime64(after)


def test_a_past_without_rows_is_an_error() -> None:
    with pytest.raises(DatasetError, match="no row has a time"):
        future_rows(_series(np.empty((0, 1))), _windows(2))


def test_the_shortest_series_is_counted_by_entity() -> None:
    entity = np.array(["a", "b", "a", "b", "a"], dtype=object)
    assert rows_of_shortest(_series(np.arange(5), entity=entity)) == 2


def test_the_next_step_of_a_series_without_time_comes_after_the_last_row() -> None:
    steps = future_rows(_series(np.array([1, 2, 4])), _windows(2))
    assert steps.offset is not None
    assert steps.offset.tolist() == [[4]]


def test_a_past_without_any_value_is_an_error() -> None:
    with pytest.raises(DatasetError, match="'y' has none"):
        future_rows(_series(np.array([np.nan, np.nan])), _windows(2))


def test_several_targets_share_their_windows() -> None:
    made = lag_table(_series(np.array([[1, 10], [2, 20], [4, 40]])), _windows(2, targets=("a", "b")))
    assert made.truth is not None
    assert made.truth.tolist() == [[2, 20], [4, 40]]
    assert tuple(made.features) == ("a [-2] - [-1]", "b [-2] - [-1]")


def test_a_row_asks_for_all_steps_ahead_counted_from_a_season_before() -> None:
    windows = _windows(2, 3, season=3).model_copy(update={"horizon": 4, "least_spread": (0.1,)})
    made = lag_table(_series(np.arange(20) ** 2), windows)
    assert made.truth is not None
    assert made.season_before is not None
    assert made.last is not None
    row = made.rows.tolist().index(10)
    assert made.truth[row].tolist() == [100, 121, 144, 169]
    # Step 4 lies more than a season ahead: two seasons back is the last known one.
    assert made.season_before[row].tolist() == [49, 64, 81, 49]
    assert made.last[row].tolist() == [81] * 4
    assert made.offset is not None
    assert made.offset[row].tolist() == [49, 64, 81, 49]
    window = np.array([0, 64 - 81, 49 - 81])
    assert made.spread is not None
    assert made.spread[row].tolist() == pytest.approx([window.std()] * 4)
    assert made.features["y [-3] - [-1]"][row] == pytest.approx((49 - 81) / window.std())
    assert made.window == (2, 1)


def test_a_flat_window_is_not_blown_up() -> None:
    windows = _windows(2, 3).model_copy(update={"horizon": 2, "least_spread": (0.5,)})
    made = lag_table(_series(np.array([1.0] * 12)), windows)
    assert made.spread is not None
    assert (made.spread == 0.5).all()


@given(cut=st.integers(8, 30), horizon=st.integers(1, 5), seed=st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_no_feature_of_a_long_forecast_comes_from_the_future(cut: int, horizon: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=40)
    windows = _windows(2, 3, season=4).model_copy(update={"horizon": horizon, "least_spread": (0.1,)})
    before = lag_table(_series(values), windows)
    after = lag_table(_series(np.where(np.arange(40) >= cut, 99.0, values)), windows)
    past = before.rows <= cut
    for name, column in before.features.items():
        np.testing.assert_array_equal(column[past], after.features[name][past])
    for name in ("offset", "last", "spread", "season_before"):
        np.testing.assert_array_equal(getattr(before, name)[past], getattr(after, name)[past])


def test_a_column_known_in_advance_is_read_at_the_steps_ahead() -> None:
    windows = _windows(2).model_copy(update={"horizon": 2, "known": ("price",)})
    prices = np.arange(10.0)
    table = _series(np.arange(10), features={"price": prices}, forms={"price": Form.NUMBER})
    made = lag_table(table, windows)
    row = made.rows.tolist().index(5)
    assert made.features["price [+1]"][row] == 5
    assert made.features["price [+2]"][row] == 6
    future = replace(table, truth=np.where(np.arange(10)[:, None] < 8, np.arange(10.0)[:, None], np.nan))
    steps = future_rows(future, windows)
    assert [steps.features[name][0] for name in ("price [-1]", "price [+1]", "price [+2]")] == [7, 8, 9]
    with pytest.raises(
        DatasetError, match=r"\('price'\) needs their values for 2 steps after .* there are 0 such rows\."
    ):
        future_rows(table, windows)


def test_a_missing_step_becomes_an_empty_row() -> None:
    time = np.array([0, 1, 4, 5]) * DAY
    table = _series(
        np.array([1, 2, 5, 6]), time=time, features={"x": np.ones(4)}, forms={"x": Form.NUMBER}, has_clock=True
    )
    made = fill_missing_steps(table, Step(unit="seconds", size=DAY))
    assert made.time is not None
    assert made.truth is not None
    assert (made.time / DAY).tolist() == [0, 1, 2, 3, 4, 5]
    assert made.rows.tolist() == [0, 1, -1, -1, 2, 3]
    np.testing.assert_array_equal(made.truth[:, 0], [1, 2, np.nan, np.nan, 5, 6])
    np.testing.assert_array_equal(made.features["x"], [1, 1, np.nan, np.nan, 1, 1])


def test_months_and_business_days_are_no_gaps() -> None:
    days = np.array(["2024-05-02", "2024-05-03", "2024-05-06"], "M8[s]").astype(np.float64)
    months = np.array(["2024-01-31", "2024-02-29", "2024-03-31"], "M8[s]").astype(np.float64)
    for time, unit in ((days, "business days"), (months, "months")):
        table = _series(np.arange(3), time=time, has_clock=True)
        assert len(fill_missing_steps(table, Step.model_validate({"unit": unit, "size": 1}))) == 3


@given(rows=st.integers(90, 200), horizon=st.integers(2, 8), entities=st.integers(1, 2))
@settings(max_examples=30, deadline=None)
def test_no_step_ahead_of_one_part_lies_in_a_later_part(rows: int, horizon: int, entities: int) -> None:
    count = rows * entities
    entity = np.array([str(number % entities) for number in range(count)], dtype=object)
    time = np.repeat(np.arange(rows), entities) * DAY
    windows = _windows(2, 3).model_copy(update={"horizon": horizon, "least_spread": (0.1,)})
    table = lag_table(_series(np.arange(count) % 17, time=time, entity=entity, has_clock=True), windows)
    parts = rolling_split(table, _roles(), horizon=horizon, seed=0)
    assert table.time is not None
    first = table.time / DAY
    last = first + horizon - 1
    assert last[parts.train].max() < first[parts.validation].min()
    assert last[parts.validation].max() < first[parts.hold_out].min()
    assert len(parts.hold_out) == pytest.approx(0.2 * len(table), abs=2)


def test_a_horizon_that_leaves_no_origins_is_an_error() -> None:
    windows = _windows(2, 3).model_copy(update={"horizon": 12, "least_spread": (0.1,)})
    table = lag_table(_series(np.arange(40)), windows)
    with pytest.raises(DatasetError, match="Reduce --horizon"):
        rolling_split(table, _roles(), horizon=12, seed=0)


def test_empty_values_at_the_steps_ahead_are_found_with_their_rows() -> None:
    windows = _windows(2).model_copy(update={"horizon": 2, "known": ("price", "event")})
    prices = np.array([*range(9), np.nan])
    events = np.array(["no"] * 10, dtype=object)
    table = _series(
        np.arange(10),
        features={"price": prices, "event": events},
        forms={"price": Form.NUMBER, "event": Form.LEVEL},
    )
    future = replace(table, truth=np.where(np.arange(10)[:, None] < 8, np.arange(10.0)[:, None], np.nan))
    assert {name: rows.tolist() for name, rows in empty_ahead(future, windows).items()} == {"price": [9]}
