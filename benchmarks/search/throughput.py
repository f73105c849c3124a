"""Completed trials per minute and best score: keras-tuner's RandomSearch with model.fit, and pcwat.

    python -m benchmarks.search.throughput [--seconds 60] [--rows 2000 20000] [--images 1797]
    PCWAT_DATASETS=folder python -m benchmarks.search.throughput --datasets breast_cancer vehicle …

Both search learning rate, units, schedule, layers, dropout and weight decay of the same Keras network, with the same
maximum of epochs, the same patience, the same batch size, and the same encoded training and validation rows. Both start
with TensorFlow loaded; what follows the search is not counted. Each ratio comes from one run on one machine.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from executor.runtime.tensorflow_import import quiet_tensorflow

quiet_tensorflow()

import keras  # noqa: E402  after TensorFlow was silenced
import keras_tuner  # noqa: E402
import numpy as np  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from sklearn.datasets import load_digits, make_classification  # noqa: E402

from benchmarks.catalogue import encoded  # noqa: E402
from executor.components.configuration import configuration  # noqa: E402
from executor.components.loss import create_loss, sample_weights  # noqa: E402
from executor.components.metric import create_metric  # noqa: E402
from executor.components.optimizer import create_optimizer  # noqa: E402
from executor.networks.build import build_network  # noqa: E402
from executor.networks.registry import network_kind  # noqa: E402
from executor.preprocessing.examples import Examples, Parts  # noqa: E402
from executor.preprocessing.inputs import ImageInputs, TableInputs  # noqa: E402
from executor.runtime.budget import Budget  # noqa: E402
from executor.runtime.clock import Clock  # noqa: E402
from executor.search.runners.training_state import patience_of  # noqa: E402
from executor.search.search import scope_of, search  # noqa: E402
from executor.search.space import search_space  # noqa: E402
from recommender.time_plan import TimePlan  # noqa: E402
from recommender.training_cost import batch_size, steps_of  # noqa: E402
from rules.vocabulary.bundle import Bundle  # noqa: E402
from rules.vocabulary.choices import (  # noqa: E402
    Accuracy,
    AdamW,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    He,
    HighAndMedium,
    Random,
    Relu,
    SgdMomentum,
)
from rules.vocabulary.facts import Task  # noqa: E402

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
        inputs=TableInputs(numbers=COLUMNS),
        outputs=1,
        rare_class=1,
        target_mean=np.zeros(1),
        target_scale=np.ones(1),
    )


@dataclass(frozen=True, kw_only=True)
class Job:
    """What both searches get."""

    name: str
    parts: Parts
    bundle: Bundle

    @property
    def steps(self) -> int:
        """Of an epoch."""
        rows = len(self.parts.train)
        return steps_of(rows, batch_size(rows))

    @property
    def epochs(self) -> int:
        return network_kind(self.bundle, self.parts.inputs).epochs(self.steps)


def images(count: int) -> Job:
    """Digits of 8 x 8 pixels for a small residual network, four fifths for training."""
    values, classes = (array[:count] for array in load_digits(return_X_y=True))
    dense = ((values - values.mean()) / values.std()).astype(np.float32)
    target = np.eye(10, dtype=np.float32)[classes]
    whole = Examples(
        dense=dense, codes=np.zeros((len(dense), 0), np.int32), target=target, offset=0 * target, raw_target=classes
    )
    order = np.random.default_rng(0).permutation(len(dense))
    parts = Parts(
        task=Task.MULTICLASS,
        train=whole.take(order[: len(dense) * 4 // 5]),
        validation=whole.take(order[len(dense) * 4 // 5 :]),
        vocabulary=0,
        outputs=10,
        inputs=ImageInputs(shape=(8, 8, 1), mean=(0.0,), scale=(1.0,)),
        target_mean=np.zeros(10),
        target_scale=np.ones(10),
    )
    chosen = {"loss": CategoricalCrossentropy(), "optimizer": SgdMomentum(schedule="one_cycle")}
    return Job(name=f"{len(dense):,} images", parts=parts, bundle=BUNDLE.model_copy(update=chosen))


def synthetic(count: int) -> Job:
    return Job(name=f"{count:,} rows", parts=rows(count), bundle=BUNDLE)


def public(name: str) -> Job:
    """A dataset of the catalogue with its bundle, but a random search; without folds, which keras-tuner has not."""
    found = encoded(name)
    searched = {"hyperparameters": HighAndMedium(), "tuner": Random()}
    return Job(name=name, parts=found.parts.divided(), bundle=found.bundle.model_copy(update=searched))


class Plain(keras_tuner.RandomSearch):
    """RandomSearch as it comes, without the board that TensorFlow 2.21 does not bring along."""

    def _configure_tensorboard_dir(self, *_: object) -> None:
        """Write nothing."""


def inputs_of(examples: Examples, parts: Parts) -> dict[str, np.ndarray]:
    return {"dense": examples.dense} | ({"codes": examples.codes} if parts.vocabulary else {})


def network(job: Job, values: dict[str, Any]) -> keras.Model:
    """The network of one trial, compiled."""
    model = build_network(parts=job.parts, bundle=job.bundle, hyperparameters=values, seed=0)
    chosen = configuration(job.bundle, values, defaults=network_kind(job.bundle, job.parts.inputs).defaults)
    optimizer = create_optimizer(job.bundle.optimizer, chosen)
    if chosen.schedule != "constant":
        steps = job.epochs * job.steps
        optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(chosen.learning_rate, steps)
    model.compile(optimizer=optimizer, loss=create_loss(job.bundle.loss, job.parts))
    return model


def plain(job: Job, seconds: float) -> tuple[int, float]:
    """Trials that keras-tuner completes in some seconds, and their best P."""
    parts, metric = job.parts, create_metric(job.bundle.metric)
    space = search_space(job.bundle, scope_of(job.bundle, parts, Budget(seconds=seconds)))
    deadline = time.monotonic() + seconds
    done: list[float] = []
    seen: list[float] = []
    choose = max if metric.direction == "max" else min

    class Ended(BaseException):  # keras-tuner would take an Exception for a failed trial
        """The time is over."""

    class Score(keras.callbacks.Callback):  # type: ignore[misc]  # untyped
        """Notes P after each epoch, where the early stopping and the tuner look for it."""

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            del epoch
            outputs = self.model.predict_on_batch(inputs_of(parts.validation, parts))
            score = metric.score(np.asarray(outputs), parts.validation, parts)
            seen.append(score)
            if logs is not None:
                logs["val_p"] = score
            if time.monotonic() > deadline:
                raise Ended

        def on_train_end(self, logs: dict[str, float] | None = None) -> None:
            del logs
            done.append(seen[-1])

    def build(found: keras_tuner.HyperParameters) -> keras.Model:
        for item in space.space:
            found._retrieve(item)  # noqa: SLF001  our space, as it is
        return network(job, dict(found.values))

    patience = patience_of(job.epochs) if isinstance(parts.inputs, TableInputs) else job.epochs
    stop = keras.callbacks.EarlyStopping("val_p", patience=patience, mode=metric.direction)
    with tempfile.TemporaryDirectory() as folder:
        objective = keras_tuner.Objective("val_p", metric.direction)
        tuner = Plain(build, objective, 100_000, seed=1, directory=folder, overwrite=True)
        with contextlib.suppress(Ended):
            tuner.search(
                inputs_of(parts.train, parts),
                parts.train.target,
                sample_weight=sample_weights(job.bundle.loss, parts),
                validation_data=(inputs_of(parts.validation, parts), parts.validation.target),
                epochs=job.epochs,
                batch_size=batch_size(len(parts.train)),
                callbacks=[Score(), stop],
                verbose=0,
            )
    return len(done), choose((one for one in seen if np.isfinite(one)), default=float("nan"))


def ours(job: Job, seconds: float) -> tuple[int, float]:
    """Trials that our search completes in some seconds, and their best P."""
    with tempfile.TemporaryDirectory() as folder:
        budget, clock = Budget(seconds=seconds), Clock(TimePlan(limit=seconds))
        trials = search(job.bundle, job.parts, budget=budget, clock=clock, seed=0, directory=Path(folder))
        whole = [one for one in trials.ranked if one.status == "completed" and "time budget" not in one.message]
        return len(whole), float(trials.best.score or 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="for each search")
    parser.add_argument("--rows", type=int, nargs="*", default=[2_000, 20_000])
    parser.add_argument("--images", type=int, nargs="*", default=[1_797], help="8 x 8 digits, as many at most")
    parser.add_argument("--datasets", nargs="*", help="of the folder in PCWAT_DATASETS, instead of rows and images")
    given = parser.parse_args()
    table = Table("", "rows", "keras-tuner, trials a minute", "ours", "times as many", "P", "best: theirs", "ours")
    as_good = 0
    jobs = [synthetic(count) for count in given.rows] + [images(count) for count in given.images]
    if given.datasets:
        jobs = [public(name) for name in given.datasets]
    for job in jobs:
        metric = create_metric(job.bundle.metric)
        (theirs, their_best), (own, own_best) = plain(job, given.seconds), ours(job, given.seconds)
        minute = 60 / given.seconds
        as_good += own_best >= their_best if metric.direction == "max" else own_best <= their_best
        counts = [f"{theirs * minute:.0f}", f"{own * minute:.0f}", f"{own / max(theirs, 1):.1f}"]
        best = [metric.name, f"{their_best:.4f}", f"{own_best:.4f}"]
        table.add_row(job.name, f"{len(job.parts.train):,}", *counts, *best)
    Console().print(table)
    print(f"Ours is at least as good on validation on {as_good} of {len(jobs)}.")


if __name__ == "__main__":
    main()
