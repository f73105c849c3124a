"""One Keras model from raw rows to answers: preprocessing, network and the last unit in a single file."""

from __future__ import annotations

import errno
import math
import shutil
import zipfile
from typing import TYPE_CHECKING, Final

import keras
import numpy as np
import tensorflow as tf

from executor.data.images import IMAGES_PER_CALL, Encoded, images_a_batch
from executor.data.raw_table import side_by_side
from executor.layers import dropout, ending, numbers, pixels, steps, terms, window, words  # noqa: F401  of models
from executor.layers import periodic as waves  # noqa: F401  of models
from executor.layers.output import Probabilities, Values
from executor.model import compile as compiled  # noqa: F401  registers losses of models
from executor.model.keras_file import check_model_file, check_opened_model, weights_bounded
from executor.model.signature import PREFIX
from executor.preprocessing.preprocessing import ROWS_AT_ONCE, rows_a_batch
from executor.preprocessing.sequence_encoder import steps_asked, with_steps
from executor.runtime.devices import prepare
from rules.errors import PcwatError, RunError, TrainingError
from rules.text.files import whole_file
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from executor.data.raw_table import RawTable
    from executor.layers.output import Activation
    from executor.model.signature import Signature
    from executor.preprocessing.examples import Examples, Parts
    from executor.preprocessing.preprocessing import Preprocessing

ROWS_COMPARED: Final = 256  # rows on which a saved model must answer as the one in memory
SMALL_STATE: Final = 100_000  # numbers that a model holds beyond its saved weights, such as the state of dropout
FASTEST: Final = 1  # level of compression; higher ones make weights hardly smaller
TOLERANCE: Final = 1e-5  # relative and absolute; a reloaded graph may add in another order


def assemble(preprocessing: Preprocessing, network: keras.Model, parts: Parts, signature: Signature) -> keras.Model:
    """A model that reads raw rows and gives probabilities at signature's temperatures, or values in the target's unit.

    Reads a dict with an entry for each of signature.inputs: its name, and (rows, columns) float64 or strings, or
    (rows, height, width, channels) uint8, or (rows, steps, channels) float32.
    Gives (rows, 1), (rows, classes) or (rows, labels) float32 probabilities, or (rows, targets) float64 values.
    """
    symbols = {entry.name: keras.Input(entry.shape, dtype=entry.dtype, name=entry.name) for entry in signature.inputs}
    columns = {entry.columns: symbols[entry.name] for entry in signature.inputs}
    encoded = preprocessing.connect(columns)
    if parts.window is not None:
        symbols[signature.spread_input] = spread = keras.Input(
            (parts.outputs,), dtype="float64", name=signature.spread_input
        )
        encoded["spread"] = keras.layers.Rescaling((1 / parts.target_scale).tolist(), name=f"{PREFIX}spread_scale")(
            spread
        )
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
    """What a network gives for encoded rows, logits or standardised values, (rows, outputs) float64."""
    found = []
    at_once = IMAGES_PER_CALL if isinstance(examples.dense, Encoded) else ROWS_AT_ONCE
    for start in range(0, len(examples), at_once):
        rows = slice(start, start + at_once)
        inputs = {"dense": np.asarray(examples.dense[rows])}
        if examples.codes.shape[1]:
            inputs["codes"] = examples.codes[rows]
        if examples.beside is not None and examples.beside.shape[1]:
            inputs["beside"] = examples.beside[rows]
        if examples.spread is not None:
            inputs["spread"] = examples.spread[rows]
        found.append(np.asarray(network(inputs, training=False), np.float64))
    return np.concatenate(found)


def predict_rows(model: keras.Model, signature: Signature, table: RawTable) -> np.ndarray:
    """What an assembled model predicts, (rows, outputs) float64; the table's features are the signature's inputs.

    The prediction of a row is the same to the bit, alone or with any others: every call has the same number of rows,
    since the order in which products are added depends on it, and sequences as many steps as their own length asks for.
    """
    found = np.empty((len(table), signature.outputs))
    for rows, some in _batches(signature, table):
        outputs = np.asarray(model(model_inputs(signature, some), training=False), np.float64)
        found[rows] = outputs[: len(rows)]
    return found


