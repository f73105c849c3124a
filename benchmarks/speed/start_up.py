"""Seconds that `recommend` takes on a table of 1,000 rows, compared with importing the libraries that it needs.

    python -m benchmarks.speed.start_up

Goal: at most 1.5 times the imports plus 0.3 s.
"""

from __future__ import annotations

import csv
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

REPETITIONS: Final = 9
IMPORTS: Final = "import click, pydantic, duckdb, rich"
FACTOR, CONSTANT = 1.5, 0.3  # the aim: factor · imports + constant, seconds


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "thousand.csv"
        write_table(table)
        commands = {
            IMPORTS: [sys.executable, "-c", IMPORTS],
            "recommend, 1,000 rows": [
                sys.executable,
                "-c",
                "from recommender.cli.start import main; main()",
                str(table),
                "--target",
                "bought",
            ],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(REPETITIONS):
            for name, command in commands.items():
                start = time.perf_counter()
                subprocess.run(command, check=True, capture_output=True)  # noqa: S603  our own commands
                seconds[name].append(time.perf_counter() - start)
    for name, measured in seconds.items():
        print(f"{name:<40} median {statistics.median(measured):.3f} s  min {min(measured):.3f} s")
    imports, ours = (statistics.median(measured) for measured in seconds.values())
    print(
        f"{'aim':<40} {FACTOR * imports + CONSTANT:.3f} s  {'met' if ours <= FACTOR * imports + CONSTANT else 'missed'}"
    )


def write_table(path: Path) -> None:
    """1,000 rows of six numbers, three categories, a date and a binary target."""
    draw = random.Random(0)  # noqa: S311  not for secrets
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*(f"x{i}" for i in range(6)), "colour", "size", "town", "since", "bought"])
        for row in range(1_000):
            numbers = [round(draw.gauss(0, 1), 4) for _ in range(6)]
            words = [draw.choice("rgb"), draw.choice(["small", "large"]), f"town{draw.randrange(40)}"]
            day = f"20{row % 20 + 1:02d}-{row % 12 + 1:02d}-{row % 28 + 1:02d}"
            writer.writerow([*numbers, *words, day, "yes" if numbers[0] + draw.gauss(0, 1) > 0 else "no"])


if __name__ == "__main__":
    main()
