"""From a path or a frame to the table `dataset`: which reader reads it, and what cannot be read as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import duckdb

from recommender.readers.delimited import read_delimited
from recommender.readers.json_lines import read_json_lines
from recommender.sql import file_literal
from rules.errors import DatasetError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    from recommender.readers.arrays import Images

FORMATS: Final = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".npz": "npz",
}
DELIMITERS: Final = {"csv": ",", "tsv": "\t"}
NOT_TABLES: Final = {
    ".npy": "a single array; images and their target are read together from an .npz",
    ".png": "an image",
    ".jpg": "an image",
    ".jpeg": "an image",
    ".zip": "an archive",
    ".xlsx": "a spreadsheet",
    ".xls": "a spreadsheet",
    ".json": "a JSON document; JSON lines end in .jsonl",
}
READABLE: Final = (
    "CSV (.csv), TSV (.tsv), Parquet (.parquet) and JSON lines (.jsonl), the text ones also as .gz, and images (.npz)"
)
PARQUET_MAGIC: Final = b"PAR1"
MOST_SHOWN: Final = 5
"""Files of a directory that an error lists."""


def read_file(connection: duckdb.DuckDBPyConnection, path: Path, *, delimiter: str | None) -> tuple[str, Images | None]:
    """Read a file into the table `dataset`, in file order; returns the name of its format, and which column is images.

    delimiter: one character for text tables; None means by the extension: tabs in .tsv, commas otherwise.
    Raises DatasetError when the file is missing, not a table, or broken.
    """
    found = _format(path)
    if found in DELIMITERS:
        separator = DELIMITERS[found] if delimiter is None else delimiter.replace(r"\t", "\t")
        if len(separator.encode()) != 1 or separator in '"\r\n':
            raise DatasetError(f"A delimiter must be one ASCII character such as ';' or a tab, but got {separator!r}.")
        read_delimited(connection, path, delimiter=separator)
        return found, None
    if delimiter is not None:
        raise DatasetError(f"A delimiter applies to CSV and TSV, but {path} is {found}. Leave --delimiter out.")
    if path.stat().st_size == 0:
        raise DatasetError(f"The dataset must have rows, but {path} is empty.")
    if found == "npz":
        from recommender.readers.arrays import read_arrays  # noqa: PLC0415  NumPy and Arrow are for images only

        return found, read_arrays(connection, path)
    if found == "jsonl":
        read_json_lines(connection, path)
    else:
        _read_parquet(connection, path)
    return found, None


def _read_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    try:
        connection.execute(f"CREATE OR REPLACE TABLE dataset AS FROM read_parquet({file_literal(path)})")
    except duckdb.Error as error:
        with path.open("rb") as file:
            is_parquet = file.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC
        if is_parquet:
            raise DatasetError(
                f"Parquet must be readable from its first to its last byte, but {path} is cut off or damaged: "
                f"{str(error).splitlines()[0].strip()}. Copy it or write it again."
            ) from None
        raise DatasetError(
            f"A file that ends in {path.suffix} must be Parquet, which begins with the letters PAR1, but {path} does "
            f"not. Readable are {READABLE}; rename it to what it is."
        ) from None


def _format(path: Path) -> str:
    if path.is_dir():
        inside = sorted(child.name for child in path.iterdir() if child.suffix in FORMATS)[:MOST_SHOWN]
        helps = f"Give one of its files: {', '.join(inside)}." if inside else "It holds no table either."
        raise DatasetError(
            f"The dataset must be a file with a table, but {path} is a directory. {helps} "
            "Folders of images are not read: write them into an .npz with numpy.savez."
        )
    if not path.exists():
        siblings = [child.name for child in path.parent.iterdir()] if path.parent.is_dir() else []
        where = "" if path.parent.is_dir() else f" Its directory {path.parent} does not exist either."
        raise DatasetError(
            f"There must be a file at {path}, but there is none.{where}{did_you_mean(path.name, siblings)}"
        )
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else "".join(suffixes[-1:])
    if kind in NOT_TABLES:
        raise DatasetError(f"The dataset must be a table, but {path} is {NOT_TABLES[kind]}. Readable are {READABLE}.")
    if kind not in FORMATS:
        raise DatasetError(
            f"The file's extension must say its format, but {path.name!r} ends in {kind or 'none'!r}. "
            f"Readable are {READABLE}; rename it to what it is."
        )
    return FORMATS[kind]
