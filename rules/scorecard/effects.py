"""Effects of choices on the error, with intervals by bootstrap over datasets and seeds."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Final

import numpy as np

from rules.scorecard.results import error_of
from rules.scorecard.scorecard import Effect
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rules.scorecard.results import MeasuredDataset, Results, TrainingResult

RESAMPLES: Final = 2_000
LEVEL: Final = 0.95
MAX_RATIO: Final = 10.0
"""Bound of a ratio of errors of one training, so that no dataset decides alone; a training that diverged has it."""
TIE: Final = 0.01  # relative difference of errors within which two choices tie on a dataset


def errors_of_slot(results: Results, slot: Slot) -> dict[str, dict[str, np.ndarray]]:
    """Errors of all trainings of a slot: dataset → choice → (seeds,); choices lack no seed.

    Of an optimizer these are the choice of the rules, that of the handbook, and each choice with SEARCHED appended: of
    all its learning rates the one with the best mean validation score.
    """
    found: dict[str, dict[str, list[TrainingResult]]] = defaultdict(lambda: defaultdict(list))
    for training in results.trainings:
        if training.slot is slot:
            found[training.dataset][str(training.parsed)].append(training)
    return {name: _errors(by_choice, results.datasets[name], slot=slot) for name, by_choice in sorted(found.items())}


SEARCHED: Final = " at a searched rate"


def _errors(
    by_choice: Mapping[str, list[TrainingResult]], dataset: MeasuredDataset, *, slot: Slot
) -> dict[str, np.ndarray]:
    seeds = dataset.settings.seeds
    whole = {text: sorted(own, key=lambda one: one.seed) for text, own in by_choice.items() if len(own) == seeds}
    errors = {text: np.array([error_of(one.score, dataset) for one in own]) for text, own in whole.items()}
    if slot is not Slot.OPTIMIZER:
        return errors
    rates: dict[str, dict[str, float]] = defaultdict(dict)
    for text, own in whole.items():
        scores = [dataset.direction.utility(one.validation_score) for one in own]
        rates[without_rate(own[0])][text] = float(np.mean(scores))
    stated = {text: errors[text] for text in (dataset.chosen[slot], dataset.handbook[slot]) if text in errors}
    return stated | {
        family + SEARCHED: errors[max(validated, key=lambda text: validated[text])]
        for family, validated in rates.items()
    }


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
    table = np.log(np.array([*by_choice.values()]))  # (choices, seeds)
    count = table.shape[1]
    if count == 1:
        return np.asarray(np.exp(table.min(axis=0)))
    others = (table.sum(axis=1, keepdims=True) - table) / (count - 1)
    others = np.where(np.isnan(others), math.inf, others)
    return np.asarray(np.exp(table[others.argmin(axis=0), np.arange(count)]))
