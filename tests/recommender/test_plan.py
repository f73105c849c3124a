from __future__ import annotations

import pytest

from recommender.plan import seconds, trial_budget
from rules.errors import ChoiceError


@pytest.mark.parametrize(("text", "expected"), [("90", 90.0), ("90s", 90.0), ("10m", 600.0), ("1.5h", 5400.0)])
def test_durations_are_read_in_seconds_minutes_and_hours(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "-5s", "0", "10d"])
def test_what_is_not_a_positive_duration_is_refused(text: str) -> None:
    with pytest.raises(ChoiceError, match="positive duration"):
        seconds(text)


def test_a_given_number_of_trials_is_the_trial_budget() -> None:
    assert trial_budget(rows=1000, features=10, budget=None, trials=7).value == 7


def test_the_smaller_of_time_and_trials_counts() -> None:
    assert trial_budget(rows=1000, features=10, budget=600.0, trials=7).value == 7
    assert trial_budget(rows=10**6, features=10, budget=60.0, trials=700).value == 1


def test_time_divided_by_the_predicted_time_of_a_trial_is_the_trial_budget() -> None:
    """(108 - 8) s / (0.15 + 2.2e-4 · 1000 · (1 + 512 / 512)) s = 100 / 0.59 = 169.5."""
    measured = trial_budget(rows=1000, features=512, budget=108.0, trials=None)
    assert (measured.low, measured.value, measured.high) == (56, 169, 508)


def test_even_no_time_allows_one_trial() -> None:
    assert trial_budget(rows=1000, features=10, budget=2.0, trials=None).value == 1
