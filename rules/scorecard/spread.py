"""Spread of the error between the alternatives of a choice, all other choices being the recommended ones."""

from __future__ import annotations

import math
from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from rules.scorecard.effects import LEVEL, MAX_RATIO, RESAMPLES, SEARCHED, errors_of_slot, without_rate
from rules.scorecard.results import error_of
from rules.scorecard.scorecard import MIN_DATASETS, SpreadScore
from rules.scorecard.sensitivity import ALL, NOTES, kind_of
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.scorecard.results import Results

ROWS: Final = MappingProxyType(
    {
        Slot.LOSS: "Loss function",
        Slot.INITIALIZER: "Parameter initialization strategy",
        Slot.OPTIMIZER: "Choice of optimizer",
        Slot.ACTIVATION: "Choice of non-linearity",
    }
)
"""Rows of the notes' table whose alternatives are measured one at a time; optimizers at a searched rate."""
RATE: Final = "Learning rate"


def spread_scores(results: Results) -> Iterator[SpreadScore]:
    """Spread of the error between learning rates, losses, initializers, optimizers and activations, by kind of data."""
    variances: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row, dataset, errors in _errors(results):
        for kind in (ALL, kind_of(results.datasets[dataset])):
            variances[row, kind].append(variance_between(errors))
    for row in NOTES:
        for (own_row, kind), found in variances.items():
            if own_row == row and len(found) >= MIN_DATASETS:
                values = np.array(found)
                drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
                low, high = np.quantile(np.median(values[drawn], axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
                spread, low, high = (math.expm1(math.sqrt(max(0.0, one))) for one in (np.median(values), low, high))
                yield SpreadScore(
                    name=row, rating=NOTES[row][0], kind=kind, spread=spread, low=low, high=high, datasets=len(found)
                )


def _errors(results: Results) -> Iterator[tuple[str, str, np.ndarray]]:
    """Row of the notes, dataset, and errors of its alternatives with each seed, (alternatives, seeds)."""
    for slot, row in ROWS.items():
        for name, own in errors_of_slot(results, slot).items():
            compared = [
                errors
                for choice, errors in own.by_choice.items()
                if slot is not Slot.OPTIMIZER or choice.endswith(SEARCHED)
            ]
            if len(compared) > 1:
                yield row, name, np.array(compared)
    rates: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    families = {name: own.chosen_searched for name, own in errors_of_slot(results, Slot.OPTIMIZER).items()}
    for one in results.trainings:
        family = families.get(one.dataset) if one.slot is Slot.OPTIMIZER and not one.message else None
        if family is not None and without_rate(one) + SEARCHED == family:
            rates[one.dataset][one.text].append(error_of(one.score, results.datasets[one.dataset]))
    for name, by_rate in sorted(rates.items()):
        whole = [own for own in by_rate.values() if len(own) == results.datasets[name].settings.trainings]
        if len(whole) > 1:
            yield RATE, name, np.array(whole)


def variance_between(errors: np.ndarray) -> float:
    """Variance of the logarithm of the error between alternatives, without that of seeds; it may be negative.

    errors: (alternatives, seeds). Errors above MAX_RATIO times the least one, such as of trainings that diverged, count
    as that.

    >>> variance_between(np.exp([[0.0, 0.0], [1.0, 1.0]]))
    0.5
    """
    with np.errstate(divide="ignore"):
        logs = np.log(np.maximum(errors, np.finfo(float).tiny))
    logs = np.minimum(logs, logs.min() + math.log(MAX_RATIO))
    between = float(logs.mean(axis=1).var(ddof=1))
    seeds = logs.shape[1]
    return between - (float(logs.var(axis=1, ddof=1).mean()) / seeds if seeds > 1 else 0.0)
