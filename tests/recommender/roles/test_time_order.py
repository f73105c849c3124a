from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pytest
from scipy import stats

from recommender.dataset.dataset import Dataset
from recommender.roles.time_order import find_time, persistence, spacing

Table = Callable[..., Dataset]
WALK = np.cumsum(np.random.default_rng(1).normal(size=400))


def months(count: int) -> list[str]:
    return [f"{1950 + month // 12}-{month % 12 + 1:02d}-01" for month in range(count)]


def business_days(count: int) -> list[str]:
    days = (datetime(1962, 12, 3) + timedelta(days=day) for day in range(2 * count))  # noqa: DTZ001  a calendar day
    return [f"{day:%Y-%m-%d}" for day in days if day.weekday() < 5][:count]


@pytest.mark.parametrize(
    ("times", "step", "season"),
    [
        (months(60), "1 months", 12),
        ([f"{1970 + quarter // 4} Q{quarter % 4 + 1}" for quarter in range(40)], "3 months", 4),
        (business_days(100), "1 business days", 5),
        ([f"2020-01-{1 + hour // 24:02d} {hour % 24:02d}:00" for hour in range(100)], "1 hours", 24),
        ([f"{1749 + month / 12:.4f}" for month in range(200)], "0.0833", 12),
        ([str(step) for step in range(50)], "1", None),
    ],
)
def test_equal_steps_of_the_calendar_are_found(table: Table, times: list[str], step: str, season: int | None) -> None:
    found = spacing(table(t=times, y=WALK[: len(times)]), "t")
    assert found is not None
    assert (found.step_text, found.season, found.regular_share, found.rising_share) == (step, season, 1.0, 1.0)
    assert (found.gaps, found.repeats, found.entities) == (0, 0, 1)


def test_gaps_repeats_and_steps_back_are_counted_by_hand(table: Table) -> None:
    # 12 days of which the 5th is missing and the 9th occurs twice; the last two rows are exchanged.
    days = [1, 2, 3, 4, 6, 7, 8, 9, 9, 10, 12, 11]
    found = spacing(table(t=[f"2020-01-{day:02d}" for day in days], y=range(12)), "t")
    assert found is not None
    assert (found.steps, found.gaps, found.repeats) == (11, 1, 1)
    assert (found.regular_share, found.rising_share) == (9 / 11, 10 / 11)


def test_repeated_times_are_resolved_by_the_column_of_series_names(table: Table) -> None:
    times, shops = months(30), ["north", "south", "west"]
    dataset = table(when=[time for time in times for _ in shops], noise=[1, 2] * 45, shop=shops * 30, y=range(90))
    found = find_time(dataset, ["when"], [])
    assert found is not None
    assert (found.entity, found.entities, found.regular_share) == ("shop", 3, 1.0)


def test_times_that_repeat_without_a_series_to_name_are_no_order(table: Table) -> None:
    dataset = table(when=[time for time in months(30) for _ in range(3)], y=range(90))
    assert find_time(dataset, ["when"], []) is None


def test_a_number_is_time_only_where_it_rises_evenly_in_the_file(table: Table) -> None:
    shuffled = list(np.random.default_rng(0).permutation(50))
    dataset = table(even=range(10, 60), shuffled=shuffled, uneven=[step**2 for step in range(50)], y=range(50))
    assert find_time(dataset, [], ["shuffled", "uneven"]) is None
    found = find_time(dataset, [], ["shuffled", "uneven", "even"])
    assert found is not None
    assert found.column == "even"


def test_autocorrelation_and_the_test_are_those_of_the_formula(table: Table) -> None:
    y = np.round(WALK[:150], 6)
    found = persistence(table(y=y, a=range(150)), "y", season=12)
    deviations = y - y.mean()

    def autocorrelation(lag: int) -> float:
        return float((deviations[lag:] * deviations[:-lag]).sum() / (deviations**2).sum())

    statistic = 150 * 152 * sum(autocorrelation(lag) ** 2 / (150 - lag) for lag in range(1, 11))
    assert found is not None
    assert (found.length, found.lags) == (150, 10)
    assert found.lag_1 == pytest.approx(autocorrelation(1))
    assert found.lag_season == pytest.approx(autocorrelation(12))
    assert found.p_value == pytest.approx(stats.chi2.sf(statistic, 10))


def test_order_comes_from_the_time_column_and_not_from_the_file(table: Table) -> None:
    places = np.random.default_rng(2).permutation(150)
    dataset = table(t=places, y=WALK[places])
    in_time, in_file = persistence(dataset, "y", order="t"), persistence(dataset, "y")
    assert in_time is not None
    assert in_file is not None
    assert in_time.is_strong
    assert not in_file.is_strong


def test_series_are_measured_each_around_its_own_mean(table: Table) -> None:
    noise = np.random.default_rng(3).normal(size=200)
    dataset = table(shop=["a"] * 100 + ["b"] * 100, y=noise + np.repeat([0, 1000], 100))
    together, apart = persistence(dataset, "y"), persistence(dataset, "y", entity="shop")
    assert together is not None
    assert apart is not None
    assert together.lag_1 > 0.9
    assert abs(apart.lag_1) < 0.3


def test_too_few_rows_have_no_order(table: Table) -> None:
    assert persistence(table(y=[1, 2, 3, 4], a=[0, 0, 1, 1]), "y") is None
    assert spacing(table(t=["2020-01-01", "2020-01-02"], y=[1, 2]), "t") is None
