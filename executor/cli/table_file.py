"""Tables as .csv, .tsv and .parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from executor.runs.prediction_file import DELIMITERS, PARQUET, open_writer

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

__all__ = ["DELIMITERS", "PARQUET", "write_table"]


def write_table(rows: pa.Table, path: Path, *, ending: str) -> None:
    """Write a table in the format of a file extension, which the path itself need not have."""
    with open_writer(path, ending) as write:
        write(rows)
