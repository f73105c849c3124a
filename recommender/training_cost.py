"""Cost model of training on two cores, used to plan trials, parallel training and search spaces."""

from __future__ import annotations

from typing import Final

EPOCHS: Final = 256  # largest number of epochs of a trial (RealMLP)
STEPS: Final = 3_000
"""Largest number of steps of a trial (docs/evidence.md#training-steps)."""
STARTED_EPOCHS: Final = 24
"""Largest number of epochs of networks that start at ridge regression (docs/evidence.md#ridge-start)."""
MIN_EPOCHS: Final = 24  # of a trial (docs/evidence.md, section 0)
BATCH_SIZES: Final = ((1_000, 64), (8_000, 128), (30_000, 256))  # largest number of training rows, batch size
MAX_BATCH: Final = 512  # batch size for more training rows
UNITS: Final = 256  # default units per hidden layer (docs/evidence.md, section 0)
FEW_ROWS: Final = 2_700
"""Training rows of a classification from which searches start with UNITS instead of FEW_ROWS_UNITS
(docs/evidence.md#width-of-tabular-networks)."""
FEW_ROWS_UNITS: Final = 128
LAYERS: Final = 3  # default number of hidden layers (docs/evidence.md, section 0)
STEP_OVERHEAD_SECONDS: Final = 5e-4  # constant part of a step of a stack, measured on two cores as the costs below
SECONDS_PER_OPERATION: Final = 1 / 2.6e11  # of a training step, for layers of 64 to 256 units
SECONDS_PER_WEIGHT: Final = 1e-9  # of the optimizer's update
OPERATIONS_PER_WEIGHT: Final = 6  # per row: multiplication and addition, in one forward and two backward passes
COMPILE_SECONDS: Final = 0.7  # of a new graph
USUAL_SLOWDOWN: Final = 2.5
"""Seconds of a training, relative to those of this model, on two idle cores: its constants were measured on networks
without periodic features and dropout noise. Measured speeds replace it."""
XLA_SECONDS: Final = 2.5  # of XLA to compile the training step of a stack, on two idle cores
MIN_XLA_SECONDS: Final = 0.6
"""Seconds of a stack by the cost model from which XLA pays: it compiles for 3.4 s of a processor, and a step of five
networks of 128 units takes 6 ms instead of 15."""
RECOMPILE_SECONDS: Final = 0.5  # of a graph for another number of trials
TRAINED_SHARE: Final = 0.5  # mean share of the planned steps before early stopping, measured on 2,000 rows
STACKED_TRIALS: Final = 8  # trials of a stack, which share its step overhead and graph


