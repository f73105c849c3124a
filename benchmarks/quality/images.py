"""Hold-out scores on public image datasets: `recommend train` with its defaults, one process per dataset.

    PCWAT_DATASETS=folder python -m benchmarks.quality.images [--datasets digits_8x8 fashion_mnist …]

Each dataset is trained for the seconds in BUDGETS. The table shows the metric and the accuracy, those of nearest
neighbours and of a linear model, the peak memory of the process, and how many cores other processes used meanwhile:
figures of a busy machine are not comparable.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from benchmarks.catalogue import catalogue
from benchmarks.quality.contest import busy_seconds, machine
from executor.runs.run import Run
from rules.text.numbers import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

BUDGETS: Final = {"digits_8x8": 180.0, "fashion_mnist": 600.0, "animal_shapes_28": 180.0, "emoji_twitter_64": 180.0}
"""Seconds a set."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one training came to."""

    dataset: str
    metric: str
    value: float | None
    accuracy: float | None
    baselines: dict[str, float | None]
    """P of each simple answer."""
    budget: float
    seconds: float
    trials: int
    gibibytes: float
    """The most resident memory of the process."""
    others: float | None
    """Cores that other processes used meanwhile; None where that cannot be told."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=[*BUDGETS], metavar="NAME")
    given = parser.parse_args()
    console = Console(width=140)
    console.print(machine())
    table = Table("Set", "P", "Ours", "Accuracy", "Neighbours", "Linear", "Trials", "Seconds", "GiB", "Others' cores")
    for one in results(given.datasets):
        table.add_row(
            one.dataset,
            one.metric,
            *(_shown(value) for value in (one.value, one.accuracy)),
            *(_shown(one.baselines.get(name)) for name in ("nearest neighbours", "linear")),
            str(one.trials),
            f"{one.seconds:.0f} of {one.budget:.0f}",
            f"{one.gibibytes:.1f}",
            "unknown" if one.others is None else f"{one.others:.1f}",
        )
    console.print(table)


def _shown(value: float | None) -> str:
    return "" if value is None else number(value)


def results(names: Sequence[str], budgets: Mapping[str, float] = BUDGETS) -> Iterator[Result]:
    """Train on some sets of the catalogue, one after the other; budgets: seconds a set, 180 where none is said."""
    listed = catalogue()
    for name in names:
        yield train(name, listed[name]["path"], listed[name]["target"], budget=budgets.get(name, 180.0))


def train(name: str, path: str | Path, target: str, *, budget: float, prefix: Sequence[str] = ()) -> Result:
    """Train on a file by the command line; prefix: of the command, such as taskset with its arguments."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "run"
        command = [*prefix, str(Path(sys.executable).with_name("recommend")), "train", str(path)]
        command += ["--target", target, "--budget", f"{budget:g}s", "-o", str(directory)]
        everyone, start = busy_seconds(), time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603  our own command
        _, _, used = os.wait4(process.pid, 0)
        seconds, everyone_after = time.monotonic() - start, busy_seconds()
        run = Run(directory)
        others = None
        if everyone is not None and everyone_after is not None:
            others = max(0.0, everyone_after - everyone - used.ru_utime - used.ru_stime) / seconds
        return Result(
            dataset=name,
            metric=run.scores.metric,
            value=run.scores.hold_out.value,
            accuracy=run.scores.others.get("accuracy"),
            baselines={baseline: score.value for baseline, score in run.scores.baselines.items()},
            budget=budget,
            seconds=seconds,
            trials=run.summary.trials,
            gibibytes=used.ru_maxrss / 2**20,
            others=others,
        )


if __name__ == "__main__":
    main()
