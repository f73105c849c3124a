"""Rows before encoding: numbers and times as float64, words as text, and the targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.data.row_arrays import evenly_spaced, take_rows
from executor.data.stored_rows import StoredColumns
from recommender.dataset.sql import BLOB, is_number
from rules.vocabulary.column_kind import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class Form(StrEnum):
    """How the values of a column are represented."""

    NUMBER = "number"
    """float64, NaN where missing."""
    TIME = "time"
    """float64 seconds since 1970, NaN where missing."""
    LEVEL = "level"
    """Text, one of several categories, "" where missing."""
    TEXT = "text"
    """Free text, "" where missing."""
    IMAGE = "image"
    """Pixels, uint8."""
    SEQUENCE = "sequence"
    """Steps of channels, float32, NaN after the end."""
    LETTERS = "letters"
    """A sequence of letters, as text."""

    @property
    def is_words(self) -> bool:
        return self in WORDS


WORDS: Final = frozenset({Form.LEVEL, Form.TEXT, Form.LETTERS})
ARRAYS: Final = frozenset({Form.IMAGE, Form.SEQUENCE})


def form_of(kind: Kind, storage: str) -> Form:
    """Determine the form of a column from its kind and DuckDB type; ordinal and boolean words are categories."""
    if kind is Kind.DATETIME:
        return Form.TIME
    if kind is Kind.TEXT:
        return Form.TEXT
    if kind is Kind.IMAGE:
        return Form.IMAGE
    if kind is Kind.SEQUENCE:
        return Form.SEQUENCE if storage == BLOB else Form.LETTERS
    is_countable = is_number(storage) or storage == "BOOLEAN"
    if kind is Kind.NUMERIC or (kind in {Kind.ORDINAL, Kind.BOOLEAN} and is_countable):
        return Form.NUMBER
    return Form.LEVEL


@dataclass(frozen=True, kw_only=True)
class Lagged:
    """The column of a series and the step from which a feature takes its value."""

    column: str
    lag: int
    """Steps back from the first step to be forecast: 1 is the last known step, 0 the first step ahead, -1 the next."""
    minus: int | None = None
    """The lag whose value is subtracted, where the feature is a change; else None."""

    def __str__(self) -> str:
        """The name of the feature in signatures and models.

        >>> str(Lagged(column="y", lag=3, minus=1)), str(Lagged(column="price", lag=0))
        ('y [-3] - [-1]', 'price [+1]')
        """
        step = f"-{self.lag}" if self.lag > 0 else f"+{1 - self.lag}"
        return f"{self.column} [{step}]" + ("" if self.minus is None else f" - [-{self.minus}]")


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """Rows of a dataset before encoding.

    features: for each column that the model reads, (rows,) float64 or str objects by its form, in order, on disk where
        the rows of a table do not fit into memory; of
        images executor.data.images.ImageArray, which reads as (rows, height, width, channels) uint8; of sequences of
        numbers (rows, steps, channels) float32.
    forms: the form of each of them.
    truth: class indices (rows,) int64 for binary and multiclass, (rows, labels) int64 of 0 and 1, or values
        (rows, targets) float64; None for rows to predict.
    rows: (rows,) int64 row numbers in the dataset, from 0; -1 for a step after its last row.
    time: (rows,) float64 order of the rows. entity, part: (rows,) str objects, "" where missing.
    weight: (rows,) float64 weights above 0; None where each row counts once.
    offset, last, season_before, spread: (rows, outputs) float64 of a forecast, like its truth: the reference of its
        change, the last value, the value one season before, and the spread of the window.
    theta: (rows, outputs) float64 forecast of a Theta model that was fitted before the validation rows; NaN where it
        knows no past value.
    """

    features: Mapping[str, np.ndarray]
    forms: Mapping[str, Form]
    rows: np.ndarray
    truth: np.ndarray | None = None
    time: np.ndarray | None = None
    entity: np.ndarray | None = None
    part: np.ndarray | None = None
    weight: np.ndarray | None = None
    offset: np.ndarray | None = None
    last: np.ndarray | None = None
    season_before: np.ndarray | None = None
    spread: np.ndarray | None = None
    theta: np.ndarray | None = None
    has_clock: bool = False
    """Whether time is in seconds since 1970, not a number or a position in the file."""
    window: tuple[int, int] | None = None
    """Of a forecast: numbers of lags and of targets in its first features, lag by lag."""
    lagged: Mapping[str, Lagged] = field(default_factory=dict)
    """Of a forecast: where each feature comes from, but for the time of the first step ahead."""
    label_pairs: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """For each of several labels: text of its negative and positive value in the dataset."""

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: np.ndarray | slice) -> RawTable:
        """Return some of the rows; rows: (n,) indices, (len(self),) mask or a slice."""
        return take_rows(self, rows)

    def evenly_spaced(self, most: int) -> RawTable:
        """Return at most `most` of the rows, evenly spaced."""
        return self.take(evenly_spaced(len(self), most))

    @property
    def in_memory(self) -> RawTable:
        """All rows, or of rows on disk an evenly spaced sample that fits into memory."""
        features = self.features
        return self.evenly_spaced(features.cache.sample) if isinstance(features, StoredColumns) else self

    def parts(self, multiple: int = 1) -> Iterator[tuple[slice, RawTable]]:
        """The rows in parts that fit into memory: all at once unless they are on disk.

        multiple: number that divides the number of rows of each part but the last one.
        """
        size = max(1, len(self))
        if isinstance(self.features, StoredColumns):
            size = multiple * max(1, self.features.rows_at_once // multiple)
        for start in range(0, max(1, len(self)), size):
            rows = slice(start, min(start + size, len(self)))
            yield rows, self if size >= len(self) else self.take(rows)

    def of_form(self, form: Form) -> tuple[str, ...]:
        """Names of the columns of a form, in order."""
        return tuple(name for name, own in self.forms.items() if own is form)


def side_by_side(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Stack columns of one form, (rows, columns); a column of images or sequences is returned as it is."""
    return np.asarray(columns[0]) if columns[0].ndim > 1 else np.column_stack(columns)