MAX_PERIODIC_COLUMNS: Final = 100  # numeric columns; with more, periodic features would dominate the training time
MAX_FITTED: Final = 256
"""Training sequences, evenly spaced, on which random features are fitted; a standard deviation has a standard error of
4 %."""
ENCODING_SHARE: Final = 0.1  # of the time limit, for fitting random features and encoding all rows
HOLD_OUT_ENCODINGS: Final = 3
"""Times that rows of the hold-out are encoded: for the score, for the saved model and for feature importance."""
MAX_HIDDEN_FEATURES: Final = 1_000
"""Random features of sequences that hidden layers read next to a linear layer on all of them
(docs/evidence.md#ridge-start)."""
MAX_BINNED_COLUMNS: Final = 100  # numeric columns; with more, bins would dominate the training time
MAX_BIN_CELLS: Final = 2**27  # bins of all training rows: 512 MiB
MAX_ONE_HOT: Final = 50  # categories; above it a column gets an embedding (docs/evidence.md, section 1)
TERMS_PER_ROW: Final = 6
MAX_TERMS: Final = (30_000, 60_000)
"""Largest vocabulary of words and word pairs, for few and for many training rows (docs/evidence.md#text-networks). Each
term has a row of the first kernel, and updating all of them takes most of a step."""
MAX_NGRAMS: Final = 15_000
"""Largest vocabulary of character n-grams (docs/evidence.md#text-networks)."""
TERMS_PER_WORD: Final = 0.17
"""Vocabulary size per word of the training rows; measured: 5,000 for 2,400 sentences, 15,000 for 4,600 tweets."""
NGRAMS_PER_WORD: Final = 0.6  # the same for character n-grams
SECONDS_PER_TERM: Final = 5e-7  # of a step, measured on two cores: 15 ms with 30,000 terms and 128 units
LINEAR_START_SHARE: Final = 0.25
"""Time of a step of the 32 units next to a linear layer on all terms, relative to one of 128 units: measured 0.21 with
12,631 terms of tweets, 0.27 with 30,001 of reviews."""
TEXT_BATCHES: Final = ((8_000, 64), (10**9, 128))
"""Up to this many training rows, batch size. The cost of a step depends on the vocabulary more than on the batch."""
TEXT_EPOCHS: Final = 8
"""Epochs of a trial on text (docs/evidence.md#text-networks)."""
IMAGE_EPOCHS: Final = 30
"""Minimum for images: with a decaying rate 8 epochs of 4,000 digits reach 97.5 % (docs/evidence.md, section 3)."""
IMAGE_STEPS: Final = 900
"""Minimum steps of a trial on images; small datasets get more epochs, up to MAX_IMAGE_EPOCHS."""
MAX_IMAGE_EPOCHS: Final = 100
MAX_IMAGE_BATCH: Final = 128
"""Images per step; larger batches are hardly faster per image: docs/evidence.md#image-batches."""
SHORTEST_IMAGE_EPOCHS: Final = 4
"""Epochs of a network for images that must fit into a time limit, else a smaller network is trained
(docs/evidence.md#image-networks)."""
SHORTEST_IMAGE_STEPS: Final = 400  # the same, in steps
AUGMENTED_EPOCHS: Final = 12
"""Epochs from which images are augmented: shorter trainings do not overfit (docs/evidence.md#image-networks)."""
IMAGE_UNITS: Final = 128  # default channels of the last stage of a network for images; the same source
IMAGE_LAYERS: Final = 2  # default layers of a stage: one more than its residual blocks
IMAGE_STAGES: Final = 3  # of images of at most 95 pixels
KERNEL: Final = 3  # pixels a side
LARGE_SIDE: Final = 48
"""Pixels of the shorter side from which the first layer halves images, as in ResNet, since the full size costs four
times as much. An estimate between 32, where CIFAR networks do not, and 64."""
POOLED: Final = 2  # pixels a side
MIN_POOLED: Final = 4  # pixels; an output that would be smaller is not pooled: the positions of pixels matter
MAX_LAST_SIDE: Final = 8  # pixels of the last stage; larger images have more stages
SMALLER_IMAGE_NETWORKS: Final = ({"layers": 1}, {"layers": 1, "units": 64})
"""Changes of the default network, from large to small, that a time limit may require."""
SECONDS_PER_CONVOLUTION: Final = 2.3e-11
"""Of a training step, per image and multiplication of the forward pass, on two idle cores."""
SECONDS_PER_ACTIVATION: Final = 1.5e-9  # the same, per output of a convolution: pooled, normalized
SECONDS_PER_PIXEL: Final = 2e-8  # of a step, per number of an image: gathered, standardized and augmented
IMAGE_START_SECONDS: Final = 4.0  # to compile and measure a network for images, on two idle cores
BOOSTING_SECONDS: Final = 3.0  # time limit of gradient boosting in short budgets
BOOSTING_SHARE: Final = 0.03  # the same, of longer budgets
UNLIMITED_BOOSTING_SECONDS: Final = 60.0  # the same, without a time limit
BOOSTING_TREES: Final = 100  # of a complete fit at the learning rate 0.05: 0.95^100 leaves 0.6 % of the residuals
SECONDS_PER_TREE_COLUMN: Final = 3e-5  # per tree, on one core, for histograms; measured on house_prices_ames
SECONDS_PER_TREE_CELL: Final = 2e-8  # per tree; 1.7e-8 measured on adult_income


def batch_size(rows: int) -> int:
    """Batch size for a number of training rows, at most all rows."""
    return min(rows, next((size for most, size in BATCH_SIZES if rows <= most), MAX_BATCH))


