"""Tuners: the test score of replayed searches after equal numbers of trained epochs."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import TYPE_CHECKING, Final

import numpy as np

from rules.scorecard.decide_again import decisions
from rules.scorecard.effects import effect, log_ratios
from rules.scorecard.results import error_of
from rules.scorecard.scorecard import TunerScore
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rules.scorecard.decide_again import Books
    from rules.scorecard.results import Results

BUDGETS: Final = (4, 8, 12, 16, 32, 60)
"""Epochs of a search, in full trainings."""
TRIALS: Final = 15
"""Trials of each search by which hyperparameters are compared."""
REFERENCE: Final = "random"


def tuner_scores(results: Results) -> Iterator[TunerScore]:
    """The error with each tuner relative to that with random search, for each budget."""
    searches = _searches(results)
    tuners = sorted({tuner for own in searches.values() for tuner in own} - {REFERENCE})
    for budget in BUDGETS:
        for tuner in tuners:
            found = [_ratio(own, tuner, REFERENCE, budget) for own in searches.values()]
            ratios = [one for one in found if one is not None]
            if ratios:
                yield TunerScore(tuner=tuner, budget=budget, effect=effect(ratios))


def tuner_rule_ratios(results: Results, books: Books) -> dict[str, dict[str, np.ndarray]]:
    """Logarithm of the error with the tuner of the handbook relative to the rule: rule → dataset → (searches,).

    It is the mean over the budgets for which the rule chooses another tuner than the handbook.
    """
    found: dict[str, dict[str, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    for (name, own), budget in itertools.product(_searches(results).items(), BUDGETS):
        at = {"trial_budget": budget}
        chosen, notes = (
            decisions(results.datasets[name], book, at)[Slot.TUNER] for book in (books.book, books.handbook)
        )
        ratio = _ratio(own, str(notes.choice), str(chosen.choice), budget)
        if ratio is not None and chosen.choice != notes.choice:
            for rule in chosen.rules:
                found[rule][name].append(ratio)
    return {
        rule: {name: np.mean(ratios, axis=0) for name, ratios in by_dataset.items()}
        for rule, by_dataset in found.items()
    }


def space_rule_ratios(results: Results, books: Books) -> dict[str, dict[str, np.ndarray]]:
    """Logarithm of the error after a search with the hyperparameters of the handbook relative to the rule.

    rule → dataset → (searches,)
    """
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in sorted(results.trainings, key=lambda own: (own.dataset, own.seed)):
        if one.slot is Slot.HYPERPARAMETERS and "values" not in one.choice and not one.message:
            found[one.dataset][one.text].append(error_of(one.score, results.datasets[one.dataset]))
    ratios: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
    for name, errors in found.items():
        dataset = results.datasets[name]
        own, notes = (
            decisions(dataset, book, {"trial_budget": TRIALS})[Slot.HYPERPARAMETERS]
            for book in (books.book, books.handbook)
        )
        with_rule, without = errors.get(str(own.choice), []), errors.get(str(notes.choice), [])
        if own.choice != notes.choice and len(with_rule) == len(without) == dataset.settings.trainings:
            for rule in own.rules:
                ratios[rule][name] = log_ratios(np.array(without), np.array(with_rule))
    return ratios


def _searches(results: Results) -> dict[str, dict[str, list[list[float]]]]:
    """Errors of the replayed searches after 1, 2, … full trainings: dataset → tuner → search → error."""
    errors: dict[str, dict[str, list[list[float]]]] = defaultdict(lambda: defaultdict(list))
    for one in sorted(results.trainings, key=lambda own: (own.dataset, own.seed)):
        if one.slot is Slot.TUNER and one.after_trainings:
            dataset = results.datasets[one.dataset]
            errors[one.dataset][one.text].append([error_of(score, dataset) for score in one.after_trainings])
    return errors


def _ratio(searches: Mapping[str, Sequence[Sequence[float]]], tuner: str, other: str, budget: int) -> np.ndarray | None:
    """Logarithm of the errors of one tuner relative to another, (searches,); None if a search was not as long."""
    first, second = (
        np.array([one[budget - 1] for one in searches.get(which, ()) if len(one) >= budget]) for which in (tuner, other)
    )
    return log_ratios(first, second) if len(first) == len(second) > 0 else None
