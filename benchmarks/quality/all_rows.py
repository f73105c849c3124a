"""Models trained on all rows against the evaluated ones, on outside test rows of public tables.

    PCWAT_DATASETS=folder python -m benchmarks.quality.all_rows [--budget 60] [--trials 1] [--seeds 1 5] [NAME …]

A fifth of each table is split off before pcwat reads it. One run gives the evaluated model and, for each number of
seeds, a model that was trained on all of its rows; all of them predict the fifth. Their errors are compared by the
metric that the rules recommend.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from unittest import mock

import numpy as np
from pyarrow import csv

from benchmarks.catalogue import catalogue
from executor.components.metric import Predictions, apply_thresholds, create_metric
from executor.data.read_rows import read_rows
from executor.model.keras_file import load_model, predict_rows
from executor.pipeline import deliver as stage
from executor.pipeline import execute as pipeline
from executor.pipeline.train import train
from executor.runs.files import MODEL
from executor.runtime.clock import Clock
from recommender.dataset.dataset import Dataset
from rules.text.numbers import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from executor.data.raw_table import RawTable
    from executor.pipeline.encoding.encode_data import EncodedData
    from executor.pipeline.finalize import SavedModel
    from executor.runs.delivery import Delivery
    from executor.search.records.trials import Trials

TEST_SHARE: Final = 0.2
MAX_ROWS: Final = 3_000  # of a table; of more, so many are drawn at random
SEED: Final = 0
TINY: Final = 1e-9  # error of a model without one
CHOSEN: Final = (
    "vehicle", "airfoil_noise", "german_credit", "titanic", "maternal_health_risk", "software_defects_pc1", "auto_mpg",
    "cell_segmentation", "wine_quality_red_4", "orange_juice", "contraceptive", "hitters_salary", "flare_class",
    "phishing", "glass", "diabetes", "chile_vote", "wage_islr",
)  # fmt: skip
"""Tables of every task with one target."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Values of the metric on the test rows, and errors."""

    metric: str
    networks: int
    """Networks of a trial of the evaluated model."""
    evaluated: float
    refitted: dict[int, float]
    """Number of seeds → value of the model that was trained on all rows."""
    ratios: dict[int, float]
    """Number of seeds → its error divided by that of the evaluated model."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=CHOSEN)
    parser.add_argument("--budget", type=float, help="seconds of each run, without training on all rows")
    parser.add_argument("--trials", type=int, default=1)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 5])
    given = parser.parse_args()
    listed = catalogue()
    ratios: dict[int, list[float]] = {seeds: [] for seeds in given.seeds}
    heading = "".join(f"{f'{seeds} seeds':>10}{'ratio':>8}" for seeds in given.seeds)
    print(f"{'dataset':<24}{'P':<10}{'networks':>9}{'evaluated':>11}{heading}")
    for name in given.names:
        one = compare(Path(listed[name]["path"]), listed[name]["target"], given.budget, given.trials, given.seeds)
        cells = "".join(f"{number(one.refitted[seeds]):>10}{one.ratios[seeds]:>8.3f}" for seeds in given.seeds)
        print(f"{name:<24}{one.metric:<10}{one.networks:>9}{number(one.evaluated):>11}{cells}", flush=True)
        for seeds in given.seeds:
            ratios[seeds].append(one.ratios[seeds])
    for seeds, found in ratios.items():
        wins = sum(one < 1 for one in found) + sum(one == 1 for one in found) / 2
        mean = np.exp(np.mean(np.log(found)))
        print(f"{seeds} seeds: better on {wins:g} of {len(found)} tables, geometric mean of the ratios {mean:.3f}")


def compare(path: Path, target: str, budget: float | None, trials: int, seeds: Sequence[int]) -> Compared:
    """Train once, and predict the test rows by the evaluated model and by those of all rows."""
    with tempfile.TemporaryDirectory() as folder:
        learning, test = divide(path, target, Path(folder))
        found: list[Compared] = []

        def deliver_each(data: EncodedData, ended: Trials, saved: SavedModel, _clock: Clock, **_: object) -> Delivery:
            with Dataset.open(str(test)) as dataset:
                rows = read_rows(dataset, data.run.roles)
            direction = create_metric(data.run.bundle.metric).direction
            before, refitted = value(saved.model, data, saved, rows), {}
            for count in seeds:
                with mock.patch.object(stage, "SEEDS", (count,)):
                    delivery = stage.deliver(data, ended, saved, Clock())
                model = load_model(data.run.directory / MODEL, saved.signature)
                refitted[count] = value(model, data, saved, rows) if delivery.is_refitted else before
            found.append(
                Compared(
                    metric=data.run.bundle.metric.name,
                    networks=data.parts.fold_count,
                    evaluated=before,
                    refitted=refitted,
                    ratios={
                        count: max(direction.error(own), TINY) / max(direction.error(before), TINY)
                        for count, own in refitted.items()
                    },
                )
            )
            return delivery

        with mock.patch.object(pipeline, "deliver", deliver_each):
            train(str(learning), target=target, budget=budget, trials=trials, seed=SEED, directory=Path(folder) / "run")
    return found[0]


def divide(path: Path, target: str, folder: Path) -> tuple[Path, Path]:
    """Write the rows to learn from and the test rows of a table, each with the target known."""
    with Dataset.open(str(path)) as dataset:
        table = dataset.connection.sql("SELECT * FROM dataset").to_arrow_table()
    known = np.flatnonzero(np.array([one is not None for one in table[target].to_pylist()]))
    order = np.random.default_rng(SEED).permutation(known)[:MAX_ROWS]
    cut = round(TEST_SHARE * len(order))
    paths = folder / "learning.csv", folder / "test.csv"
    for each, rows in zip(paths, (order[cut:], order[:cut]), strict=True):
        csv.write_csv(table.take(np.sort(rows)), each)
    return paths


def value(model: keras.Model, data: EncodedData, saved: SavedModel, rows: RawTable) -> float:
    """The metric of a model on rows, with the thresholds of the evaluated model."""
    task, signature = data.parts.task, saved.signature
    outcome = predict_rows(model, signature, rows)
    predictions = Predictions(
        task=task,
        truth=rows.truth,
        outcome=outcome,
        decided=apply_thresholds(outcome, task, thresholds=signature.cuts, rare_class=signature.rare_class),
        rare_class=signature.rare_class,
    )
    return float(create_metric(data.run.bundle.metric).of_predictions(predictions))


if __name__ == "__main__":
    main()
