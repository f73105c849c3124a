"""Import of TensorFlow without its start-up messages."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from rules.errors import PcwatError

if TYPE_CHECKING:
    from collections.abc import Iterator

LAST_PYTHON: Final = (3, 13)  # that TensorFlow 2.21 supports; as in pyproject.toml
STDERR = 2  # the file descriptor that TensorFlow's C++ side writes to, past sys.stderr


def import_quietly(*modules: str) -> None:
    """Import modules that log from C++; their output is shown only if an import fails.

    TF_CPP_MIN_LOG_LEVEL does not suppress messages before TensorFlow's logging is set up. A level in the environment is
    kept.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with hidden_stderr():
        for module in modules:
            importlib.import_module(module)


@contextmanager
def hidden_stderr() -> Iterator[None]:
    """Hide what C++ code writes to standard error, unless the block raises an exception."""
    sys.stderr.flush()
    terminal = os.dup(STDERR)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), STDERR)
        try:
            yield
        except BaseException:
            written.seek(0)
            os.write(terminal, written.read())
            raise
        finally:
            os.dup2(terminal, STDERR)
            os.close(terminal)


def quiet_tensorflow() -> None:
    """Import TensorFlow, Keras and keras-tuner without start-up messages; call it before importing executor modules.

    Raises PcwatError if they cannot be loaded: TensorFlow is not installed, or memory is lacking.
    """
    check_tensorflow()
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


def check_tensorflow() -> None:
    """Raise PcwatError if TensorFlow is not installed, as on versions of Python that it does not support."""
    if find_spec("tensorflow") is None:
        is_supported = sys.version_info[:2] <= LAST_PYTHON
        remedy = (
            "Run: pip install tensorflow"
            if is_supported
            else f"It supports Python up to {'.'.join(map(str, LAST_PYTHON))}, so install pcwat with another Python."
        )
        raise PcwatError(
            "Training, and predicting with a run, need TensorFlow, which is not installed. 'recommend', 'recommend "
            f"audit', 'recommend rules' and exported models work without it. {remedy}"
        )


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
