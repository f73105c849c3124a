"""Bounds on what a small file may expand to, checked before memory or disk is taken.

Each lies well above what real datasets need. Beyond it a person can unpack the file; what is unpacked has no bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

BLOCK: Final = 2**20  # bytes that are unpacked at a time
MAX_RATIO: Final = 100
"""Bytes unpacked for each byte of a compressed file: tables reach about 30, while gzip can reach 1,032."""
MIN_UNPACKED: Final = 2**26  # bytes, 64 MiB, that any compressed file may unpack to: read in about a second

MAX_MEMBERS: Final = 500_000  # files in a folder or an archive; Python keeps about 1 kB for each
MAX_COLUMNS: Final = 10_000
"""Columns of a table. DuckDB takes 32 KiB a column however few the rows are, and measuring them takes about 10 s."""
NARROW: Final = 3_000  # columns up to which DuckDB's usual memory is enough
BYTES_A_COLUMN: Final = 200_000  # that DuckDB reserves for a column of text, however few the rows are; most stay unused
MIN_CELLS: Final = 2**27  # cells that any Parquet file may have: 1 GiB of numbers
MAX_CELL_RATIO: Final = 32  # cells for each byte of a Parquet file beyond that; of sparse tables it reaches about 10
MIN_SPILL: Final = 2**31  # bytes, 2 GiB, that any dataset may take of the temporary folder
MAX_SPILL_RATIO: Final = 50  # bytes of the temporary folder for each byte of a dataset's file beyond that
MAX_PIXELS: Final = 2**26  # of an image, 8192 x 8192: about 0.6 GB while it is decoded
MAX_PIXELS_AT_ONCE: Final = MAX_PIXELS  # of all images that are decoded at the same time
MAX_PIXEL_RATIO: Final = 500  # pixels for each byte of image files beyond that; blank images reach about 1,000
MIN_PIXELS: Final = 2**28  # pixels that any set of image files may have: decoded in about four seconds


def max_unpacked(packed: int) -> int:
    """The bytes that a compressed file may unpack to; packed: its own bytes.

    >>> max_unpacked(100), max_unpacked(10_000_000)
    (67108864, 1000000000)
    """
    return max(MIN_UNPACKED, MAX_RATIO * packed)


def reserve_memory(connection: duckdb.DuckDBPyConnection, columns: int) -> None:
    """Let DuckDB reserve what the columns of a wide table need."""
    if columns > NARROW:
        connection.execute(f"SET memory_limit = '{columns * BYTES_A_COLUMN}B'")


def max_spill(size: int) -> int:
    """The bytes of the temporary folder that a dataset may take; size: its file's own bytes.

    >>> max_spill(100), max_spill(1_000_000_000)
    (2147483648, 50000000000)
    """
    return max(MIN_SPILL, MAX_SPILL_RATIO * size)


def check_cells(name: str, rows: int, columns: int, size: int) -> None:
    """Raises DatasetError where a file of `size` bytes promises more cells than are read."""
    if rows * columns > (most := max(MIN_CELLS, MAX_CELL_RATIO * size)):
        raise DatasetError(
            f"A Parquet file of {size:,} bytes may have at most {most:,} cells, but {name} has {rows:,} rows of "
            f"{columns:,} columns. If it is to be trusted, give a sample of its rows, or a CSV file."
        )


def max_pixels(size: int) -> int:
    """The pixels that image files may have together; size: their own bytes.

    >>> max_pixels(100), max_pixels(1_000_000)
    (268435456, 500000000)
    """
    return max(MIN_PIXELS, MAX_PIXEL_RATIO * size)


def check_columns(name: str, columns: int) -> None:
    """Raises DatasetError where a table has more columns than are read."""
    if columns > MAX_COLUMNS:
        raise DatasetError(
            f"A table may have at most {MAX_COLUMNS:,} columns, but {name} has {columns:,}. "
            "Keep those that may matter: drop columns that are constant or repeat others."
        )


def too_large(name: str) -> DatasetError:
    """The error about a table that needs more memory or disk space than is taken."""
    return DatasetError(
        f"The dataset must fit into the memory and disk space that is taken for it, but {name} does not. "
        "Give fewer columns or a sample of the rows."
    )


def check_count(path: Path, count: int) -> None:
    """Raises DatasetError where a folder or an archive holds more files than are read."""
    if count > MAX_MEMBERS:
        raise DatasetError(
            f"A folder or an archive may hold at most {MAX_MEMBERS:,} files, but {path} holds more. "
            "Give a folder with the images alone, or a sample of them."
        )


def check_unpacked(path: Path, unpacked: int, packed: int) -> None:
    """Raises DatasetError where an archive unpacks to too much for its size, or its parts lie over one another.

    unpacked, packed: bytes of all its files, as its directory says.
    """
    size = path.stat().st_size
    if packed > size:
        raise DatasetError(
            f"The files of an archive must lie side by side, but those of {path} take {packed:,} of its "
            f"{size:,} bytes. Write the archive again."
        )
    if unpacked > (most := max_unpacked(size)):
        raise DatasetError(
            f"An archive of {size:,} bytes may unpack to at most {most:,} bytes, but {path} holds {unpacked:,}. "
            "If it is to be trusted, unpack it, and give what it holds."
        )