def steps_of(rows: int, batch: int) -> int:
    """Steps per epoch."""
    return -(-rows // batch)


def table_epochs(steps: int, *, most: int | None = None) -> int:
    """Epochs of a complete trial on a table. steps: steps per epoch; most: by default EPOCHS."""
    return min(EPOCHS if most is None else most, max(MIN_EPOCHS, STEPS // steps))


def step_seconds(weights: int, batch: int) -> float:
    """Seconds that one trial adds to a step of its stack. weights: number of weights."""
    return weights * (OPERATIONS_PER_WEIGHT * batch * SECONDS_PER_OPERATION + SECONDS_PER_WEIGHT)


def dense_weights(width: int, *, units: int = UNITS, layers: int = LAYERS) -> int:
    """Weights of hidden layers. width: encoded columns."""
    return width * units + (layers - 1) * units**2


def trial_seconds(*, rows: int, width: int, units: int = UNITS, layers: int = LAYERS) -> float:
    """Average seconds of a trial in a stack, until early stopping.

    rows: training rows; width: encoded columns.
    """
    batch = batch_size(rows)
    weights = dense_weights(width, units=units, layers=layers)
    epoch = steps_of(rows, batch)
    steps = TRAINED_SHARE * table_epochs(epoch) * epoch
    return COMPILE_SECONDS / STACKED_TRIALS + steps * (
        STEP_OVERHEAD_SECONDS / STACKED_TRIALS + step_seconds(weights, batch)
    )


def full_training_seconds(*, rows: int, width: int, networks: int = 1) -> float:
    """Seconds of the default network, or of a number of them in a stack, if no training stops early.

    rows: training rows; width: encoded columns.
    """
    batch = batch_size(rows)
    weights = dense_weights(width)
    epoch = steps_of(rows, batch)
    return table_epochs(epoch) * epoch * (STEP_OVERHEAD_SECONDS + networks * step_seconds(weights, batch))


def text_batch_size(rows: int) -> int:
    """Batch size of text networks for a number of training rows, at most all rows."""
    return min(rows, next(size for most, size in TEXT_BATCHES if rows <= most))


def max_terms(rows: int) -> int:
    """Largest vocabulary of words and word pairs for a number of training rows."""
    fewest, most = MAX_TERMS
    return min(most, max(fewest, TERMS_PER_ROW * rows))


def text_terms(rows: int, words: float, *, letters: bool) -> float:
    """Vocabulary of a number of training rows. words: of a row on average; letters: as in `text_trial_seconds`."""
    terms = min(max_terms(rows), TERMS_PER_WORD * rows * words)
    return terms + (min(MAX_NGRAMS, NGRAMS_PER_WORD * rows * words) if letters else 0.0)


def text_trial_seconds(*, rows: int, words: float, letters: bool, linear_start: bool = False) -> float:
    """Seconds of a trial of a bag-of-terms network.

    rows: training rows; words: average words per row; letters: whether character n-grams are used; linear_start:
    whether the network starts at a linear model on its terms.
    """
    terms = text_terms(rows, words, letters=letters) * (LINEAR_START_SHARE if linear_start else 1.0)
    steps = TEXT_EPOCHS * steps_of(rows, text_batch_size(rows))
    return COMPILE_SECONDS + steps * (2 * STEP_OVERHEAD_SECONDS + terms * SECONDS_PER_TERM)


def small_batch_size(rows: int) -> int:
    """Rows of a step of images or sequences."""
    return min(batch_size(rows), MAX_IMAGE_BATCH)


def image_epochs(steps: int, *, most: int | None = None) -> int:
    """Epochs of a whole trial of images, or of sequences up to another limit; steps: of an epoch."""
    return min(MAX_IMAGE_EPOCHS if most is None else most, max(IMAGE_EPOCHS, -(-IMAGE_STEPS // steps)))


def shortest_image_epochs(steps: int) -> int:
    """Epochs of a network for images that must fit into a time limit; steps: of an epoch.

    >>> shortest_image_epochs(430), shortest_image_epochs(10)
    (4, 40)
    """
    return max(SHORTEST_IMAGE_EPOCHS, -(-SHORTEST_IMAGE_STEPS // steps))


def image_stride(side: int) -> int:
    """Stride of the first convolution; side: the shorter one, in pixels."""
    return 2 if side >= LARGE_SIDE else 1


def image_channels(side: int, units: int) -> list[int]:
    """Channels of each stage of a network for images, twice those of the one before.

    side: the shorter one, in pixels. units: channels of the last stage.

    >>> image_channels(28, 64), image_channels(64, 64), image_channels(224, 64)
    ([16, 32, 64], [16, 32, 64], [8, 16, 32, 64])
    """
    side, stages = -(-side // image_stride(side)), IMAGE_STAGES
    while side // POOLED**stages > MAX_LAST_SIDE:
        stages += 1
    return [max(1, units // 2 ** (stages - stage)) for stage in range(1, stages + 1)]


def image_weights(side: int, colours: int, *, units: int, layers: int) -> int:
    """Weights of the convolutions of a network for images; side: the shorter one, in pixels."""
    channels = image_channels(side, units)
    between = sum(own * after for own, after in zip([colours, *channels], channels, strict=False))
    return KERNEL**2 * (between + 2 * (layers - 1) * sum(own**2 for own in channels[1:-1]))


def image_step_seconds(height: int, width: int, colours: int, *, units: int, layers: int) -> float:
    """Seconds of a training step per image, on two idle cores.

    units, layers: of the network, as `executor.networks.cnn` describes them.
    """
    stride, before, multiplications, activations = image_stride(min(height, width)), colours, 0, 0
    channels, values = image_channels(min(height, width), units), height * width * colours
    height, width = -(-height // stride), -(-width // stride)
    for stage, own in enumerate(channels):
        multiplications += KERNEL**2 * height * width * before * own
        activations += height * width * own
        if min(height, width) // POOLED >= MIN_POOLED:
            height, width = height // POOLED, width // POOLED
        convolutions = 2 * (layers - 1) if 0 < stage < len(channels) - 1 else 0  # of residual blocks
        multiplications += convolutions * KERNEL**2 * height * width * own**2
        activations += convolutions * height * width * own
        before = own
    return multiplications * SECONDS_PER_CONVOLUTION + activations * SECONDS_PER_ACTIVATION + values * SECONDS_PER_PIXEL


def boosting_fit_seconds(rows: int, columns: int) -> float:
    """Seconds of gradient boosting without a time limit; columns: of all trees that are grown at once.

    >>> round(boosting_fit_seconds(1_000, 20), 2), boosting_fit_seconds(100_000, 1_000)
    (0.1, 60.0)
    """
    each = columns * (SECONDS_PER_TREE_COLUMN + SECONDS_PER_TREE_CELL * rows)
    return min(UNLIMITED_BOOSTING_SECONDS, BOOSTING_TREES * each)
