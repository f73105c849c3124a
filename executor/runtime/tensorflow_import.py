"""Import of TensorFlow without its start-up messages."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import tempfile

from rules.errors import PcwatError

STDERR = 2  # the file descriptor that TensorFlow's C++ side writes to, past sys.stderr


def import_quietly(*modules: str) -> None:
    """Import modules that log from C++; their output is shown only if an import fails.

    TF_CPP_MIN_LOG_LEVEL does not suppress messages before TensorFlow's logging is set up. A level in the environment is
    kept.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    terminal = os.dup(STDERR)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), STDERR)
        try:
            for module in modules:
                importlib.import_module(module)
        except BaseException:
            written.seek(0)
            os.write(terminal, written.read())
            raise
        finally:
            os.dup2(terminal, STDERR)
            os.close(terminal)


def quiet_tensorflow() -> None:
    """Import TensorFlow, Keras and keras-tuner without start-up messages; call it before importing executor modules.

    Raises PcwatError if they cannot be loaded, for instance for lack of memory.
    """
    use_tensorflow_backend()
    collects = gc.isenabled()
    gc.disable()  # collections during the import take a fifth of its time
    try:
        import_quietly("tensorflow", "keras", "keras_tuner")
    except (ImportError, OSError) as error:
        reason = str(error).strip().split("\n", 1)[0]
        raise PcwatError(
            f"TensorFlow cannot be imported: {reason}. Allow the process more memory, or install pcwat again."
        ) from None
    finally:
        if collects:
            gc.enable()


def use_tensorflow_backend() -> None:
    """Set TensorFlow as the backend of Keras, which must not be imported yet with another one.

    Raises PcwatError if Keras was imported with another backend.
    """
    loaded = sys.modules.get("keras")
    if loaded is None:
        os.environ["KERAS_BACKEND"] = "tensorflow"
    elif (backend := loaded.config.backend()) != "tensorflow":
        raise PcwatError(
            f"The backend of Keras must be tensorflow, but Keras was imported with {backend}. Set "
            "KERAS_BACKEND=tensorflow, and start Python again."
        )
