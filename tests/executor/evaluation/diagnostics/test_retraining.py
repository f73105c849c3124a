"""The chosen configuration trained again, within its time."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from executor.components.metric import create_metric
from executor.evaluation.diagnostics.retraining import SEEDS, SelectedConfiguration, retrain
from executor.runtime.clock import Clock
from executor.search.records.outcome import Outcome
from recommender.time_plan import TimePlan, plan_time
from recommender.training_cost import batch_size, steps_of, table_epochs
from rules.vocabulary.facts import Task
from tests.effort import long_test

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle
    from tests.executor.conftest import MakeParts

EPOCHS = 3
PLENTY = 3_600.0  # seconds


def _clock(limit: float) -> Clock:
    """A clock that stands still: nothing takes time."""
    return Clock(plan_time(limit), now=lambda: 0.0)


def _outcome(number: int = 0, *, seconds: float = 0.01, continues: int | None = None) -> Outcome:
    return Outcome(
        number=number,
        hyperparameters={"units": 16},
        status="completed",
        score=0.9,
        epochs=EPOCHS,
        planned_epochs=EPOCHS,
        seconds=seconds,
        ended_by="completed",
        continues=continues,
    )


def _winner(bundle: Bundle, *ranked: Outcome, one_by_one: bool = False) -> SelectedConfiguration:
    return SelectedConfiguration(
        ranked=ranked or (_outcome(),),
        bundle=bundle,
        metric=create_metric(bundle.metric),
        seed=0,
        one_by_one=one_by_one,
    )


def test_it_is_trained_on_all_rows_a_half_a_quarter_and_an_eighth(
    make_bundle: Callable[..., Bundle], breast_cancer: Parts
) -> None:
    curve = retrain(_winner(make_bundle()), breast_cancer, clock=_clock(PLENTY), stopped_by="trials")
    assert [point.rows for point in curve.points] == [57, 114, 228, 455]
    assert all(len(set(point.scores)) > 1 for point in curve.points[:1])
    assert all(len(point.scores) == SEEDS for point in curve.points)
    assert curve.points[-1].mean > curve.points[0].mean
    assert curve.missing == ""


def test_networks_without_a_stacked_form_are_trained_one_by_one(
    make_bundle: Callable[..., Bundle], make_parts: MakeParts
) -> None:
    dense = np.random.default_rng(0).normal(size=(60, 2))
    parts = make_parts(dense, dense[:, :1] > 0, task=Task.BINARY)
    chosen = _winner(make_bundle(), one_by_one=True)
    curve = retrain(chosen, parts, clock=_clock(PLENTY), stopped_by="trials")
    assert [(point.rows, len(point.scores)) for point in curve.points] == [(48, SEEDS)]


def test_the_epochs_are_those_of_a_table_of_that_size_cut_short_as_the_trial_was(
    make_bundle: Callable[..., Bundle], breast_cancer: Parts
) -> None:
    whole = table_epochs(steps_of(455, batch_size(455)))
    short = _winner(make_bundle(), _outcome().model_copy(update={"planned_epochs": whole // 4}))
    assert short.epochs(breast_cancer, 455) == whole // 4
    assert short.epochs(breast_cancer, 57) == round(table_epochs(1) * (whole // 4) / whole)
    ranked = (_outcome(2, continues=1), _outcome(0), _outcome(1, continues=0))
    assert _winner(make_bundle(), *ranked).epochs(breast_cancer, 455) == 3 * EPOCHS


@long_test
def test_of_folds_each_row_is_judged_by_networks_that_did_not_learn_from_it(
    make_bundle: Callable[..., Bundle], make_parts: MakeParts
) -> None:
    """Answers that are drawn by lot are not foretold, as they were by networks that had seen them."""
    random = np.random.default_rng(0)
    parts = make_parts(random.normal(size=(100, 20)), random.random((100, 1)) > 0.5, task=Task.BINARY)
    train = replace(parts.train, fold=(np.arange(80) % 4).astype(np.int32)[:, None])
    learned = _outcome().model_copy(update={"planned_epochs": 200, "hyperparameters": {"units": 64}})
    folded = replace(parts, train=train, validation=train)
    curve = retrain(_winner(make_bundle(), learned), folded, clock=_clock(PLENTY), stopped_by="trials")
    assert [point.rows for point in curve.points] == [40, 80]
    assert all(0.2 < point.mean < 0.7 for point in curve.points)


@pytest.mark.parametrize(
    ("limit", "stopped_by", "words"),
    [
        (None, "trials", "no time limit was set. Use --budget"),
        (PLENTY, "interrupt", "the search was interrupted"),
        (
            60,
            "budget",
            "(needs about 3 s more). Use --budget 2m",
        ),
    ],
)
def test_what_is_not_measured_says_why_and_how_to_ask_for_it(
    limit: float | None, stopped_by: str, words: str, make_bundle: Callable[..., Bundle], breast_cancer: Parts
) -> None:
    clock = Clock(TimePlan(limit=limit), now=lambda: 59.9, start=0.0)
    curve = retrain(_winner(make_bundle()), breast_cancer, clock=clock, stopped_by=stopped_by)
    assert not curve.points
    assert words in curve.missing


def test_what_is_cut_short_is_no_point(make_bundle: Callable[..., Bundle], breast_cancer: Parts) -> None:
    # A hundred epochs do not fit into the 3 s that it may take of 12 s: each look at the clock takes 0.25 s.
    slow = _outcome().model_copy(update={"planned_epochs": 100})
    looks = itertools.count(step=0.25)
    clock = Clock(TimePlan(limit=12), now=lambda: next(looks))
    curve = retrain(_winner(make_bundle(), slow), breast_cancer, clock=clock, stopped_by="trials")
    assert not curve.points
    assert "not measured on 455 training rows and fewer" in curve.missing


def test_reserved_time_is_used_and_too_few_rows_are_no_part(
    make_bundle: Callable[..., Bundle], make_parts: MakeParts
) -> None:
    dense = np.random.default_rng(0).normal(size=(100, 2))
    parts = make_parts(dense, dense[:, :1] > 0, task=Task.BINARY)
    # Of 100 s 10 s are reserved for it and 8 s for the rest. 85 s are spent: 7 s are left of those.
    clock = Clock(plan_time(100), now=lambda: 85.0, start=0.0)
    assert clock.is_over
    curve = retrain(_winner(make_bundle()), parts, clock=clock, stopped_by="budget")
    assert [point.rows for point in curve.points] == [40, 80]
