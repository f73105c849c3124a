"""Time and memory of a profile (open, infer roles, measure), compared with DuckDB's SUMMARIZE of the same file.

    python -m benchmarks.speed.profile [--rows 2000000] [--repeats 5]

Three tables are generated in a temporary directory: a long one (2,000,000 rows x 10 columns), a wide one (500 rows x
10,000 columns), and a small one (1,000 rows x 20 columns). Each measurement runs in a new process; the script prints
medians. Times include the imports for pcwat and exclude them for SUMMARIZE. Goals: long table at most 1.3 x SUMMARIZE
and 1 GiB; wide table at most 30 s.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import duckdb
from rich.console import Console
from rich.table import Table

MIB: Final = 1024.0
"""KiB, as Linux counts memory, in a MiB."""
GOAL_RATIO: Final = 1.3
GOAL_MIB: Final = 1024
GOAL_SECONDS: Final = 30.0
ROOT: Final = Path(__file__).resolve().parents[2]

LONG: Final = """
    SELECT i AS id, round(random() * 1000, 3) AS amount, random() AS score, CAST(random() * 100 AS INTEGER) AS age,
        exp(3 * random()) AS price, ['red', 'green', 'blue', 'grey'][1 + i * 7 % 4] AS color,
        'city ' || CAST(random() * 500 AS INTEGER) AS city, DATE '2000-01-01' + CAST(random() * 3000 AS INTEGER) AS day,
        CASE WHEN random() < 0.1 THEN NULL ELSE random() * 5 END AS rating, CAST(random() < 0.2 AS INTEGER) AS target
    FROM range({rows}) AS rows(i)
"""

# A child's ru_maxrss starts at its parent's; this one starts at zero.
PEAK: Final = "next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM'))"

OURS: Final = """
import sys, time
start = time.perf_counter()
from recommender.dataset.dataset import Dataset
from recommender.profile.measure import measure
from recommender.roles.infer import infer_roles
from rules.decision.request import Request
with Dataset.open(sys.argv[1]) as dataset:
    measure(dataset, infer_roles(dataset, Request(target="target")))
print(time.perf_counter() - start, PEAK)
"""
SUMMARIZE: Final = """
import sys, time
import duckdb
duckdb.sql("SET enable_progress_bar = false")
start = time.perf_counter()
duckdb.sql(f"SUMMARIZE FROM '{sys.argv[1]}'").fetchall()
print(time.perf_counter() - start, PEAK)
"""


def write_long(path: Path, rows: int) -> None:
    duckdb.sql("SELECT setseed(0.5)").fetchall()
    duckdb.sql(f"COPY ({LONG.format(rows=rows)}) TO '{path}' (HEADER)")


def write_wide(path: Path, *, rows: int, columns: int) -> None:
    numbers = duckdb.sql(
        f"SELECT round(random(), 4) FROM range({rows * (columns - 1)})",  # noqa: S608  our own numbers
    ).fetchall()
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join([f"c{column}" for column in range(columns - 1)] + ["target"]) + "\n")
        for row in range(rows):
            cells = numbers[row * (columns - 1) : (row + 1) * (columns - 1)]
            file.write(",".join(str(cell[0]) for cell in cells) + f",{row % 2}\n")


def run(script: str, path: Path, repeats: int) -> tuple[float, float]:
    """Median seconds and greatest peak memory in MiB of a script over fresh processes."""
    seconds, peaks = [], []
    for _ in range(repeats):
        done = subprocess.run(  # noqa: S603  our own scripts
            [sys.executable, "-c", script.replace("PEAK", PEAK), str(path)],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        took, peak = done.stdout.split()
        seconds.append(float(took))
        peaks.append(float(peak) / MIB)
    return statistics.median(seconds), max(peaks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--columns", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    said = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        long, wide, small = (Path(folder) / f"{name}.csv" for name in ("long", "wide", "small"))
        write_long(long, said.rows)
        write_wide(wide, rows=500, columns=said.columns)
        write_wide(small, rows=1_000, columns=20)
        for name, path in (
            (f"{said.rows:,} rows x 10 columns", long),
            (f"500 rows x {said.columns:,} columns", wide),
            ("1,000 rows x 20 columns", small),
        ):
            ours, peak = run(OURS, path, said.repeats)
            # SUMMARIZE takes a minute for 10,000 columns.
            theirs = float("nan") if path is wide else run(SUMMARIZE, path, said.repeats)[0]
            megabytes = path.stat().st_size / 1e6
            found.append({"table": name, "MB": megabytes, "seconds": ours, "SUMMARIZE": theirs, "peak MiB": peak})
    if said.json:
        print(json.dumps(found))
        return
    table = Table(title=f"Profile, median of {said.repeats} fresh processes (imports included)")
    for heading in ("table", "MB", "seconds", "SUMMARIZE s", "ratio", "peak MiB", "goal"):
        table.add_column(heading, justify="left" if heading == "table" else "right")
    goals = (f"ratio ≤ {GOAL_RATIO}, peak < {GOAL_MIB}", f"≤ {GOAL_SECONDS:g} s", "")
    for one, goal in zip(found, goals, strict=True):
        table.add_row(
            str(one["table"]),
            f"{one['MB']:.1f}",
            f"{one['seconds']:.2f}",
            f"{one['SUMMARIZE']:.2f}",
            f"{one['seconds'] / one['SUMMARIZE']:.2f}",
            f"{one['peak MiB']:.0f}",
            goal,
        )
    Console().print(table)


if __name__ == "__main__":
    main()
