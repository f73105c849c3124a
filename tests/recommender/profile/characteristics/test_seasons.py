"""Seasons are found where they are, and nowhere else."""

from __future__ import annotations

import numpy as np

from recommender.profile.characteristics.seasons import (
    best_season,
    find_horizon_and_season,
    found_seasons,
    natural_seasons,
    seasonal_error,
    strengths,
)
from rules.decision.request import Request


def test_a_clock_has_natural_seasons_that_are_seen_three_times() -> None:
    assert natural_seasons(3_600, 72) == (24,)
    assert natural_seasons(3_600, 71) == ()
    assert natural_seasons(86_400, 2_000) == (7, 365)


def test_a_series_without_a_clock_shows_its_season() -> None:
    random = np.random.default_rng(0)
    at = np.arange(600)
    assert found_seasons(np.sin(at * np.pi / 12) + at / 20 + random.normal(size=600) / 3)[0] == 24
    assert found_seasons(random.normal(size=600)) == ()
    assert found_seasons(np.cumsum(random.normal(size=20))) == ()
    assert found_seasons(np.full(50, 3.0)) == ()


def test_the_error_of_a_season_is_that_of_its_last_known_values() -> None:
    values = np.array([0.0, 10, 0, 10, 0, 10])[:, None]
    # Two steps ahead, a season of two: always right. The last value is wrong by 10 at every odd step.
    assert seasonal_error([values], 2, 2) == 0
    assert seasonal_error([values], 1, 2) == np.mean([10, 0]) / 10
    assert best_season([values], (2,), 2) == 2
    assert best_season([np.cumsum(np.ones(50))[:, None]], (7,), 3) is None


def test_strengths_are_between_nothing_and_all() -> None:
    at = np.arange(240)
    noise = np.random.default_rng(1).normal(size=240)
    trend, season = strengths(at / 10 + 0.01 * noise, 12)
    assert trend > 0.99
    assert season is not None
    assert season < 0.6
    assert strengths(noise, None)[1] is None


def test_a_step_of_no_time_has_no_natural_season() -> None:
    values = np.tile([0.0, 1, 5, 1], 30)[:, None]
    assert find_horizon_and_season([values], Request(), seconds=0.0) == find_horizon_and_season(
        [values], Request(), seconds=None
    )
