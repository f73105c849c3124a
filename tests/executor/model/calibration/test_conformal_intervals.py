"""Prediction intervals of split conformal prediction."""

from __future__ import annotations

import numpy as np
import pytest

from executor.model.calibration.conformal_intervals import (
    PERCENT,
    Intervals,
    conformal_intervals,
    intervals_by_group,
    min_rows,
)


def test_the_half_width_is_the_residual_of_the_conformal_rank() -> None:
    random = np.random.default_rng(0)
    residuals = random.permutation(np.arange(1.0, 30)) * random.choice([-1, 1], 29)
    found = conformal_intervals(residuals[:, None] + 5, np.full((29, 1), 5.0))
    # 29 residuals of sizes 1 to 29; (29 + 1) · 0.9 = 27 of them must lie inside.
    assert found.half_widths == (27.0,)


@pytest.mark.parametrize(("percent", "fewest"), [(90, 9), (80, 4), (95, 19)])
def test_below_the_fewest_rows_there_is_no_interval_and_it_says_why(percent: int, fewest: int) -> None:
    assert min_rows(percent) == fewest
    enough, few = np.ones((fewest, 1)), np.ones((fewest - 1, 1))
    assert conformal_intervals(enough, enough, percent=percent).half_widths == (0.0,)
    without = conformal_intervals(few, few, percent=percent)
    assert without.half_widths == ()
    assert without.reason_missing == f"{fewest - 1} validation rows are too few, {percent} % needs {fewest}"


def test_each_target_has_its_own_width() -> None:
    residuals = np.column_stack([np.arange(9.0), 10 * np.arange(9.0)])
    found = conformal_intervals(residuals, np.zeros((9, 2)))
    low, high = found.bounds(np.array([[1.0, 2.0]]))
    assert (low.tolist(), high.tolist()) == ([[-7, -78]], [[9, 82]])


def test_new_rows_of_the_same_kind_are_held_as_often_as_promised() -> None:
    random = np.random.default_rng(1)
    held = []
    for _ in range(2_000):
        errors = random.standard_t(3, size=(20, 1))
        new = random.standard_t(3, size=(10, 1))
        low, high = conformal_intervals(errors, np.zeros_like(errors)).bounds(np.zeros_like(new))
        held.append(np.mean((low <= new) & (new <= high)))
    # Of 20 residuals the 19th smallest is taken: 19 of 21 places of a new one lie inside. Standard error 0.0021.
    assert np.mean(held) == pytest.approx(19 / 21, abs=0.008)
    assert np.mean(held) > PERCENT / 100


def test_on_log1p_an_interval_grows_with_the_value_and_never_falls_below_zero() -> None:
    said = np.full((9, 1), 99.0)
    truth = np.expm1(np.log1p(said) + np.linspace(-1, 1, 9)[:, None])
    found = conformal_intervals(truth, said, on="log1p")
    assert found.half_widths == pytest.approx((1.0,))
    low, high = found.bounds(np.array([[0.0], [9.0]]))
    # A factor of e around 1 + y.
    assert low[:, 0] == pytest.approx([0, 10 / np.e - 1])
    assert high[:, 0] == pytest.approx([np.e - 1, 10 * np.e - 1])


def test_residuals_in_spreads_give_intervals_as_wide_as_the_spread_of_a_row() -> None:
    spread = np.linspace(1, 9, 9)[:, None]
    found = conformal_intervals(3 * spread, np.zeros((9, 1)), spread=spread)
    assert (found.half_widths, found.in_spreads) == ((3.0,), True)
    low, high = found.bounds(np.array([[10.0], [10.0]]), np.array([[1.0], [2.0]]))
    assert (low.tolist(), high.tolist()) == ([[7], [4]], [[13], [16]])


def test_intervals_survive_json() -> None:
    found = conformal_intervals(np.arange(12.0)[:, None], np.zeros((12, 1)))
    assert Intervals.model_validate_json(found.model_dump_json()) == found


def test_each_group_with_enough_rows_has_its_own_width_and_others_that_of_all_rows() -> None:
    groups = np.array(["calm"] * 20 + ["wild"] * 20 + ["rare"] * 2, object)
    truth = np.concatenate([np.arange(1, 21) / 10, np.arange(1.0, 21), [0.0, 0.0]])[:, None]
    whole = conformal_intervals(truth, 0 * truth)
    found = intervals_by_group(whole, truth, 0 * truth, by="weather", groups=groups)
    # The 19th of 20 residuals: ceil(21 * 0.9) = 19.
    assert found.groups == {"calm": (1.9,), "wild": (19.0,)}
    assert found.group_rows == {"calm": 20, "rare": 2, "wild": 20}
    low, high = found.bounds(np.zeros((3, 1)), groups=np.array(["wild", "calm", "new"], object))
    assert high.ravel().tolist() == [19.0, 1.9, whole.half_widths[0]]
    assert (low == -high).all()


def test_groups_are_covered_where_one_width_covers_only_their_average() -> None:
    def draw(seed: int) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng(seed)
        groups = random.choice(["calm", "wild"], 8_000).astype(object)
        return (random.normal(size=8_000) * np.where(groups == "wild", 5, 1))[:, None], groups

    truth, groups = draw(0)
    whole = conformal_intervals(truth, 0 * truth)
    found = intervals_by_group(whole, truth, 0 * truth, by="weather", groups=groups)
    new, own = draw(1)
    for name in ("calm", "wild"):
        is_own = own == name
        low, high = found.bounds(np.zeros((is_own.sum(), 1)), groups=own[is_own])
        assert ((low <= new[is_own]) & (new[is_own] <= high)).mean() == pytest.approx(0.9, abs=0.02)
        low, high = whole.bounds(np.zeros((is_own.sum(), 1)))
        assert abs(((low <= new[is_own]) & (new[is_own] <= high)).mean() - 0.9) > 0.05
