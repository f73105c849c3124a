"""Layers that encode texts: weighted terms, and sequences of words.

A term is a word, a punctuation mark, or a bigram, optionally also a character n-gram of a word. A mark is any character
that is neither letter, number nor space: docs/evidence.md#punctuation-marks.

Terms are identified by their FarmHash fingerprint, which is the same on every machine and in every version. So a
vocabulary is a list of numbers, and a model contains no word of its training rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import keras
import numpy as np
import tensorflow as tf
from scipy import sparse

from executor.layers.constants import HASHES, LETTERS, OF_LETTERS
from executor.layers.numbers import ColumnLayer, join_columns
from recommender.dataset.writing_systems import SPACELESS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MIN_ROWS: Final = 2  # rows with a term; rarer terms do not generalize
SPACE: Final = r"[\s\p{Z}]+"
SINGLE_TOKEN: Final = rf"([{SPACELESS}]|[^\p{{L}}\p{{N}}\p{{M}}\s\p{{Z}}])"  # one character
PAIR: Final = 2  # words of a bigram
WORD_OF_ONE_LETTER: Final = r"(?s) . "


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """Known terms, the most frequent first: hashes, and inverse document frequencies."""

    hashes: tuple[int, ...]
    rarity: tuple[float, ...]
    """log((1 + rows) / (1 + rows with the term)) + 1, as in scikit-learn."""
    lengths: tuple[int, ...]
    """Known terms of each training row: distinct ones, or in a sequence all words."""

    def __len__(self) -> int:
        return len(self.hashes)


def split_tokens(texts: tf.Tensor) -> tf.RaggedTensor:
    """Split texts into lower-case words and marks, (rows, None); scripts without spaces into characters.

    texts: (rows, columns) strings, concatenated.
    """
    lower = tf.strings.lower(tf.strings.reduce_join(texts, axis=1, separator="\n"), encoding="utf-8")
    return tf.strings.split(
        tf.strings.regex_replace(tf.strings.regex_replace(lower, SPACE, " "), SINGLE_TOKEN, r" \1 ")
    )


def hash_terms(terms: tf.RaggedTensor) -> tf.RaggedTensor:
    """Hash terms, (rows, None) int64."""
    return terms.with_values(tf.strings.to_hash_bucket_fast(terms.values, HASHES))


def term_hashes(words: tf.RaggedTensor) -> tf.RaggedTensor:
    """Hash words and marks, then bigrams, (rows, None) int64."""
    return hash_terms(tf.concat([words, tf.strings.ngrams(words, PAIR, separator=" ")], axis=1))


def letter_hashes(words: tf.RaggedTensor) -> tf.RaggedTensor:
    """Hash character 3- to 5-grams of words, (rows, None) int64.

    The spaces around a word count as characters, as in scikit-learn's `char_wb`. Words of one letter have none.
    """
    unlike, places = tf.unique(words.values)  # each word is split once
    characters = tf.strings.unicode_split(tf.strings.join([" ", unlike, " "]), "UTF-8")
    lengths = []
    for length in LETTERS:
        grams = tf.strings.ngrams(characters, length, separator="")
        grams = tf.ragged.boolean_mask(
            grams, grams.with_values(~tf.strings.regex_full_match(grams.values, WORD_OF_ONE_LETTER))
        )
        hashes = hash_terms(grams.with_values(tf.strings.join([OF_LETTERS, grams.values])))
        lengths.append(words.with_values(tf.gather(hashes, places)).merge_dims(1, 2))
    return tf.concat(lengths, axis=1)


def fit_vocabulary(
    runs: Iterable[np.ndarray],
    hashes: Callable[[tf.RaggedTensor], tf.RaggedTensor],
    *,
    most: int,
    in_order: bool = False,
) -> Vocabulary:
    """Fit the most frequent terms, by the number of rows that contain them, at least MIN_ROWS.

    runs: texts in chunks, (rows, columns) str objects each. hashes: function from words to the hashes of their terms.
    most: maximum number of terms. in_order: whether lengths count every occurrence of every term, known or not.
    """
    found: list[tuple[np.ndarray, sparse.csr_matrix]] = []  # terms of a chunk, and their counts by row
    words = []
    for texts in runs:
        terms = hashes(split_tokens(tf.constant(texts)))
        unlike, places = np.unique(terms.values.numpy(), return_inverse=True)
        times = sparse.csr_matrix(
            (np.ones(len(places), np.int32), places.astype(np.int32), terms.row_splits.numpy()),
            shape=(len(texts), len(unlike)),
        )
        words.append(np.diff(times.indptr))
        times.sum_duplicates()
        found.append((unlike, times))
    every, places = np.unique(np.concatenate([unlike for unlike, _ in found]), return_inverse=True)
    rows_with = np.concatenate([np.bincount(times.indices, minlength=len(unlike)) for unlike, times in found])
    counts = np.bincount(places, weights=rows_with, minlength=len(every))
    rows_seen = sum(times.shape[0] for _, times in found)
    order = np.lexsort((every, -counts))[:most]
    kept = order[counts[order] >= MIN_ROWS]
    known = every[kept]
    lengths = words if in_order else [_entries(times, np.isin(unlike, known)) for unlike, times in found]
    return Vocabulary(
        hashes=tuple(known.tolist()),
        rarity=tuple((np.log((1 + rows_seen) / (1 + counts[kept])) + 1).tolist()),
        lengths=tuple(np.concatenate(lengths).tolist()),
    )


def _entries(matrix: sparse.csr_matrix, columns: np.ndarray) -> np.ndarray:
    """Stored entries of each row in some columns, (rows,); columns: (columns,) mask."""
    return np.diff(np.concatenate([[0], np.cumsum(columns[matrix.indices])])[matrix.indptr])


class TextLayer(ColumnLayer):
    """Base class of layers for texts: (rows, columns) strings to (rows, length) float32 and int32.

    hashes: of the known terms. Ids are their places in this order and count from 1; 0 is padding.
    length: ids per row; longer rows are truncated.
    """

    def __init__(
        self,
        *,
        hashes: list[int],
        length: int,
        name: str | None = None,
        dtype: Any = None,  # noqa: ANN401 - Keras' own loose type
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.hashes = np.array(hashes, np.int64)  # Keras tracks each item of a tuple, which takes seconds
        self.length = length
        self.output_width = length
        self.order = np.argsort(self.hashes)
        self.known = self.hashes[self.order]

    @property
    def places(self) -> int:
        """Number of ids, the padding included."""
        return len(self.hashes) + 1

    def compute_output_spec(self, *_: Any) -> tuple[keras.KerasTensor, keras.KerasTensor]:  # noqa: ANN401
        shape = (None, self.length)
        return keras.KerasTensor(shape, dtype="float32"), keras.KerasTensor(shape, dtype="int32")

    def ids(self, hashes: tf.Tensor) -> tf.Tensor:
        """Ids of hashes, (hashes,) int64; 0 for unknown ones."""
        known = tf.constant(self.known)
        at = tf.searchsorted(known, hashes, out_type=tf.int64)
        found = tf.gather(known, tf.minimum(at, len(self.hashes) - 1)) == hashes
        at = tf.gather(tf.constant(self.order), tf.minimum(at, len(self.hashes) - 1))
        return tf.where(found, at + 1, 0)

    def _filled_up(self, values: tf.Tensor, rows: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        """Pad values to rows of one length; rows: (values,) ascending row indices."""
        ragged = tf.RaggedTensor.from_value_rowids(values, rows, nrows=count, validate=False)
        return tf.ensure_shape(ragged.to_tensor(shape=[None, self.length]), [None, self.length])

    def own_config(self) -> dict[str, Any]:
        return {"hashes": self.hashes.tolist(), "length": self.length}


@keras.saving.register_keras_serializable(package="pcwat")
class TermBag(TextLayer):
    """Known terms of a row, each once, and their weights.

    With rarity the weights are (1 + log count) · rarity, L2-normalized over words and over character n-grams: TF-IDF
    with sublinear counts, as in scikit-learn. Without it they are shares of the known words or n-grams: their mean
    (Joulin et al. 2017, fastText).

    rarity: of each known term; empty for the mean. letters: whether the hashes include character n-grams.
    """

    def __init__(
        self,
        *,
        rarity: list[float],
        letters: bool = False,
        **config: Any,  # noqa: ANN401 - the arguments of TextLayer
    ) -> None:
        super().__init__(**config)
        self.rarity = np.array(rarity, np.float64)
        self.letters = letters

    def call(self, columns: Any) -> tuple[tf.Tensor, tf.Tensor]:  # noqa: ANN401 - see joined
        texts = join_columns(columns)
        count = tf.shape(texts, out_type=tf.int64)[0]
        words = split_tokens(texts)
        kinds = [term_hashes(words), letter_hashes(words)] if self.letters else [term_hashes(words)]
        hashes = tf.concat(kinds, axis=1)
        kind = tf.concat(
            [of.with_values(tf.fill(tf.shape(of.values), place)) for place, of in enumerate(kinds)], axis=1
        )
        # Words and character n-grams are normalized separately; a group is one of them in one row.
        groups = hashes.value_rowids() * len(kinds) + tf.cast(kind.values, tf.int64)
        ids = self.ids(hashes.values)
        is_known = ids > 0
        ids, groups = tf.boolean_mask(ids, is_known), tf.boolean_mask(groups, is_known)
        both, _, times = tf.unique_with_counts(groups * self.places + ids)
        groups, ids = both // self.places, both % self.places
        times = tf.cast(times, tf.float32)
        if len(self.rarity):
            weights = (1 + tf.math.log(times)) * tf.gather(tf.constant(self.rarity, tf.float32), ids - 1)
            whole = tf.sqrt(tf.math.unsorted_segment_sum(weights**2, groups, count * len(kinds)))
        else:
            weights, whole = times, tf.math.unsorted_segment_sum(times, groups, count * len(kinds))
        weights, rows = weights / tf.gather(whole, groups), groups // len(kinds)
        return self._filled_up(weights, rows, count), self._filled_up(tf.cast(ids, tf.int32), rows, count)

    def own_config(self) -> dict[str, Any]:
        return {**super().own_config(), "rarity": self.rarity.tolist(), "letters": self.letters}


@keras.saving.register_keras_serializable(package="pcwat")
class WordSequence(TextLayer):
    """Words of a row in order: 1 where there is a word, and its id; unknown words share the last id."""

    @property
    def places(self) -> int:
        return len(self.hashes) + 2

    def call(self, columns: Any) -> tuple[tf.Tensor, tf.Tensor]:  # noqa: ANN401 - see joined
        texts = join_columns(columns)
        count = tf.shape(texts, out_type=tf.int64)[0]
        hashes = hash_terms(split_tokens(texts))
        ids = self.ids(hashes.values)
        ids = tf.cast(tf.where(ids > 0, ids, self.places - 1), tf.int32)
        sequence = self._filled_up(ids, hashes.value_rowids(), count)
        return tf.cast(sequence > 0, tf.float32), sequence


@keras.saving.register_keras_serializable(package="pcwat")
class TermSum(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Dense layer on sparse terms: weights (rows, length) and ids (rows, length) to (rows, units).

    The product of a sparse row with a (places, units) kernel, computed over the terms of the row. Ids from `places` on
    are left out.
    """

    def __init__(
        self,
        *,
        places: int,
        units: int,
        kernel_initializer: Any,  # noqa: ANN401 - an initializer, or its configuration
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,  # noqa: ANN401 - Keras' own loose type
    ) -> None:
        del dtype  # sparse products are computed in full precision
        super().__init__(name=name, trainable=trainable, dtype="float32", autocast=False)
        self.places, self.units = places, units
        self.initializer = keras.initializers.get(kernel_initializer)
        self.kernel = self.add_weight(shape=(places, units), initializer=self.initializer, name="kernel")
        self.bias = self.add_weight(shape=(units,), initializer="zeros", name="bias")

    def call(self, inputs: Any) -> tf.Tensor:  # noqa: ANN401 - a list of two tensors
        weights, ids = inputs
        at = tf.where((weights > 0) & (ids < self.places))
        rows = tf.shape(weights, out_type=tf.int64)[0]
        places = tf.stack([at[:, 0], tf.cast(tf.gather_nd(ids, at), tf.int64)], axis=1)
        terms = tf.SparseTensor(places, tf.gather_nd(weights, at), [rows, self.places])
        with tf.device("/CPU:0"):  # sums on a GPU are not deterministic
            sums = tf.sparse.sparse_dense_matmul(terms, self.kernel)
        return tf.ensure_shape(sums + self.bias, [None, self.units])

    def compute_output_spec(self, _: Any) -> keras.KerasTensor:  # noqa: ANN401 - symbolic tensors
        return keras.KerasTensor((None, self.units), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "places": self.places,
            "units": self.units,
            "kernel_initializer": keras.initializers.serialize(self.initializer),
            "trainable": self.trainable,
        }
