"""Estimate of the number of trials that a budget allows, as a fact for the rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from recommender.profile.known_split import training_rows
from recommender.time_plan import ALL_ROWS_SHARE, SHORTENED_SHARE, plan_time
from recommender.training_cost import (
    COMPILE_SECONDS,
    IMAGE_LAYERS,
    IMAGE_START_SECONDS,
    IMAGE_UNITS,
    MAX_BINNED_COLUMNS,
    MAX_HIDDEN_FEATURES,
    SMALLER_IMAGE_NETWORKS,
    STARTED_EPOCHS,
    TRAINED_SHARE,
    USUAL_SLOWDOWN,
    full_training_seconds,
    image_epochs,
    image_step_seconds,
    shortest_image_epochs,
    small_batch_size,
    steps_of,
    text_trial_seconds,
    trial_seconds,
)
from rules.errors import ChoiceError
from rules.text.numbers import number
from rules.vocabulary.choices import BagOfNgrams, CrossValidation, Gru, InceptionTime, MiniRocket, Standard, TextCnn
from rules.vocabulary.facts import Measurement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recommender.dataset.readers.formats.arrays import Images
    from rules.vocabulary.choices import Choice

DEFAULT_BUDGET: Final = 300.0  # seconds
UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0}
START_UP: Final = 6.0  # seconds for imports, profile and encoding, on two cores
MIN_TRIALS_FOR_SENSITIVITY: Final = 4
"""Completed trials for the importance of hyperparameters; with few of them, its range is wide."""
KNOWN_SPREAD: Final = 2.0
"""Factor between the ends of the interval and the estimate where the speed of the machine was measured."""
UNKNOWN_SPREAD: Final = 3.0  # where it was not
TEXT_REFIT_SHARE: Final = 0.3  # of a time limit, reserved for retraining networks of texts


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
    work = _work(dataset, architecture, validation)
    spread = UNKNOWN_SPREAD if slowdown is None else KNOWN_SPREAD
    speed = USUAL_SLOWDOWN if slowdown is None else slowdown
    found = [_trials_in(budget, work, speed * factor) for factor in (1.0, spread, 1 / spread)]
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


@dataclass(frozen=True, kw_only=True)
class _Work:
    """Seconds of a training by the cost model.

    A first training is as large as fits: with fewer networks, then with fewer epochs than planned.
    """

    whole: Sequence[tuple[int, float]]
    """Networks of a trial, and seconds of a training in which no trial stops early; the largest first."""
    each: Sequence[float]
    """Seconds of a further trial for each of them."""
    shortest_share: float = SHORTENED_SHARE
    """Share of the epochs of a training that must fit, else a smaller one is chosen."""
    trained_share: float = TRAINED_SHARE
    """Mean share of the epochs of a training before it stops early."""
    compiling: float = COMPILE_SECONDS
    refit_share: float = 0.0
    has_text: bool = False

    def left(self, budget: float, slowdown: float) -> float:
        """Seconds of the search."""
        return self._left(budget, self._chosen(budget, slowdown), slowdown)

    def first_seconds(self, budget: float, slowdown: float) -> float:
        """Seconds of the default configuration, unless it stops early."""
        index = self._chosen(budget, slowdown)
        return min(slowdown * self.whole[index][1], self._left(budget, index, slowdown))

    def further_seconds(self, budget: float, slowdown: float) -> float:
        """Seconds of a further trial on average."""
        return slowdown * self.each[self._chosen(budget, slowdown)]

    def _chosen(self, budget: float, slowdown: float) -> int:
        """The largest training of which enough epochs fit; else the smallest."""
        for index, (_, seconds) in enumerate(self.whole):
            if self.shortest_share * slowdown * seconds <= self._left(budget, index, slowdown):
                return index
        return len(self.whole) - 1

    def _left(self, budget: float, index: int, slowdown: float) -> float:
        plan = plan_time(budget, networks=self.whole[index][0], refit_share=self.refit_share, has_text=self.has_text)
        return max(0.0, budget - START_UP - slowdown * self.compiling - plan.reserve())


def _trials_in(budget: float, work: _Work, slowdown: float) -> int:
    """Number of trials that can be completed."""
    left = work.left(budget, slowdown) - work.trained_share * work.first_seconds(budget, slowdown)
    return 1 + max(0, int(left / work.further_seconds(budget, slowdown)))


def _work(dataset: Sizes, architecture: Choice, validation: Choice) -> _Work:
    """Seconds of a training of the default configuration, by its number of networks.

    Those of images and texts were measured on the whole, so that they are not USUAL_SLOWDOWN times as long.
    """
    if dataset.images is not None:
        return _image_work(dataset.rows, dataset.images)
    folded = isinstance(validation, CrossValidation)
    training = training_rows(dataset.rows, in_folds=folded)
    if isinstance(architecture, BagOfNgrams | TextCnn):
        bag = architecture if isinstance(architecture, BagOfNgrams) else None
        one = text_trial_seconds(
            rows=training,
            words=dataset.words,
            letters=bag is not None and bag.character_ngrams,
            linear_start=bag is not None and bag.linear_start,
        )
        one /= USUAL_SLOWDOWN
        return _Work(whole=[(1, one)], each=[one], refit_share=TEXT_REFIT_SHARE, has_text=True)
    width, most = dataset.columns, None
    if isinstance(architecture, MiniRocket | InceptionTime | Gru):  # the others take about as long
        width = architecture.features if isinstance(architecture, MiniRocket) else RECURRENT_WIDTH
        if isinstance(architecture, MiniRocket) and architecture.ridge_start:
            width, most = min(width, MAX_HIDDEN_FEATURES), STARTED_EPOCHS
    elif isinstance(architecture, Standard) and dataset.numbers <= MAX_BINNED_COLUMNS:
        width += architecture.bins * dataset.numbers
    counts = [1]
    if isinstance(validation, CrossValidation):
        counts = [*dict.fromkeys([validation.folds * validation.repeats, validation.folds]), 1]
    return _Work(
        whole=[
            (count, full_training_seconds(rows=training, width=width, networks=count, most_epochs=most))
            for count in counts
        ],
        each=[count * trial_seconds(rows=training, width=width, most_epochs=most) for count in counts],
        refit_share=ALL_ROWS_SHARE,
    )


def _image_work(rows: int, images: Images) -> _Work:
    """Seconds of a training of the default network for images, and of smaller ones."""
    training = training_rows(rows, in_folds=False)
    steps = steps_of(training, small_batch_size(training))
    epochs = image_epochs(steps)
    sizes = [{"units": IMAGE_UNITS, "layers": IMAGE_LAYERS} | size for size in ({}, *SMALLER_IMAGE_NETWORKS)]
    whole = [
        epochs * training * image_step_seconds(images.height, images.width, images.channels, **size) / USUAL_SLOWDOWN
        for size in sizes
    ]
    return _Work(
        whole=[(1, seconds) for seconds in whole],
        each=whole,
        shortest_share=min(1.0, shortest_image_epochs(steps) / epochs),
        trained_share=1.0,
        compiling=IMAGE_START_SECONDS / USUAL_SLOWDOWN,
    )
