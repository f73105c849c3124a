"""Engines that run the network of an export: NumPy, ONNX Runtime, LiteRT or TensorFlow.

An engine is imported when a model of its format is loaded.
"""

from __future__ import annotations

import importlib
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from executor.runs.export.graph import read_graph
from executor.runtime.tensorflow_import import hidden_stderr
from rules.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Engine = Callable[[Mapping[str, np.ndarray]], np.ndarray]

ONNX_FILE, LITERT_FILE, SAVED_MODEL = "model.onnx", "model.tflite", "saved_model"
CPU: Final = ["CPUExecutionProvider"]


def numpy_engine(directory: Path, threads: int | None) -> Engine:
    """Evaluate network.json in NumPy; the number of threads is that of NumPy."""
    del threads
    return read_graph(directory).run


def onnx_engine(directory: Path, threads: int | None) -> Engine:
    """Run model.onnx in ONNX Runtime."""
    runtime = import_extra("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    session = _load(directory / ONNX_FILE, lambda path: runtime.InferenceSession(str(path), options, providers=CPU))
    return lambda inputs: np.asarray(session.run(None, dict(inputs))[0])


def litert_engine(directory: Path, threads: int | None) -> Engine:
    """Run model.tflite in LiteRT."""
    runtime = import_extra("ai_edge_litert.interpreter", package="ai-edge-litert")
    with hidden_stderr():  # it logs that it uses XNNPACK
        interpreter = _load(
            directory / LITERT_FILE, lambda path: runtime.Interpreter(model_path=str(path), num_threads=threads)
        )
        runner = interpreter.get_signature_runner()
    lock = Lock()  # an interpreter has one set of tensors

    def run(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        with lock:
            return np.array(next(iter(runner(**inputs).values())))

    return run


def saved_model_engine(directory: Path, threads: int | None) -> Engine:
    """Run saved_model/ in TensorFlow, from raw inputs."""
    del threads
    tensorflow = import_extra("tensorflow")
    loaded = _load(directory / SAVED_MODEL, lambda path: tensorflow.saved_model.load(str(path)))
    serve = loaded.signatures["serving_default"]
    types = {name: spec.dtype for name, spec in serve.structured_input_signature[1].items()}

    def run(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        given = {name: tensorflow.constant(value, types[name]) for name, value in inputs.items()}
        return np.asarray(next(iter(serve(**given).values())), np.float64)

    return run


ENGINES: Final[Mapping[str, Callable[[Path, int | None], Engine]]] = {
    "numpy": numpy_engine,
    "onnx": onnx_engine,
    "litert": litert_engine,
    "saved-model": saved_model_engine,
}


def import_extra(module: str, *, package: str = "") -> Any:  # noqa: ANN401  a module
    """Import a module of an optional dependency. Raises RunError with the command that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        name = package or module
        remedy = "pip install tensorflow" if name == "tensorflow" else "pip install 'pcwat[export]'"
        raise RunError(f"This format needs the package {name}, which is not installed. Run {remedy}.") from None


def _load(path: Path, load: Callable[[Path], Any]) -> Any:  # noqa: ANN401  a session of the engine
    if not path.exists():
        raise RunError(f"{path} does not exist. Export the run again.")
    try:
        return load(path)
    except Exception as error:  # noqa: BLE001  engines raise exceptions of their own for a damaged file
        reason = str(error).split("\n", 1)[0] or type(error).__name__
        raise RunError(f"{path} is damaged: {reason}. Export the run again.") from None
