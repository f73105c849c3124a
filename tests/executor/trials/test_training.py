from __future__ import annotations

from executor.trials.training import Training, patience_of
from rules.choices import Folds, RowsApart


def test_of_epochs_with_the_same_score_the_one_with_the_lowest_cost_is_kept() -> None:
    training = Training()
    for score, cost in ((0.9, 0.5), (1.0, 0.4), (1.0, 0.2), (1.0, 0.3), (0.8, 0.1)):
        training.note(score, cost, direction="max")
    assert (training.best, training.best_cost, training.best_epoch) == (1.0, 0.2, 3)


def test_without_early_stopping_a_trial_is_patient_for_all_of_its_epochs() -> None:
    assert patience_of(100, RowsApart(early_stopping=False)) == patience_of(100, Folds(early_stopping=False)) == 100
    assert patience_of(100, RowsApart()) == patience_of(100) == 25
