"""Masking of the parts of a row: columns, words, letters, patches of an image, segments of a sequence.

A masked column takes the value of a background row. Masked words are removed,
masked letters are unknown, and masked patches and segments take the mean of the background.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.data.raw_table import Form, RawTable
from recommender.dataset.writing_systems import SPACELESS
from rules.text.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from executor.evaluation.explanation.explanations import PartKind

MAX_WORDS: Final = 64  # parts of a text; words of longer ones are masked in groups of neighbours
MAX_SEGMENTS: Final = 24  # parts of a sequence
PATCHES_PER_SIDE: Final = 8  # of an image, so at most 64 parts
UNKNOWN_LETTER: Final = "?"
WORD: Final = re.compile(rf"[{SPACELESS}]|[^\W{SPACELESS}](?:[^\s{SPACELESS}]*[^\W{SPACELESS}])?")
"""A word, or a character of a language without spaces."""
CLOCK: Final = re.compile(r"T00:00:00$")


@dataclass(frozen=True, kw_only=True)
class Masking:
    """Masking of one row.

    names, values: of its parts, as in `RowExplanation`. background: number of background rows that can replace parts; 1
    where parts are replaced by the same values always. mask: function from masks (n, parts) bool, true where a part is
    kept, and numbers of background rows (n,) to n rows.
    """

    names: tuple[str, ...]
    values: tuple[str, ...]
    background: int
    mask: Callable[[np.ndarray, np.ndarray], RawTable]


def kind_of_parts(rows: RawTable) -> PartKind:
    """What the parts of the rows are: columns, or the parts of the only column."""
    forms = [*rows.forms.values()]
    of_one: dict[Form, PartKind] = {
        Form.TEXT: "words",
        Form.LETTERS: "letters",
        Form.IMAGE: "patch",
        Form.SEQUENCE: "segment",
    }
    return of_one.get(forms[0], "column") if len(forms) == 1 else "column"


def describe_background(kind: PartKind, background: RawTable) -> str:
    """What replaces masked parts, as a sentence."""
    rows = counted(len(background), "row")
    return {
        "column": f"Masked columns take the values of {rows} of the background.",
        "words": "Masked words are removed.",
        "letters": "Masked letters are unknown letters.",
        "patch": f"Masked patches take the mean of {rows} of the background.",
        "segment": f"Masked segments take the mean of {rows} of the background.",
    }[kind]


def masking_for(kind: PartKind, background: RawTable) -> Callable[[RawTable], Masking]:
    """Return a function that creates the masking of a row, which is a table of one row."""
    if kind == "column":
        return lambda row: _mask_columns(row, background)
    if kind == "words":
        return _mask_words
    if kind == "letters":
        return _mask_letters
    (name,) = background.forms
    if kind == "patch":
        mean = np.asarray(background.features[name], np.float64).mean(axis=0).round().astype(np.uint8)
        return lambda row: _mask_patches(row, mean)
    steps = _mean_steps(background.features[name])
    return lambda row: _mask_segments(row, steps)


def describe_value(value: object, form: Form) -> str:
    """A value of a column as text; empty where it is missing."""
    if form.is_words:
        return str(value)
    if not isinstance(value, float | np.floating) or math.isnan(value):
        return ""
    if form is Form.TIME:
        return CLOCK.sub("", str(np.datetime64(round(float(value)), "s")))
    return f"{float(value):.10g}"


def _mask_columns(row: RawTable, background: RawTable) -> Masking:
    names, own = (*row.forms,), len(background)
    both = {name: np.concatenate([background.features[name], row.features[name]]) for name in names}

    def mask(kept: np.ndarray, others: np.ndarray) -> RawTable:
        features = {name: both[name][np.where(kept[:, at], own, others)] for at, name in enumerate(names)}
        return _table(features, row)

    values = tuple(describe_value(row.features[name][0], row.forms[name]) for name in names)
    return Masking(names=names, values=values, background=own, mask=mask)


def _mask_words(row: RawTable) -> Masking:
    (name,) = row.forms
    text = str(row.features[name][0])
    starts = [found.start() for found in WORD.finditer(text)] or [0]
    ends = [*starts[1:], len(text)]
    starts[0] = 0
    groups = _groups(len(starts), MAX_WORDS)
    pieces = [text[starts[first] : ends[last - 1]] for first, last in groups]
    numbers = [f"{first + 1}" if last == first + 1 else f"{first + 1}-{last}" for first, last in groups]
    parts = tuple(f"{number}: {piece.strip()}" for number, piece in zip(numbers, pieces, strict=True))
    return Masking(
        names=parts,
        values=tuple(pieces),
        background=1,
        mask=lambda kept, _others: _texts(["".join(np.array(pieces, object)[own]) for own in kept], row, name),
    )


def _mask_letters(row: RawTable) -> Masking:
    (name,) = row.forms
    text = str(row.features[name][0])
    groups = _groups(max(1, len(text)), MAX_SEGMENTS)
    pieces = [text[first:last] for first, last in groups]
    hidden = [UNKNOWN_LETTER * len(piece) for piece in pieces]
    return Masking(
        names=tuple(f"{first + 1}-{last}: {text[first:last]}" for first, last in groups),
        values=tuple(pieces),
        background=1,
        mask=lambda kept, _others: _texts(
            ["".join(np.where(own, np.array(pieces, object), np.array(hidden, object))) for own in kept], row, name
        ),
    )


def _mask_patches(row: RawTable, mean: np.ndarray) -> Masking:
    (name,) = row.forms
    pixels = np.asarray(row.features[name])[0]
    grid = patches(pixels.shape)

    def mask(kept: np.ndarray, _others: np.ndarray) -> RawTable:
        images = np.repeat(mean[None], len(kept), axis=0)
        for at, (top, bottom, left, right) in enumerate(grid):
            images[kept[:, at], top:bottom, left:right] = pixels[top:bottom, left:right]
        return _table({name: images}, row)

    names = tuple(f"rows {top}-{bottom - 1}, columns {left}-{right - 1}" for top, bottom, left, right in grid)
    return Masking(names=names, values=("",) * len(grid), background=1, mask=mask)


def patches(shape: Sequence[int]) -> list[tuple[int, int, int, int]]:
    """Top, bottom, left and right of each patch of an image (height, width, …), row by row.

    >>> patches((2, 3, 1))[:3]
    [(0, 1, 0, 1), (0, 1, 1, 2), (0, 1, 2, 3)]
    """
    down, across = (_groups(side, PATCHES_PER_SIDE) for side in shape[:2])
    return [(*vertical, *horizontal) for vertical in down for horizontal in across]


def _mask_segments(row: RawTable, mean: np.ndarray) -> Masking:
    (name,) = row.forms
    steps = row.features[name][0]
    known = np.flatnonzero(~np.isnan(steps).all(axis=1))
    length = int(known[-1]) + 1 if len(known) else 1
    usual = mean[np.minimum(np.arange(length), len(mean) - 1)]
    segments = _groups(length, MAX_SEGMENTS)

    def mask(kept: np.ndarray, _others: np.ndarray) -> RawTable:
        copies = np.repeat(steps[None], len(kept), axis=0)
        for at, (first, last) in enumerate(segments):
            copies[~kept[:, at], first:last] = usual[first:last]
        return _table({name: copies}, row)

    names = tuple(f"steps {first + 1}-{last}" for first, last in segments)
    return Masking(names=names, values=("",) * len(segments), background=1, mask=mask)


def _mean_steps(sequences: np.ndarray) -> np.ndarray:
    """Mean of each step and channel over sequences that have it, (steps, channels) float32."""
    known = ~np.isnan(sequences)
    count = known.sum(axis=0)
    total = np.where(known, sequences, 0).sum(axis=0, dtype=np.float64)
    overall = total.sum(axis=0) / np.maximum(count.sum(axis=0), 1)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), overall), np.float32)


def _groups(count: int, most: int) -> list[tuple[int, int]]:
    """Divide a count of neighbours into at most `most` groups of nearly equal size; first and end of each.

    >>> _groups(5, 2)
    [(0, 2), (2, 5)]
    """
    ends = [round(count * at / min(count, most)) for at in range(min(count, most) + 1)]
    return [*pairwise(ends)]


def _texts(texts: list[str], row: RawTable, name: str) -> RawTable:
    return _table({name: np.array(texts, object)}, row)


def _table(features: dict[str, np.ndarray], row: RawTable) -> RawTable:
    return RawTable(features=features, forms=row.forms, rows=np.zeros(len(next(iter(features.values()))), np.int64))
