"""Keeps TensorFlow's start-up messages off the terminal; nothing here imports it before it is asked to."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile

from rules.errors import PcwatError

STDERR = 2  # the file descriptor that TensorFlow's C++ side writes to, past sys.stderr


def import_quietly(*modules: str) -> None:
    """Import modules that log from C++ while they load; what they wrote is shown only if an import fails.

    TF_CPP_MIN_LOG_LEVEL alone leaves the lines that TensorFlow writes before its logging is set up. A level that the
    user has set in the environment is kept.
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
    """Import TensorFlow, Keras and keras-tuner without their start-up messages; call it before executor modules.

    Raises PcwatError where they cannot be loaded, as where the process may not have the memory for it.
    """
    use_tensorflow_backend()
    try:
        import_quietly("tensorflow", "keras", "keras_tuner")
    except (ImportError, OSError) as error:
        reason = str(error).strip().split("\n", 1)[0]
        raise PcwatError(
            f"TensorFlow must be loaded to train or predict, but that failed: {reason}. Allow the process more memory, "
            "or install pcwat again."
        ) from None


def use_tensorflow_backend() -> None:
    """Let Keras, which is not imported yet, use TensorFlow, whatever KERAS_BACKEND or keras.json says.

    Raises PcwatError where Keras was imported with another backend already.
    """
    loaded = sys.modules.get("keras")
    if loaded is None:
        os.environ["KERAS_BACKEND"] = "tensorflow"
    elif (backend := loaded.config.backend()) != "tensorflow":
        raise PcwatError(
            f"The backend of Keras must be tensorflow, but Keras was imported with {backend}. Set "
            "KERAS_BACKEND=tensorflow, and start Python again."
        )
