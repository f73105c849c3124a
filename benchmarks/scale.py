"""Seconds and memory of a recommendation, and rows a second of trainings and predictions, by the number of rows.

    python -m benchmarks.scale [--first 10000] [--rows 100000000] [--run RUN] [--predict 1000000]
    python -m benchmarks.scale --train 1000000 [--numbers 49] [--budget 600] [--memory 500MB]

Parquet files of 10⁴, 10⁵, … rows with 19 single floats and a class are generated in a temporary directory, which needs
76 bytes a row, and each is recommended for in a new process. With --run, a run or an export that was trained on such a
file predicts rows of the largest one; `--write FILE` writes 20,000 rows to train on, and ends. With --train, such a
file is trained in memory, and again with a limit of memory that lets its rows be streamed from disk.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import duckdb
from rich.console import Console
from rich.table import Table

FIRST: Final = 10_000
TRAINING_ROWS: Final = 20_000
NUMBERS: Final = 19
MEMORY: Final = "60MB"  # with which rows are streamed
ROOT: Final = Path(__file__).resolve().parents[1]

# A child's ru_maxrss starts at its parent's; this one starts at zero.
PEAK: Final = "next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM'))"
RECOMMEND: Final = f"""
import sys, time
start = time.perf_counter()
from recommender.recommendation.recommend import recommend
recommend(sys.argv[1], target="y")
print(time.perf_counter() - start, time.process_time(), {PEAK})
"""
PREDICT: Final = f"""
import sys, time
from pathlib import Path
from executor.cli.open_model import import_tensorflow_for, open_model
model = open_model(Path(sys.argv[1]))
import_tensorflow_for(model)
start = time.perf_counter()
model.predict_file(sys.argv[2], sys.argv[3], ignore_extra=True)
print(time.perf_counter() - start, time.process_time(), {PEAK})
"""
TRAIN = f"""
import sys, time
from pathlib import Path
from executor.runtime.tensorflow_import import quiet_tensorflow
quiet_tensorflow()
from executor import train
from executor.search.records.journal import read_lines
start = time.perf_counter()
run = train(sys.argv[1], target="y", trials=1, budget=float(sys.argv[2]), report=False, directory=Path(sys.argv[3]))
fitted = read_lines(run.directory)[0][0]
seen = int(run.summary.split.split()[0].replace(",", ""))
print(run.scores.hold_out.value, seen / fitted.epoch_seconds, fitted.epochs)
print(time.perf_counter() - start, time.process_time(), {PEAK})
"""


def write_rows(path: Path, rows: int, columns: int = NUMBERS) -> None:
    """Write a Parquet file of random rows."""
    numbers = ", ".join(f"(random() * {number + 1})::FLOAT AS x{number}" for number in range(columns))
    label = "CASE WHEN x0 + x1 / 2 + x2 / 3 + random() > 2.2 THEN 'yes' ELSE 'no' END AS y"
    query = f"SELECT *, {label} FROM (SELECT {numbers} FROM range({rows}))"  # noqa: S608  own names
    with duckdb.connect() as connection:
        connection.execute("SELECT setseed(0.5)")
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")


def measure(code: str, *arguments: str) -> tuple[float, float, float]:
    """Seconds, seconds of CPU and peak memory in MiB of code in a new process."""
    seconds, of_cpu, peak = run(code, *arguments)[-3:]
    return seconds, of_cpu, peak / 1024


def run(code: str, *arguments: str, memory: str = "") -> list[float]:
    """Numbers that code prints in a new process. memory: limit of memory; empty for that of the machine."""
    done = subprocess.run(  # noqa: S603  code of this file
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PCWAT_MEMORY": memory},
    )
    return [float(word) for word in done.stdout.split()]


def train_both(rows: int, columns: int, budget: float, memory: str, console: Console) -> None:
    """Print a training in memory, and one whose rows are streamed from disk."""
    table = Table("rows", "training", "rows a second", "epochs", "score", "seconds", "CPU, s", "memory, MiB")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        write_rows(path, rows, columns)
        for name, limit in {"in memory": "", f"streamed ({memory})": memory}.items():
            score, speed, epochs, seconds, of_cpu, peak = run(
                TRAIN, str(path), str(budget), f"{folder}/{name}", memory=limit
            )
            table.add_row(
                f"{rows:,}",
                name,
                f"{speed:,.0f}",
                f"{epochs:.0f}",
                f"{score:.4f}",
                f"{seconds:,.0f}",
                f"{of_cpu:,.0f}",
                f"{peak / 1024:,.0f}",
            )
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=FIRST, help="smallest number of rows")
    parser.add_argument("--rows", type=int, default=10_000_000, help="largest number of rows")
    parser.add_argument("--run", type=Path, help="run or export that predicts")
    parser.add_argument("--predict", type=int, default=1_000_000, help="rows that it predicts")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write a table to train on")
    parser.add_argument("--train", type=int, metavar="ROWS", help="train on a table of this many rows, and end")
    parser.add_argument("--numbers", type=int, default=NUMBERS, help="its feature columns")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds of each training")
    parser.add_argument("--memory", default=MEMORY, help="limit with which its rows are streamed")
    parser.add_argument("--cluster", action="store_true", help="only trials per minute: benchmarks.search.cluster")
    options = parser.parse_args()
    if options.cluster:
        sys.exit(subprocess.call([sys.executable, "-m", "benchmarks.search.cluster"], cwd=ROOT))
    if options.write is not None:
        write_rows(options.write, TRAINING_ROWS)
        return
    console = Console(highlight=False)
    if options.train is not None:
        train_both(options.train, options.numbers, options.budget, options.memory, console)
        return
    table = Table("rows", "file, MB", "recommend, s", "CPU, s", "memory, MiB")
    with tempfile.TemporaryDirectory() as folder:
        rows = options.first
        while options.run is None and rows <= options.rows:
            path = Path(folder) / "rows.parquet"
            write_rows(path, rows)
            seconds, of_cpu, peak = measure(RECOMMEND, str(path))
            table.add_row(
                f"{rows:,}", f"{path.stat().st_size / 1e6:,.0f}", f"{seconds:.1f}", f"{of_cpu:.1f}", f"{peak:,.0f}"
            )
            rows *= 10
        if options.run is not None:
            path = Path(folder) / "rows.parquet"
            write_rows(path, options.predict)
            table = Table("rows", "predict, s", "rows a second", "CPU, s", "memory, MiB")
            seconds, of_cpu, peak = measure(PREDICT, str(options.run), str(path), f"{folder}/out.parquet")
            table.add_row(
                f"{options.predict:,}",
                f"{seconds:.1f}",
                f"{options.predict / seconds:,.0f}",
                f"{of_cpu:.1f}",
                f"{peak:,.0f}",
            )
    console.print(table)


if __name__ == "__main__":
    main()
