"""AutoKeras' classifier and regressor for structured data: autokeras.

Environment: `pip install autokeras==3.0.0 keras==3.12.0 tensorflow tensorboard scikit-learn pandas`. With Keras 3.15
its regressor fails; without tensorboard every trial fails.

AutoKeras has no time limit: it searches until it has made a number of trials, then trains the best configuration again
on all rows. Here its trials end shortly before the time limit, and that last training ends with its first batch:
version 3.0.0 does not use it, because its predict() and export_model() use the weights of the best trial's best epoch.
Categories are passed as ordinal codes and missing numbers as medians, because AutoKeras reads a numeric column with
missing values as text.
"""

from __future__ import annotations

import tempfile
import time
from typing import Final

from exchange import STARTED, Answers, Work, answer, with_codes

# isort: split
# The clock starts with the import above, for importing the peer counts as its time.
import autokeras
import keras
import numpy as np
from keras_tuner.src.engine.oracle import Oracle

ENDING: Final = 0.85  # share of the time until all training ends; what is left is for saving and answering
MAX_TRIALS: Final = 1_000  # more than it can finish
create_trial = Oracle.create_trial


class Stop(keras.callbacks.Callback):
    """Stops each training when the time is over."""

    def __init__(self, end: float) -> None:
        super().__init__()
        self.end = end

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        del batch, logs
        if time.monotonic() > self.end:
            self.model.stop_training = True


def end_search(end: float) -> None:
    """Let AutoKeras begin no trial after that time, once it has made one."""

    def create(oracle: Oracle, tuner_id: str) -> object:
        if time.monotonic() > end and oracle.trials:
            oracle.max_trials = len(oracle.trials)
        return create_trial(oracle, tuner_id)

    Oracle.create_trial = create


def fit(work: Work) -> Answers:
    end = STARTED + ENDING * work.seconds
    end_search(end)
    features, unseen = with_codes(work)
    median = features.median()
    rows, others = (frame.fillna(median).to_numpy("float32") for frame in (features, unseen))
    kind = autokeras.StructuredDataClassifier if work.is_classification else autokeras.StructuredDataRegressor
    target = work.target.to_numpy() if work.is_classification else work.target.to_numpy("float32").reshape(-1, 1)
    with tempfile.TemporaryDirectory() as folder:
        model = kind(max_trials=MAX_TRIALS, directory=folder, seed=0)
        model.fit(rows, target, callbacks=[Stop(end)], verbose=0)
        outcome = model.export_model().predict(model.tuner.get_best_pipeline().transform_x(others), verbose=0)
    if not work.is_classification:
        return Answers(outcome.ravel())
    shares = np.hstack([1 - outcome, outcome]) if outcome.shape[1] == 1 else outcome
    classes = np.unique(target)
    return Answers(classes[shares.argmax(axis=1)], shares, classes)


if __name__ == "__main__":
    answer({"autokeras": ("autokeras", fit)})
