"""Hold-out scores on public tables of every task, compared with the baselines of each run.

    PCWAT_DATASETS=folder python -m benchmarks.quality.tables [--budget 60s] [NAME …]

Runs `recommend train` with its defaults. Prints a table and, at the end, on how many datasets the model is certainly
better than the constant baseline.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from benchmarks.catalogue import catalogue
from executor.runs.run import Run
from recommender.recommendation.trial_budget import seconds
from rules.text.numbers import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHOSEN: Final = (
    "breast_cancer", "smarket_direction", "email_spam_openintro", "software_defects_pc1", "vehicle",
    "maternal_health_risk", "ecoli", "nursery", "scene", "solar_flare_counts", "airfoil_noise", "wage_islr",
    "nyc_flight_delay", "titanic", "house_prices_ames", "adult_income", "air_passengers",
)  # fmt: skip
"""At least one of each kind of table, one without signal, one with singleton classes, one series."""


@click.command()
@click.argument("names", nargs=-1)
@click.option("--budget", default="60s", show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(names: tuple[str, ...], budget: str, seed: int) -> None:
    listed = catalogue()
    header = f"{'dataset':<24}{'kind':<22}{'P':<10}{'hold-out':>10}{'95 % interval':>22}{'constant':>10}{'linear':>10}"
    print(f"{header}{'boosting':>10}{'trials':>8}{'seconds':>9}  signal")
    signal = 0
    for name in names or CHOSEN:
        row = listed[name]
        with tempfile.TemporaryDirectory() as parent:
            run, took = trained(Path(row["path"]), row["target"].split("|"), Path(parent) / name, budget, seed)
        signal += run.scores.has_signal
        print(line(row, run, took) + ("" if took <= seconds(budget) else "  OVER BUDGET"), flush=True)
    print(f"certainly better than the constant answer: {signal} of {len(names or CHOSEN)}")


def trained(
    path: Path,
    targets: list[str],
    directory: Path,
    budget: str,
    seed: int,
    *,
    task: str | None = None,
    more: Sequence[str] = (),
) -> tuple[Run, float]:
    """A finished run, read into memory, and its wall-clock seconds from the start of the process to its end.

    A run that an earlier call has finished in the directory is read instead of trained. more: further words of the
    command.
    """
    finished = directory.with_suffix(".seconds")
    if finished.exists():
        return Run(directory), float(finished.read_text(encoding="ascii"))
    directory.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(directory, ignore_errors=True)  # of a call that was interrupted
    words = [word for target in targets for word in ("--target", target)] + (["--task", task] if task else [])
    command = [
        sys.executable,
        "-c",
        "from recommender.cli.start import main; main()",
        "train",
        str(path),
        *words,
        *more,
    ]
    start = time.perf_counter()
    subprocess.run(  # noqa: S603  our own command
        [*command, "--budget", budget, "--seed", str(seed), "-o", str(directory)], check=True, capture_output=True
    )
    took = time.perf_counter() - start
    finished.write_text(f"{took:.3f}", encoding="ascii")
    run = Run(directory)
    _ = run.scores, run.summary  # read before the directory is gone
    return run, took


@contextmanager
def runs_folder(kept: Path | None) -> Iterator[Path]:
    """The folder in which runs are kept, or a temporary one."""
    if kept is not None:
        yield kept
        return
    with tempfile.TemporaryDirectory() as parent:
        yield Path(parent)


def run_directory(folder: Path, name: str, budget: str, condition: str = "full") -> Path:
    """Directory of a run in a folder that keeps runs of several budgets and conditions."""
    return folder / budget / condition.replace(" ", "_") / name


def line(row: dict[str, str], run: Run, took: float) -> str:
    scores = run.scores
    low, high = scores.hold_out.low, scores.hold_out.high
    interval = "" if low is None or high is None else f"{number(low)} to {number(high)}"
    baselines = {name: baseline.value for name, baseline in scores.baselines.items()}
    shown = [f"{'-' if value is None else number(value):>10}" for value in (scores.hold_out.value,)]
    others = [
        f"{'-' if (value := baselines.get(name)) is None else number(value):>10}"
        for name in ("constant", "linear", "gradient boosting")
    ]
    return (
        f"{row['name']:<24}{row['kind']:<22}{scores.metric:<10}{shown[0]}{interval:>22}{''.join(others)}"
        f"{run.summary.trials:>8}{took:>9.1f}  {'yes' if scores.has_signal else 'no'}"
    )


if __name__ == "__main__":
    main()
