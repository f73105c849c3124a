"""Seconds of a training by the cost model, for each size that a time limit may require."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from recommender.profile.known_split import training_rows
from recommender.time_plan import ALL_ROWS_SHARE, SHORTENED_SHARE, TimePlan, plan_time
from recommender.training_cost import (
    COMPILE_SECONDS,
    FEW_ROWS,
    FEW_ROWS_UNITS,
    IMAGE_LAYERS,
    IMAGE_START_SECONDS,
    IMAGE_UNITS,
    LINEAR_START_SHARE,
    MAX_BINNED_COLUMNS,
    MAX_HIDDEN_FEATURES,
    SMALLER_IMAGE_NETWORKS,
    STACKED_TRIALS,
    STARTED_EPOCHS,
    STEP_OVERHEAD_SECONDS,
    TEXT_EPOCHS,
    TRAINED_SHARE,
    UNITS,
    USUAL_SLOWDOWN,
    batch_size,
    dense_weights,
    full_training_seconds,
    image_epochs,
    image_step_seconds,
    image_weights,
    shortest_image_epochs,
    small_batch_size,
    step_seconds,
    steps_of,
    table_epochs,
    text_terms,
    text_trial_seconds,
    trial_seconds,
)
from rules.vocabulary.choices import BagOfNgrams, CrossValidation, Gru, InceptionTime, MiniRocket, Standard, TextCnn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recommender.dataset.readers.formats.arrays import Images
    from rules.vocabulary.choices import Choice

START_UP: Final = 6.0  # seconds for imports, profile and encoding, on two cores
MAX_SEEDS: Final = 3
"""Trainings of the default configuration where nothing is searched: three to five seeds lower the error by 4 %
(docs/evidence.md, section 4)."""
CANDIDATES: Final = 12
"""Candidate networks, those of the best trials; each selected one takes half a second."""
MODEL_CORES: Final = 2  # to which the seconds of the cost model belong
ONE_CORE: Final = 1.4
"""Seconds of a training that is alone on one core, relative to two: the geometric mean of the bounds 1 and 2."""
TRIALS_WITHOUT_BUDGET: Final = 20  # without limits of time or trials
TEXT_UNITS: Final = 128  # units of a bag of terms without a linear layer; docs/evidence.md#text-networks
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
    outputs: int = 1
    """Outputs of a network for sequences."""
    has_classes: bool = False
    """Whether the target of sequences is a class."""
    hold_out: int | None = None
    """Sequences that a split column names as the hold-out; None where the hold-out is drawn."""


@dataclass(frozen=True, kw_only=True)
class SizedTraining:
    """A size of the default configuration, and its seconds by the cost model."""

    networks: int = 1
    """Networks of a trial: one per fold and repeat, or one."""
    repeats: int = 1
    hyperparameters: Mapping[str, int] = field(default_factory=dict)
    """Of a smaller network than the default one; empty for that one."""
    seconds: float
    """Of a training in which no network stops early."""
    further: float
    """Of a further trial on average."""


@dataclass(frozen=True, kw_only=True)
class TrainingWork:
    """Seconds of a training by the cost model, which a machine multiplies by its slowdown.

    A first training is as large as fits: with fewer networks, then with fewer epochs than planned.
    """

    sizes: Sequence[SizedTraining]
    """The largest first."""
    epochs: int
    """Of a full training."""
    shortest_share: float = SHORTENED_SHARE
    """Share of the epochs of a training that must fit, else a smaller one is chosen."""
    trained_share: float = TRAINED_SHARE
    """Mean share of the epochs of a training before it stops early."""
    compiling: float = COMPILE_SECONDS
    refit_share: float = 0.0
    has_text: bool = False
    training_rows: int
    width: int
    """Encoded columns, or numbers, of a row."""
    weights: int
    """Weights of a network."""
    start_up: float = START_UP
    """Seconds before the search."""

    def on_workers(self, workers: int) -> TrainingWork:
        """The work where workers of a cluster with one core each train, one trial each at the same time."""
        sizes = [
            replace(one, seconds=ONE_CORE * one.seconds, further=one.further * MODEL_CORES / workers)
            for one in self.sizes
        ]
        return replace(self, sizes=sizes)

    def left(self, budget: float, slowdown: float) -> float:
        """Seconds of the search."""
        return self.seconds_left(budget, self.chosen(budget, slowdown), slowdown)

    def first_seconds(self, budget: float, slowdown: float) -> float:
        """Seconds of the default configuration, unless it stops early."""
        chosen = self.chosen(budget, slowdown)
        return min(slowdown * chosen.seconds, self.seconds_left(budget, chosen, slowdown))

    def further_seconds(self, budget: float, slowdown: float) -> float:
        """Seconds of a further trial on average."""
        return slowdown * self.chosen(budget, slowdown).further

    def trials(self, budget: float, slowdown: float) -> int:
        """Number of trials that can be completed."""
        left = self.left(budget, slowdown) - self.trained_share * self.first_seconds(budget, slowdown)
        return 1 + max(0, int(left / self.further_seconds(budget, slowdown)))

    def chosen(self, budget: float, slowdown: float) -> SizedTraining:
        """The largest training of which enough epochs fit; else the smallest."""
        for size in self.sizes:
            if self.shortest_share * slowdown * size.seconds <= self.seconds_left(budget, size, slowdown):
                return size
        return self.sizes[-1]

    @property
    def text_words(self) -> float:
        """Words by which `plan_time` reserves seconds for texts: inf, as they are not counted; 0 without texts."""
        return math.inf if self.has_text else 0.0

    def time_plan(self, budget: float | None, size: SizedTraining) -> TimePlan:
        """The division of a time limit where a trial has a size."""
        return plan_time(budget, networks=size.networks, refit_share=self.refit_share, words=self.text_words)

    def seconds_left(self, budget: float, size: SizedTraining, slowdown: float) -> float:
        """Seconds of the search where a trial has a size."""
        return max(0.0, budget - self.start_up - slowdown * self.compiling - self.time_plan(budget, size).reserve())


def training_work(dataset: Sizes, *, architecture: Choice, validation: Choice) -> TrainingWork:
    """Seconds of a training of the default configuration, for each size that a time limit may require.

    architecture, validation: choices of these slots, which determine the network of a trial and its training rows.
    """
    # Those of images and texts were measured on the whole, so that they are not USUAL_SLOWDOWN times as long.
    if dataset.images is not None:
        return _image_work(dataset.rows, dataset.images)
    folded = isinstance(validation, CrossValidation)
    training = training_rows(dataset.rows, in_folds=folded, hold_out=dataset.hold_out)
    if isinstance(architecture, BagOfNgrams | TextCnn):
        return _text_work(training, dataset.words, architecture)
    repeats = {1: 1}
    if isinstance(validation, CrossValidation):
        repeats = {validation.folds * validation.repeats: validation.repeats, validation.folds: 1, 1: 1}
    if isinstance(architecture, MiniRocket) and architecture.ridge_start:
        return _random_feature_work(dataset, training, architecture, repeats)
    width = dataset.columns
    if isinstance(architecture, MiniRocket | InceptionTime | Gru):  # the others take about as long
        width = architecture.features if isinstance(architecture, MiniRocket) else RECURRENT_WIDTH
    elif isinstance(architecture, Standard) and dataset.numbers <= MAX_BINNED_COLUMNS:
        width += architecture.bins * dataset.numbers
    each = trial_seconds(rows=training, width=width)
    return TrainingWork(
        sizes=[
            SizedTraining(
                networks=count,
                repeats=repeat,
                seconds=full_training_seconds(rows=training, width=width, networks=count),
                further=count * each,
            )
            for count, repeat in repeats.items()
        ],
        epochs=table_epochs(steps_of(training, batch_size(training))),
        refit_share=ALL_ROWS_SHARE,
        training_rows=training,
        width=width,
        weights=dense_weights(width),
    )


def _random_feature_work(
    dataset: Sizes, training: int, architecture: MiniRocket, repeats: Mapping[int, int]
) -> TrainingWork:
    """Seconds of a training on random features of sequences, which starts at ridge regression.

    The networks of a trial share a graph, so they are compiled once (docs/evidence.md#trials-of-sequences). repeats: by
    the number of networks of a trial.
    """
    batch = batch_size(training)
    epochs = table_epochs(steps_of(training, batch), most=STARTED_EPOCHS)
    steps, hidden = epochs * steps_of(training, batch), min(architecture.features, MAX_HIDDEN_FEATURES)
    searched = FEW_ROWS_UNITS if dataset.has_classes and training < FEW_ROWS else UNITS
    linear = architecture.features * dataset.outputs
    first, further = (step_seconds(dense_weights(hidden, units=units) + linear, batch) for units in (UNITS, searched))
    return TrainingWork(
        sizes=[
            SizedTraining(
                networks=count,
                repeats=repeat,
                seconds=steps * (STEP_OVERHEAD_SECONDS + count * first),
                further=COMPILE_SECONDS / STACKED_TRIALS
                + TRAINED_SHARE * steps * (STEP_OVERHEAD_SECONDS / STACKED_TRIALS + count * further),
            )
            for count, repeat in repeats.items()
        ],
        epochs=epochs,
        refit_share=ALL_ROWS_SHARE,
        training_rows=training,
        width=architecture.features,
        weights=dense_weights(hidden) + linear,
    )


def _text_work(training: int, words: float, architecture: BagOfNgrams | TextCnn) -> TrainingWork:
    """Seconds of a training on texts. training: rows; words: of a row on average."""
    bag = architecture if isinstance(architecture, BagOfNgrams) else None
    letters, has_start = bag is not None and bag.character_ngrams, bag is not None and bag.linear_start
    one = text_trial_seconds(rows=training, words=words, letters=letters, linear_start=has_start) / USUAL_SLOWDOWN
    units = TEXT_UNITS * (LINEAR_START_SHARE if has_start else 1.0)
    return TrainingWork(
        sizes=[SizedTraining(seconds=one, further=one)],
        epochs=TEXT_EPOCHS,
        refit_share=TEXT_REFIT_SHARE,
        has_text=True,
        training_rows=training,
        width=round(2 * words),
        weights=round(units * text_terms(training, words, letters=letters)),
    )


def _image_work(rows: int, images: Images) -> TrainingWork:
    """Seconds of a training of the default network for images, and of smaller ones."""
    training = training_rows(rows, in_folds=False)
    steps = steps_of(training, small_batch_size(training))
    epochs = image_epochs(steps)
    sizes = []
    for smaller in ({}, *SMALLER_IMAGE_NETWORKS):
        own = {"units": IMAGE_UNITS, "layers": IMAGE_LAYERS} | smaller
        step = image_step_seconds(images.height, images.width, images.channels, **own)
        seconds = epochs * training * step / USUAL_SLOWDOWN
        sizes.append(SizedTraining(hyperparameters=smaller, seconds=seconds, further=seconds))
    return TrainingWork(
        sizes=sizes,
        epochs=epochs,
        shortest_share=min(1.0, shortest_image_epochs(steps) / epochs),
        trained_share=1.0,
        compiling=IMAGE_START_SECONDS / USUAL_SLOWDOWN,
        training_rows=training,
        width=images.height * images.width * images.channels,
        weights=image_weights(
            min(images.height, images.width), images.channels, units=IMAGE_UNITS, layers=IMAGE_LAYERS
        ),
    )
