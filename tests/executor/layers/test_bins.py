"""Numbers in bins."""

from __future__ import annotations

import numpy as np
import pytest

from executor.layers.numbers import Numbers
from executor.layers.quantiles import bin_edges, piecewise_linear


def test_edges_part_the_rows_into_as_many_each() -> None:
    assert bin_edges(np.arange(9.0)[:, None], 4) == [[0, 2, 4, 6, 8]]


@pytest.mark.parametrize(
    ("values", "edges"),
    [([0, 0, 0, 0, 0, 0, 1, 2], [0, 1, 2]), ([0, 1, 0, 1], []), ([5, 5, 5], [])],
    ids=["mostly one value", "two values", "constant"],
)
def test_values_that_many_rows_share_leave_fewer_intervals(values: list[float], edges: list[float]) -> None:
    assert bin_edges(np.array(values, float)[:, None], 8) == [edges]


def test_a_number_fills_the_intervals_below_it() -> None:
    found = piecewise_linear(np.array([[-9.0], [0.5], [2.0], [99.0]], np.float32), [[0.0, 1.0, 3.0]]).numpy()
    assert found.tolist() == [[0, 0], [0.5, 0], [1, 0.5], [1, 1]]


def test_a_number_is_the_sum_of_what_it_has_come_through() -> None:
    values = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    edges = bin_edges(values, 5)
    filled = piecewise_linear(values, edges).numpy().reshape(50, 2, 5)
    again = np.array([own[0] + filled[:, column] @ np.diff(own) for column, own in enumerate(edges)]).T
    np.testing.assert_allclose(again, values, atol=1e-5)


def test_columns_without_intervals_have_none() -> None:
    found = piecewise_linear(np.array([[1.0, 2.0]], np.float32), [[], [0.0, 2.0, 4.0]]).numpy()
    assert found.tolist() == [[1, 0]]


def test_bins_stand_behind_numbers_and_indicators_with_their_means_taken_off() -> None:
    layer = Numbers(center=[1.0], factor=[1.0], indicators=[0], edges=[[-1.0, 0.0, 1.0]], means=[0.75, 0.25])
    assert layer.output_width == 4
    found = layer(np.array([[1.0], [np.nan]])).numpy()
    # 1 is the center, 0, where the first interval ends; so is a missing number, which has its indicator.
    np.testing.assert_allclose(found, [[0, 0, 0.25, -0.25], [0, 1, 0.25, -0.25]])
