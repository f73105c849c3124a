"""A plain convolutional network for images, trained by `model.fit`; needs Keras alone and imports nothing of pcwat.

    PYTHON plain_images.py FOLDER SECONDS METRIC

The network is that of Keras' example "Simple MNIST convnet" with a hidden dense layer: two convolutions of 32 and 64
channels, each with max-pooling, a dense layer of 128 units, dropout, and Adam with its defaults. FOLDER has `rows.npz`:
images and class indices of training and validation rows, and images of the hold-out. The network trains until SECONDS
after the start of the process, less the time to predict the hold-out, and keeps the weights of the epoch with the best
METRIC (accuracy or f1, the mean over the classes) on the validation rows. It writes `answers.npy`, (rows, classes).
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

STARTED = time.monotonic()  # before Keras is imported, which counts
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402

BATCH = 128  # of the example
SCALE = 255.0  # of bytes
DROPOUT = 0.5
PREDICTING = 2.0  # seconds that predicting the hold-out may take, in multiples of the seconds per row of validation


def build(shape: tuple[int, ...], classes: int) -> keras.Model:
    """The network; small images are padded, so that something is left after two poolings."""
    padding = "valid" if min(shape[:2]) >= 16 else "same"  # noqa: PLR2004  8 x 8 would end as 0 x 0
    return keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Rescaling(1 / SCALE),
            keras.layers.Conv2D(32, 3, activation="relu", padding=padding),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(64, 3, activation="relu", padding=padding),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dropout(DROPOUT),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )


def score(metric: str, truth: np.ndarray, predicted: np.ndarray) -> float:
    """Accuracy, or F1 averaged over the classes."""
    if metric == "accuracy":
        return float(np.mean(truth == predicted))
    found = []
    for label in np.unique(truth):
        hits = np.sum((truth == label) & (predicted == label))
        found.append(2 * hits / (np.sum(truth == label) + np.sum(predicted == label)))
    return float(np.mean(found))


class UntilDeadline(keras.callbacks.Callback):
    """Ends the training in time, and keeps the best weights."""

    def __init__(self, images: np.ndarray, truth: np.ndarray, *, metric: str, unseen: int, deadline: float) -> None:
        super().__init__()
        self.images, self.truth, self.metric = images, truth, metric
        self.unseen, self.deadline = unseen, deadline
        self.reserve, self.best, self.weights = 0.0, -1.0, None

    def on_train_begin(self, logs: object = None) -> None:  # noqa: ARG002  Keras' names
        for _ in range(2):  # the first one compiles
            start = time.monotonic()
            self.model.predict(self.images, batch_size=512, verbose=0)
            seconds = time.monotonic() - start
        self.reserve = seconds + PREDICTING * seconds * self.unseen / len(self.images)

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002  Keras' names
        if time.monotonic() > self.deadline - self.reserve:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002  Keras' names
        predicted = self.model.predict(self.images, batch_size=512, verbose=0).argmax(axis=1)
        value = score(self.metric, self.truth, predicted)
        if value >= self.best:
            self.best, self.weights = value, self.model.get_weights()


def main() -> None:
    folder, seconds, metric = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    keras.utils.set_random_seed(0)
    with np.load(folder / "rows.npz") as file:
        rows = dict(file)
    model = build(rows["train"].shape[1:], int(rows["train_classes"].max()) + 1)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    until = UntilDeadline(
        rows["validation"],
        rows["validation_classes"],
        metric=metric,
        unseen=len(rows["hold_out"]),
        deadline=STARTED + seconds,
    )
    model.fit(
        rows["train"], rows["train_classes"], batch_size=BATCH, epochs=10**6, shuffle=True, callbacks=[until], verbose=0
    )
    model.set_weights(until.weights)
    np.save(folder / "answers.npy", model.predict(rows["hold_out"], batch_size=512, verbose=0))


if __name__ == "__main__":
    main()
