from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from recommender.examples import example
from recommender.profile.known_split import training_rows
from recommender.recommendation.recommend import recommend
from recommender.recommendation.training_work import Sizes, training_work
from recommender.recommendation.trial_budget import seconds, trial_budget
from recommender.training_cost import full_training_seconds, text_trial_seconds, trial_seconds
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
    slowdown: float | None = None,
) -> Measurement:
    """The plan for a table without dependent rows, or with the given fields."""
    return trial_budget(
        Sizes(rows=rows, columns=columns, numbers=numbers, words=words),
        architecture=architecture or Standard(),
        validation=validation or Holdout(),
        budget=budget,
        trials=trials,
        slowdown=slowdown,
    )


def test_a_given_number_of_trials_is_the_trial_budget() -> None:
    assert planned(trials=7).value == 7


def test_the_smaller_of_time_and_trials_counts() -> None:
    assert planned(budget=600.0, trials=7).value == 7
    assert planned(rows=10**6, budget=60.0, trials=700).value == 1


LEFT: Final = 200.0 - 6.0 - 2.5 * 0.7 - 60.0
"""Seconds of the search of 200: 6 are for imports and encoding, 1.75 to compile, 10 to finish, 50 to train again."""


def trials_in(left: float, *, rows: int, width: int, networks: int = 1) -> int:
    """The default configuration, which ends after half of its epochs on average, and then further trials."""
    first = 2.5 * full_training_seconds(rows=rows, width=width, networks=networks)
    return 1 + int((left - first / 2) / (2.5 * networks * trial_seconds(rows=rows, width=width)))


def test_the_default_configuration_and_what_fits_after_it_are_the_trial_budget() -> None:
    rows = training_rows(5000, in_folds=False)
    measured = planned(rows=5000, columns=512, budget=200.0)
    assert measured.value == trials_in(LEFT, rows=rows, width=512)


def test_a_slow_machine_has_time_for_fewer_trials_and_a_measured_speed_narrows_the_interval() -> None:
    unknown = planned(rows=5000, columns=512, budget=200.0)
    usual, slow = (planned(rows=5000, columns=512, budget=200.0, slowdown=times) for times in (2.5, 10.0))
    assert (usual.value, usual.low) > (slow.value, slow.low)
    assert unknown.value == usual.value
    assert unknown.low < usual.low < usual.value < usual.high < unknown.high


def test_the_source_of_the_trial_budget_says_how_it_was_derived() -> None:
    assert re.fullmatch(
        r"of 200 s about 132 s are left for the search: [0-9.]+ s for the default configuration, then about [0-9.]+ s "
        r"per trial; estimated from the sizes of dataset and network for two idle cores, not measured on this machine",
        planned(rows=5000, columns=512, budget=200.0).source,
    )
    assert planned(rows=5000, budget=200.0, slowdown=2.0).source.endswith(
        "and from the speed measured on this machine (1.25 times that of the reference)"
    )


def test_a_trial_in_folds_takes_a_network_for_each_on_all_rows_but_the_hold_out() -> None:
    folds = planned(columns=20, validation=CrossValidation(), budget=200.0)
    assert folds.value == trials_in(LEFT - 4 * 0.3, rows=800, width=20, networks=5)
    repeated = planned(columns=20, validation=CrossValidation(repeats=3), budget=200.0)
    assert repeated.value == trials_in(LEFT - 14 * 0.3, rows=800, width=20, networks=15)
    assert planned(columns=20, budget=200.0).value == trials_in(LEFT, rows=640, width=20)


@pytest.mark.parametrize(
    ("budget", "left"),
    [
        (200.0, 128),  # fifteen networks, which need 10 + 14 * 0.3 + 20 + 30 s afterwards
        (100.0, 58),  # fifteen: 5 + 14 * 0.3 + 10 + 15 s
        (30.0, 13),  # one: 4.5 + 4.5 s
    ],
)
def test_networks_that_do_not_fit_are_left_out_of_the_plan(budget: float, left: int) -> None:
    folds = planned(rows=9000, columns=500, validation=CrossValidation(repeats=3), budget=budget)
    assert folds.source.startswith(f"of {budget:g} s about {left} s are left for the search: ")
    assert folds.low is not None
    assert folds.high is not None
    assert folds.low <= folds.value <= folds.high


