"""From a bundle to a model.

>>> from executor import Run, resume, train

They are loaded when first asked for: TensorFlow takes seconds to import, and the command line answers before it does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from executor.pipeline import resume, train
    from executor.run import Run

__all__ = ["Run", "resume", "train"]

_HOMES = {"Run": "executor.run", "resume": "executor.pipeline", "train": "executor.pipeline"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'executor' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
