"""Saving, loading and checking of .keras files: members, classes, shapes and size."""

from __future__ import annotations

import errno
import io
import json
import math
import shutil
import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import h5py
import keras
import numpy as np
import tensorflow as tf

from executor.data.raw_table import Form
from executor.layers.numbers import ColumnLayer
from executor.model.assemble import model_inputs
from executor.preprocessing.sequence_encoder import pad_steps, rows_by_steps
from executor.runtime.devices import configure_tensorflow
from executor.runtime.prediction_batches import images_per_batch, rows_per_batch
from rules.errors import PcwatError, RunError, TrainingError
from rules.text.files import atomic_file
from rules.vocabulary.choices import load_function

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from executor.data.raw_table import RawTable
    from executor.model.signature import Signature
    from rules.vocabulary.choices import CustomArchitecture

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
MAX_CONFIG_BYTES: Final = 256 << 20  # includes the categories of wide tables
MAX_BYTES: Final = 4 << 30  # of all unpacked members; larger models do not fit into memory
MAX_VALUES: Final = 2**28  # numbers per row of a layer: 1 GiB
MAX_DEPTH: Final = 64  # of nested lists and objects in the configuration; ours have about 20
PACKAGE: Final = "pcwat>"  # prefix of registered names of our classes
CLASSES: Final = frozenset(
    {
        "Functional", "InputLayer", "DTypePolicy", "__keras_tensor__",
        "Activation", "Add", "BatchNormalization", "Concatenate", "Conv1D", "Conv2D", "DepthwiseConv2D", "Dense",
        "Dropout", "Embedding", "Flatten", "GRU", "GlobalAveragePooling2D", "GlobalMaxPooling1D", "MaxPooling1D",
        "MaxPooling2D", "Multiply", "Normalization", "ReLU", "Rescaling", "Reshape", "Resizing", "ZeroPadding2D",
        "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform", "Ones",
        "Orthogonal", "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Zeros",
        "BinaryCrossentropy", "CategoricalCrossentropy", "Huber", "LogCosh", "MeanAbsoluteError", "MeanSquaredError",
        "Adafactor", "Adagrad", "Adam", "AdamW", "Lion", "Muon", "Nadam", "RMSprop", "SGD",
        "AUC", "BinaryAccuracy", "CategoricalAccuracy", "F1Score", "R2Score", "RootMeanSquaredError",
        "Greater", "Squeeze",
    }
)  # fmt: skip
"""Permitted Keras classes: layers, initializers, losses, metrics, optimizers and operations."""
MODULES: Final = frozenset(
    {
        "keras",
        "keras.layers",
        "keras.initializers",
        "keras.losses",
        "keras.metrics",
        "keras.optimizers",
        "keras.src.models.functional",
        "keras.src.ops.numpy",
    }
    | {"builtins"}
)

OWN_MODULES: Final = frozenset(
    {"keras.layers", "keras.initializers", "keras.regularizers", "keras.constraints", "keras"}
)
"""Modules of Keras whose classes an own architecture may have."""
OPERATIONS: Final = "keras.src.ops."  # module of operations on tensors
STORED_CODE: Final = frozenset({"Lambda", "TorchModuleWrapper", "FlaxLayer", "JaxLayer", "TFSMLayer"})
"""Layers that run code which is stored in a file."""


