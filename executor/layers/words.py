"""Layers that turn levels and texts into features; one layer for all columns of a kind.

Their vocabularies are saved as JSON in the layer's configuration: Keras' own StringLookup saves one word a line, and a
level may hold a line break.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, Final

import keras
import tensorflow as tf

from executor.layers.numbers import ColumnLayer, join_columns
from recommender.dataset.scripts import SPACELESS

SEPARATOR: Final = "\x1f"  # ends the column's number in a key; digits cannot hold it, so no value can fake another key
NOT_A_WORD: Final = rf"[^\p{{L}}\p{{N}}]+|[{SPACELESS}]+"
NOT_SPACELESS: Final = f"[^{SPACELESS}]+"
PAIR: Final = 2  # characters
UNKNOWN: Final = -1


def _lookup(levels: tuple[tuple[str, ...], ...], ids: list[int]) -> tf.lookup.StaticHashTable:
    """A table from "column number, separator, level" to ids, in the order of the levels."""
    keys = [f"{column}{SEPARATOR}{level}" for column, own in enumerate(levels) for level in own]
    with tf.init_scope():  # a layer may be built while a graph is traced
        entries = tf.lookup.KeyValueTensorInitializer(keys, ids, key_dtype=tf.string, value_dtype=tf.int32)
        return tf.lookup.StaticHashTable(entries, default_value=UNKNOWN)


def _keys(words: tf.Tensor, columns: int) -> tf.Tensor:
    prefixes = tf.constant([[f"{column}{SEPARATOR}" for column in range(columns)]])
    return tf.raw_ops.Add(x=prefixes, y=words)  # on strings: joins, with broadcasting


class CategoryLayer(ColumnLayer):
    """What both encodings of levels share.

    levels: for each column the levels that have a place of their own.
    others: for each column whether one more place stands for all other levels, seen rarely or never.
    """

    def __init__(
        self,
        *,
        levels: list[list[str]],
        others: list[bool],
        name: str | None = None,
        dtype: Any = None,  # noqa: ANN401 - Keras' own loose type
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.levels = tuple(tuple(own) for own in levels)
        self.others = tuple(others)
        ids: list[int] = []
        other_ids: list[int] = []
        place = 0
        for own, other in zip(self.levels, self.others, strict=True):
            ids += range(place, place + len(own))
            place += len(own) + other
            other_ids.append(place - 1 if other else UNKNOWN)
        self.places = place
        self.other_ids = tuple(other_ids)
        self.table = _lookup(self.levels, ids)

    def ids(self, columns: Any) -> tf.Tensor:  # noqa: ANN401 - see joined
        """The place of each level, (rows, columns) int32, counted over all columns; -1 without one."""
        found = self.table.lookup(_keys(join_columns(columns), len(self.levels)))
        return tf.where(found == UNKNOWN, tf.constant([self.other_ids], tf.int32), found)

    def own_config(self) -> dict[str, Any]:
        return {"levels": [[*own] for own in self.levels], "others": [*self.others]}


@keras.saving.register_keras_serializable(package="pcwat")
class OneHot(CategoryLayer):
    """Reads (rows, columns) strings; gives (rows, places) float32: a one for each column's level, zeros if unknown."""

    def __init__(self, **config: Any) -> None:  # noqa: ANN401 - the arguments of LevelLayer
        super().__init__(**config)
        self.output_width = self.places

    def call(self, columns: Any) -> tf.Tensor:  # noqa: ANN401 - see joined
        ids = self.ids(columns)
        rows, own = tf.shape(ids)[0], tf.shape(ids)[1]
        # Scattered ones need one row of `places`; a tensor of (rows, columns, places) would not fit for wide tables.
        seats = tf.where(ids == UNKNOWN, self.places, ids)
        at = tf.stack([tf.repeat(tf.range(rows), own), tf.reshape(seats, [-1])], axis=1)
        spread = tf.scatter_nd(at, tf.ones([rows * own], tf.float32), tf.stack([rows, self.places + 1]))
        return tf.ensure_shape(spread[:, : self.places], [None, self.places])


@keras.saving.register_keras_serializable(package="pcwat")
class Codes(CategoryLayer):
    """Reads (rows, columns) strings; gives (rows, columns) int32 ids in one vocabulary for all columns."""

    output_dtype = "int32"

    def __init__(self, **config: Any) -> None:  # noqa: ANN401 - the arguments of LevelLayer
        super().__init__(**config)
        self.output_width = len(self.levels)

    def call(self, columns: Any) -> tf.Tensor:  # noqa: ANN401 - see joined
        return self.ids(columns)


@keras.saving.register_keras_serializable(package="pcwat")
class WordBag(ColumnLayer):
    """Reads (rows, columns) strings; gives (rows, columns · buckets) float32: weighted counts of hashed words.

    A bucket's value is weight · log(1 + count) of its lower-cased words: tf-idf with sublinear counts, not normalised.

    weights: (columns, buckets).
    """

    def __init__(
        self,
        *,
        weights: list[list[float]],
        name: str | None = None,
        dtype: Any = None,  # noqa: ANN401 - Keras' own loose type
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.weighting = tuple(tuple(own) for own in weights)
        self.buckets = len(weights[0])
        self.output_width = len(weights) * self.buckets

    def call(self, columns: Any) -> tf.Tensor:  # noqa: ANN401 - see joined
        flat = tf.constant([weight for own in self.weighting for weight in own], tf.float32)
        return tf.math.log1p(word_counts(join_columns(columns), self.buckets)) * flat

    def own_config(self) -> dict[str, Any]:
        return {"weights": [[*own] for own in self.weighting]}


def word_counts(texts: tf.Tensor, buckets: int) -> tf.Tensor:
    """How many words of each text fall into each bucket, (rows, columns · buckets) float32.

    Of scripts without spaces the words are single characters and pairs of neighbours. The hash is FarmHash's
    fingerprint, which is the same on every machine and in every version.
    """
    rows, columns = tf.shape(texts)[0], texts.shape[1]
    lower = tf.strings.lower(tf.reshape(texts, [-1]), encoding="utf-8")
    characters = tf.strings.unicode_split(tf.strings.regex_replace(lower, NOT_SPACELESS, ""), "UTF-8")
    pairs = tf.strings.ngrams(characters, PAIR, separator="")
    spaced = tf.strings.regex_replace(lower, NOT_A_WORD, " ")
    words = tf.concat([tf.strings.split(spaced), characters, pairs], axis=1)
    places = words.value_rowids() * buckets + tf.strings.to_hash_bucket_fast(words.values, buckets)
    ones = tf.ones_like(places, tf.float32)
    counts = tf.math.unsorted_segment_sum(ones, places, tf.cast(rows, tf.int64) * columns * buckets)
    return tf.reshape(counts, [-1, columns * buckets])


def split_words(text: str) -> list[str]:
    """The same words of a text, for scikit-learn.

    >>> split_words("It is 天气"), split_words("It, it")
    (['it', 'is', '天', '气', '天气'], ['it', 'it'])
    """
    lower = text.lower()
    characters = re.findall(f"[{SPACELESS}]", lower)
    pairs = [one + two for one, two in pairwise(characters)]
    return [*re.findall(rf"(?:(?![{SPACELESS}])[^\W_])+", lower), *characters, *pairs]
