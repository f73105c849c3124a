"""Estimate of the number of trials that a budget allows, as a fact for the rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from recommender.recommendation.training_work import training_work
from recommender.training_cost import USUAL_SLOWDOWN
from rules.errors import ChoiceError
from rules.text.numbers import number
from rules.vocabulary.facts import Measurement

if TYPE_CHECKING:
    from recommender.recommendation.training_work import Sizes
    from rules.vocabulary.choices import Choice

DEFAULT_BUDGET: Final = 300.0  # seconds
UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0}
MIN_TRIALS_FOR_SENSITIVITY: Final = 4
"""Completed trials for the importance of hyperparameters; with few of them, its range is wide."""
KNOWN_SPREAD: Final = 2.0
"""Factor between the ends of the interval and the estimate where the speed of the machine was measured."""
UNKNOWN_SPREAD: Final = 3.0  # where it was not


def seconds(text: str) -> float:
    """Parse a duration such as 90s, 10m or 1.5h. Raises ChoiceError on anything else.

    >>> seconds("10m")
    600.0
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh])", text.strip())
    if not found or float(found[1]) <= 0:
        unit = f" Use {text.strip()}s or {text.strip()}m." if text.strip().isdigit() and int(text) > 0 else ""
        raise ChoiceError(f"A budget must be a positive duration such as 90s, 10m or 1.5h, but got {text!r}.{unit}")
    return float(found[1]) * UNITS[found[2]]


def trial_budget(
    dataset: Sizes,
    *,
    architecture: Choice,
    validation: Choice,
    budget: float | None,
    trials: int | None,
    slowdown: float | None = None,
) -> Measurement:
    """Number of trials allowed by a budget in seconds, by a number of trials, or by the smaller of both.

    architecture, validation: choices of these slots, which determine the network of a trial and its training rows.
    slowdown: measured seconds of a training step on this machine, relative to the cost model; None if unknown.
    """
    if budget is None:
        if trials is not None:
            return Measurement(value=trials, source="given by --trials")
        budget = DEFAULT_BUDGET
    work = training_work(dataset, architecture=architecture, validation=validation)
    spread = UNKNOWN_SPREAD if slowdown is None else KNOWN_SPREAD
    speed = USUAL_SLOWDOWN if slowdown is None else slowdown
    found = [work.trials(budget, speed * factor) for factor in (1.0, spread, 1 / spread)]
    # A slower machine may have more trials, of fewer networks each.
    expected, low, high = found[0], min(found), max(found)
    if trials is not None and trials <= expected:
        return Measurement(value=trials, source="given by --trials")
    first, further, left = (value(budget, speed) for value in (work.first_seconds, work.further_seconds, work.left))
    source = (
        f"of {budget:g} s about {left:.0f} s are left for the search: {first:.1f} s for the default configuration, "
        f"then about {further:.1f} s per trial; "
        + (
            "estimated from the sizes of dataset and network for two idle cores, not measured on this machine"
            if slowdown is None
            else "estimated from the sizes of dataset and network, and from the speed measured on this machine "
            f"({number(USUAL_SLOWDOWN / slowdown)} times that of the reference)"
        )
    )
    return Measurement(value=expected, low=low, high=high, source=source)
