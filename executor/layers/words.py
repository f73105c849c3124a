"""Layers that encode categories and texts; one layer for all columns of a kind.

Vocabularies are saved as JSON in the layer's configuration: Keras' StringLookup saves one word per line, but a category
may contain a line break.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, Final

import keras
import tensorflow as tf

from executor.layers.constants import UNKNOWN
from executor.layers.numbers import ColumnLayer, join_columns
from recommender.dataset.writing_systems import SPACELESS

SEPARATOR: Final = "\x1f"  # ends the column number in a key, so that keys are unique
NOT_A_WORD: Final = rf"[^\p{{L}}\p{{N}}]+|[{SPACELESS}]+"
NOT_SPACELESS: Final = f"[^{SPACELESS}]+"
PAIR: Final = 2  # characters


def _lookup(levels: tuple[tuple[str, ...], ...], ids: list[int]) -> tf.lookup.StaticHashTable:
    """Create a table from "column number, separator, category" to ids, in the order of the categories."""
    keys = [f"{column}{SEPARATOR}{level}" for column, own in enumerate(levels) for level in own]
    with tf.init_scope():  # the layer may be built while a graph is traced
        entries = tf.lookup.KeyValueTensorInitializer(keys, ids, key_dtype=tf.string, value_dtype=tf.int32)
        return tf.lookup.StaticHashTable(entries, default_value=UNKNOWN)


def _keys(words: tf.Tensor, columns: int) -> tf.Tensor:
    prefixes = tf.constant([[f"{column}{SEPARATOR}" for column in range(columns)]])
    return tf.raw_ops.Add(x=prefixes, y=words)  # on strings: joins, with broadcasting


class CategoryLayer(ColumnLayer):
    """Base class of encodings of categories.

    levels: for each column the categories with their own id.
    others: for each column whether rare and unknown categories share one more id.
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
        """Ids of categories, (rows, columns) int32, unique over all columns; -1 for unknown ones."""
        found = self.table.lookup(_keys(join_columns(columns), len(self.levels)))
        return tf.where(found == UNKNOWN, tf.constant([self.other_ids], tf.int32), found)

    def own_config(self) -> dict[str, Any]:
        return {"levels": [[*own] for own in self.levels], "others": [*self.others]}


@keras.saving.register_keras_serializable(package="pcwat")
class OneHot(CategoryLayer):
    """One-hot encoding: reads (rows, columns) strings, returns (rows, places) float32; zeros for unknown categories."""

    def __init__(self, **config: Any) -> None:  # noqa: ANN401 - the arguments of LevelLayer
        super().__init__(**config)
        self.output_width = self.places

    def call(self, columns: Any) -> tf.Tensor:  # noqa: ANN401 - see joined
        ids = self.ids(columns)
        rows, own = tf.shape(ids)[0], tf.shape(ids)[1]
        # Scattered, because a tensor of (rows, columns, places) does not fit into memory for wide tables.
        seats = tf.where(ids == UNKNOWN, self.places, ids)
        at = tf.stack([tf.repeat(tf.range(rows), own), tf.reshape(seats, [-1])], axis=1)
        spread = tf.scatter_nd(at, tf.ones([rows * own], tf.float32), tf.stack([rows, self.places + 1]))
        return tf.ensure_shape(spread[:, : self.places], [None, self.places])


@keras.saving.register_keras_serializable(package="pcwat")
class Codes(CategoryLayer):
    """Ordinal encoding: reads (rows, columns) strings, returns (rows, columns) int32 ids, unique over all columns."""

    output_dtype = "int32"

    def __init__(self, **config: Any) -> None:  # noqa: ANN401 - the arguments of LevelLayer
        super().__init__(**config)
        self.output_width = len(self.levels)

    def call(self, columns: Any) -> tf.Tensor:  # noqa: ANN401 - see joined
        return self.ids(columns)


@keras.saving.register_keras_serializable(package="pcwat")
class WordBag(ColumnLayer):
    """Hashed bag of words: reads (rows, columns) strings, returns (rows, columns · buckets) float32.

    A bucket's value is weight · log(1 + count) of its lower-case words: TF-IDF with sublinear counts, not normalized.

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
    """Count the words of each text by bucket, (rows, columns · buckets) float32.

    In scripts without spaces words are characters and bigrams of them. The hash is FarmHash's fingerprint, which is the
    same on every machine and in every version.
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
    """Split a text into the same words, for scikit-learn.

    >>> split_words("It is 天气"), split_words("It, it")
    (['it', 'is', '天', '气', '天气'], ['it', 'it'])
    """
    lower = text.lower()
    characters = re.findall(f"[{SPACELESS}]", lower)
    pairs = [one + two for one, two in pairwise(characters)]
    return [*re.findall(rf"(?:(?![{SPACELESS}])[^\W_])+", lower), *characters, *pairs]
