"""From a bundle to a model.

>>> from executor import Run, resume, train

They are loaded when first asked for: TensorFlow takes seconds to import, and the command line answers before it does.
With Keras imported before or after this package, `keras.saving.load_model` reads the file of a model.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

from wrapt import register_post_import_hook

if TYPE_CHECKING:
    from types import ModuleType

    from executor.pipeline.train import resume, train
    from executor.runs.run import Run

__all__ = ["Run", "resume", "train"]

_HOMES: Final = {
    "Run": "executor.runs.run",
    "resume": "executor.pipeline.train",
    "train": "executor.pipeline.train",
}
_SAVED: Final = ("executor.model.assemble", "executor.components.loss")
"""Modules that import or define every class in a model file; importing them registers the classes with Keras."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'executor' has no attribute {name!r}")
    import_module("executor.runtime.tensorflow_import").use_tensorflow_backend()
    return getattr(import_module(_HOMES[name]), name)


def _register_classes(keras: ModuleType) -> None:
    """Register the classes of model files, unless a module of this package is importing Keras: it registers its own."""
    del keras
    own = [module for name, module in sys.modules.items() if name.startswith("executor.")]
    if not any(getattr(module.__spec__, "_initializing", False) for module in own):
        for name in _SAVED:
            import_module(name)


register_post_import_hook(_register_classes, "keras")
