"""One Keras model from raw rows to predictions: preprocessing, network and output layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from executor.data.images import IMAGES_PER_CALL
from executor.data.raw_table import side_by_side
from executor.layers import dropout, numbers, pixels, steps, terms, words  # noqa: F401  of models
from executor.layers import periodic as waves  # noqa: F401  of models
from executor.layers.names import PREFIX
from executor.layers.output import Probabilities, Values
from executor.model import compile as compiled  # noqa: F401  registers losses of models
from executor.preprocessing.encoded_images import EncodedImages
from executor.preprocessing.inputs import WindowInputs
from executor.preprocessing.preprocessing import ROWS_AT_ONCE
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.data.raw_table import RawTable
    from executor.layers.output import Activation
    from executor.model.signature import Signature
    from executor.preprocessing.examples import Examples, Parts
    from executor.preprocessing.preprocessing import Preprocessing


def assemble(preprocessing: Preprocessing, network: keras.Model, parts: Parts, signature: Signature) -> keras.Model:
    """Assemble a model that predicts probabilities at the signature's temperatures, or values in the target's unit.

    It reads a dict with an entry for each of signature.inputs: (rows, columns) float64 or strings, (rows, height,
    width, channels) uint8, or (rows, steps, channels) float32. It returns (rows, 1), (rows, classes) or (rows, labels)
    float32 probabilities, or (rows, targets) float64 values.
    """
    symbols = {entry.name: keras.Input(entry.shape, dtype=entry.dtype, name=entry.name) for entry in signature.inputs}
    columns = {entry.columns: symbols[entry.name] for entry in signature.inputs}
    encoded = preprocessing.connect(columns)
    if isinstance(parts.inputs, WindowInputs):
        symbols[signature.spread_input] = spread = keras.Input(
            (parts.outputs,), dtype="float64", name=signature.spread_input
        )
        encoded["spread"] = keras.layers.Rescaling((1 / parts.target_scale).tolist(), name=f"{PREFIX}spread_scale")(
            spread
        )
    if network.name in symbols:
        network.name = f"{PREFIX}network"
    outputs = network(encoded)
    if parts.task is Task.FORECASTING:
        symbols[signature.offset_input] = offset = keras.Input(
            (parts.outputs,), dtype="float64", name=signature.offset_input
        )
        answer = Values(scale=parts.target_scale.tolist(), mean=None, name=f"{PREFIX}answer")(outputs, offset)
    elif parts.task.is_classification:
        activation: Activation = "softmax" if parts.task is Task.MULTICLASS else "sigmoid"
        values = [temperature.value for temperature in signature.temperatures]
        answer = Probabilities(activation=activation, temperatures=values, name=f"{PREFIX}answer")(outputs)
    else:
        mean, scale = parts.target_mean.tolist(), parts.target_scale.tolist()
        low, high = (None, None) if parts.target_range is None else (bound.tolist() for bound in parts.target_range)
        answer = Values(scale=scale, mean=mean, low=low, high=high, on=parts.target_on, name=f"{PREFIX}answer")(outputs)
    return keras.Model(symbols, answer, name="pcwat")


def network_outputs(network: keras.Model, examples: Examples) -> np.ndarray:
    """Compute outputs of a network for encoded rows, logits or standardized values, (rows, outputs) float64."""
    found = []
    at_once = IMAGES_PER_CALL if isinstance(examples.dense, EncodedImages) else ROWS_AT_ONCE
    for start in range(0, len(examples), at_once):
        rows = slice(start, start + at_once)
        inputs = {name: np.asarray(values[rows]) for name, values in examples.network_inputs.items()}
        found.append(np.asarray(network(inputs, training=False), np.float64))
    return np.concatenate(found)


def model_inputs(signature: Signature, table: RawTable) -> dict[str, tf.Tensor]:
    """Build the inputs of an assembled model from rows of a table."""
    given = {
        entry.name: tf.constant(side_by_side([table.features[name] for name in entry.columns]), entry.dtype)
        for entry in signature.inputs
    }
    if table.offset is not None:
        given[signature.offset_input] = tf.constant(table.offset, tf.float64)
    if table.spread is not None:
        given[signature.spread_input] = tf.constant(table.spread, tf.float64)
    return given