def check_model_file(path: Path, signature: Signature | None = None) -> int:
    """Refuse a .keras file that pcwat cannot have written, without importing or building anything from it.

    signature: the inputs that the model must have. Returns the number of weights in the file.
    Raises RunError with the file and the reason.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            _check_members(path, archive)
            own = None if signature is None else signature.architecture
            document = _check_configuration(path, archive.read(CONFIG), own)
            if signature is not None:
                _check_inputs(path, document, signature)
            weights = io.BytesIO(archive.read(WEIGHTS))  # HDF5 seeks, which is slow in a compressed member
            with h5py.File(weights, "r") as stored:
                return _count_weights(path, stored, archive.getinfo(WEIGHTS).file_size)
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise _damaged_error(path) from None
    except PermissionError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}. Allow reading.") from None
    except (OSError, ValueError, KeyError, RuntimeError, NotImplementedError) as error:
        raise _foreign_error(path, str(error).split("\n", 1)[0] or type(error).__name__) from None


@contextmanager
def limit_weights(path: Path, most: int) -> Iterator[None]:
    """Refuse variables that are created within the block once they have more than `most` numbers in total.

    The shapes of a configuration are only known when its layers are built and allocated.
    """
    made = 0

    def bounded(next_creator: Callable[..., Any], **settings: Any) -> Any:  # noqa: ANN401  TensorFlow's own types
        nonlocal made
        initial = settings.get("initial_value")
        with tf.Graph().as_default():  # symbolic: nothing is allocated
            shape = tf.convert_to_tensor(initial() if callable(initial) else initial).shape
        made += math.prod(shape.as_list())
        if made > most:
            raise _foreign_error(path, "its configuration describes more weights than the file holds")
        return next_creator(**settings)

    with tf.variable_creator_scope(bounded):
        yield


def _check_members(path: Path, archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    names = [member.filename for member in members]
    if sorted(names) != sorted([METADATA, CONFIG, WEIGHTS]):
        known = {METADATA, CONFIG, WEIGHTS}
        other = next((name for name in names if name not in known), None)
        raise _foreign_error(
            path, f"it must hold {METADATA}, {CONFIG} and {WEIGHTS} once" + (f", not {other!r}" if other else "")
        )
    if any(member.flag_bits & 1 for member in members):
        raise _foreign_error(path, "it is encrypted")
    if archive.getinfo(CONFIG).file_size > MAX_CONFIG_BYTES or sum(one.file_size for one in members) > MAX_BYTES:
        raise _foreign_error(path, "it is larger than any model that pcwat writes")
    if archive.testzip() is not None:
        raise _damaged_error(path)


def _check_configuration(path: Path, content: bytes, own: CustomArchitecture | None) -> dict[str, Any]:
    """Refuse a configuration with an object of a class that pcwat does not write.

    own: own architecture of the model, whose network may have any layer of Keras that runs no stored code, and layers
    of its package. Raises ChoiceError if such a package is missing.
    """
    try:
        document = json.loads(content)
    except RecursionError:
        raise _foreign_error(path, f"{CONFIG} is nested more deeply than {MAX_DEPTH}") from None
    if not isinstance(document, dict) or document.get("class_name") != "Functional":
        raise _foreign_error(path, f"{CONFIG} must describe a functional model")
    left: list[tuple[Any, int]] = [(document, 1)]
    while left:
        node, depth = left.pop()
        if depth > MAX_DEPTH:
            raise _foreign_error(path, f"{CONFIG} is nested more deeply than {MAX_DEPTH}")
        if isinstance(node, dict):
            if "class_name" in node and not (_is_permitted(node) or _is_of_architecture(node, own)):
                module = node.get("module")
                name = f"{module}.{node['class_name']}" if isinstance(module, str) else str(node["class_name"])
                raise _foreign_error(path, f"it has an object of the class {name[:100]!r}, which pcwat does not use")
            left += [(value, depth + 1) for value in node.values() if isinstance(value, dict | list)]
        else:
            left += [(value, depth + 1) for value in node if isinstance(value, dict | list)]
    return document


def _check_inputs(path: Path, document: dict[str, Any], signature: Signature) -> None:
    """Refuse a model whose inputs differ from the signature in names, shapes or types."""
    try:
        layers = [layer for layer in document["config"]["layers"] if layer["class_name"] == "InputLayer"]
        own = [layer["config"] for layer in layers]
        found = {one["name"]: (tuple(one["batch_shape"]), one["dtype"]) for one in own}
    except (TypeError, KeyError):
        raise _foreign_error(path, f"the inputs in {CONFIG} cannot be read") from None
    expected = {name: ((None, *shape), dtype) for name, (shape, dtype) in signature.model_inputs.items()}
    for name, (shape, dtype) in expected.items():
        if name not in found:
            raise _foreign_error(path, f"it has no input {name!r}, which signature.json names")
        if found[name] != (shape, dtype):
            own_shape, own_dtype = found[name]
            raise _foreign_error(
                path,
                f"its input {name!r} has the shape {own_shape} and the type {own_dtype}, but signature.json has "
                f"{shape} and {dtype}",
            )
    if other := next((name for name in found if name not in expected), None):
        raise _foreign_error(path, f"it has an input {other!r}, which signature.json does not name")


def check_opened_model(path: Path, model: keras.Model, signature: Signature | None) -> None:
    """Refuse a model whose outputs differ from the signature, or that needs too much memory."""
    if signature is not None and tuple(model.output_shape) != (None, signature.outputs):
        raise _foreign_error(
            path,
            f"its output has the shape {model.output_shape}, but signature.json has {(None, signature.outputs)}",
        )
    left = [model]
    while left:
        for layer in left.pop().layers:
            if isinstance(layer, keras.Model):
                left.append(layer)
            for tensor in tf.nest.flatten(layer.output):
                if math.prod(length or 1 for length in tensor.shape) > MAX_VALUES:
                    raise _foreign_error(
                        path, f"its layer {layer.name!r} gives more than {MAX_VALUES:,} numbers for a row"
                    )


def _is_permitted(node: dict[str, Any]) -> bool:
    """Whether the class of an object in a configuration is permitted."""
    name, registered, module = node["class_name"], node.get("registered_name"), node.get("module")
    if isinstance(registered, str) and registered.startswith(PACKAGE):
        return keras.saving.get_registered_object(registered) is not None
    return (
        isinstance(name, str)
        and name in CLASSES
        and (registered is None or registered == name)
        and (module is None or (isinstance(module, str) and module in MODULES))
    )


def _is_of_architecture(node: dict[str, Any], own: CustomArchitecture | None) -> bool:
    """Whether the class of an object is one of Keras, or one that the package of an own architecture registers."""
    if own is None:
        return False
    name, registered, module = node["class_name"], node.get("registered_name"), node.get("module")
    if isinstance(module, str) and (registered is None or registered == name):
        is_keras = module in OWN_MODULES or module.startswith(OPERATIONS)
        return isinstance(name, str) and name not in STORED_CODE and is_keras
    if not isinstance(registered, str):
        return False
    function = load_function(own).function  # imports the package, which registers its classes
    found = keras.saving.get_registered_object(registered)
    return found is not None and found.__module__.split(".")[0] == function.__module__.split(".")[0]


def _count_weights(path: Path, stored: h5py.File, size: int) -> int:
    """Count the numbers of all arrays. Raises RunError where arrays are external or larger than the file."""
    count = 0
    left: list[h5py.Group] = [stored]
    while left:
        group = left.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise _foreign_error(path, "its weights refer to another file")
            value = group[name]
            if isinstance(value, h5py.Group):
                left.append(value)
                continue
            if value.external or value.is_virtual or value.nbytes > size:
                raise _foreign_error(path, "its weights are not in the file")
            count += value.size
    return count


def _damaged_error(path: Path) -> RunError:
    return RunError(f"{path} is damaged: it is not a whole .keras file. Restore it from a copy, or train again.")


def _foreign_error(path: Path, reason: str) -> RunError:
    return RunError(f"{path} is not a model that pcwat wrote: {reason}. Restore the original file, or train again.")


ROWS_COMPARED: Final = 256  # rows on which a saved model is compared with the one in memory
SMALL_STATE: Final = 100_000  # numbers beyond the saved weights, such as dropout states
COMPRESSION_LEVEL: Final = 1  # of zlib; more hardly compresses weights further
TOLERANCE: Final = 1e-5  # relative and absolute; a reloaded graph may sum in another order


def predict_rows(model: keras.Model | Callable[..., tf.Tensor], signature: Signature, table: RawTable) -> np.ndarray:
    """Predict rows with an assembled model, (rows, outputs) float64; the table has the signature's inputs as features.

    The prediction of a row is equal to the bit, alone or with others: every call has the same number of rows, on which
    the order of summation depends (`executor.runtime.prediction_batches`), and sequences are padded by their own length
    only.
    """
    found = np.empty((len(table), signature.outputs))
    for part, own in table.parts():
        for rows, some in _batches(signature, own):
            outputs = np.asarray(model(model_inputs(signature, some), training=False), np.float64)
            found[part][rows] = outputs[: len(rows)]
    return found


def compile_predictions(model: keras.Model) -> Callable[..., tf.Tensor]:
    """Compile a model for `predict_rows` as one graph.

    It takes a second to compile and a third of the time for each batch. The outputs may differ in the last bits, unless
    the process does not optimize graphs.
    """
    graph: Callable[..., tf.Tensor] = tf.function(
        lambda inputs, training: model(inputs, training=training), autograph=False
    )
    return graph


def _batches(signature: Signature, table: RawTable) -> Iterator[tuple[np.ndarray, RawTable]]:
    """Batches of a table: row indices, and the rows, padded to the batch size with the one of the shortest texts."""
    image = signature.image
    for length, own in rows_by_steps(table).items():
        size = rows_per_batch(length) if image is None else images_per_batch(math.prod(image.shape))
        for start in range(0, len(own), size):
            rows = own[start : start + size]
            filled = np.concatenate([rows, np.full(size - len(rows), _filler(table, rows))])
            yield rows, pad_steps(table.take(filled), length)


def _filler(table: RawTable, rows: np.ndarray) -> int:
    """Row whose copies fill a batch: that of the shortest texts, which are split soonest; of equal ones the last."""
    lengths = np.zeros(len(rows), np.int64)
    for name in table.of_form(Form.TEXT):
        lengths += [len(text) for text in table.features[name][rows]]
    return int(rows[::-1][lengths[::-1].argmin()])


def save_model(model: keras.Model, path: Path, *, signature: Signature, rows: RawTable) -> None:
    """Write a .keras file atomically, and check that the loaded model makes the same predictions.

    rows: rows to compare; they are not written. Raises TrainingError if the predictions differ.
    """
    with atomic_file(path, error=RunError) as temporary:
        try:
            model.save(temporary)
            _compress(temporary)
        except RuntimeError as error:  # HDF5 also raises it where a disk is full
            raise OSError(errno.EIO, str(error).splitlines()[0]) from None
        sample = rows.take(np.arange(min(len(rows), ROWS_COMPARED)))
        before = predict_rows(model, signature, sample)
        after = predict_rows(load_model(temporary, signature), signature, sample)
        if not np.allclose(before, after, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
            raise TrainingError(
                f"A saved model must predict as the one in memory, but {path} differs by up to "
                f"{np.nanmax(np.abs(before - after)):.3g}. Please report this; the weights of the trials are kept."
            )


def _compress(path: Path) -> None:
    """Compress a .keras file, which Keras does not; the initial state of an optimizer is mostly zeros."""
    compressed = path.with_name(f"{path.name}.zip")
    try:
        with (
            zipfile.ZipFile(path) as stored,
            zipfile.ZipFile(compressed, "w", compresslevel=COMPRESSION_LEVEL) as smaller,
        ):
            for member in stored.infolist():
                copy = zipfile.ZipInfo(member.filename, member.date_time)
                copy.compress_type = zipfile.ZIP_DEFLATED
                with stored.open(member) as source, smaller.open(copy, "w", force_zip64=True) as sink:
                    shutil.copyfileobj(source, sink)
        compressed.replace(path)
    finally:
        compressed.unlink(missing_ok=True)


def load_model(path: Path, signature: Signature | None = None) -> keras.Model:
    """Load the model of a .keras file after checking its classes, shapes and size. No code in it is executed.

    signature: expected inputs and outputs; None to skip their check.
    Raises RunError if the file cannot be read as such a model, TrainingError if a GPU cannot be used.
    """
    if not path.exists():
        raise RunError(f"{path} does not exist. Train again.")
    weights = check_model_file(path, signature)
    configure_tensorflow()
    try:
        with limit_weights(path, weights + SMALL_STATE):
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except PcwatError:
        raise
    except Exception as error:  # noqa: BLE001  for an edited configuration Keras raises any exception
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(f"{path} cannot be read as a model of pcwat: {reason}. Train again.") from None
    check_opened_model(path, model, signature)
    return model


def column_layers(signature: Signature, model: keras.Model) -> Iterator[tuple[ColumnLayer, list[str]]]:
    """The layers of a model that read raw columns, each with the columns."""
    columns = {entry.name: entry.columns for entry in signature.inputs}
    for layer in model.layers:
        if isinstance(layer, ColumnLayer):
            tensors = layer.input if isinstance(layer.input, list | tuple) else [layer.input]
            yield layer, [name for tensor in tensors for name in columns.get(tensor.name, ())]
