"""Preprocessing fitted on training rows: scales, categories, word weights, sequences."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, cast

import numpy as np
import tensorflow as tf

from executor.data.raw_table import Form
from executor.layers.names import PREFIX
from executor.layers.numbers import Calendar, Numbers, robust_scale, spanned_waves, varying_waves
from executor.layers.pixels import Pixels, byte_counts, pixel_statistics
from executor.layers.quantiles import MIN_BINS, bin_edges, heavy_tailed_columns, normal_quantiles, piecewise_linear
from executor.layers.words import Codes, OneHot, WordBag, word_counts
from executor.preprocessing.sequence_encoder import sequence_layer
from executor.preprocessing.text_vocabulary import is_text_network, text_layer
from recommender.training_cost import MAX_BIN_CELLS, MAX_BINNED_COLUMNS, MAX_ONE_HOT
from rules.errors import ColumnError
from rules.vocabulary.choices import Gru, InceptionTime, Standard, parameters_of
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.data.images import ImageArray
    from executor.data.raw_table import RawTable
    from recommender.roles.roles import Roles
    from rules.vocabulary.choices import Choice

from executor.preprocessing.preprocessing import Block, Preprocessing, matrix, row_slices

MAX_CODED: Final = 10_000  # categories of one column with their own id, the most frequent ones
RARE: Final = 1  # rows; rarer categories share one id with unknown ones
ROWS_PER_BUCKET: Final = 4  # training rows per bucket of hashed words, so that small tables get small bags
BUCKETS: Final = (32, 4_096)  # minimum and maximum number of buckets of all texts of a row


def fit_preprocessing(
    table: RawTable, roles: Roles, train: np.ndarray, architecture: Choice | None = None
) -> Preprocessing:
    """Fit scales, vocabularies and word weights on the training rows.

    Scales, quantiles and bins of weighted rows are weighted. Categories, words and letters count rows.

    train: (n,) indices of rows of the table. architecture: the bundle's choice, which determines the encoding of texts
    and sequences; the standard network by default. Of rows on disk, numbers and times are fitted on a sample that fits
    into memory. Raises ColumnError if there is no column to read.
    """
    seen, architecture = table.take(train), architecture or Standard()
    sample = seen.in_memory
    apart = [_pixels(seen, images)] if (images := seen.of_form(Form.IMAGE)) else []
    sequences = [
        Block(groups=((name,),), layer=sequence_layer(seen, name, architecture))
        for name in (*seen.of_form(Form.SEQUENCE), *seen.of_form(Form.LETTERS))[:1]
    ]
    if isinstance(architecture, InceptionTime | Gru):
        apart, sequences = sequences, []
    texts = seen.of_form(Form.TEXT)
    if is_text_network(architecture):
        layer = text_layer(
            lambda: (matrix(seen, texts, rows) for rows in row_slices(len(seen))), architecture, rows=len(seen)
        )
        return Preprocessing(blocks=(Block(groups=(texts,), layer=layer),), forms=dict(table.forms))
    times = seen.of_form(Form.TIME)
    # Time itself is out of range in every row to forecast; the trend of a series is in its changes.
    numbers = (seen.of_form(Form.NUMBER), () if roles.task is Task.FORECASTING else times)
    groups = tuple(group for group in numbers if group)
    is_plain = roles.task is not Task.FORECASTING
    bins = architecture.bins if isinstance(architecture, Standard) and is_plain and not apart else 0
    ranked = is_plain and parameters_of(architecture).quantile_transform
    blocks = [_numbers(sample, groups, ranked=ranked, bins=bins, rows=len(seen))] if groups else []
    if times and (kept := _waves(sample, times, roles)):
        blocks.append(Block(groups=(times,), layer=Calendar(kept=kept, name=f"{PREFIX}calendar")))
    if texts:
        blocks.append(_bag(seen, texts))
    blocks += sequences
    blocks += _levels(seen, has_dense=bool(blocks or apart))
    if not apart and not blocks:
        raise ColumnError(
            "A model needs at least one feature, but no column is left besides the target. Add columns, or set the "
            "kind of a column that was left out as an identifier or a constant (--kind)."
        )
    return Preprocessing(blocks=(*apart, *blocks), forms=dict(table.forms), architecture=architecture)


def _waves(seen: RawTable, times: tuple[str, ...], roles: Roles) -> list[int]:
    """Select waves that vary in training rows; for a forecast those of which the rows span some cycles.

    Days of the year beyond the training rows are extrapolated: docs/evidence.md#calendar-waves.
    """
    values = matrix(seen, times)
    kept = varying_waves(values)
    return spanned_waves(values, kept) if roles.task is Task.FORECASTING else kept


def _pixels(seen: RawTable, columns: tuple[str, ...]) -> Block:
    images = cast("ImageArray", seen.features[columns[0]])
    counts, start = np.zeros(()), 0
    for part in images.in_chunks():
        own = None if seen.weight is None else seen.weight[start : start + len(part)]
        counts = counts + byte_counts(part, own)
        start += len(part)
    mean, scale = pixel_statistics(counts)
    shape = [int(size) for size in images.shape[1:]]
    layer = Pixels(shape=shape, mean=mean.tolist(), scale=scale.tolist(), name=f"{PREFIX}pixels")
    return Block(groups=(columns,), layer=layer)


def _numbers(seen: RawTable, groups: tuple[tuple[str, ...], ...], *, ranked: bool, bins: int, rows: int) -> Block:
    """Fit the encoding of numbers.

    ranked: whether columns with heavy tails are encoded as quantiles, which do not extrapolate. bins: per column. rows:
    of training, of which `seen` may be a sample.
    """
    values = matrix(seen, [name for group in groups for name in group])
    missing = np.isnan(values)
    center, factor = robust_scale(values, seen.weight)
    heavy = heavy_tailed_columns(values, seen.weight) if ranked else []
    knots, quantiles = normal_quantiles(values[:, heavy], seen.weight)
    layer = Numbers(
        center=center.tolist(),
        factor=factor.tolist(),
        indicators=np.flatnonzero(missing.any(axis=0) & ~missing.all(axis=0)).tolist(),
        ranked=heavy,
        knots=knots,
        quantiles=quantiles,
        name=f"{PREFIX}numbers",
    )
    most = min(bins, MAX_BIN_CELLS // max(1, rows * values.shape[1]))
    return Block(groups=groups, layer=_with_bins(layer, values, most, seen.weight))


def _with_bins(layer: Numbers, values: np.ndarray, bins: int, weight: np.ndarray | None) -> Numbers:
    """Add bins to the layer of numbers; none for many columns, or for fewer than two bins."""
    columns = values.shape[1]
    if bins < MIN_BINS or columns > MAX_BINNED_COLUMNS:
        return layer
    scaled = layer(values).numpy()[:, :columns]
    edges = bin_edges(scaled, bins, weight)
    if not any(edges):
        return layer
    sums = np.zeros(())
    for rows in row_slices(len(scaled)):
        encoded = piecewise_linear(scaled[rows], edges).numpy()
        sums = sums + (encoded.sum(axis=0, dtype=np.float64) if weight is None else weight[rows] @ encoded)
    total = len(scaled) if weight is None else weight.sum()
    return Numbers(**{**layer.get_config(), "edges": edges, "means": (sums / total).tolist()})


def _levels(seen: RawTable, *, has_dense: bool) -> list[Block]:
    """Fit one-hot encodings for columns with few categories, codes for the others.

    A network needs a dense feature; where there is no other, the first coded column is one-hot encoded as well.
    """
    few: dict[str, tuple[list[str], bool]] = {}
    many: dict[str, list[str]] = {}
    for name in seen.of_form(Form.LEVEL):
        counts = Counter(seen.features[name].tolist())
        frequent = [level for level, rows in sorted(counts.items(), key=_frequent_first) if rows > RARE]
        if len(frequent) > MAX_ONE_HOT:
            many[name] = frequent[:MAX_CODED]
        else:
            few[name] = frequent, len(frequent) < len(counts)
    if many and not few and not has_dense:
        name, frequent = next(iter(many.items()))
        few[name] = frequent[:MAX_ONE_HOT], True
    blocks = []
    if few:
        levels, others = zip(*few.values(), strict=True)
        one_hot = OneHot(levels=[*levels], others=[*others], name=f"{PREFIX}one_hot")
        blocks.append(Block(groups=(tuple(few),), layer=one_hot))
    if many:
        codes = Codes(levels=[*many.values()], others=[True] * len(many), name=f"{PREFIX}codes")
        blocks.append(Block(groups=(tuple(many),), layer=codes, is_coded=True))
    return blocks


def _frequent_first(level: tuple[str, int]) -> tuple[int, str]:
    name, rows = level
    return -rows, name


def _bag(seen: RawTable, columns: tuple[str, ...]) -> Block:
    """Fit a bag of words per column, with bucket weights log((1 + rows) / (1 + rows with it)) + 1 (scikit-learn)."""
    fewest, most = BUCKETS
    buckets = max(fewest, min(most, 2 ** int(np.log2(max(1, len(seen) // ROWS_PER_BUCKET)))) // len(columns))
    rows_with = np.zeros(len(columns) * buckets)
    for rows in row_slices(len(seen)):
        texts = tf.constant(matrix(seen, columns, rows))
        rows_with += np.count_nonzero(word_counts(texts, buckets).numpy(), axis=0)
    weights = np.log((1 + len(seen)) / (1 + rows_with)) + 1
    layer = WordBag(weights=weights.reshape(len(columns), -1).tolist(), name=f"{PREFIX}words")
    return Block(groups=(columns,), layer=layer)
