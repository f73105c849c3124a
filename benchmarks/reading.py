"""How long a large CSV file takes to open, beside DuckDB's SUMMARIZE of the same file.

    python benchmarks/reading.py [ROWS]

Writes ROWS rows (2,000,000 by default) of ten columns into a temporary folder and prints a table.
"""

import sys
import tempfile
import time
from pathlib import Path

import duckdb

from recommender.dataset import Dataset

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
COLUMNS = """range AS id, random() * 100 AS a, round(random() * 1000, 2) AS b, CAST(random() * 1e6 AS INTEGER) AS c,
random() AS d, random() AS e, CAST(random() * 10 AS INTEGER) AS f, 'k' || CAST(random() * 50 AS INTEGER) AS g,
DATE '2020-01-01' + CAST(random() * 1000 AS INTEGER) AS h, random() > 0.5 AS i"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.csv"
        duckdb.execute(f"COPY (SELECT {COLUMNS} FROM range({ROWS})) TO '{path}' (HEADER)")  # noqa: S608  our own text
        start = time.perf_counter()
        duckdb.execute(f"SUMMARIZE FROM read_csv('{path}')").fetchall()
        summarised = time.perf_counter() - start
        start = time.perf_counter()
        with Dataset.open(path):
            opened = time.perf_counter() - start
    print("| what | seconds | times SUMMARIZE |\n|---|---|---|")
    print(f"| SUMMARIZE | {summarised:.2f} | 1 |\n| Dataset.open | {opened:.2f} | {opened / summarised:.2f} |")


if __name__ == "__main__":
    main()
