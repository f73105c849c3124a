"""What a time limit reduces or leaves out of the full training, and the limit that it needs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from recommender.planning.stages import Figures, Situation, figures
from recommender.planning.training_plan import Overruled
from recommender.time_plan import MIN_RETRAINING_LIMIT
from rules.text.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recommender.recommendation.training_work import SizedTraining

MINUTE: Final = 60.0  # seconds
HOUR: Final = 3_600.0  # seconds
LIMITS: Final = (
    *(5.0 * count for count in range(2, 24)),
    *(MINUTE * count for count in range(2, 60)),
    *(HOUR / 2 * count for count in range(2, 49)),
)
"""Time limits that a remedy may name, in seconds: 10 s to 24 h."""


def reductions(at: Situation, expected: Figures, slowdown: float) -> Iterator[Overruled]:
    """Find what the time limit reduces or leaves out. expected: figures for this limit and slowdown."""
    if at.budget is None:
        return
    larger = [limit for limit in LIMITS if limit > at.budget]

    def smallest(fits: Callable[[Figures], bool]) -> float | None:
        """The smallest larger limit with figures that fit."""
        return next((limit for limit in larger if fits(figures(replace(at, budget=limit), slowdown))), None)

    sizes = list(at.work.sizes)
    index = sizes.index(expected.size)
    if index:
        limit = smallest(lambda one: sizes.index(one.size) < index)
        yield _size_reduction(expected, full=sizes[0], step=sizes[index - 1], limit=limit)
    if expected.epochs < at.work.epochs:
        needed = slowdown * expected.size.seconds
        yield _overruled(
            "epochs",
            f"Trains for about {expected.epochs} of {at.work.epochs} epochs; all need about {needed:.0f} s here.",
            smallest(lambda one: sizes.index(one.size) <= index and one.epochs == at.work.epochs),
            f"trains all {at.work.epochs} epochs",
        )
    if at.steps and expected.features < at.work.width:
        yield _overruled(
            "random features",
            f"Fits about {expected.features:,} of {at.work.width:,} random features.",
            smallest(lambda one: one.features == at.work.width),
            f"fits all {at.work.width:,}",
        )
    if not expected.seeds and not at.keeps_evaluated:
        yield _overruled(
            "training on all rows",
            "Does not train the model again on all rows: no time is left for it.",
            smallest(lambda one: one.seeds > 0),
            "trains it again on all rows",
        )
    if at.has_report and at.budget < MIN_RETRAINING_LIMIT:
        yield _overruled(
            "seed variance and learning curve",
            "Does not measure seed variance and the learning curve.",
            MIN_RETRAINING_LIMIT,
            "measures them, where the search leaves time",
        )


def _size_reduction(expected: Figures, *, full: SizedTraining, step: SizedTraining, limit: float | None) -> Overruled:
    """The reduction to fewer networks, or to a smaller network. step: the next larger size."""
    needed = f"needs about {expected.full_seconds:.0f} s here"
    if expected.size.hyperparameters:
        values = ", ".join(f"{name} {value}" for name, value in expected.size.hyperparameters.items())
        sentence = f"Trains a smaller network ({values}); the default one {needed}."
        return _overruled("size of the network", sentence, limit, "trains a larger one")
    if expected.size.networks > 1:
        sentence = f"Trains without repeated cross-validation, which {needed}."
        return _overruled("repeated cross-validation", sentence, limit, f"trains all {full.repeats} repeats")
    sentence = f"Trains without cross-validation, which {needed}."
    folds = counted(step.networks // step.repeats, "fold")
    return _overruled("cross-validation", sentence, limit, f"trains all {folds}")


def _overruled(what: str, sentence: str, limit: float | None, brings: str) -> Overruled:
    remedy = "" if limit is None else f"--budget {duration(limit)} {brings}."
    return Overruled(what=what, sentence=sentence, budget=limit, remedy=remedy)


def duration(seconds: float) -> str:
    """A duration as --budget takes it.

    >>> duration(90), duration(180), duration(5400)
    ('90s', '3m', '1.5h')
    """
    if seconds >= HOUR and seconds % (HOUR / 2) == 0:
        return f"{seconds / HOUR:g}h"
    return f"{seconds / MINUTE:g}m" if seconds % MINUTE == 0 and seconds > MINUTE else f"{seconds:g}s"
