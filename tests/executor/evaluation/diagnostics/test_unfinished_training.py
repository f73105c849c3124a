"""Whether a network was cut off, and the time limit that it needs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from executor.evaluation.diagnostics.unfinished_training import find_cut_off
from executor.search.records.outcome import Outcome
from executor.search.records.training_size import TrainingSize
from executor.search.records.trials import Trials


def _trial(number: int, *, epochs: int, planned: int = 100, each: float | None = 0.5, **more: Any) -> Outcome:
    fields = {"number": number, "hyperparameters": {}, "status": "completed", "score": 0.5, "epochs": epochs}
    fields |= {"planned_epochs": planned, "seconds": 9.0, "epoch_seconds": each}
    fields["ended_by"] = "completed" if epochs == planned else "early_stopping"
    return Outcome.model_validate(fields | more)


def _trials(*ranked: Outcome, **more: Any) -> Trials:
    return replace(Trials(ranked=ranked, stopped_by="budget", epochs=100), **more)


def test_a_trial_that_stopped_by_itself_is_not_cut_off() -> None:
    patient, whole = _trial(0, epochs=40), _trial(1, epochs=100)
    assert find_cut_off([0, 1], _trials(patient, whole), limit_for=float) is None


def test_another_trial_that_was_cut_off_does_not_touch_the_model() -> None:
    trials = _trials(_trial(0, epochs=40), _trial(1, epochs=10, ended_by="deadline"))
    assert find_cut_off([0], trials, limit_for=float) is None


def test_all_trials_that_were_cut_off_together_need_their_missing_epochs() -> None:
    # 90 epochs of 0.5 s, and 60 of 0.25 s, are 60 s; with 10 s for everything else the limit is 70 s.
    trials = _trials(_trial(0, epochs=10, ended_by="deadline"), _trial(1, epochs=40, each=0.25, ended_by="deadline"))
    found = find_cut_off([0], trials, limit_for=lambda seconds: seconds + 10)
    assert found is not None
    assert (found.trial, found.epochs, found.planned, found.seconds) == (0, 10, 100, 70)
    assert found.extent == "training was cut off after 10 of 100 planned epochs"
    assert found.option == "--budget 2m"


def test_without_a_timed_epoch_the_time_is_unknown() -> None:
    found = find_cut_off([0], _trials(_trial(0, epochs=1, each=None, ended_by="deadline")), limit_for=float)
    assert found is not None
    assert found.seconds is None
    assert found.option == "a longer --budget"


def test_epochs_of_the_trial_that_was_continued_count() -> None:
    first = _trial(0, epochs=9, planned=9)
    then = _trial(1, epochs=5, planned=91, continues=0, ended_by="deadline")
    found = find_cut_off([1], _trials(then, first), limit_for=float)
    assert found is not None
    assert (found.epochs, found.planned, found.seconds) == (14, 100, 86 * 0.5)


def test_hyperband_that_time_ended_before_its_first_whole_trial_is_cut_off() -> None:
    short = _trials(_trial(0, epochs=9, planned=9), _trial(1, epochs=9, planned=9), coming=180)
    found = find_cut_off([0], short, limit_for=float)
    assert found is not None
    assert (found.epochs, found.planned, found.seconds) == (9, 100, 90)
    assert find_cut_off([0], replace(short, stopped_by="trials"), limit_for=float) is None
    whole = _trial(2, epochs=91, planned=91, continues=1)
    assert find_cut_off([0], replace(short, ranked=(*short.ranked, whole)), limit_for=float) is None


@pytest.mark.parametrize(("epochs", "is_cut_off"), [(100, False), (30, False), (29, True), (1, True)])
def test_trials_with_less_than_a_third_of_the_planned_epochs_are_cut_off(epochs: int, is_cut_off: bool) -> None:
    size = TrainingSize(
        networks=1,
        epochs=epochs,
        seconds=epochs * 0.1,
        planned_networks=1,
        planned_epochs=100,
        planned_seconds=8.5,
        slowdown=1.0,
    )
    trials = _trials(_trial(0, epochs=epochs, planned=epochs, ended_by="completed"), size=size, epochs=epochs)
    found = find_cut_off([0], trials, limit_for=lambda seconds: seconds)
    assert (found is not None) is is_cut_off
    if found is not None:
        # The full training is planned for 85 % of the time: 8.5 / 0.85 s, without those of this training.
        assert (found.trial, found.epochs, found.planned) == (0, epochs, 100)
        assert found.seconds == pytest.approx(10 - epochs * 0.1)
    early = _trials(_trial(0, epochs=epochs, planned=100, ended_by="early_stopping"), size=size, epochs=100)
    assert find_cut_off([0], early, limit_for=float) is None


def test_of_a_smaller_training_that_was_cut_off_both_remedies_name_the_same_limit() -> None:
    size = TrainingSize(
        networks=1,
        epochs=90,
        seconds=9.0,
        planned_networks=5,
        planned_epochs=100,
        planned_seconds=85.0,
        slowdown=1.0,
    )
    # Ten epochs of 0.5 s are missing, but all folds need 85 / 0.85 s instead of the 9 s of this training.
    trials = _trials(_trial(0, epochs=90, planned=100, ended_by="deadline"), size=size)
    found = find_cut_off([0], trials, limit_for=lambda seconds: seconds + 12)
    assert found is not None
    assert found.seconds == pytest.approx(103)
    sentence = trials.reduction(30, option=found.option)
    assert sentence.endswith("needs about 85 s here. Use --budget 2m.")
    assert found.option == "--budget 2m"
