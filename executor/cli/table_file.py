"""Tables as .csv, .tsv and .parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyarrow import csv, parquet

from recommender.dataset.readers import table

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

PARQUET: Final = ".parquet"
DELIMITERS: Final = {f".{name}": delimiter for name, delimiter in table.DELIMITERS.items()}


def write_table(rows: pa.Table, path: Path, *, ending: str) -> None:
    """Write a table in the format of a file extension, which the path itself need not have."""
    if ending == PARQUET:
        parquet.write_table(rows, path)
    else:
        csv.write_csv(rows, path, csv.WriteOptions(delimiter=DELIMITERS[ending]))
