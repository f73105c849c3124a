"""Bootstrap samples of rows and of groups."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from executor.evaluation.bootstrap import bootstrap_sampler, exact_lower_bound, independent_units, tail_percent


def test_a_group_is_drawn_whole() -> None:
    groups = np.array([7, 3, 7, 7, 3, 9])
    draw = bootstrap_sampler(6, 6, in_blocks=False, groups=groups)
    for seed in range(20):
        drawn = groups[draw(np.random.default_rng(seed))]
        counts = {group: np.count_nonzero(drawn == group) for group in (7, 3, 9)}
        assert (counts[7] % 3, counts[3] % 2) == (0, 0)
        assert counts[7] // 3 + counts[3] // 2 + counts[9] == 3


def test_copies_widen_the_interval_as_if_there_were_one_row_each() -> None:
    truth = np.repeat(np.random.default_rng(0).normal(size=100), 9)
    spreads = []
    for groups in (None, np.repeat(np.arange(100), 9)):
        draw, random = bootstrap_sampler(900, 900, in_blocks=False, groups=groups), np.random.default_rng(1)
        spreads.append(np.std([truth[draw(random)].mean() for _ in range(400)]))
    assert spreads[1] / spreads[0] == pytest.approx(3, rel=0.15)
    assert spreads[1] == pytest.approx(truth.std() / 10, rel=0.15)


def test_rows_that_are_all_different_are_drawn_one_by_one() -> None:
    plain, grouped = (bootstrap_sampler(50, 50, in_blocks=False, groups=groups) for groups in (None, np.arange(50)))
    np.testing.assert_array_equal(plain(np.random.default_rng(4)), grouped(np.random.default_rng(4)))


def test_an_interval_of_few_rows_covers_as_often_as_it_says() -> None:
    """Means of 10 normal values: the plain 2.5 % percentiles would hold the true mean in some 90 % of the cases."""
    random = np.random.default_rng(0)
    values = random.normal(size=(2_000, 10))
    means = values[np.arange(2_000)[:, None, None], random.integers(0, 10, (2_000, 400, 10))].mean(axis=2)
    low, high = np.percentile(means, [tail_percent(10), 100 - tail_percent(10)], axis=1)
    assert ((low < 0) & (high > 0)).mean() == pytest.approx(0.95, abs=0.015)


def test_groups_count_as_one_unit_each() -> None:
    assert (independent_units(6, None), independent_units(6, np.array([1, 1, 2, 2, 2, 3]))) == (6, 3)
    assert tail_percent(10**6) == pytest.approx(2.5, abs=1e-3)
    assert 0 < tail_percent(1) < 1


def test_of_flawless_answers_the_lower_end_is_that_of_clopper_and_pearson() -> None:
    expected = scipy.stats.binomtest(30, 30).proportion_ci(0.95, method="exact").low
    assert exact_lower_bound(30) == pytest.approx(expected)
