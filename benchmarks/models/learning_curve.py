"""Learning curve: predicted gain from twice the rows, compared with the measured gain.

    PCWAT_DATASETS=folder python -m benchmarks.models.learning_curve [NAME …]

The default configuration is trained with three seeds on fractions of the rows. The gain from half to all rows is
predicted from fractions up to a half. The table shows the measured gain, the predicted gain and its 95 % interval; the
last line counts the intervals that contain the measured gain.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Final

import click

from executor.components.metric import create_metric
from executor.evaluation.diagnostics.learning_curve import LearningCurve, learning_curve
from executor.evaluation.diagnostics.retraining import SelectedConfiguration, retrain
from executor.pipeline.prepare import prepare
from executor.preprocessing.encode import encode_parts
from executor.preprocessing.fit import fit_preprocessing
from executor.runtime.budget import Budget
from executor.search.records.outcome import Outcome
from recommender.dataset.dataset import Dataset
from rules.decision.request import Request

CHOSEN: Final = (
    "vehicle", "hpc_jobs", "german_credit", "airfoil_noise", "wage_islr", "phishing", "titanic", "vowel", "abalone19",
    "page_blocks", "computer_prices", "power_plant", "house_prices_ames",
)  # fmt: skip
PLENTY: Final = 1e5  # seconds
DEFAULT: Final = Outcome(
    number=0,
    hyperparameters={},
    status="completed",
    score=0.0,
    epochs=1,
    planned_epochs=1_000,
    seconds=1.0,
    ended_by="early_stopping",
)


@click.command()
@click.argument("names", nargs=-1)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="A new folder for the runs.")
def main(names: tuple[str, ...], output: Path) -> None:
    folder = Path(os.environ["PCWAT_DATASETS"])
    with (folder / "catalogue.csv").open(newline="", encoding="utf-8") as file:
        catalogue = {row["name"]: row for row in csv.DictReader(file)}
    inside = 0
    for name in names or CHOSEN:
        row = catalogue[name]
        curve = measured(folder / row["file"], tuple(row["target"].split("|")), output / name)
        half = learning_curve(
            curve.points[:-1], metric=curve.metric, direction=curve.direction, rows=curve.points[-2].rows
        )
        gain = curve.direction.error(half.points[-1].mean) - curve.direction.error(curve.points[-1].mean)
        told = half.doubled
        if told is None or told.value is None or told.low is None or told.high is None:
            print(f"{name:<20}{curve.metric:<10}gain {gain:10.4g}  nothing foretold", flush=True)
            continue
        inside += told.low <= gain <= told.high
        interval = f"{told.value:10.4g} ({told.low:.4g} to {told.high:.4g})"
        print(f"{name:<20}{curve.metric:<10}gain {gain:10.4g}  foretold {interval}", flush=True)
    print(f"in {inside} of {len(names or CHOSEN)} intervals")


def measured(path: Path, targets: tuple[str, ...], directory: Path) -> LearningCurve:
    """The learning curve of the default configuration."""
    with Dataset.open(path) as dataset:
        begun = prepare(dataset, Request(target=targets), budget=Budget(seconds=PLENTY), directory=directory)
        table, rows, roles = begun.data.table, begun.data.rows, begun.roles
        parts = encode_parts(table, roles, rows, fit_preprocessing(table, roles, rows.train))
    chosen = SelectedConfiguration(
        ranked=(DEFAULT,), bundle=begun.bundle, metric=create_metric(begun.bundle.metric), seed=begun.plan.seed
    )
    time = None if table.time is None else table.time[rows.train]
    return retrain(chosen, parts, clock=Budget(seconds=PLENTY).start_clock(), stopped_by="trials", time=time)


if __name__ == "__main__":
    main()
