"""Searches over the hyperparameters that a book and the handbook choose, with equally many trials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from executor.components.metric import create_metric
from executor.pipeline.measurement.searches.configurations import (
    DrawnConfiguration,
    configuration_tasks,
    planned_epochs,
    scope_of,
)
from executor.search.oracle import ask, create_oracle
from executor.search.oracles.base import Objective
from rules.scorecard.decide_again import decisions
from rules.scorecard.results import choice_fields
from rules.scorecard.tuners import TRIALS
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from executor.pipeline.measurement.prepare import Subject
    from executor.pipeline.measurement.train import EncodedSubject, Work
    from rules.scorecard.decide_again import Books
    from rules.scorecard.results import TrainingResult
    from rules.vocabulary.bundle import Bundle


def space_tasks(
    subject: Subject, rows: EncodedSubject, books: Books, *, done: Sequence[TrainingResult]
) -> Generator[Work, list[TrainingResult], list[TrainingResult]]:
    """Tasks of searches with the tuner and the hyperparameters that each book chooses for TRIALS trials.

    done: earlier results of the dataset, which are not trained again. Returns a result for each search: that of the
    trial with the best validation score. There are no tasks where both books choose the same hyperparameters.
    """
    at = {"trial_budget": TRIALS}
    chosen = [decisions(subject.measured, book, at) for book in (books.book, books.handbook)]
    if chosen[0][Slot.HYPERPARAMETERS].choice == chosen[1][Slot.HYPERPARAMETERS].choice:
        return []
    keys, found = {(one.text, one.seed): one for one in done if one.slot is Slot.HYPERPARAMETERS}, []
    for own in chosen:
        searched = {slot.value: own[slot].choice for slot in (Slot.HYPERPARAMETERS, Slot.TUNER)}
        bundle = rows.bundle.model_copy(update=searched)
        for seed in subject.seeds:
            if (str(bundle.hyperparameters), seed) in keys:
                continue
            drawn = _proposed(subject, rows, bundle, seed=seed)
            trained = [keys[key] for one in drawn if (key := (str(one.choice), one.number)) in keys]
            missing = [one for one in drawn if (str(one.choice), one.number) not in keys]
            for work in configuration_tasks(subject, rows, missing):
                trained += yield work
            best = subject.measured.direction.best(
                [one for one in trained if one.validation_score is not None] or trained,
                key=lambda one: one.validation_score,
            )
            result = {"choice": choice_fields(bundle.hyperparameters), "seed": seed, "epoch_scores": ()}
            found.append(best.model_copy(update=result))
    return found


def _proposed(subject: Subject, rows: EncodedSubject, bundle: Bundle, *, seed: int) -> list[DrawnConfiguration]:
    """The trials that the tuner of a bundle proposes at once; their numbers differ between seeds."""
    metric = create_metric(bundle.metric)
    objective = Objective(name=metric.name, direction=metric.direction)
    epochs = planned_epochs(subject, rows)
    oracle = create_oracle(bundle, scope_of(rows), objective=objective, seed=seed, epochs=epochs)
    return [
        DrawnConfiguration(number=seed * TRIALS + place, values=proposal.hyperparameters)
        for place, proposal in enumerate(ask(oracle, TRIALS, epochs=epochs))
    ]
