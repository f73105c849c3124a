"""Tuners: the test score of replayed searches after equal numbers of trained epochs."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import numpy as np

from rules.scorecard.effects import effect, log_ratios
from rules.scorecard.results import error_of
from rules.scorecard.scorecard import TunerScore
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.scorecard.results import Results

BUDGETS: Final = (4, 8, 16, 32, 60)
"""Epochs of a search, in full trainings: T101 decides from 4 to 15, T102 from 16 to 59, and T103 from 60 on."""
REFERENCE: Final = "random"


def tuner_scores(results: Results) -> Iterator[TunerScore]:
    """The error with each tuner relative to that with random search, for each budget."""
    errors: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    for one in sorted(results.trainings, key=lambda own: own.seed):
        if one.slot is Slot.TUNER and one.after_trainings:
            dataset = results.datasets[one.dataset]
            errors[one.dataset, one.text].append([error_of(score, dataset) for score in one.after_trainings])
    tuners = sorted({tuner for _, tuner in errors} - {REFERENCE})
    for budget in BUDGETS:
        for tuner in tuners:
            ratios = []
            for name in sorted({dataset for dataset, _ in errors}):
                own, other = (
                    np.array([search[budget - 1] for search in errors[name, which] if len(search) >= budget])
                    for which in (tuner, REFERENCE)
                )
                if len(own) == len(other) and len(own) > 0:
                    ratios.append(log_ratios(own, other))
            if ratios:
                yield TunerScore(tuner=tuner, budget=budget, effect=effect(ratios))
