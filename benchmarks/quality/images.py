"""Hold-out scores on public image datasets, with nearest neighbours and a plain convolutional network of equal time.

    PCWAT_DATASETS=folder python -m benchmarks.quality.images [--budget 30s --budget 60s …] [--one-core] [NAME …]

Runs `recommend train` with its defaults for each dataset and budget, one process each. The plain network
(`peers/plain_images.py`) runs right after it, on the same rows and for as many wall-clock seconds as the run took, the
import of Keras included in both. The table shows the metric and the accuracy of both, those of nearest neighbours and
of a linear model, the processor seconds of both, and how many cores other processes used meanwhile: at different loads,
compare scores only where the processor seconds are about equal.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.catalogue import catalogue
from benchmarks.quality.contest import RUNNERS, SEED, busy_seconds, machine
from executor.components.metric import Predictions, create_metric
from executor.data.raw_table import Form
from executor.pipeline.prepare import read_and_split
from executor.runs.run import Run
from recommender.dataset.dataset import Dataset
from recommender.recommendation.trial_budget import seconds
from recommender.roles.infer import infer_roles
from rules.decision.request import Request
from rules.text.numbers import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.data.raw_table import RawTable
    from rules.vocabulary.bundle import Bundle

IMAGES: Final = ("digits_8x8", "animal_shapes_28", "emoji_twitter_64", "fashion_mnist")
BUDGETS: Final = ("30s", "60s", "180s")
PLAIN: Final = RUNNERS / "plain_images.py"
ONE_CORE: Final = ("taskset", "-c", "0")


@dataclass(frozen=True, kw_only=True)
class Result:
    """Result of one training."""

    dataset: str
    metric: str
    value: float | None
    accuracy: float | None
    baselines: dict[str, float | None]
    """Metric of each baseline."""
    reduction: str
    """How the training was made smaller to fit the budget; empty if it was not."""
    bundle: Bundle
    budget: float
    process: Process
    trials: int

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of the process."""
        return self.process.seconds

    @property
    def gibibytes(self) -> float:
        """Peak resident memory of the process."""
        return self.process.gibibytes

    @property
    def others(self) -> float | None:
        """Cores that other processes used meanwhile; None if unknown."""
        return self.process.others


@dataclass(frozen=True, kw_only=True)
class Process:
    """Time and memory of a process."""

    seconds: float
    """Wall-clock seconds."""
    processor_seconds: float
    gibibytes: float
    """Peak resident memory."""
    others: float | None
    """Cores that other processes used meanwhile; None if unknown."""


@dataclass(frozen=True, kw_only=True)
class Plain:
    """Result of the plain network."""

    value: float
    accuracy: float
    process: Process


@click.command()
@click.argument("names", nargs=-1)
@click.option("--budget", "budgets", multiple=True, default=BUDGETS, show_default=True)
@click.option("--one-core", is_flag=True, help="Run both on one core (taskset -c 0).")
def main(names: tuple[str, ...], budgets: tuple[str, ...], *, one_core: bool) -> None:
    console = Console(width=190)
    console.print(machine())
    table = Table(
        "Set", "P", "Ours", "Plain", "Neighbours", "Linear", "Accuracy", "of plain", "Trials", "Seconds", "of plain",
        "CPU s", "of plain", "GiB", "Others' cores", "of plain",
    )  # fmt: skip
    prefix, level, compared = ONE_CORE if one_core else (), 0, 0
    for name in names or IMAGES:
        entry = catalogue()[name]
        for budget in budgets:
            one = train(name, entry["path"], entry["target"], budget=seconds(budget), prefix=prefix)
            plain = train_plain(one, entry, prefix=prefix)
            both = one.process, plain.process
            table.add_row(
                name,
                one.metric,
                *(_shown(value) for value in (one.value, plain.value)),
                *(_shown(one.baselines.get(baseline)) for baseline in ("nearest neighbours", "linear")),
                *(_shown(value) for value in (one.accuracy, plain.accuracy)),
                str(one.trials),
                f"{one.seconds:.0f} of {one.budget:.0f}",
                f"{plain.process.seconds:.0f}",
                *(f"{process.processor_seconds:.0f}" for process in both),
                f"{one.gibibytes:.1f}",
                *("unknown" if process.others is None else f"{process.others:.1f}" for process in both),
            )
            console.print(f"{name}, {budget}: {_shown(one.value)}, plain {_shown(plain.value)}. {one.reduction}")
            compared, level = compared + 1, level + (one.value is not None and one.value >= plain.value)
    console.print(table)
    console.print(f"At least level with the plain network: {level} of {compared}")


