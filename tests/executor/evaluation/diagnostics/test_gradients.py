"""Vanishing and exploding gradients are named with their measurement."""

from __future__ import annotations

import pytest

from executor.evaluation.diagnostics.gradients import REMEDIES, describe_gradients, gradient_flow, gradient_problem
from executor.search.records.outcome import Outcome


def trial(number: int, norms: tuple[float | None, ...], shares: tuple[float | None, ...] = ()) -> Outcome:
    return Outcome(
        number=number,
        hyperparameters={},
        status="completed",
        score=0.9,
        cost=0.1,
        epochs=len(norms),
        best_epoch=1,
        planned_epochs=len(norms),
        seconds=1.0,
        ended_by="completed",
        gradient_norm=norms,
        first_layer_share=shares,
    )


@pytest.mark.parametrize(
    ("norms", "shares", "problem"),
    [
        ((1.0, 1_000.0), (0.5, 0.5), None),
        ((1.0, 1_001.0), (0.5, 0.5), "exploding"),
        ((1.0, None), (0.5, None), "exploding"),
        ((1.0, 0.1), (0.0, 1e-4), None),
        ((1.0, 0.1), (0.5, 0.9e-4), "vanishing"),
        ((1.0,), (0.0,), None),  # the first step of a network that starts at a linear model
        ((0.0, 0.0), (0.0, 0.0), "vanishing"),
        ((1.0, 2.0), (), None),
        ((), (), None),
    ],
)
def test_gradients_explode_from_a_growth_and_vanish_below_a_share(
    norms: tuple[float | None, ...], shares: tuple[float | None, ...], problem: str | None
) -> None:
    assert gradient_problem(trial(0, norms, shares)) == problem


def test_each_problem_is_one_sentence_with_the_best_trial_that_has_it() -> None:
    ranked = [
        trial(4, (2.0, 5_000.0)),
        trial(0, (1.0, 1.0), (0.5, 0.5)),
        trial(1, (1.0, None)),
        trial(2, (1.0, 1.0), (0.5, 0.0)),
    ]
    exploding, vanishing = REMEDIES.values()
    assert describe_gradients(ranked) == (
        f"Gradients explode in 2 trials (1, 4): in trial 4 the gradient norm grows from 2 to 5,000. {exploding} "
        "Gradients vanish in trial 2: in trial 2 the first hidden layer has at most 0 of the gradient norm in every "
        f"epoch after the first. {vanishing} Rules test it in a next training with --after RUN."
    )
    assert describe_gradients(ranked[1:2]) == ""


def test_the_fact_is_that_of_the_best_trial_and_its_source_counts_the_others() -> None:
    exploding, stable = trial(4, (2.0, 5_000.0)), trial(0, (1.0, 1.0), (0.5, 0.5))
    first = gradient_flow([stable, exploding, exploding])
    assert (first.value, first.source) == ("stable", "2 epochs of trial 0, the best; exploding in 2 of 3 trials")
    assert gradient_flow([exploding, stable]).value == "exploding"
    assert gradient_flow([trial(3, ())]).value == "unmeasured"
    short = gradient_flow([trial(3, (1.0,), (0.0,))])
    assert (short.value, short.source) == ("unmeasured", "trial 3, the best, has 1 measured epoch, fewer than 2")
