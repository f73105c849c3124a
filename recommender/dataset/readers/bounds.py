"""Limits on the expanded size of files, checked before memory or disk space is used.

All limits are well above what real datasets need. Users can unpack larger files themselves; unpacked files have no
limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

BLOCK: Final = 2**20  # bytes unpacked at a time
MAX_RATIO: Final = 100
"""Unpacked bytes per byte of a compressed file: tables reach about 30, gzip at most 1,032."""
MIN_UNPACKED: Final = 2**26  # bytes (64 MiB) to which any compressed file may unpack, read in about a second

MAX_MEMBERS: Final = 500_000  # files in a folder or archive; Python uses about 1 kB for each
MAX_COLUMNS: Final = 10_000
"""Columns of a table. DuckDB uses at least 32 KiB per column, and the profile of them takes about 10 s."""
MAX_DEFAULT_MEMORY_COLUMNS: Final = 3_000  # columns for which DuckDB's default memory suffices
BYTES_A_COLUMN: Final = 200_000  # bytes that DuckDB reserves per text column, mostly unused
MIN_CELLS: Final = 2**27  # cells that any Parquet file may have: 1 GiB of numbers
MAX_CELL_RATIO: Final = 32  # cells per byte of a larger Parquet file; sparse tables reach about 10
MIN_SPILL: Final = 2**31  # bytes (2 GiB) of the temporary folder that any dataset may use
MAX_SPILL_RATIO: Final = 50  # bytes of the temporary folder per byte of a larger dataset's file
MAX_PIXELS: Final = 2**26  # pixels of an image, 8192 x 8192: about 0.6 GB while it is decoded
MAX_PIXELS_AT_ONCE: Final = MAX_PIXELS  # pixels of all images that are decoded at the same time
MAX_PIXEL_RATIO: Final = 500  # pixels per byte of larger sets of image files; blank images reach about 1,000
MIN_PIXELS: Final = 2**28  # pixels that any set of image files may have: decoded in about four seconds


def max_unpacked(packed: int) -> int:
    """Bytes to which a compressed file of `packed` bytes may unpack.

    >>> max_unpacked(100), max_unpacked(10_000_000)
    (67108864, 1000000000)
    """
    return max(MIN_UNPACKED, MAX_RATIO * packed)


def reserve_memory(connection: duckdb.DuckDBPyConnection, columns: int) -> None:
    """Raise DuckDB's memory limit for a wide table."""
    if columns > MAX_DEFAULT_MEMORY_COLUMNS:
        connection.execute(f"SET memory_limit = '{columns * BYTES_A_COLUMN}B'")


def max_spill(size: int) -> int:
    """Bytes of the temporary folder that a dataset with a file of `size` bytes may use.

    >>> max_spill(100), max_spill(1_000_000_000)
    (2147483648, 50000000000)
    """
    return max(MIN_SPILL, MAX_SPILL_RATIO * size)


def check_cells(name: str, rows: int, columns: int, size: int) -> None:
    """Raise DatasetError if a file of `size` bytes claims to have too many cells."""
    if rows * columns > (most := max(MIN_CELLS, MAX_CELL_RATIO * size)):
        raise DatasetError(
            f"A file of {size:,} bytes may have at most {most:,} cells, but {name} has {rows:,} rows of "
            f"{columns:,} columns. If you trust the file, give a sample of its rows, or a CSV file."
        )


def max_pixels(size: int) -> int:
    """Total pixels that image files of `size` bytes together may have.

    >>> max_pixels(100), max_pixels(1_000_000)
    (268435456, 500000000)
    """
    return max(MIN_PIXELS, MAX_PIXEL_RATIO * size)


def check_columns(name: str, columns: int) -> None:
    """Raise DatasetError if a table has too many columns."""
    if columns > MAX_COLUMNS:
        raise DatasetError(
            f"A table may have at most {MAX_COLUMNS:,} columns, but {name} has {columns:,}. "
            "Drop columns that are constant or duplicates of others."
        )


def too_large(name: str) -> DatasetError:
    """Error about a table that exceeds the limits on memory and disk space."""
    return DatasetError(
        f"The dataset must fit into the available memory and disk space, but {name} does not. "
        "Give fewer columns or a sample of the rows."
    )


def check_count(path: Path, count: int) -> None:
    """Raise DatasetError if a folder or archive has too many files."""
    if count > MAX_MEMBERS:
        raise DatasetError(
            f"A folder or archive may contain at most {MAX_MEMBERS:,} files, but {path} contains more. "
            "Give a folder with only the images, or a sample of them."
        )


def check_unpacked(path: Path, unpacked: int, packed: int) -> None:
    """Raise DatasetError if an archive unpacks to too much for its size, or its files overlap.

    unpacked, packed: bytes of all files according to the archive's directory.
    """
    size = path.stat().st_size
    if packed > size:
        raise DatasetError(
            f"The files of an archive must not overlap, but those of {path} take {packed:,} of its {size:,} bytes. "
            "Create the archive again."
        )
    if unpacked > (most := max_unpacked(size)):
        raise DatasetError(
            f"An archive of {size:,} bytes may unpack to at most {most:,} bytes, but {path} unpacks to {unpacked:,}. "
            "If you trust it, unpack it and give its content."
        )
