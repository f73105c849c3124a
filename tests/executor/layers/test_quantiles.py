"""Numbers as normal quantiles of their ranks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm
from sklearn.preprocessing import QuantileTransformer

from executor.layers.numbers import Numbers
from executor.layers.quantiles import KNOTS, heavy_tailed_columns, normal_quantiles

FARTHEST = float(norm.ppf(0.999))


def ranked(seen: np.ndarray, values: np.ndarray, indicators: tuple[int, ...] = ()) -> np.ndarray:
    knots, quantiles = normal_quantiles(seen)
    columns = seen.shape[1]
    layer = Numbers(
        center=[0.0] * columns,
        factor=[0.0] * columns,
        indicators=[*indicators],
        ranked=range(columns),
        knots=knots,
        quantiles=quantiles,
    )
    again = Numbers.from_config(layer.get_config())
    np.testing.assert_array_equal(again(values), layer(values))
    return np.asarray(layer(values))


def test_the_median_is_0_and_other_ranks_are_normal_quantiles() -> None:
    seen = np.exp(np.random.default_rng(0).normal(size=(4_001, 1)))
    points = np.quantile(seen, [0.1, 0.5, 0.8])[:, None]
    assert ranked(seen, points)[:, 0] == pytest.approx(norm.ppf([0.1, 0.5, 0.8]), abs=0.01)


def test_it_agrees_with_scikit_learn_on_skewed_numbers() -> None:
    seen = np.random.default_rng(0).gamma(0.3, size=(5_000, 3))
    theirs = QuantileTransformer(n_quantiles=KNOTS, output_distribution="normal").fit(seen).transform(seen)
    inner = np.abs(theirs) < 2
    np.testing.assert_allclose(ranked(seen, seen)[inner], theirs[inner], atol=0.05)


def test_of_a_column_that_is_mostly_zero_the_others_stay_apart() -> None:
    seen = np.array([0.0] * 80 + [1.0] * 10 + [2.0] * 5 + [1e9] * 5)[:, None]
    zero, one, two, huge = ranked(seen, np.array([[0.0], [1.0], [2.0], [1e9]]))[:, 0]
    assert zero == pytest.approx(norm.ppf(0.4), abs=0.02)
    assert one - zero > 1
    assert two - one > 0.3
    assert huge - two > 0.3


def test_beyond_all_training_rows_a_feature_stays() -> None:
    seen = np.linspace(0, 1, 2_000)[:, None]
    far = ranked(seen, np.array([[-5.0], [7.0], [np.inf], [-np.inf], [1e308]]))[:, 0]
    assert far == pytest.approx([-FARTHEST, FARTHEST, FARTHEST, -FARTHEST, FARTHEST], abs=1e-3)


def test_few_rows_are_not_far_from_the_others() -> None:
    seen = np.arange(10.0)[:, None]
    assert ranked(seen, seen)[:, 0].max() == pytest.approx(norm.ppf(0.95))


def test_missing_is_0_and_has_an_indicator_where_asked() -> None:
    seen = np.array([[1.0, np.nan], [2.0, np.nan], [np.nan, np.nan]])
    assert ranked(seen, seen, indicators=(0,)).tolist()[2] == [0, 0, 1]
    assert ranked(seen, np.array([[1.5, 3.0]]), indicators=(0,)).tolist() == [[0, 0, 0]]


def test_a_constant_column_is_0_even_for_others() -> None:
    assert ranked(np.full((5, 1), 7.0), np.array([[7.0], [8.0], [np.inf]]))[:, 0].tolist() == [0, 0, 0]


def test_some_columns_are_ranked_and_the_others_scaled() -> None:
    random = np.random.default_rng(0)
    seen = np.column_stack([random.normal(size=500), np.exp(2 * random.normal(size=500)), random.random(500)])
    assert heavy_tailed_columns(seen) == [1]
    knots, quantiles = normal_quantiles(seen[:, [1]])
    layer = Numbers(center=[0.0] * 3, factor=[1.0] * 3, indicators=[], ranked=[1], knots=knots, quantiles=quantiles)
    answers, plain = layer(seen).numpy(), Numbers(center=[0.0] * 3, factor=[1.0] * 3, indicators=[])(seen).numpy()
    np.testing.assert_array_equal(answers[:, [0, 2]], plain[:, [0, 2]])
    np.testing.assert_array_equal(answers[:, 1], ranked(seen[:, [1]], seen[:, [1]])[:, 0])


def test_columns_of_mostly_one_value_are_ranked_and_empty_ones_are_not() -> None:
    mostly = np.array([0.0] * 90 + [1.0] * 10)
    assert heavy_tailed_columns(np.column_stack([mostly, np.full(100, np.nan), np.full(100, 3.0)])) == [0]


@settings(deadline=None)  # a layer's first call may take long
@given(arrays(np.float64, st.tuples(st.integers(2, 40), st.just(1)), elements=st.floats(-1e12, 1e12)))
def test_larger_numbers_have_no_smaller_features(values: np.ndarray) -> None:
    features = ranked(values, np.sort(values, axis=0))[:, 0]
    assert np.all(np.diff(features) >= -1e-6)
    assert np.abs(features).max() <= FARTHEST + 1e-6
