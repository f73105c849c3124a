"""The model that computes outputs: Keras, compiled to a graph if that changes no bit.

Without the optimizations of TensorFlow's graphs, which fuse operations and thereby round differently, a graph executes
the same kernels as Keras does, and takes a tenth of the time: docs/evidence.md#serving.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import tensorflow as tf

from executor.data.raw_table import Form, RawTable
from executor.layers.words import CategoryLayer
from executor.model.keras_file import compile_predictions, predict_rows
from executor.preprocessing.sequence_encoder import SEQUENCE_FORMS
from executor.runtime.log import LOG

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras

    from executor.model.signature import Signature

COMPARED_ROWS: Final = 256
MISSING_SHARE: Final = 0.1
SCALES: Final = 12  # decimal orders of magnitude of compared numbers, from 1e-6


class KerasBackend:
    """The model of a run.

    compiles: whether it is compiled; the process must not optimize graphs then (`keep_operations`).
    """

    def __init__(self, model: keras.Model, signature: Signature, *, compiles: bool = False) -> None:
        self._signature = signature
        self.model: Any = model
        forms = {entry.form for entry in signature.inputs}
        if compiles and not forms & SEQUENCE_FORMS:  # each length of sequences would need a graph of its own
            self.model = self._compiled(model)

    def outcome_of(self, rows: RawTable) -> np.ndarray:
        """Compute outputs, (rows, outputs) float64; called from several threads."""
        return predict_rows(self.model, self._signature, rows)

    def _compiled(self, model: keras.Model) -> Any:  # noqa: ANN401  a function of TensorFlow, or the model
        compiled = compile_predictions(model)
        rows = random_rows(self._signature, model)
        before, after = (predict_rows(own, self._signature, rows) for own in (model, compiled))
        if np.array_equal(before, after, equal_nan=True):
            return compiled
        LOG.info("The compiled model differs from Keras in some bits, so it is not used.")
        return model


def keep_operations() -> None:
    """Turn off optimizations of graphs in this process, so that graphs compute what Keras computes, to the bit."""
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@contextmanager
def operations_kept() -> Iterator[None]:
    """Do the same as `keep_operations` until the block ends."""
    name = "disable_meta_optimizer"
    before = tf.config.optimizer.get_experimental_options().get(name, False)
    keep_operations()
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({name: before})


def random_rows(signature: Signature, model: keras.Model) -> RawTable:
    """Random rows of the inputs of a model: numbers of many magnitudes, known words, and missing values."""
    random = np.random.default_rng(0)
    known = [word for layer in model.layers if isinstance(layer, CategoryLayer) for own in layer.levels for word in own]
    words = np.array([*known, "a", "b c", ""], dtype=object)
    forms = {name: entry.form for entry in signature.inputs for name in entry.columns}
    features = {}
    for entry in signature.inputs:
        for name in entry.columns:
            if entry.image:
                features[name] = random.integers(0, 256, (COMPARED_ROWS, *entry.image), np.uint8)
            elif forms[name].is_words:
                features[name] = random.choice(words, COMPARED_ROWS)
            else:
                values = random.normal(size=COMPARED_ROWS) * 10.0 ** random.integers(-6, SCALES - 6, COMPARED_ROWS)
                features[name] = np.where(random.random(COMPARED_ROWS) < MISSING_SHARE, np.nan, values)
    of_window = None if signature.windows is None else random.normal(size=(COMPARED_ROWS, signature.outputs))
    spread = None if of_window is None else np.abs(of_window)
    return RawTable(
        features=features,
        forms={name: Form(form) for name, form in forms.items()},
        rows=np.arange(COMPARED_ROWS),
        offset=of_window,
        spread=spread,
    )