def _shown(value: float | None) -> str:
    return "" if value is None else number(value)


def train(name: str, path: str | Path, target: str, *, budget: float, prefix: Sequence[str] = ()) -> Result:
    """Train on a file by the command line; prefix: of the command, such as taskset with its arguments."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "run"
        command = [*prefix, str(Path(sys.executable).with_name("recommend")), "train", str(path)]
        command += ["--target", target, "--budget", f"{budget:g}s", "-o", str(directory)]
        process = _run(command)
        run = Run(directory)
        accuracy = run.scores.others.get("accuracy")
        return Result(
            dataset=name,
            metric=run.scores.metric,
            value=run.scores.hold_out.value,
            accuracy=run.scores.hold_out.value if run.scores.metric == "accuracy" else accuracy,
            baselines={baseline: score.value for baseline, score in run.scores.baselines.items()},
            reduction=run.summary.reduction,
            bundle=run.bundle,
            budget=budget,
            process=process,
            trials=run.summary.trials,
        )


def train_plain(one: Result, entry: dict[str, str], *, prefix: Sequence[str] = ()) -> Plain:
    """Train the plain network on the rows of a run, for as many seconds as the run took."""
    with tempfile.TemporaryDirectory() as name, Dataset.open(entry["path"]) as dataset:
        folder, roles = Path(name), infer_roles(dataset, Request(target=(entry["target"],)))
        data = read_and_split(dataset, roles, one.bundle, seed=SEED)
        rows = {part: data.table.take(getattr(data.rows, part)) for part in ("train", "validation", "hold_out")}
        arrays = {part: _images(own) for part, own in rows.items()}
        arrays |= {f"{part}_classes": np.asarray(rows[part].truth) for part in ("train", "validation")}
        np.savez(folder / "rows.npz", **arrays)  # type: ignore[arg-type]  # NumPy's stub takes a name for allow_pickle
        process = _run([*prefix, sys.executable, str(PLAIN), str(folder), f"{one.seconds:.1f}", one.metric])
        outcome, truth = np.load(folder / "answers.npy"), np.asarray(rows["hold_out"].truth)
    decided = outcome.argmax(axis=1)
    predictions = Predictions(task=roles.task, truth=truth, outcome=outcome, decided=decided)
    value = create_metric(one.bundle.metric).of_predictions(predictions)
    return Plain(value=value, accuracy=float(np.mean(decided == truth)), process=process)


def _images(rows: RawTable) -> np.ndarray:
    """The images, (rows, height, width, channels) uint8."""
    (column,) = rows.of_form(Form.IMAGE)
    return np.asarray(rows.features[column])


def _run(command: Sequence[str]) -> Process:
    """Run a command, and measure it."""
    everyone, start = busy_seconds(), time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603  our own command
    _, status, used = os.wait4(process.pid, 0)
    took, everyone_after = time.monotonic() - start, busy_seconds()
    if status:
        raise RuntimeError(f"{' '.join(command)} ended with status {status}.")
    own = used.ru_utime + used.ru_stime
    others = None
    if everyone is not None and everyone_after is not None:
        others = max(0.0, everyone_after - everyone - own) / took
    return Process(seconds=took, processor_seconds=own, gibibytes=used.ru_maxrss / 2**20, others=others)


if __name__ == "__main__":
    main()
