"""AutoKeras' classifier and regressor of structured data: autokeras.

Environment: `pip install autokeras==3.0.0 keras==3.12.0 tensorflow tensorboard scikit-learn pandas`. With Keras 3.15
its regressor fails, without tensorboard every trial does.

It has no time limit, searches until it is told a number of trials, and then trains the best configuration again on all
rows. So its search is stopped at half time, and the last training shortly before the end. Words are given as ordinal
codes and missing numbers as medians, for it takes a number with a gap for a word.
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
from autokeras.engine.tuner import AutoTuner
from keras_tuner.src.engine.oracle import Oracle

SEARCHING: Final = 0.5  # share of the time, for the search; the last training is on a quarter more rows than a trial's
TRAINING: Final = 0.9  # share of the time until the last training ends, as it is
MOST_TRIALS: Final = 1_000  # more than it can finish
create_trial, final_fit = Oracle.create_trial, AutoTuner.final_fit


class Clock:
    """Until when the present training may go on, on the clock of STARTED."""

    until = float("inf")


class Stop(keras.callbacks.Callback):
    """Stops a training when its time is over."""

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        del batch, logs
        if time.monotonic() > Clock.until:
            self.model.stop_training = True


def stop_in_time(seconds: float) -> None:
    """Let AutoKeras end its search and its last training in time."""
    Clock.until = STARTED + SEARCHING * seconds

    def create(oracle: Oracle, tuner_id: str) -> object:
        if time.monotonic() > Clock.until and oracle.trials:
            oracle.max_trials = len(oracle.trials)
        return create_trial(oracle, tuner_id)

    def fit_all(tuner: AutoTuner, **rows: object) -> object:
        Clock.until = STARTED + TRAINING * seconds
        return final_fit(tuner, **rows)

    Oracle.create_trial, AutoTuner.final_fit = create, fit_all


def fit(work: Work) -> Answers:
    stop_in_time(work.seconds)
    features, unseen = with_codes(work)
    median = features.median()
    rows, others = (frame.fillna(median).to_numpy("float32") for frame in (features, unseen))
    kind = autokeras.StructuredDataClassifier if work.is_classification else autokeras.StructuredDataRegressor
    target = work.target.to_numpy() if work.is_classification else work.target.to_numpy("float32").reshape(-1, 1)
    with tempfile.TemporaryDirectory() as folder:
        model = kind(max_trials=MOST_TRIALS, directory=folder, seed=0)
        model.fit(rows, target, callbacks=[Stop()], verbose=0)
        outcome = model.export_model().predict(model.tuner.get_best_pipeline().transform_x(others), verbose=0)
    if not work.is_classification:
        return Answers(outcome.ravel())
    shares = np.hstack([1 - outcome, outcome]) if outcome.shape[1] == 1 else outcome
    classes = np.unique(target)
    return Answers(classes[shares.argmax(axis=1)], shares, classes)


if __name__ == "__main__":
    answer({"autokeras": ("autokeras", fit)})
