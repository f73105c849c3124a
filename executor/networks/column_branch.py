"""Branch for columns next to images or sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import keras
import numpy as np

from executor.components.activation import activation
from executor.components.initializer import create_initializer

if TYPE_CHECKING:
    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle

JOINED_UNITS: Final = 64  # units of the layer that joins both; the channels of the last stage of a small CNN


def add_column_branch(
    hidden: keras.KerasTensor, *, parts: Parts, bundle: Bundle, seed: int, embedding_dimension: int
) -> tuple[dict[str, keras.KerasTensor], keras.KerasTensor]:
    """Add inputs for further columns, and a layer that joins them with hidden features (rows, units).

    The inputs are "column_features" (rows, width) float32, and "codes" (rows, coded) int32 for columns of many
    categories. Without further columns there are no inputs, and hidden is returned as it is.
    """
    inputs: dict[str, keras.KerasTensor] = {}
    columns = [hidden]
    embedding_seed, joined_seed = np.random.SeedSequence([seed, 1]).generate_state(2).tolist()
    if (others := parts.train.network_inputs.get("column_features")) is not None:
        inputs["column_features"] = keras.Input((others.shape[1],), name="column_features", dtype="float32")
        columns.append(inputs["column_features"])
    if parts.vocabulary > 0:
        inputs["codes"], embeddings = embedded_codes(parts, embedding_dimension, seed=embedding_seed)
        columns.append(embeddings)
    if not inputs:
        return inputs, hidden
    joined = keras.layers.Concatenate(name="with_columns")(columns)
    layer = keras.layers.Dense(
        JOINED_UNITS,
        activation=activation(bundle.activation),
        kernel_initializer=create_initializer(bundle.initializer, seed=joined_seed),
        name="joined",
    )
    return inputs, layer(joined)


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
