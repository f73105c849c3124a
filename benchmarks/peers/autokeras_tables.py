"""AutoKeras' classifier and regressor of structured data: autokeras.

Environment: `pip install autokeras==3.0.0 keras==3.12.0 tensorflow tensorboard scikit-learn pandas`. With Keras 3.15
its regressor fails, without tensorboard every trial does.

It has no time limit, searches until it is told a number of trials, and then trains the best configuration again on all
rows. So its search is stopped when the time that is left is needed for that, and the last training shortly before the
end. Words are given as ordinal codes and missing numbers as medians, for it takes a number with a gap for a word.
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

ENDING: Final = 0.92  # share of the time until the last training ends; what is left is for answering
ALL_ROWS: Final = 1.25  # how much longer the last training is than a trial, of which a fifth of the rows validates
MOST_TRIALS: Final = 1_000  # more than it can finish
create_trial, final_fit = Oracle.create_trial, AutoTuner.final_fit


class Clock:
    """When all training must have ended, on the clock of STARTED, and what the last training may still need."""

    end = float("inf")
    longest = 0.0
    """Seconds that the longest trial took so far."""
    is_last = False

    @classmethod
    def is_over(cls) -> bool:
        kept = 0.0 if cls.is_last else ALL_ROWS * cls.longest
        return time.monotonic() + kept > cls.end


class Stop(keras.callbacks.Callback):
    """Stops a training when its time is over."""

    def on_train_begin(self, logs: object = None) -> None:
        del logs
        self.start = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        del batch, logs
        Clock.longest = max(Clock.longest, time.monotonic() - self.start)
        if Clock.is_over():
            self.model.stop_training = True


def stop_in_time(seconds: float) -> None:
    """Let AutoKeras end its search and its last training in time."""
    Clock.end = STARTED + ENDING * seconds

    def create(oracle: Oracle, tuner_id: str) -> object:
        if Clock.is_over() and oracle.trials:
            oracle.max_trials = len(oracle.trials)
        return create_trial(oracle, tuner_id)

    def fit_all(tuner: AutoTuner, **rows: object) -> object:
        Clock.is_last = True
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
