"""Tables as .csv, .tsv and .parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyarrow import csv, parquet

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

PARQUET: Final = ".parquet"
DELIMITERS: Final = {".csv": ",", ".tsv": "\t"}


def write_table(table: pa.Table, path: Path, *, ending: str) -> None:
    """Write a table in the format of a file extension, which the path itself need not have."""
    if ending == PARQUET:
        parquet.write_table(table, path)
    else:
        csv.write_csv(table, path, csv.WriteOptions(delimiter=DELIMITERS[ending]))