def test_texts_are_planned_by_their_words_and_leave_time_for_what_follows() -> None:
    training = training_rows(3000, in_folds=False)
    for letters, start in ((False, True), (True, True), (False, False)):
        one = text_trial_seconds(rows=training, words=12.0, letters=letters, linear_start=start)
        bag = BagOfNgrams(character_ngrams=letters, linear_start=start)
        left = 200.0 - 6.0 - 1.75 - 200.0 / 2  # at most half of the limit is reserved
        assert planned(rows=3000, words=12.0, architecture=bag, budget=200.0).value == 1 + int((left - one / 2) / one)
    # 1,000 rows of 20 words have 3,400 terms; 8 epochs of 16 steps at 1 ms and half a microsecond a term.
    known = text_trial_seconds(rows=1_000, words=20.0, letters=False)
    assert known == pytest.approx(0.7 + 128 * (1e-3 + 3_400 * 5e-7))
    # And 12,000 runs of letters.
    known = text_trial_seconds(rows=1_000, words=20.0, letters=True)
    assert known == pytest.approx(0.7 + 128 * (1e-3 + 15_400 * 5e-7))
    # Next to a linear layer, a quarter of the units.
    known = text_trial_seconds(rows=1_000, words=20.0, letters=False, linear_start=True)
    assert known == pytest.approx(0.7 + 128 * (1e-3 + 850 * 5e-7))
    # No more than 60,000 terms are known, however long the texts are.
    longest = [text_trial_seconds(rows=10_000, words=words, letters=False) for words in (1e5, 1e6)]
    assert longest[0] == longest[1]


def test_intervals_count_as_columns() -> None:
    binned = planned(columns=10, numbers=4, architecture=Standard(bins=16), budget=200.0)
    assert binned.value == trials_in(LEFT, rows=640, width=10 + 16 * 4)
    # Of more than 100 numbers there are none.
    many = planned(columns=101, numbers=101, architecture=Standard(bins=16), budget=200.0)
    assert many.value == trials_in(LEFT, rows=640, width=101)


def test_networks_of_random_features_train_for_24_epochs_and_share_a_graph() -> None:
    # 1,000 rows without 200: 13 steps of 64 rows in an epoch. A weight takes 6 · 64 / 2.6e11 + 1e-9 s of a step.
    each = 6 * 64 / 2.6e11 + 1e-9
    steps, first = 24 * 13, (500 * 256 + 2 * 256**2 + 500) * each
    left = LEFT - 4 * 0.3  # five networks are built afterwards
    found = planned(columns=1, architecture=MiniRocket(features=500), validation=CrossValidation(), budget=200.0)
    further = 0.7 / 8 + steps / 2 * (5e-4 / 8 + 5 * first)
    assert found.value == 1 + int((left - 2.5 * steps * (5e-4 + 5 * first) / 2) / (2.5 * further))


def test_a_classification_of_few_sequences_searches_narrow_layers_and_trains_on_the_named_rows() -> None:
    # Of 200 rows, 150 are named as the hold-out: one step of 50 rows in an epoch, 128 units in a further trial.
    sizes = Sizes(rows=200, columns=1, outputs=3, has_classes=True, hold_out=150)
    work = training_work(sizes, architecture=MiniRocket(features=500), validation=CrossValidation())
    each = 6 * 50 / 2.6e11 + 1e-9
    weights = [500 * units + 2 * units**2 + 3 * 500 for units in (256, 128)]
    assert (work.training_rows, work.epochs, work.sizes[0].networks) == (50, 24, 5)
    assert work.sizes[0].seconds == pytest.approx(24 * (5e-4 + 5 * weights[0] * each))
    assert work.sizes[0].further == pytest.approx(0.7 / 8 + 12 * (5e-4 / 8 + 5 * weights[1] * each))


def test_the_plan_uses_choices_and_pins() -> None:
    advice = recommend(example("wine"), target="cultivar", budget=200.0)
    assert (advice.bundle.architecture, advice.bundle.validation) == (Standard(bins=16), CrossValidation())
    folds = trials_in(LEFT - 4 * 0.3, rows=142, width=13 * 17, networks=5)
    assert advice.record.facts["trial_budget"].value == folds
    apart = Pin(slot=Slot.VALIDATION, choice=Holdout(), reason="to see")
    advice = recommend(example("wine"), target="cultivar", budget=200.0, pins=[apart])
    alone = trials_in(LEFT, rows=training_rows(178, in_folds=False), width=13 * 17)
    assert advice.record.facts["trial_budget"].value == alone


def test_a_trial_takes_longer_with_more_rows_columns_units_and_layers() -> None:
    usual = trial_seconds(rows=16_000, width=20)
    assert trial_seconds(rows=32_000, width=20) > 1.5 * usual
    assert trial_seconds(rows=16_000, width=2_000) > 2 * usual
    assert trial_seconds(rows=16_000, width=20, units=512) > 3 * usual
    assert trial_seconds(rows=16_000, width=20, layers=1) < usual


def test_even_no_time_allows_one_trial() -> None:
    assert planned(budget=2.0).value == 1
