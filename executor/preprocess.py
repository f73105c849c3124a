"""From raw rows to the arrays of a network: fitted on training rows, and later saved inside the model."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

import keras
import numpy as np
import tensorflow as tf

from executor.layers.numbers import Calendar, Numbers, robust_scale, spanned_waves, varying_waves
from executor.layers.pixels import Pixels, byte_counts, pixel_statistics
from executor.layers.quantiles import heavy_tailed, normal_quantiles
from executor.layers.steps import SequenceLayer, Steps, rows_at_once
from executor.layers.words import Codes, OneHot, WordBag, word_counts
from executor.pictures import Encoded
from executor.sequences import STEPPED, sequence_layer, steps_of_longest
from executor.signature import PREFIX
from executor.table import Form, side_by_side
from rules.choices import Standard
from rules.errors import ColumnError
from rules.facts import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from executor.pictures import Pictures
    from executor.table import RawTable
    from recommender.roles import Roles
    from rules.choices import Choice

MOST_INPUTS: Final = (
    1_000  # columns; with an input for each, Keras needs 1 s to build 1,000 and four times that for 2,000
)
MOST_ONE_HOT: Final = 50  # levels; above it a column gets ids for an embedding (EVIDENCE.md, section 1)
MOST_CODED: Final = 10_000  # levels of one column with ids of their own, the most frequent ones
MOST_WAVED: Final = 100  # numbers that get periodic features; of more they would cost more than the rest of the network
RARE: Final = 1  # rows; a level seen no more often shares one place with all levels never seen
ROWS_A_BUCKET: Final = 4  # training rows for each bucket of hashed words, so that small tables get small bags
BUCKETS: Final = (32, 4_096)  # fewest and most buckets of all texts of a row together
ROWS_AT_ONCE: Final = 2_048  # encoded together; bounds the memory of a bag at 2,048 · 4,096 · 4 bytes = 32 MiB


@dataclass(frozen=True, kw_only=True)
class Block:
    """One layer and the columns that it reads.

    groups: its columns in the runs that become one input each where a table is too wide for an input a column.
    """

    groups: tuple[tuple[str, ...], ...]
    layer: keras.layers.Layer
    is_coded: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(name for group in self.groups for name in group)


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What was learned from the training rows, as layers without weights."""

    blocks: tuple[Block, ...]
    forms: Mapping[str, Form]
    """Every feature of the table, in order."""
    architecture: Choice = field(default_factory=Standard)
    """The bundle's choice for which the rows are encoded."""

    @property
    def width(self) -> int:
        """Number of dense features."""
        return sum(block.layer.output_width for block in self.blocks if not block.is_coded)

    @property
    def vocabulary(self) -> int:
        """Number of ids that codes may hold."""
        return sum(block.layer.places for block in self.blocks if block.is_coded)

    @property
    def numbers(self) -> int:
        """How many of the first dense features are scaled numbers; 0 where they are too many for periodic features."""
        layer = self.blocks[0].layer
        count = len(layer.center) if isinstance(layer, Numbers) else 0
        return count if count <= MOST_WAVED else 0

    @property
    def image(self) -> tuple[int, int, int] | None:
        """Height, width and channels where the dense features are an image."""
        layer = self.blocks[0].layer
        return layer.shape if isinstance(layer, Pixels) else None

    @property
    def pixels(self) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        """Mean and scale of each channel where the dense features are an image."""
        layer = self.blocks[0].layer
        return (layer.mean, layer.scale) if isinstance(layer, Pixels) else None

    @property
    def channels(self) -> int:
        """Numbers of a step where the rows are sequences of numbers, else 0."""
        layer = self.blocks[0].layer
        return layer.channels if isinstance(layer, SequenceLayer) and not layer.letters else 0

    @property
    def sequence(self) -> tuple[int, int] | None:
        """Steps and channels where the dense features are a sequence that a network reads step by step."""
        layer = self.blocks[0].layer
        is_read = isinstance(layer, Steps) and not isinstance(self.architecture, Standard)
        return (layer.steps, layer.channels + 1) if is_read else None

    def encode(self, table: RawTable) -> tuple[np.ndarray | Encoded, np.ndarray]:
        """Dense features (rows, width) float32 and codes (rows, coded) int32 of a table with the same features.

        Images are encoded when they are read.
        """
        layer = self.blocks[0].layer
        if isinstance(layer, Pixels):
            (name,) = self.blocks[0].columns
            return Encoded(cast("Pictures", table.features[name]), layer), np.empty((len(table), 0), np.int32)
        dense, codes = [], []
        for rows in _runs(len(table), rows_together(table)):
            encoded = [
                (block.is_coded, block.layer(_matrix(table, block.columns, rows)).numpy()) for block in self.blocks
            ]
            dense.append(_beside([part for is_coded, part in encoded if not is_coded], rows, np.float32))
            codes.append(_beside([part for is_coded, part in encoded if is_coded], rows, np.int32))
        return np.concatenate(dense), np.concatenate(codes)

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The columns of each input of a model: one column each, or all of a block for a wide table."""
        used = {group: None for block in self.blocks for group in block.groups}
        if len(self.forms) > MOST_INPUTS:
            return tuple(used)
        read = {name for group in used for name in group}
        return tuple((name,) for name in self.forms if name in read)

    def connect(self, inputs: Mapping[tuple[str, ...], keras.KerasTensor]) -> dict[str, keras.KerasTensor]:
        """The inputs of a network, "dense" and "codes", from a (rows, columns) symbolic input for each of groups."""
        parts: dict[bool, list[keras.KerasTensor]] = {False: [], True: []}
        for block in self.blocks:
            own = block.groups if block.groups[0] in inputs else tuple((name,) for name in block.columns)
            parts[block.is_coded].append(block.layer([inputs[group] for group in own]))
        beside = keras.layers.Concatenate(name=f"{PREFIX}dense", dtype="float32")
        dense = parts[False]
        joined = {"dense": beside(dense) if len(dense) > 1 else dense[0]}
        return {**joined, "codes": parts[True][0]} if parts[True] else joined


def fit_preprocessing(
    table: RawTable, roles: Roles, train: np.ndarray, architecture: Choice | None = None
) -> Preprocessing:
    """Learn scales, vocabularies and word weights from the training rows alone.

    train: (n,) indices of rows of the table. architecture: the bundle's choice, the standard network by default.
    Raises ColumnError if there is nothing to read.
    """
    seen, architecture = table.take(train), architecture or Standard()
    if sequences := (*seen.of_form(Form.SEQUENCE), *seen.of_form(Form.LETTERS)):
        block = Block(groups=(sequences,), layer=sequence_layer(seen, sequences[0], architecture))
        return Preprocessing(blocks=(block,), forms=dict(table.forms), architecture=architecture)
    if images := seen.of_form(Form.IMAGE):
        return Preprocessing(blocks=(_pixels(seen, images),), forms=dict(table.forms))
    times = seen.of_form(Form.TIME)
    # The trend of a series lies in its changes; how late it is would be off the scale in every row to be forecast.
    numbers = (seen.of_form(Form.NUMBER), () if roles.task is Task.FORECASTING else times)
    texts = seen.of_form(Form.TEXT)
    groups = tuple(group for group in numbers if group)
    blocks = [_numbers(seen, groups, ranked=roles.task is not Task.FORECASTING)] if groups else []
    if times and (kept := _waves(seen, times, roles)):
        blocks.append(Block(groups=(times,), layer=Calendar(kept=kept, name=f"{PREFIX}calendar")))
    if texts:
        blocks.append(_bag(seen, texts))
    blocks += _levels(seen, has_dense=bool(blocks))
    if not blocks:
        raise ColumnError(
            "A model needs at least one column to read besides the target, but the dataset has none left. Add columns, "
            "or say the kind of one that was left out as an identifier or a constant."
        )
    return Preprocessing(blocks=tuple(blocks), forms=dict(table.forms))


def _waves(seen: RawTable, times: tuple[str, ...], roles: Roles) -> list[int]:
    """Waves that training rows tell; of a forecast those of which they span some cycles.

    Days of the year that no training row has seen would say anything of the rows after them: on the half-hourly demand
    of twelve weeks they made a linear forecast err 3.5 times as much as last week's values, without them 0.7 times.
    """
    values = _matrix(seen, times)
    kept = varying_waves(values)
    return spanned_waves(values, kept) if roles.task is Task.FORECASTING else kept


def _pixels(seen: RawTable, columns: tuple[str, ...]) -> Block:
    images = cast("Pictures", seen.features[columns[0]])
    counts = sum(byte_counts(part) for part in images.in_parts())
    mean, scale = pixel_statistics(np.asarray(counts))
    shape = [int(size) for size in images.shape[1:]]
    layer = Pixels(shape=shape, mean=mean.tolist(), scale=scale.tolist(), name=f"{PREFIX}pixels")
    return Block(groups=(columns,), layer=layer)


def _numbers(seen: RawTable, groups: tuple[tuple[str, ...], ...], *, ranked: bool) -> Block:
    """ranked: heavy tails are read as quantiles, which say nothing of numbers beyond those of the training rows."""
    values = _matrix(seen, [name for group in groups for name in group])
    missing = np.isnan(values)
    center, factor = robust_scale(values)
    heavy = heavy_tailed(values) if ranked else []
    knots, quantiles = normal_quantiles(values[:, heavy])
    return Block(
        groups=groups,
        layer=Numbers(
            center=center.tolist(),
            factor=factor.tolist(),
            indicators=np.flatnonzero(missing.any(axis=0) & ~missing.all(axis=0)).tolist(),
            ranked=heavy,
            knots=knots,
            quantiles=quantiles,
            name=f"{PREFIX}numbers",
        ),
    )


def _levels(seen: RawTable, *, has_dense: bool) -> list[Block]:
    """One-hot for columns with few levels, codes for the others.

    A network reads at least one dense feature, so where there is no other, the first coded column is one-hot as well.
    """
    few: dict[str, tuple[list[str], bool]] = {}
    many: dict[str, list[str]] = {}
    for name in seen.of_form(Form.LEVEL):
        counts = Counter(seen.features[name].tolist())
        frequent = [level for level, rows in sorted(counts.items(), key=_frequent_first) if rows > RARE]
        if len(frequent) > MOST_ONE_HOT:
            many[name] = frequent[:MOST_CODED]
        else:
            few[name] = frequent, len(frequent) < len(counts)
    if many and not few and not has_dense:
        name, frequent = next(iter(many.items()))
        few[name] = frequent[:MOST_ONE_HOT], True
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
    """A bag of words a column, each bucket weighted by log((1 + rows) / (1 + rows with it)) + 1, as in scikit-learn."""
    fewest, most = BUCKETS
    buckets = max(fewest, min(most, 2 ** int(np.log2(max(1, len(seen) // ROWS_A_BUCKET)))) // len(columns))
    rows_with = np.zeros(len(columns) * buckets)
    for rows in _runs(len(seen)):
        texts = tf.constant(_matrix(seen, columns, rows))
        rows_with += np.count_nonzero(word_counts(texts, buckets).numpy(), axis=0)
    weights = np.log((1 + len(seen)) / (1 + rows_with)) + 1
    layer = WordBag(weights=weights.reshape(len(columns), -1).tolist(), name=f"{PREFIX}words")
    return Block(groups=(columns,), layer=layer)


def _runs(rows: int, most: int = ROWS_AT_ONCE) -> Iterator[slice]:
    """Slices of at most so many rows; one empty slice for no rows."""
    for start in range(0, max(rows, 1), most):
        yield slice(start, min(start + most, rows))


def rows_together(table: RawTable) -> int:
    """Rows that are encoded at once: fewer where they hold long sequences."""
    longest = max(
        (steps_of_longest(table.features[name]) for name, form in table.forms.items() if form in STEPPED), default=0
    )
    return min(ROWS_AT_ONCE, rows_at_once(longest))


def _matrix(table: RawTable, columns: Sequence[str], rows: slice = slice(None)) -> np.ndarray:
    """Columns of one form side by side, (rows, columns) float64 or str objects; of images the one column itself."""
    if not columns:
        return np.empty((len(table.rows[rows]), 0))
    return side_by_side([table.features[name][rows] for name in columns])


def _beside(parts: list[np.ndarray], rows: slice, dtype: type) -> np.ndarray:
    return np.hstack(parts) if parts else np.empty((rows.stop - rows.start, 0), dtype)
