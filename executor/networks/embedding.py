"""Embeddings of the categories of coded columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

if TYPE_CHECKING:
    from executor.preprocessing.examples import Parts


def embedded_codes(parts: Parts, dimension: int, *, seed: int) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return the input "codes", (rows, columns) int32, and the embeddings of all coded columns in a row.

    The embeddings are (rows, columns · dimension) float32; all columns share one vocabulary.
    """
    codes = keras.Input((parts.train.codes.shape[1],), name="codes", dtype="int32")
    start = keras.initializers.RandomNormal(stddev=embedding_scale(dimension), seed=seed)
    layer = keras.layers.Embedding(parts.vocabulary, dimension, embeddings_initializer=start, name="levels")
    return codes, keras.layers.Flatten(name="flat_levels")(layer(codes))


def embedding_scale(dimension: int) -> float:
    """Standard deviation of first embeddings: a category starts as long as a one-hot vector, dimension · scale² = 1."""
    return float(dimension**-0.5)
