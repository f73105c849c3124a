"""Estimate of the number of trials that a budget allows, as a fact for the rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from recommender.profile.known_split import training_rows
from recommender.training_cost import (
    MAX_BINNED_COLUMNS,
    MAX_HIDDEN_FEATURES,
    TRAINED_SHARE,
    text_trial_seconds,
    trial_seconds,
)
from rules.errors import ChoiceError
from rules.vocabulary.choices import BagOfNgrams, CrossValidation, Gru, InceptionTime, MiniRocket, Standard, TextCnn
from rules.vocabulary.facts import Measurement

if TYPE_CHECKING:
    from recommender.dataset.readers.formats.arrays import Images
    from rules.vocabulary.choices import Choice

DEFAULT_BUDGET: Final = 300.0  # seconds
UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0}
START_UP: Final = 8.0  # seconds for imports, encoding and the final model; measured on two cores
SECONDS_PER_IMAGE_TRIAL: Final = 10.0  # tracing, and 900 steps of a small network for images; measured on two cores
SECONDS_PER_PIXEL: Final = 1.4e-5
"""Seconds per pixel and row for the 30 epochs of a trial on images; measured on two cores: 111 s for 10,000 images of
28 x 28 pixels, 12 s for 1,797 of 8 x 8."""
TEXT_SHARE: Final = 0.5
"""Share of the remaining budget for the search on text; the rest is for refitting the best trials on all rows, and for
the linear baseline."""
LARGE_SIDE: Final = 48
"""Pixels of the shorter side from which the first layer halves images, as in ResNet, since the full size costs four
times as much. An estimate between 32, where CIFAR networks do not, and 64."""
MIN_TRIALS_FOR_SENSITIVITY: Final = 16
"""Completed trials of the same length for the importance of hyperparameters; with fewer, a random forest fits noise."""
SPREAD: Final = 3.0  # measured trials took between a third of the estimate and three times the estimate


RECURRENT_WIDTH: Final = 5_000
"""Encoded columns of a table whose network takes about as long as one that reads sequences step by step."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Properties of a dataset on which the duration of a trial depends."""

    rows: int
    columns: int
    """Feature columns."""
    numbers: int = 0
    """Numeric feature columns."""
    images: Images | None = None
    """Images, if they are a feature."""
    words: float = 0.0
    """Average words per row of text."""


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
    dataset: Sizes, *, architecture: Choice, validation: Choice, budget: float | None, trials: int | None
) -> Measurement:
    """Number of trials allowed by a budget in seconds, by a number of trials, or by the smaller of both.

    architecture, validation: choices of these slots, which determine the network of a trial and its training rows.
    """
    if budget is None:
        if trials is not None:
            return Measurement(value=trials, source="given by --trials")
        budget = DEFAULT_BUDGET
    one = _seconds_of_a_trial(dataset, architecture, validation)
    is_text = isinstance(architecture, BagOfNgrams | TextCnn)
    left = max(budget - START_UP, 0.0) * (TEXT_SHARE if is_text else 1.0)
    expected, low, high = (max(1, int(left / one * factor)) for factor in (1.0, 1 / SPREAD, SPREAD))
    if trials is not None and trials <= expected:
        return Measurement(value=trials, source="given by --trials")
    share = f"{TEXT_SHARE:.0%} of " if is_text else ""
    ends = (
        ""
        if is_text or dataset.images is not None
        else f" that ends after {TRAINED_SHARE:.0%} of its epochs on average"
    )
    source = (
        f"{share}{budget:g} s minus {START_UP:g} s for start and end, with about {one:.1f} s per trial{ends}; "
        "estimated "
        "from the sizes of dataset and network for two idle cores, not measured on this machine"
    )
    return Measurement(value=expected, low=low, high=high, source=source)


def _seconds_of_a_trial(dataset: Sizes, architecture: Choice, validation: Choice) -> float:
    if dataset.images is not None:
        return SECONDS_PER_IMAGE_TRIAL + SECONDS_PER_PIXEL * dataset.rows * _pixels(dataset.images)
    in_folds = isinstance(validation, CrossValidation)
    training = training_rows(dataset.rows, in_folds=in_folds)
    if isinstance(architecture, BagOfNgrams | TextCnn):
        letters = isinstance(architecture, BagOfNgrams) and architecture.character_ngrams
        return text_trial_seconds(rows=training, words=dataset.words, letters=letters)
    networks = validation.folds * validation.repeats if isinstance(validation, CrossValidation) else 1
    width = dataset.columns
    if isinstance(architecture, MiniRocket | InceptionTime | Gru):  # the others take about as long
        width = architecture.features if isinstance(architecture, MiniRocket) else RECURRENT_WIDTH
        if isinstance(architecture, MiniRocket) and architecture.ridge_start:
            width = min(width, MAX_HIDDEN_FEATURES)
    elif isinstance(architecture, Standard) and dataset.numbers <= MAX_BINNED_COLUMNS:
        width += architecture.bins * dataset.numbers
    return networks * trial_seconds(rows=training, width=width)


def _pixels(images: Images) -> float:
    """Pixels of an image after halving by the network."""
    halved = 4 if min(images.height, images.width) >= LARGE_SIDE else 1
    return images.height * images.width / halved
