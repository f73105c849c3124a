from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from recommender.examples import example
from recommender.profile.known_split import training_rows
from recommender.recommendation.recommend import recommend
from recommender.recommendation.trial_budget import Sizes, seconds, trial_budget
from recommender.training_cost import text_trial_seconds, trial_seconds
from rules.decision.trace import Pin
from rules.errors import ChoiceError
from rules.vocabulary.choices import BagOfNgrams, CrossValidation, Holdout, MiniRocket, Slot, Standard

if TYPE_CHECKING:
    from rules.vocabulary.choices import Choice
    from rules.vocabulary.facts import Measurement


@pytest.mark.parametrize(("text", "expected"), [("90s", 90.0), ("10m", 600.0), ("1.5h", 5400.0)])
def test_durations_are_read_in_seconds_minutes_and_hours(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "-5s", "0", "10d", "90"])
def test_what_is_not_a_positive_duration_is_refused(text: str) -> None:
    with pytest.raises(ChoiceError, match="positive duration"):
        seconds(text)


def planned(
    *,
    rows: int = 1000,
    columns: int = 10,
    numbers: int = 0,
    words: float = 0.0,
    architecture: Choice | None = None,
    validation: Choice | None = None,
    budget: float | None = None,
    trials: int | None = None,
) -> Measurement:
    """The plan for a table without dependent rows, or with the given fields."""
    return trial_budget(
        Sizes(rows=rows, columns=columns, numbers=numbers, words=words),
        architecture=architecture or Standard(),
        validation=validation or Holdout(),
        budget=budget,
        trials=trials,
    )


def test_a_given_number_of_trials_is_the_trial_budget() -> None:
    assert planned(trials=7).value == 7


def test_the_smaller_of_time_and_trials_counts() -> None:
    assert planned(budget=600.0, trials=7).value == 7
    assert planned(rows=10**6, budget=60.0, trials=700).value == 1


def test_time_divided_by_the_predicted_time_of_a_trial_is_the_trial_budget() -> None:
    """In the time for 150 trials; the true number lies within three times as few and as many."""
    one = trial_seconds(rows=training_rows(5000, in_folds=False), width=512)
    measured = planned(rows=5000, columns=512, budget=8 + 150.5 * one)
    assert (measured.low, measured.value, measured.high) == (50, 150, 451)


def test_the_source_of_the_trial_budget_says_how_it_was_derived() -> None:
    measured = planned(rows=5000, columns=512, budget=300.0)
    assert re.fullmatch(
        r"300 s minus 8 s for start and end, with about [0-9.]+ s per trial that ends after 50% of its epochs on "
        r"average; estimated from the sizes of dataset and network for two idle cores, not measured on this machine",
        measured.source,
    )
    texts = planned(rows=3000, words=12.0, architecture=BagOfNgrams(), budget=60.0)
    assert texts.source.startswith("50% of 60 s minus 8 s for start and end, with about ")


def test_a_trial_in_folds_takes_a_network_for_each_on_all_rows_but_the_hold_out() -> None:
    one = trial_seconds(rows=800, width=20)
    assert planned(columns=20, validation=CrossValidation(), budget=8 + 5 * 9.5 * one).value == 9
    assert planned(columns=20, validation=CrossValidation(repeats=3), budget=8 + 15 * 9.5 * one).value == 9
    alone = trial_seconds(rows=640, width=20)
    assert planned(columns=20, budget=8 + 9.5 * alone).value == 9


def test_texts_are_planned_by_their_words_and_leave_half_of_the_time_for_what_follows() -> None:
    training = training_rows(3000, in_folds=False)
    for letters in (False, True):
        one = text_trial_seconds(rows=training, words=12.0, letters=letters)
        bag = BagOfNgrams(character_ngrams=letters)
        assert planned(rows=3000, words=12.0, architecture=bag, budget=8 + 2 * 5.5 * one).value == 5
    # 1,000 rows of 20 words have 3,400 terms; 8 epochs of 16 steps at 1 ms and half a microsecond a term.
    known = text_trial_seconds(rows=1_000, words=20.0, letters=False)
    assert known == pytest.approx(0.7 / 8 + 128 * (1e-3 + 3_400 * 5e-7))
    # And 12,000 runs of letters.
    known = text_trial_seconds(rows=1_000, words=20.0, letters=True)
    assert known == pytest.approx(0.7 / 8 + 128 * (1e-3 + 15_400 * 5e-7))
    # No more than 60,000 terms are known, however long the texts are.
    longest = [text_trial_seconds(rows=10_000, words=words, letters=False) for words in (1e5, 1e6)]
    assert longest[0] == longest[1]


def test_intervals_count_as_columns_and_random_kernels_as_their_features() -> None:
    one = trial_seconds(rows=640, width=10 + 16 * 4)
    assert planned(columns=10, numbers=4, architecture=Standard(bins=16), budget=8 + 20.5 * one).value == 20
    # Of more than 100 numbers there are none.
    one = trial_seconds(rows=640, width=101)
    assert planned(columns=101, numbers=101, architecture=Standard(bins=16), budget=8 + 20.5 * one).value == 20
    one = trial_seconds(rows=640, width=500)
    assert planned(columns=1, architecture=MiniRocket(features=500), budget=8 + 20.5 * one).value == 20


def test_the_plan_uses_choices_and_pins() -> None:
    one = trial_seconds(rows=142, width=13 * 17)
    advice = recommend(example("wine"), target="cultivar", budget=60.0)
    assert (advice.bundle.architecture, advice.bundle.validation) == (Standard(bins=16), CrossValidation())
    assert advice.record.facts["trial_budget"].value == int(52 / (5 * one))
    apart = Pin(slot=Slot.VALIDATION, choice=Holdout(), reason="to see")
    advice = recommend(example("wine"), target="cultivar", budget=60.0, pins=[apart])
    one = trial_seconds(rows=training_rows(178, in_folds=False), width=13 * 17)
    assert advice.record.facts["trial_budget"].value == int(52 / one)


def test_a_trial_takes_longer_with_more_rows_columns_units_and_layers() -> None:
    usual = trial_seconds(rows=16_000, width=20)
    assert trial_seconds(rows=32_000, width=20) > 1.5 * usual
    assert trial_seconds(rows=16_000, width=2_000) > 2 * usual
    assert trial_seconds(rows=16_000, width=20, units=512) > 3 * usual
    assert trial_seconds(rows=16_000, width=20, layers=1) < usual


def test_even_no_time_allows_one_trial() -> None:
    assert planned(budget=2.0).value == 1
