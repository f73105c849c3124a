from __future__ import annotations

import math

import numpy as np

from executor.search.runners.training_state import StepMeans, Training, patience_of
from rules.vocabulary.choices import CrossValidation, Holdout
from rules.vocabulary.direction import Direction


def test_of_epochs_with_the_same_score_the_one_with_the_lowest_cost_is_kept() -> None:
    training = Training()
    for score, cost in ((0.9, 0.5), (1.0, 0.4), (1.0, 0.2), (1.0, 0.3), (0.8, 0.1)):
        training.note(score, cost, direction=Direction.MAX)
    assert (training.best, training.best_cost, training.best_epoch) == (1.0, 0.2, 3)


def test_initial_weights_that_no_epoch_improves_on_are_kept_as_epoch_0() -> None:
    training = Training()
    assert not training.note_start(None, math.inf)
    assert training.best_epoch is None
    assert training.note_start(0.9, 0.3)
    training.note(0.9, 0.5, direction=Direction.MAX)  # a higher loss
    assert (training.best, training.best_cost, training.best_epoch) == (0.9, 0.3, 0)
    training.note(0.9, 0.3, direction=Direction.MAX)  # of equal epochs the later one
    assert training.best_epoch == 2


def test_without_early_stopping_a_trial_is_patient_for_all_of_its_epochs() -> None:
    assert (
        patience_of(100, Holdout(early_stopping=False))
        == patience_of(100, CrossValidation(early_stopping=False))
        == 100
    )
    assert patience_of(100, Holdout()) == patience_of(100) == 25


def test_training_loss_and_gradient_norm_are_kept_with_six_digits_and_without_infinities() -> None:
    training = Training()
    for means in ((0.123456789, 1234567.0, 2.0, 0.5), (math.nan, math.inf, math.inf, math.nan)):
        training.note(0.5, 0.5, direction=Direction.MAX, means=means)
    assert training.losses == [0.123457, None]
    assert training.gradient_norms == [1234570.0, None]
    assert (training.weight_norms, training.first_layer_shares) == ([2.0, None], [0.5, None])


def test_means_of_an_epoch_are_over_its_steps_and_over_every_eighth_of_them() -> None:
    means = StepMeans()
    assert math.isnan(means.of(slice(None))[0])
    means.add(
        np.array([[9.0, 18.0], [4.0, 8.0], [6.0, 10.0], [1.0, 0.5]]), steps=9
    )  # of 9 steps the first and the ninth have a norm
    means.add(np.array([[1.0, 2.0], *[[0.0, 0.0]] * 3]), steps=1)
    assert means.of(slice(0, 1)) == (1.0, 2.0, 3.0, 0.5)
    assert means.of(slice(0, 2)) == (1.5, 3.0, 4.0, 0.375)
