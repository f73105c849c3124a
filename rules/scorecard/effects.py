"""Effects of choices on the error, with intervals by bootstrap over datasets and seeds."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from rules.scorecard.results import error_of
from rules.scorecard.scorecard import TIE, Effect
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rules.scorecard.results import MeasuredDataset, Results, TrainingResult

RESAMPLES: Final = 2_000
LEVEL: Final = 0.95
MAX_RATIO: Final = 10.0
"""Bound of a ratio of errors of one training, so that no dataset decides alone; a training that diverged has it."""


class SlotErrors(NamedTuple):
    """Errors of the trainings of a slot on one dataset."""

    by_choice: dict[str, np.ndarray]
    """Choice → (seeds,). Of optimizers: the choices of the rules and of the handbook, and each optimizer with SEARCHED
    appended, at the learning rate with the best mean validation score."""
    chosen: str
    """The choice of the rules."""
    chosen_searched: str | None
    """The optimizer of the rules at a searched rate; None in other slots."""

    def reference(self, choice: str) -> str:
        """The choice of the rules that a choice is compared with: at a searched rate if that choice is."""
        return self.chosen_searched or self.chosen if choice.endswith(SEARCHED) else self.chosen


SEARCHED: Final = " at a searched rate"


def errors_of_slot(results: Results, slot: Slot) -> dict[str, SlotErrors]:
    """Errors of all trainings of a slot, by dataset; choices with fewer seeds than wanted are left out.

    Datasets without the choice of the rules, or without another one, are left out.
    """
    found: dict[str, dict[str, list[TrainingResult]]] = defaultdict(lambda: defaultdict(list))
    for training in results.trainings:
        if training.slot is slot and not training.message:
            found[training.dataset][training.text].append(training)
    errors = {name: _errors(by_choice, results.datasets[name], slot) for name, by_choice in sorted(found.items())}
    return {name: one for name, one in errors.items() if one.chosen in one.by_choice and len(one.by_choice) > 1}


def _errors(by_choice: Mapping[str, list[TrainingResult]], dataset: MeasuredDataset, slot: Slot) -> SlotErrors:
    count, chosen, handbook = dataset.settings.trainings, dataset.chosen[slot], dataset.handbook[slot]
    whole = {text: sorted(own, key=lambda one: one.seed) for text, own in by_choice.items() if len(own) == count}
    errors = {text: np.array([error_of(one.score, dataset) for one in own]) for text, own in whole.items()}
    if slot is not Slot.OPTIMIZER:
        return SlotErrors(errors, chosen, None)
    validated: dict[str, dict[str, float]] = defaultdict(dict)
    for text, own in whole.items():
        scores = [dataset.direction.utility(one.validation_score) for one in own]
        validated[without_rate(own[0])][text] = float(np.mean(scores))
    searched = {
        family + SEARCHED: errors[max(rates, key=lambda text: rates[text])] for family, rates in validated.items()
    }
    stated = {text: errors[text] for text in (chosen, handbook) if text in errors}
    family = without_rate(whole[chosen][0]) + SEARCHED if chosen in whole else None
    return SlotErrors(stated | searched, chosen, family)


def without_rate(training: TrainingResult) -> str:
    """An optimizer as text, without its learning rate."""
    choice = training.parsed
    return str(choice.model_copy(update={"learning_rate": type(choice).model_fields["learning_rate"].default}))


def log_ratios(errors: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Logarithm of the ratio of errors by seed, bounded by MAX_RATIO; 0 where both diverged."""
    bound = math.log(MAX_RATIO)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = np.log(errors) - np.log(reference)
    return np.asarray(np.clip(np.nan_to_num(ratios, nan=0.0, posinf=bound, neginf=-bound), -bound, bound))


def effect(ratios: Iterable[np.ndarray]) -> Effect:
    """Summarise the log ratios of several datasets, (seeds,) each."""
    own = [np.asarray(one) for one in ratios]
    means = np.array([one.mean() for one in own])
    random = np.random.default_rng(0)
    seeds = np.column_stack([one[random.integers(len(one), size=(RESAMPLES, len(one)))].mean(axis=1) for one in own])
    drawn = random.integers(len(own), size=(RESAMPLES, len(own)))
    resampled = np.take_along_axis(seeds, drawn, axis=1).mean(axis=1)
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    tie = math.log1p(TIE)
    return Effect(
        ratio=math.exp(means.mean()),
        low=math.exp(low),
        high=math.exp(high),
        datasets=len(own),
        wins=int((means > tie).sum()),
        ties=int((np.abs(means) <= tie).sum()),
        losses=int((means < -tie).sum()),
    )


def interval_of_mean(values: Sequence[float]) -> tuple[float, float]:
    """Interval of a mean, by bootstrap."""
    drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(np.asarray(values)[drawn].mean(axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def hindsight(by_choice: Mapping[str, np.ndarray]) -> np.ndarray:
    """Errors of the best choice in hindsight, (seeds,): for each seed the choice that is best on all other seeds.

    The minimum over all seeds would count noise as a gain. With one seed it is the minimum.
    """
    errors = np.array([*by_choice.values()])  # (choices, seeds)
    count = errors.shape[1]
    if count == 1:
        return np.asarray(errors.min(axis=0))
    with np.errstate(divide="ignore"):
        logs = np.log(errors)
    best = [int(np.delete(logs, seed, axis=1).mean(axis=1).argmin()) for seed in range(count)]
    return np.asarray(errors[best, np.arange(count)])