def _batches(signature: Signature, table: RawTable) -> Iterator[tuple[np.ndarray, RawTable]]:
    """Rows of a table and what is given to the model: these rows, the last one repeated up to the size of all calls."""
    image = signature.image
    for length, own in steps_asked(table).items():
        size = rows_a_batch(length) if image is None else images_a_batch(math.prod(image.shape))
        for start in range(0, len(own), size):
            rows = own[start : start + size]
            filled = np.concatenate([rows, np.full(size - len(rows), rows[-1])])
            yield rows, with_steps(table.take(filled), length)


def model_inputs(signature: Signature, table: RawTable) -> dict[str, tf.Tensor]:
    """The inputs of an assembled model from rows of a table."""
    given = {
        entry.name: tf.constant(side_by_side([table.features[name] for name in entry.columns]), entry.dtype)
        for entry in signature.inputs
    }
    if table.offset is not None:
        given[signature.offset_input] = tf.constant(table.offset, tf.float64)
    if table.spread is not None:
        given[signature.spread_input] = tf.constant(table.spread, tf.float64)
    return given


def save(model: keras.Model, path: Path, *, signature: Signature, rows: RawTable) -> None:
    """Write a .keras file, whole or not at all, and prove that it answers as before when it is loaded again.

    rows: some rows to compare on; none of them is written. Raises TrainingError if the answers differ.
    """
    with whole_file(path, error=RunError) as temporary:
        try:
            model.save(temporary)
            _compress(temporary)
        except RuntimeError as error:  # HDF5 raises it, too, where a disk is full
            raise OSError(errno.EIO, str(error).splitlines()[0]) from None
        sample = rows.take(np.arange(min(len(rows), ROWS_COMPARED)))
        before = predict_rows(model, signature, sample)
        after = predict_rows(load(temporary, signature), signature, sample)
        if not np.allclose(before, after, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
            raise TrainingError(
                f"A saved model must answer as the one in memory, but {path} differs by up to "
                f"{np.nanmax(np.abs(before - after)):.3g}. Please report this; the trials' weights are kept."
            )


def _compress(path: Path) -> None:
    """Compress a .keras file, which Keras stores as it is: the initial state of an optimizer is mostly zeros."""
    compressed = path.with_name(f"{path.name}.zip")
    try:
        with zipfile.ZipFile(path) as stored, zipfile.ZipFile(compressed, "w", compresslevel=FASTEST) as smaller:
            for member in stored.infolist():
                copy = zipfile.ZipInfo(member.filename, member.date_time)
                copy.compress_type = zipfile.ZIP_DEFLATED
                with stored.open(member) as source, smaller.open(copy, "w", force_zip64=True) as sink:
                    shutil.copyfileobj(source, sink)
        compressed.replace(path)
    finally:
        compressed.unlink(missing_ok=True)


def load(path: Path, signature: Signature | None = None) -> keras.Model:
    """The model of a .keras file, opened after its classes, shapes and size were checked. No code in it is executed.

    signature: what its inputs and outputs must be; None where it is not known.
    Raises RunError if the file cannot be read as such a model, TrainingError if a GPU cannot be used.
    """
    if not path.exists():
        raise RunError(f"{path} cannot be read as a model of pcwat: there is no such file. Train again.")
    weights = check_model_file(path, signature)
    prepare()
    try:
        with weights_bounded(path, weights + SMALL_STATE):
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except PcwatError:
        raise
    except Exception as error:  # noqa: BLE001  an edited configuration makes Keras raise nearly anything
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(f"{path} cannot be read as a model of pcwat: {reason}. Train again.") from None
    check_opened_model(path, model, signature)
    return model
