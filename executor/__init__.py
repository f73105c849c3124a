"""From a bundle to a trained Keras model.

Users may import the names in `__all__`; everything else may change between versions.

- `pipeline`: `train()`, `resume()`, and the stages of a run.
- `data`: raw rows, read, resampled, windowed and split.
- `preprocessing`: preprocessing that is fitted on training rows, and the encoded arrays.
- `components`: the choices of a bundle as Keras objects.
- `networks`: network architectures, one per module.
- `layers`: Keras layers that a saved model contains.
- `search`: the search: oracles propose trials, runners train them.
- `model`: from ranked trials to one network in a .keras file, and its predictions.
- `evaluation`: scores on the hold-out, baselines and diagnostics.
- `runs`: the run directory, its report, and exported models.
- `runtime`: devices, time, log, interrupts and versions.
- `cli`: the verbs `recommend train`, `plan`, `predict`, `export`, `serve`, `compare` and `rules measure`.

Names are imported when they are first used, because TensorFlow takes seconds to import. After `import executor`, before
or after Keras is imported, `keras.saving.load_model` reads the file of a model.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

from wrapt import register_post_import_hook

if TYPE_CHECKING:
    from types import ModuleType

    from executor.pipeline.continuation.continue_run import continue_run
    from executor.pipeline.estimators.forecaster import PcwatForecaster
    from executor.pipeline.estimators.tabular import PcwatClassifier, PcwatRegressor
    from executor.pipeline.measurement.compare import compare
    from executor.pipeline.measurement.comparison import Comparison
    from executor.pipeline.measurement.comparison_page import render_comparison
    from executor.pipeline.train import resume, train
    from executor.runs.export.predictor import Predictor, load_predictor
    from executor.runs.report.cards.card import datasheet, model_card
    from executor.runs.report.fairness import measure_fairness
    from executor.runs.run import Run

__all__ = [
    "Comparison",
    "PcwatClassifier",
    "PcwatForecaster",
    "PcwatRegressor",
    "Predictor",
    "Run",
    "compare",
    "continue_run",
    "datasheet",
    "load_predictor",
    "measure_fairness",
    "model_card",
    "render_comparison",
    "resume",
    "train",
]

_MODULES: Final = {
    "Comparison": "executor.pipeline.measurement.comparison",
    "PcwatClassifier": "executor.pipeline.estimators.tabular",
    "PcwatForecaster": "executor.pipeline.estimators.forecaster",
    "PcwatRegressor": "executor.pipeline.estimators.tabular",
    "Predictor": "executor.runs.export.predictor",
    "continue_run": "executor.pipeline.continuation.continue_run",
    "load_predictor": "executor.runs.export.predictor",
    "datasheet": "executor.runs.report.cards.card",
    "model_card": "executor.runs.report.cards.card",
    "measure_fairness": "executor.runs.report.fairness",
    "Run": "executor.runs.run",
    "compare": "executor.pipeline.measurement.compare",
    "render_comparison": "executor.pipeline.measurement.comparison_page",
    "resume": "executor.pipeline.train",
    "train": "executor.pipeline.train",
}
_WITHOUT_TENSORFLOW: Final = frozenset(
    {"Predictor", "Run", "datasheet", "load_predictor", "measure_fairness", "model_card"}
)
_SAVED_CLASSES: Final = ("executor.model.assemble", "executor.components.loss")
"""Modules that import or define every class in a model file; importing them registers the classes with Keras."""


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'executor' has no attribute {name!r}")
    tensorflow_import = import_module("executor.runtime.tensorflow_import")
    if name not in _WITHOUT_TENSORFLOW:
        tensorflow_import.check_tensorflow()
    tensorflow_import.use_tensorflow_backend()
    return getattr(import_module(_MODULES[name]), name)


def _register_classes(keras: ModuleType) -> None:
    """Register the classes of model files, unless a module of this package is importing Keras: it registers its own."""
    del keras
    own = [module for name, module in sys.modules.items() if name.startswith("executor.")]
    if not any(getattr(module.__spec__, "_initializing", False) for module in own):
        for name in _SAVED_CLASSES:
            import_module(name)


register_post_import_hook(_register_classes, "keras")
