"""Plans against trainings: seconds, trials and peak memory on datasets of different kinds.

    PCWAT_DATASETS=folder python -m benchmarks.search.plan [--budget 30s] [NAME …]

Each dataset is planned, in a process that imports no TensorFlow, and then trained. A column shows the planned value,
the measured one and their ratio. Seconds are those of the whole process. The aim is a
ratio between 0.75 and 1.25. The speed of the machine is that of earlier trainings, so the first run on a machine has a
plan for two idle cores: run it twice, with nothing else running.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from benchmarks.catalogue import catalogue
from executor.runs.run import Run
from recommender import plan
from recommender.recommendation.trial_budget import seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

CHOSEN: Final = (
    "breast_cancer", "house_prices_ames", "vehicle", "adult_income", "sentiment_sentences", "gunpoint", "digits_8x8",
    "us_births_daily",
)  # fmt: skip
KIBIBYTE: Final = 2**10
MEBIBYTE: Final = 2**20
AIM: Final = 0.25  # largest relative difference
VALUES: Final = ("seconds", "trials", "memory (MiB)")


@click.command()
@click.argument("names", nargs=-1)
@click.option("--budget", default="30s", show_default=True)
def main(names: tuple[str, ...], budget: str) -> None:
    listed = catalogue()
    print(f"{budget}, {os.cpu_count()} cores; load before: {os.getloadavg()[0]:.1f}")
    print(f"{'dataset':<24}" + "".join(f"{name:>27}" for name in VALUES) + f"{'plan took':>12}")
    within = dict.fromkeys(VALUES, 0)
    for name in names or CHOSEN:
        row = listed[name]
        start = time.perf_counter()
        planned = plan(row["path"], target=row["target"].split("|"), task=row["task"], budget=seconds(budget))
        took = time.perf_counter() - start
        expected = {
            "seconds": planned.seconds.value,
            "trials": 1 + planned.trials.further.value,
            "memory (MiB)": planned.memory_bytes.value / MEBIBYTE,
        }
        found = measured(row, budget)
        ratios = {value: expected[value] / found[value] for value in VALUES}
        for value, ratio in ratios.items():
            within[value] += abs(ratio - 1) <= AIM
        cells = (f"{expected[value]:.0f} / {found[value]:.0f} = {ratios[value]:.2f}" for value in VALUES)
        print(f"{name:<24}" + "".join(f"{cell:>27}" for cell in cells) + f"{took:>10.1f} s", flush=True)
    print("within 25 %: " + ", ".join(f"{value} {count}" for value, count in within.items()))


def measured(row: Mapping[str, str], budget: str) -> dict[str, float]:
    """Seconds, completed trials and peak memory of a training in a process of its own."""
    words = [word for target in row["target"].split("|") for word in ("--target", target)]
    with tempfile.TemporaryDirectory() as parent:
        directory = Path(parent) / "run"
        program = [sys.executable, "-c", "from recommender.cli.start import main; main()", "train", row["path"]]
        options = [*words, "--task", row["task"], "--budget", budget, "-q", "-o", str(directory)]
        start = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603  our own command
            [*program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - start
        if status:
            raise click.ClickException(f"The training of {row['name']} failed.")
        trials = float(Run(directory).summary.completed)
    return {"seconds": took, "trials": trials, "memory (MiB)": usage.ru_maxrss / KIBIBYTE}


if __name__ == "__main__":
    main()
