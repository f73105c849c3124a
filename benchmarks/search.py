"""Completed trials a minute: keras-tuner's RandomSearch with model.fit, and ours, on the same rows, space and patience.

    python benchmarks/search.py [--seconds 60]

Both search learning rate, units, layers, dropout and weight decay of a perceptron, for as many epochs at most, with as
many epochs of patience, at the same batch size, on the same training and validation rows. Both start with TensorFlow
loaded; what follows the search is not counted. The ratio is of one run on one machine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from executor.quiet import quiet_tensorflow

quiet_tensorflow()

import keras  # noqa: E402  after TensorFlow was silenced
import keras_tuner  # noqa: E402
import numpy as np  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from sklearn.datasets import make_classification  # noqa: E402

from executor.budget import Budget  # noqa: E402
from executor.catalog.hyperparameters import search_space  # noqa: E402
from executor.catalog.tuning import EPOCHS  # noqa: E402
from executor.parts import Examples, Parts  # noqa: E402
from executor.search import search  # noqa: E402
from executor.trials.training import PATIENCE, batch_size  # noqa: E402
from rules.bundle import Bundle  # noqa: E402
from rules.choices import Accuracy, AdamW, BinaryCrossentropy, He, HighAndMedium, Random, Relu  # noqa: E402
from rules.facts import Task  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMNS = 20
BUNDLE = Bundle(
    activation=Relu(),
    metric=Accuracy(),
    loss=BinaryCrossentropy(),
    initializer=He(),
    optimizer=AdamW(schedule="cosine"),
    hyperparameters=HighAndMedium(),
    tuner=Random(),
)


def rows(count: int) -> Parts:
    """Rows of two classes that overlap, four fifths for training."""
    columns, target = make_classification(
        count, COLUMNS, n_informative=8, n_redundant=4, n_clusters_per_class=4, flip_y=0.1, random_state=0
    )
    dense = ((columns - columns.mean(axis=0)) / columns.std(axis=0)).astype(np.float32)
    labels = target.astype(np.float32)[:, None]
    whole = Examples(
        dense=dense, codes=np.zeros((count, 0), np.int32), target=labels, offset=0 * labels, raw_target=target
    )
    order = np.random.default_rng(0).permutation(count)
    return Parts(
        task=Task.BINARY,
        train=whole.take(order[: count * 4 // 5]),
        validation=whole.take(order[count * 4 // 5 :]),
        vocabulary=0,
        outputs=1,
        rare_class=1,
        target_mean=np.zeros(1),
        target_scale=np.ones(1),
    )


class Plain(keras_tuner.RandomSearch):
    """RandomSearch as it comes, without the board that TensorFlow 2.21 does not bring along."""

    def _configure_tensorboard_dir(self, *_: object) -> None:
        """Write nothing."""


def network(values: Mapping[str, Any], steps: int) -> keras.Model:
    """The perceptron of one trial, compiled."""
    inputs = keras.Input((COLUMNS,))
    hidden = inputs
    for _ in range(values["layers"]):
        hidden = keras.layers.Dense(values["units"], activation="relu", kernel_initializer="he_normal")(hidden)
        if values["dropout"] > 0:
            hidden = keras.layers.Dropout(values["dropout"])(hidden)
    model = keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="he_normal")(hidden))
    rate: Any = values["learning_rate"]
    if values["schedule"] != "constant":
        rate = keras.optimizers.schedules.CosineDecay(rate, EPOCHS * steps)
    model.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=values["weight_decay"]),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)],
    )
    return model


def plain(parts: Parts, seconds: float) -> tuple[int, float]:
    """Trials that keras-tuner completes in some seconds, and their best P."""
    batch = batch_size(len(parts.train))
    space = search_space(BUNDLE, width=COLUMNS, rows=len(parts.train), budget_trials=None)
    deadline = time.monotonic() + seconds
    done: list[float] = []

    class Ended(BaseException):  # keras-tuner would take an Exception for a failed trial
        """The time is over."""

    class Deadline(keras.callbacks.Callback):  # type: ignore[misc]  # untyped
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            del epoch
            if time.monotonic() > deadline:
                raise Ended
            self.best = max(getattr(self, "best", 0.0), (logs or {})["val_accuracy"])

        def on_train_end(self, logs: dict[str, float] | None = None) -> None:
            del logs
            done.append(self.best)

    def build(found: keras_tuner.HyperParameters) -> keras.Model:
        for item in space.space:
            found._retrieve(item)  # noqa: SLF001  our space, as it is
        return network(found.values, -(-len(parts.train) // batch))

    with tempfile.TemporaryDirectory() as folder:
        tuner = Plain(
            build, keras_tuner.Objective("val_accuracy", "max"), 100_000, seed=1, directory=folder, overwrite=True
        )
        with contextlib.suppress(Ended):
            tuner.search(
                parts.train.dense,
                parts.train.target,
                validation_data=(parts.validation.dense, parts.validation.target),
                epochs=EPOCHS,
                batch_size=batch,
                callbacks=[keras.callbacks.EarlyStopping("val_accuracy", patience=PATIENCE, mode="max"), Deadline()],
                verbose=0,
            )
    return len(done), max(done, default=float("nan"))


def ours(parts: Parts, seconds: float) -> tuple[int, float]:
    """Trials that our search completes in some seconds, and their best P."""
    with tempfile.TemporaryDirectory() as folder:
        trials = search(BUNDLE, parts, budget=Budget(seconds=seconds, reserve=0.0), seed=0, directory=Path(folder))
        whole = [one for one in trials.ranked if one.status == "completed" and "time budget" not in one.message]
        return len(whole), float(trials.best.score or 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="for each search")
    parser.add_argument("--rows", type=int, nargs="*", default=[2_000, 20_000])
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    given = parser.parse_args()
    table = Table("rows", "keras-tuner, trials a minute", "ours", "times as many", "best accuracy: theirs", "ours")
    figures = []
    for count in given.rows:
        parts = rows(count)
        theirs, their_best = plain(parts, given.seconds)
        own, own_best = ours(parts, given.seconds)
        minute = 60 / given.seconds
        figures.append({"rows": count, "plain": theirs * minute, "ours": own * minute})
        cells = [f"{theirs * minute:.0f}", f"{own * minute:.0f}", f"{own / max(theirs, 1):.1f}"]
        table.add_row(f"{count:,}", *cells, f"{their_best:.4f}", f"{own_best:.4f}")
    Console().print(table)
    if given.json is not None:
        given.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
