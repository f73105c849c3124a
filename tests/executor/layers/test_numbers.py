"""The layers of numbers and time stamps."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest

from executor.layers.constants import PERIODS
from executor.layers.numbers import Calendar, Numbers, robust_scale, varying_waves


def test_a_number_is_scaled_then_clipped_smoothly() -> None:
    layer = Numbers(center=[10.0], factor=[0.5], indicators=[])
    # (16 - 10) · 0.5 = 3; 3 / √(1 + (3/3)²) = 3 / √2.
    assert layer(np.array([[16.0], [10.0]])).numpy()[:, 0] == pytest.approx([3 / math.sqrt(2), 0])


def test_no_number_is_further_than_3() -> None:
    layer = Numbers(center=[0.0], factor=[1.0], indicators=[])
    far = layer(np.array([[1e308], [-1e308], [np.inf], [1e6]])).numpy()[:, 0]
    assert far == pytest.approx([3, -3, 3, 3], rel=1e-6)


def test_a_missing_number_is_0_and_has_an_indicator_where_asked() -> None:
    layer = Numbers(center=[5.0, 5.0], factor=[1.0, 1.0], indicators=[1])
    assert layer(np.array([[np.nan, np.nan], [5.0, 5.0]])).numpy().tolist() == [[0, 0, 1], [0, 0, 0]]


def test_a_constant_column_is_0_even_for_infinity() -> None:
    layer = Numbers(center=[7.0], factor=[0.0], indicators=[])
    assert layer(np.array([[7.0], [8.0], [np.inf]])).numpy()[:, 0].tolist() == [0, 0, 0]


def test_large_numbers_keep_their_differences() -> None:
    seconds = 1_700_000_000.0
    layer = Numbers(center=[seconds], factor=[1.0], indicators=[])
    # float32 alone would round both to the same number.
    low, high = layer(np.array([[seconds], [seconds + 1]])).numpy()[:, 0]
    assert high - low == pytest.approx(1 / math.sqrt(1 + 1 / 9))


def test_the_scale_is_the_median_and_the_interquartile_range() -> None:
    center, factor = robust_scale(np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [np.nan]]))
    assert (center[0], factor[0]) == (2, 0.5)


@pytest.mark.parametrize(
    ("values", "center", "factor"),
    [
        ([0, 0, 0, 0, 0, 0, 8], 0, 1 / 4),  # interquartile range 0: half the range
        ([3, 3, 3], 3, 0),
        ([np.nan, np.nan], 0, 0),
        ([1, np.inf, np.nan], 1, 0),
    ],
)
def test_the_scale_falls_back(values: list[float], center: float, factor: float) -> None:
    found = robust_scale(np.array(values, np.float64)[:, None])
    assert (found[0][0], found[1][0]) == (center, factor)


def test_a_time_stamp_becomes_waves_of_day_week_and_year() -> None:
    quarter_day = PERIODS[0] / 4
    waves = Calendar(kept=list(range(6)))(np.array([[quarter_day]])).numpy()[0]
    expected = [2 * math.pi * quarter_day / period for period in PERIODS]
    assert waves == pytest.approx([*map(math.sin, expected), *map(math.cos, expected)], abs=1e-6)


def test_times_before_1970_and_missing_times_have_waves_too() -> None:
    layer = Calendar(kept=[0, 3])
    assert layer(np.array([[-PERIODS[0] / 4]])).numpy()[0] == pytest.approx([-1, 0], abs=1e-6)
    assert layer(np.array([[np.nan]])).numpy()[0].tolist() == [0, 0]


def test_a_daily_series_has_no_wave_of_the_day() -> None:
    daily = (np.arange(400) * PERIODS[0])[:, None]
    assert varying_waves(daily) == [1, 2, 4, 5]
    assert varying_waves(np.hstack([daily, daily])) == [1, 2, 4, 5, 7, 8, 10, 11]


@pytest.mark.parametrize(
    "layer",
    [Numbers(center=[0.1, 1e-300], factor=[1 / 3, 0.0], indicators=[1]), Calendar(kept=[0, 5])],
    ids=["numbers", "calendar"],
)
def test_a_layer_is_the_same_after_its_configuration_went_through_json(layer: keras.layers.Layer) -> None:
    again = type(layer).from_config(layer.get_config())
    values = np.array([[1.5, np.nan], [2e9, 3.0]])[:, : 1 if isinstance(layer, Calendar) else 2]
    np.testing.assert_array_equal(again(values).numpy(), layer(values).numpy())
    assert again.name == layer.name


def test_preprocessing_is_in_full_precision_under_a_half_precision_policy() -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        layer = Numbers(center=[0.0], factor=[1.0], indicators=[])
        assert layer(np.array([[1e-4]])).numpy()[0, 0] == np.float32(1e-4)
    finally:
        keras.config.set_dtype_policy("float32")
