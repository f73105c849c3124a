from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from recommender.profile.characteristics.target import (
    Classes,
    TargetDistribution,
    target_distribution,
    yeo_johnson,
    yeo_johnson_power,
)


@pytest.fixture(scope="session")
def shape_of(connected) -> Callable[..., TargetDistribution]:
    def shape_of_values(values: np.ndarray | list[float]) -> TargetDistribution:
        extent = float(np.min(values)), float(np.max(values))
        connection = connected(numbers={"y": values})
        return target_distribution(connection, "y", table="numbers", sample="numbers", extent=extent)

    return shape_of_values


SEEDED = np.random.default_rng(7)
SAMPLES = {
    "normal": SEEDED.normal(size=800),
    "skewed": SEEDED.lognormal(size=800),
    "negative": -SEEDED.lognormal(size=400),
    "zeros": np.where(SEEDED.random(900) < 0.4, 0, SEEDED.lognormal(2, 1, 900)),
    "both signs": SEEDED.standard_t(4, size=700) + 0.3,
}


def test_classes_by_hand() -> None:
    classes = Classes(counts={"a": 50, "b": 5, "c": 45})
    assert (classes.rarest, classes.rare_rows, classes.minority_share, classes.imbalance_ratio) == ("b", 5, 0.05, 10.0)


@pytest.mark.parametrize("name", SAMPLES)
def test_skew_and_kurtosis_are_scipys(shape_of, name: str) -> None:
    found = shape_of(SAMPLES[name])
    assert found.skew == pytest.approx(stats.skew(SAMPLES[name], bias=False), rel=1e-9)
    assert found.kurtosis == pytest.approx(stats.kurtosis(SAMPLES[name], bias=False), rel=1e-9)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_most_likely_power_is_scipys_to_the_hundredth(connected, name: str) -> None:
    found = yeo_johnson_power(connected(numbers={"y": SAMPLES[name]}), "numbers")
    assert found == pytest.approx(stats.yeojohnson_normmax(SAMPLES[name]), abs=0.006)


@pytest.mark.parametrize("power", [-1.0, 0.0, 0.5, 1.0, 2.0, 2.5])
def test_the_transformation_is_scipys(connected, power: float) -> None:
    values = [-3.0, -0.5, 0.0, 0.5, 10.0]
    connection = connected(numbers={"y": values})
    found = connection.execute(f"SELECT {yeo_johnson('y', power)} FROM numbers").fetchall()
    assert [row[0] for row in found] == pytest.approx(list(stats.yeojohnson(np.array(values), power)), abs=1e-12)


def test_the_power_of_large_numbers_is_not_lost_to_rounding(shape_of, connected) -> None:
    # Yeo and Johnson's transformation of large positive numbers is Box and Cox's of y + 1.
    values = 1e6 * SAMPLES["skewed"] + 1e6
    expected = stats.boxcox_normmax(values / 1e6, method="mle")
    centre = float(np.mean(np.log(values + 1)))
    power = yeo_johnson_power(connected(numbers={"y": values}), "numbers", centre=centre)
    assert power == pytest.approx(expected, abs=0.01)
    assert shape_of(values).power == pytest.approx(expected, abs=0.01)


def test_outliers_are_counted_by_hand(shape_of) -> None:
    # Median 5, MAD 2: the modified z of 20 is 15 / 2.9652 = 5.06, of 15 it is 3.37. Quartiles 3 and 7: the fences are
    # at -3 and 13.
    values = [1, 2, 3, 3, 4, 5, 5, 6, 7, 7, 8, 15, 20]
    found = shape_of([float(value) for value in values])
    deviations = np.abs(np.array(values) - np.median(values))
    assert (np.median(values), np.median(deviations)) == (5, 2)
    assert (found.raw, found.tukey) == (1, 2)


def test_a_skew_is_far_out_on_the_raw_scale_only(shape_of) -> None:
    found = shape_of(SAMPLES["skewed"])
    assert found.raw > 0.05 * found.sample
    assert found.outliers == found.transformed < 0.01 * found.sample


def test_wrong_entries_are_far_out_on_both_scales(shape_of) -> None:
    values = np.concatenate([SEEDED.normal(100, 5, size=970), np.full(15, 400.0), np.full(15, -200.0)])
    found = shape_of(values)
    assert found.outliers >= 30


def test_where_most_values_are_equal_the_percentiles_take_the_place_of_the_median_deviation(shape_of) -> None:
    # 80 zeros of 100: MAD and quartiles are 0; the 95th percentile is 15.05, so the scale is 15.05 / 3.29 = 4.574 and
    # values above 3.5 · 4.574 = 16.01 are out: 17, 18, 19, 20.
    values = [0.0] * 80 + [float(value) for value in range(1, 21)]
    assert list(np.percentile(values, [75, 95])) == pytest.approx([0, 15.05])
    assert shape_of(values).raw == 4


def test_where_half_the_values_are_equal_the_quartiles_take_the_place_of_the_median_deviation(shape_of) -> None:
    # 70 zeros of 100: MAD 0, upper quartile 5.25, so the scale is 5.25 / 1.349 = 3.892 and values above 13.62 are out.
    values = [0.0] * 70 + [float(value) for value in range(1, 31)]
    assert np.percentile(values, 75) == pytest.approx(5.25)
    assert shape_of(values).raw == 30 - 13


def test_the_top_share_of_squared_deviations_by_hand(shape_of) -> None:
    # 99 zeros and one 100: the mean is 1, the squares are 99 times 1 and once 99 * 99 = 9801, of 9900 in all.
    assert shape_of([0.0] * 99 + [100.0]).top_share == pytest.approx(0.99)
    # 101 rows: the 1 % are rounded up to two of them.
    assert shape_of([0.0] * 99 + [1.0, -1.0]).top_share == pytest.approx(1.0)


def test_the_top_share_of_a_normal_target_is_small_and_of_a_lognormal_one_large(shape_of) -> None:
    normal = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    assert shape_of(normal).top_share == pytest.approx(0.0845, abs=0.001)  # 2 (z phi(z) + 0.005) at z = 2.576
    exponential = stats.expon.ppf((np.arange(20_000) + 0.5) / 20_000)
    assert shape_of(exponential).top_share == pytest.approx(0.222, abs=0.003)  # 0.01 (3.605 ** 2 + 2 * 3.605 + 2)


def test_the_top_share_of_huge_numbers_is_finite(shape_of) -> None:
    assert shape_of([0.0] * 99 + [1e300]).top_share == pytest.approx(0.99)
