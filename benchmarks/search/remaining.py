"""Accuracy of the remaining time that the progress line shows.

    PCWAT_DATASETS=folder python -m benchmarks.search.remaining [NAME …]

Each dataset is trained twice: for 60 s, and for 40 trials without a time limit. After a quarter, a half and three
quarters of a run, the table shows the total time predicted at that moment as a multiple of the actual time: 1.00 is
exact. A hyphen means that no prediction was shown yet.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from benchmarks.catalogue import catalogue
from executor.pipeline.execute import execute
from executor.pipeline.prepare import prepare
from executor.runtime.budget import Budget
from recommender.dataset.dataset import Dataset
from rules.decision.request import Request
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.search.progress import RoundProgress

CHOSEN: Final = (
    "glass", "vehicle", "adult_income", "house_prices_ames", "digits_8x8", "gunpoint", "sentiment_sentences",
    "air_passengers", "bikeshare_hourly",
)  # fmt: skip
"""Tables, small and large, images, sequences, texts and series."""
LIMITS: Final = ({"seconds": 60.0}, {"trials": 40})
MOMENTS: Final = (0.25, 0.5, 0.75)  # of the time that a run took


@click.command()
@click.argument("names", nargs=-1)
def main(names: tuple[str, ...]) -> None:
    print(f"{'dataset':<24}{'limit':<12}{'seconds':>9}" + "".join(f"{f'at {moment:.0%}':>9}" for moment in MOMENTS))
    for name in names or CHOSEN:
        for limit in LIMITS:
            told, took = foretold(name, Budget(**limit))
            request = "".join(f"{at(told, moment * took, took):>9}" for moment in MOMENTS)
            words = " ".join(f"{value:g} {unit}" for unit, value in limit.items())
            print(f"{name:<24}{words:<12}{took:>9.1f}{request}", flush=True)


def foretold(name: str, budget: Budget) -> tuple[list[tuple[float, float]], float]:
    """What was foretold of a run, as seconds since its start and the whole time foretold then; and what it took."""
    clock = budget.start_clock()
    entry, start = catalogue()[name], time.monotonic()
    told: list[tuple[float, float]] = []

    def note(now: RoundProgress) -> None:
        if now.remaining is not None:
            passed = time.monotonic() - start
            told.append((passed, passed + now.remaining))

    request = Request(
        target=tuple(entry["target"].split("|")), task=Task(entry["task"]) if entry["task"] == "forecasting" else None
    )
    with tempfile.TemporaryDirectory() as parent, Dataset.open(entry["path"]) as dataset:
        begun = prepare(dataset, request, budget=budget, directory=Path(parent) / name)
        execute(begun, clock=clock, progress=note)
    return told, time.monotonic() - start


def at(told: list[tuple[float, float]], moment: float, took: float) -> str:
    """The whole time that was foretold last before a moment, as a multiple of what the run took."""
    last = next((whole for passed, whole in reversed(told) if passed <= moment), None)
    return "-" if last is None else f"{last / took:.2f}"


if __name__ == "__main__":
    sys.exit(main())
