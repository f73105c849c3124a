"""Preprocessing from raw rows to network inputs; fitted on training rows and saved in the model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

import keras
import numpy as np

from executor.data.raw_table import Form, side_by_side
from executor.data.row_arrays import evenly_spaced
from executor.data.stored_rows import StoredArray, StoredColumns
from executor.layers.names import PREFIX
from executor.layers.numbers import Numbers
from executor.layers.pixels import Pixels
from executor.layers.steps import SequenceLayer, Steps, rows_at_once
from executor.layers.terms import TextLayer
from executor.preprocessing.encoded_images import EncodedImages
from executor.preprocessing.inputs import ImageInputs, Inputs, SequenceInputs, TableInputs, TextInputs
from executor.preprocessing.sequence_encoder import SEQUENCE_FORMS, steps_of_longest
from recommender.training_cost import MAX_HIDDEN_FEATURES, MAX_PERIODIC_COLUMNS
from rules.vocabulary.choices import MiniRocket, Standard, parameters_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from executor.data.images import ImageArray
    from executor.data.raw_table import RawTable
    from rules.vocabulary.choices import Choice

MAX_INPUTS: Final = 1_000  # columns with one input each; Keras takes 1 s to build 1,000, 4 s for 2,000
ROWS_AT_ONCE: Final = 2_048  # per call; bounds the memory of a bag at 2,048 · 4,096 · 4 bytes = 32 MiB


@dataclass(frozen=True, kw_only=True)
class Block:
    """One layer and the columns that it reads.

    groups: its columns in groups that are one input each where a table is too wide for one input per column.
    """

    groups: tuple[tuple[str, ...], ...]
    layer: keras.layers.Layer
    is_coded: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(name for group in self.groups for name in group)


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """Fitted preprocessing: layers without weights."""

    blocks: tuple[Block, ...]
    forms: Mapping[str, Form]
    """Features of the table, in order."""
    architecture: Choice = field(default_factory=Standard)
    """Architecture for which the rows are encoded."""

    @property
    def width(self) -> int:
        """Number of dense features."""
        return sum(block.layer.output_width for block in self.blocks if not block.is_coded)

    @property
    def vocabulary(self) -> int:
        """Number of ids of codes."""
        if isinstance(layer := self.blocks[0].layer, TextLayer):
            return layer.places
        return sum(block.layer.places for block in self.blocks if block.is_coded)

    @property
    def inputs(self) -> Inputs:
        """Kind of inputs, from the first block; the window of a forecast comes from its table."""
        match self.blocks[0].layer:
            case Pixels() as layer:
                return ImageInputs(shape=layer.shape, mean=layer.mean, scale=layer.scale)
            case TextLayer():
                return TextInputs()
            case Steps() as layer if not isinstance(self.architecture, Standard):
                return SequenceInputs(steps=layer.steps, channels=layer.channels + 1)
            case Numbers() as layer:
                count = len(layer.center)
            case _:
                count = 0
        parameters = parameters_of(self.architecture)
        is_waved = parameters.periodic_features and count <= MAX_PERIODIC_COLUMNS
        own = self.architecture
        ridge_start = own.ridge_start if isinstance(own, MiniRocket) else parameters.linear_start
        return TableInputs(
            numbers=count if is_waved else 0,
            input_scale=parameters.input_scale,
            ridge_start=ridge_start,
            hidden=self._thinned() if ridge_start else (),
        )

    def _thinned(self) -> tuple[int, ...]:
        """Dense features, of those of sequences MAX_HIDDEN_FEATURES evenly spaced; empty where these are all."""
        kept: list[np.ndarray] = []
        start = 0
        for block in self.blocks:
            if not block.is_coded:
                width = block.layer.output_width
                most = MAX_HIDDEN_FEATURES if isinstance(block.layer, SequenceLayer) else width
                kept.append(start + evenly_spaced(width, most))
                start += width
        found = np.concatenate(kept)
        return () if len(found) == start else tuple(found.tolist())

    @property
    def channels(self) -> int:
        """Channels where rows are sequences of numbers, else 0."""
        layers = (block.layer for block in self.blocks)
        return next((one.channels for one in layers if isinstance(one, SequenceLayer) and not one.letters), 0)

    @property
    def alone(self) -> Block | None:
        """The block of images, or of sequences that are read step by step; None for other inputs."""
        return self.blocks[0] if isinstance(self.inputs, ImageInputs | SequenceInputs) else None

    def encode(
        self, table: RawTable
    ) -> tuple[np.ndarray | EncodedImages | StoredArray, np.ndarray | StoredArray, np.ndarray | None]:
        """Encode a table: dense features (rows, width) float32, codes (rows, coded) int32, and further features.

        Images are encoded when they are read; rows on disk are written there. The third array has the dense features of
        columns next to images or sequences, else None.
        """
        if isinstance(table.features, StoredColumns):
            parts = (self._encoded(part, self.blocks) for _, part in table.parts(ROWS_AT_ONCE))
            written = table.features.cache.write(len(table), parts)
            return written[0], written[1], None
        if self.alone is None:
            return *self._encoded(table, self.blocks), None
        column_features, codes = self._encoded(table, self.blocks[1:])
        (name,) = self.alone.columns
        if isinstance(layer := self.alone.layer, Pixels):
            return EncodedImages(cast("ImageArray", table.features[name]), layer), codes, column_features
        return self._encoded(table, (self.alone,))[0], codes, column_features

    def _encoded(self, table: RawTable, blocks: tuple[Block, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Encode some blocks: dense features and codes."""
        dense, codes = [], []
        for rows in row_slices(len(table), rows_together(table)):
            if blocks and isinstance(layer := blocks[0].layer, TextLayer):
                weights, ids = layer(matrix(table, blocks[0].columns, rows))
                dense.append(weights.numpy())
                codes.append(ids.numpy())
                continue
            encoded = [(block.is_coded, block.layer(matrix(table, block.columns, rows)).numpy()) for block in blocks]
            dense.append(_stack_columns([part for is_coded, part in encoded if not is_coded], rows, np.float32))
            codes.append(_stack_columns([part for is_coded, part in encoded if is_coded], rows, np.int32))
        return np.concatenate(dense), np.concatenate(codes)

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Columns of each input of a model: one each, or all of a block for a wide table."""
        used = {group: None for block in self.blocks for group in block.groups}
        if len(self.forms) > MAX_INPUTS:
            return tuple(used)
        read = {name for group in used for name in group}
        return tuple((name,) for name in self.forms if name in read)

    def connect(self, inputs: Mapping[tuple[str, ...], keras.KerasTensor]) -> dict[str, keras.KerasTensor]:
        """Build the inputs of a network, "dense", "codes" and "column_features", from a symbolic input per group."""
        parts: dict[bool, list[keras.KerasTensor]] = {False: [], True: []}
        found: dict[str, keras.KerasTensor] = {}
        for block in self.blocks:
            own = block.groups if block.groups[0] in inputs else tuple((name,) for name in block.columns)
            if isinstance(block.layer, TextLayer):
                weights, ids = block.layer([inputs[group] for group in own])
                return {"dense": weights, "codes": ids}
            encoded = block.layer([inputs[group] for group in own])
            if block is self.alone:
                found["dense"] = encoded
            else:
                parts[block.is_coded].append(encoded)
        if dense := parts[False]:
            side_by_side = keras.layers.Concatenate(name=f"{PREFIX}dense", dtype="float32")
            found["column_features" if found else "dense"] = side_by_side(dense) if len(dense) > 1 else dense[0]
        if parts[True]:
            found["codes"] = parts[True][0]
        return found


def row_slices(rows: int, most: int = ROWS_AT_ONCE) -> Iterator[slice]:
    """Iterate over slices of at most `most` rows; one empty slice for no rows."""
    for start in range(0, max(rows, 1), most):
        yield slice(start, min(start + most, rows))


def rows_together(table: RawTable) -> int:
    """Number of rows that are encoded at once, fewer for long sequences."""
    longest = max(
        (steps_of_longest(table.features[name]) for name, form in table.forms.items() if form in SEQUENCE_FORMS),
        default=0,
    )
    return min(ROWS_AT_ONCE, rows_at_once(longest))


def matrix(table: RawTable, columns: Sequence[str], rows: slice = slice(None)) -> np.ndarray:
    """Stack columns of one form, (rows, columns) float64 or str objects; a column of images as it is."""
    if not columns:
        return np.empty((len(table.rows[rows]), 0))
    return side_by_side([table.features[name][rows] for name in columns])


def _stack_columns(parts: list[np.ndarray], rows: slice, dtype: type) -> np.ndarray:
    return np.hstack(parts) if parts else np.empty((rows.stop - rows.start, 0), dtype)
