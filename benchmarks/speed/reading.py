"""Seconds to open a large and a wide CSV file, compared with DuckDB's SUMMARIZE of the large one.

    python -m benchmarks.speed.reading [ROWS]

Writes a file of ROWS rows (2,000,000 by default) and ten columns, and a file of 60 rows and 9,000 columns, to a
temporary folder and prints a table. Processor seconds are summed over all threads; other work on the machine changes
them less than elapsed seconds.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import duckdb

from recommender.dataset.dataset import Dataset

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
COLUMNS = """range AS id, random() * 100 AS a, round(random() * 1000, 2) AS b, CAST(random() * 1e6 AS INTEGER) AS c,
random() AS d, random() AS e, CAST(random() * 10 AS INTEGER) AS f, 'k' || CAST(random() * 50 AS INTEGER) AS g,
DATE '2020-01-01' + CAST(random() * 1000 AS INTEGER) AS h, random() > 0.5 AS i"""


WIDE: Final = 9_000
WIDE_ROWS: Final = 60


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, wide = Path(folder) / "big.csv", Path(folder) / "wide.csv"
        duckdb.execute(f"COPY (SELECT {COLUMNS} FROM range({ROWS})) TO '{path}' (HEADER)")  # noqa: S608  our own text
        draw = random.Random(0)  # noqa: S311  not for secrets
        rows = [",".join(f"{draw.random():.4f}" for _ in range(WIDE)) for _ in range(WIDE_ROWS)]
        wide.write_text("\n".join([",".join(f"x{place}" for place in range(WIDE)), *rows]) + "\n")
        measured = {
            "SUMMARIZE": timed(lambda: duckdb.execute(f"SUMMARIZE FROM read_csv('{path}')").fetchall()),
            "Dataset.open": timed(lambda: Dataset.open(path).close()),
            f"Dataset.open, {WIDE:,} columns": timed(lambda: Dataset.open(wide).close()),
        }
    whole, processor = measured["SUMMARIZE"]
    print("| what | seconds | times SUMMARIZE | seconds of the processor | times SUMMARIZE |\n|---|---|---|---|---|")
    for what, (seconds, own) in measured.items():
        print(f"| {what} | {seconds:.2f} | {seconds / whole:.2f} | {own:.2f} | {own / processor:.2f} |")


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds that some work takes: by the clock, and of the processor."""
    start, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - processor


if __name__ == "__main__":
    main()
