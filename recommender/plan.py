"""How many trials a budget allows: a fact for the rules before any trial has run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from recommender.speed import text_trial_seconds, trial_seconds
from recommender.splitting import FOLDS, has_folds, rows_that_train
from rules.errors import ChoiceError
from rules.facts import Measurement

if TYPE_CHECKING:
    from recommender.readers.arrays import Images

DEFAULT_BUDGET: Final = 300.0  # seconds: what a person waits for over a coffee
UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0}
START_UP: Final = 8.0  # seconds for imports, encoding and the final model; measured on two cores
SECONDS_PER_IMAGE_TRIAL: Final = 10.0  # tracing, and 900 steps of a small network for images; measured on two cores
SECONDS_PER_PIXEL: Final = 1.4e-5
"""One pixel of one row through the 30 epochs of a trial on images. Measured likewise: 111 s of 10,000 images of 28 x 28
pixels, 12 s of 1,797 of 8 x 8."""
TEXT_SHARE: Final = 0.5
"""Of what is left of a budget, that a search of texts gets: the rest is for training the best trials again on all rows,
and for the linear model beside them."""
LARGE_SIDE: Final = 48
"""Pixels; images with no shorter side are halved by the network's first layer, as ResNet's does: the full size costs
four times as much. An estimate between the 32 of CIFAR's networks, which do not, and 64."""
SPREAD: Final = 3.0  # measured trials took between a third of the prediction and three times it


def seconds(text: str) -> float:
    """Read a duration such as 90s, 10m, 1.5h, or a plain number of seconds.

    Raises ChoiceError on anything else.

    >>> seconds("10m")
    600.0
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if not found or float(found[1]) <= 0:
        raise ChoiceError(f"A budget is a positive duration such as 90s, 10m or 1.5h, but got {text!r}.")
    return float(found[1]) * UNITS[found[2] or "s"]


def trial_budget(
    *,
    rows: int,
    features: int,
    budget: float | None,
    trials: int | None,
    by_chance: bool = True,
    images: Images | None = None,
    words: float | None = None,
) -> Measurement:
    """The trials that a budget in seconds, or a number of trials, or the smaller of both, allows.

    by_chance: whether rows are divided by chance, few ones into folds. images: what a model learns from, where it
    learns from images. words: of a row in the mean, where it learns from texts alone.
    """
    if budget is None:
        if trials is not None:
            return Measurement(value=trials, source="given by --trials")
        budget = DEFAULT_BUDGET
    training = rows_that_train(rows, by_chance=by_chance)
    networks = FOLDS if has_folds(training, by_chance=by_chance) else 1
    one = networks * trial_seconds(rows=training, width=features)
    if images is not None:
        one = SECONDS_PER_IMAGE_TRIAL + SECONDS_PER_PIXEL * rows * _pixels(images)
    left = max(budget - START_UP, 0.0)
    if words is not None:
        one = text_trial_seconds(rows=training, words=words)
        left *= TEXT_SHARE
    expected, low, high = (max(1, int(left / one * factor)) for factor in (1.0, 1 / SPREAD, SPREAD))
    if trials is not None and trials <= expected:
        return Measurement(value=trials, source="given by --trials")
    source = f"{budget:g} s at about {one:.1f} s a trial"
    return Measurement(value=expected, low=low, high=high, source=source)


def _pixels(images: Images) -> float:
    """Of an image, as the network sees it."""
    halved = 4 if min(images.height, images.width) >= LARGE_SIDE else 1
    return images.height * images.width / halved
