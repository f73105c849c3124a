from __future__ import annotations

import pytest

from recommender.examples import example
from recommender.plan import seconds, trial_budget
from recommender.recommend import recommend
from recommender.speed import BINNED_TASKS, BINS, LETTERS_BELOW, text_trial_seconds, trial_seconds
from recommender.splitting import rows_that_train
from rules.choices import Slot, Standard
from rules.engine import load_book
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
    """In the time for 150 trials; the true number lies within three times as few and as many."""
    one = trial_seconds(rows=rows_that_train(5000, by_chance=True), width=512)
    measured = trial_budget(rows=5000, features=512, budget=8 + 150.5 * one, trials=None)
    assert (measured.low, measured.value, measured.high) == (50, 150, 451)


def test_few_rows_that_chance_divides_take_a_network_for_each_of_five_folds() -> None:
    one = 5 * trial_seconds(rows=800, width=20)
    assert trial_budget(rows=1000, features=20, budget=8 + 9.5 * one, trials=None).value == 9
    alone = trial_seconds(rows=640, width=20)
    assert trial_budget(rows=1000, features=20, budget=8 + 9.5 * alone, trials=None, by_chance=False).value == 9


def test_texts_are_planned_by_their_words_and_leave_half_of_the_time_for_what_follows() -> None:
    one = text_trial_seconds(rows=rows_that_train(3000, by_chance=False), words=12.0)
    assert (
        trial_budget(rows=3000, features=1, budget=8 + 2 * 5.5 * one, trials=None, by_chance=False, words=12.0).value
        == 5
    )
    # 1,000 rows of 20 words have 3,400 terms; 8 epochs of 16 steps at 1 ms and half a microsecond a term.
    assert text_trial_seconds(rows=1_000, words=20.0) == pytest.approx(0.7 / 8 + 128 * (1e-3 + 3_400 * 5e-7))
    # Of 10 words 1,700, and 6,000 runs of letters.
    assert text_trial_seconds(rows=1_000, words=10.0) == pytest.approx(0.7 / 8 + 128 * (1e-3 + 7_700 * 5e-7))
    # No more than 30,000 terms are known, however long the texts are.
    assert text_trial_seconds(rows=10_000, words=1e6) == text_trial_seconds(rows=10_000, words=1e5)


def test_the_plan_reads_letters_where_the_rules_do() -> None:
    rule = next(rule for rule in load_book().book.of(Slot.ARCHITECTURE) if rule.id == "M202")
    assert f"text_words < {LETTERS_BELOW:g}" in map(str, rule.when)


def test_the_plan_counts_the_intervals_that_the_rules_choose() -> None:
    rule = next(rule for rule in load_book().book.of(Slot.ARCHITECTURE) if rule.id == "M301")
    assert rule.choice == Standard(bins=BINS)
    assert f"task is {' or '.join(BINNED_TASKS)}" in map(str, rule.when)
    wine = recommend(example("wine"), target="cultivar", budget=60.0)
    one = 5 * trial_seconds(rows=rows_that_train(178, by_chance=True), width=13 * (1 + BINS))
    assert wine.record.facts["trial_budget"].value == int(52 / one)


def test_a_trial_takes_longer_with_more_rows_columns_units_and_layers() -> None:
    usual = trial_seconds(rows=16_000, width=20)
    assert trial_seconds(rows=32_000, width=20) > 1.5 * usual
    assert trial_seconds(rows=16_000, width=2_000) > 2 * usual
    assert trial_seconds(rows=16_000, width=20, units=512) > 3 * usual
    assert trial_seconds(rows=16_000, width=20, layers=1) < usual


def test_even_no_time_allows_one_trial() -> None:
    assert trial_budget(rows=1000, features=10, budget=2.0, trials=None).value == 1
