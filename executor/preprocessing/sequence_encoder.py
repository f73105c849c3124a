"""Encoding of sequences: random kernels, or step by step."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.data.raw_table import Form
from executor.data.row_arrays import evenly_spaced
from executor.layers.minirocket import fit_features
from executor.layers.names import PREFIX
from executor.layers.steps import SequenceLayer, Steps
from recommender.training_cost import MAX_FITTED
from rules.vocabulary.choices import MiniRocket

if TYPE_CHECKING:
    from executor.data.raw_table import RawTable
    from rules.vocabulary.choices import Choice

SEQUENCE_FORMS: Final = frozenset({Form.SEQUENCE, Form.LETTERS})
SEQUENCE_WEIGHT: Final = 64.0  # weight of a sequence next to other columns, in columns
MIN_SCALE: Final = 1e-12  # of a channel; below it the channel is constant
MAX_LETTERS: Final = 64  # the most frequent ones of training; others are ignored


def sequence_layer(seen: RawTable, name: str, architecture: Choice) -> SequenceLayer:
    """Fit the layer that encodes a column of sequences.

    Next to other columns random features have a smaller weight, because there are thousands of them.
    """
    values = seen.features[name]
    read = _reading(values, seen.forms[name], seen.weight)
    if not isinstance(architecture, MiniRocket):
        return Steps(steps=steps_of_longest(values), name=f"{PREFIX}steps", **read.own_config())
    some = values[evenly_spaced(len(values), MAX_FITTED)]
    weight = SEQUENCE_WEIGHT if len(seen.forms) > 1 else None
    return fit_features(as_input(some), read, features=architecture.features, name=f"{PREFIX}kernels", weight=weight)


def steps_of_longest(values: np.ndarray) -> int:
    """Length of the longest sequence of a column; values: (rows, steps, channels), or (rows,) letters."""
    return int(values.shape[1]) if values.ndim > 1 else max(map(len, values), default=0)


def rows_by_steps(table: RawTable) -> dict[int, np.ndarray]:
    """Group rows by the number of steps for prediction, a power of two that is at least the length of their sequences.

    The number is 0 without sequences.
    """
    columns = [table.features[name] for name, form in table.forms.items() if form in SEQUENCE_FORMS]
    if not columns or not len(table):
        return {0: np.arange(len(table))}
    longest = np.max([_steps_of_each(values) for values in columns], axis=0)
    asked = 2 ** np.ceil(np.log2(np.maximum(longest, 1))).astype(np.int64)
    return {int(steps): np.flatnonzero(asked == steps) for steps in np.unique(asked)}


def pad_steps(table: RawTable, steps: int) -> RawTable:
    """Pad or truncate sequences of numbers to a number of steps; unchanged for 0."""
    features = {
        name: _of_length(values, steps) if steps and table.forms[name] is Form.SEQUENCE else values
        for name, values in table.features.items()
    }
    return replace(table, features=features)


def _steps_of_each(values: np.ndarray) -> np.ndarray:
    """Length of each sequence, (rows,)."""
    if values.ndim == 1:
        return np.array([len(value) for value in values], np.int64)
    known = ~np.isnan(values).all(axis=2)
    return np.where(known.any(axis=1), known.shape[1] - known[:, ::-1].argmax(axis=1), 0)


def _of_length(values: np.ndarray, steps: int) -> np.ndarray:
    more = max(0, steps - values.shape[1])
    return np.pad(values, [(0, 0), (0, more), (0, 0)], constant_values=np.nan)[:, :steps]


def as_input(values: np.ndarray) -> np.ndarray:
    """Convert a column of sequences to a layer input: letters as (rows, 1)."""
    return values if values.ndim > 1 else values[:, None]


def _reading(values: np.ndarray, form: Form, weight: np.ndarray | None) -> SequenceLayer:
    """Fit mean and scale of each channel, or the letters, which count rows without weights."""
    if form is Form.LETTERS:
        counts = Counter("".join(values))
        most = sorted(counts, key=lambda letter: (-counts[letter], letter))[:MAX_LETTERS]
        return SequenceLayer(mean=[], scale=[], letters="".join(sorted(most)))
    numbers = values.astype(np.float64)
    if weight is None:
        mean, scale = np.nanmean(numbers, axis=(0, 1)), np.nanstd(numbers, axis=(0, 1))
    else:
        share = weight[:, None, None] * ~np.isnan(numbers)
        with np.errstate(invalid="ignore"):  # a channel without a value, as in nanmean
            share /= share.sum(axis=(0, 1))
        mean = np.nansum(share * numbers, axis=(0, 1))
        scale = np.sqrt(np.nansum(share * np.square(numbers - mean), axis=(0, 1)))
    mean, scale = np.nan_to_num(mean), np.nan_to_num(scale)
    return SequenceLayer(mean=mean.tolist(), scale=np.where(scale > MIN_SCALE, scale, 1.0).tolist())
