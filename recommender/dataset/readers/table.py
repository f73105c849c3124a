"""Selection of the reader for a path, with errors about paths that cannot be read as a table."""

from __future__ import annotations

import re
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from recommender.dataset.address import LocalPath
from recommender.dataset.readers.bounds import check_cells, check_columns, max_spill, too_large
from recommender.dataset.readers.distinct_names import distinct_names
from recommender.dataset.readers.file_set import FileSet, RowFiles, find_file_set, read_file_set
from recommender.dataset.readers.formats.delimited import MISSING_TOKENS, read_delimited
from recommender.dataset.readers.formats.gzipped import uncompressed
from recommender.dataset.readers.formats.json_lines import read_json_lines
from recommender.dataset.readers.types.settle import Settler
from recommender.dataset.readers.unchanged import digest_while_reading
from recommender.dataset.sql import PLAIN_PATH, columns_of, file_literal, is_text, quoted
from rules.decision.request import ImageReading
from rules.errors import DatasetError, did_you_mean
from rules.text.regular_file import is_there, open_regular, special_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recommender.dataset.address import DatasetAddress
    from recommender.dataset.readers.formats.arrays import Images
    from recommender.dataset.readers.formats.sequences import Sequences
    from recommender.dataset.readers.formats.typed_columns import Mixed

DELIMITERS: Final = {"csv": ",", "tsv": "\t"}
NOT_TABLES: Final = {
    ".npy": "a single array; save images and target together as .npz",
    ".png": "an image; give the folder of images",
    ".jpg": "an image; give the folder of images",
    ".jpeg": "an image; give the folder of images",
    ".json": "a JSON document; JSON lines end in .jsonl",
}
READABLE: Final = (
    "CSV (.csv), TSV (.tsv), Parquet (.parquet), JSON lines (.jsonl), the text formats also as .gz, sheets of Excel "
    "and OpenDocument (.xlsx, .xls, .ods), tables of SQLite (.sqlite) and DuckDB (.duckdb), arrays of images or "
    "sequences (.npz), and a folder, .zip or .tar of image files"
)
PARQUET_MAGIC: Final = b"PAR1"
ARCHIVES: Final = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MAX_SHOWN: Final = 5
"""Files of a folder in an error message."""
PANDAS_INDEX: Final = re.compile(r"__index_level_\d+__")
"""Name of an unnamed pandas index in a Parquet file, which is not a column of the frame."""
ROW_NUMBER: Final = "row number of the Parquet file"
ROWS_TRIED: Final = 20
FILE_NAME: Final = re.compile(r"\.[A-Za-z]{3,4}\s*$")


@dataclass(frozen=True, kw_only=True)
class TableFormat:
    """A file format of tables."""

    name: str
    read: Callable[[duckdb.DuckDBPyConnection, Path], Mixed | None] | None = None
    """Reads an uncompressed file into the table `dataset`; returns values of other types by column, where there are
    some. None for text tables and arrays, which have options of their own."""
    read_table: Callable[[duckdb.DuckDBPyConnection, Path, str | None], Mixed | None] | None = None
    """The same, of a file with several tables; the third argument is the name of one."""


def read_file(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    *,
    delimiter: str | None,
    table: str | None = None,
    reading: ImageReading | None = None,
    settler: Settler | None = None,
    reads_image_files: bool = True,
) -> tuple[str, Images | Sequences | None]:
    """Read a file into the table `dataset`, in file order; return its format and its column of arrays, if any.

    delimiter: one character for text tables; None for the extension's default: tabs in .tsv, commas otherwise. table:
    name of a sheet or of a table of a database; None for the only one.
    reading: options of reading image files. settler: infers the types of columns. reads_image_files: whether a column
    of paths is replaced by the images.
    Raises DatasetError if the file is missing, damaged, not a table, or not a regular file.
    """
    check_path(path)
    if path.is_file():
        connection.execute(f"SET max_temp_directory_size = '{max_spill(path.stat().st_size)}B'")
    if path.is_dir() or (path.is_file() and path.name.lower().endswith(ARCHIVES)):
        return _read_collection(
            connection, path, delimiter=delimiter, reading=reading or ImageReading(), settler=settler or Settler()
        )
    given = None if reading is None else reading.value_range
    form, arrays = _read_one(
        connection, path, delimiter=delimiter, table=table, settler=settler or Settler(), value_range=given
    )
    if arrays is None and reads_image_files and _may_hold_paths(connection):
        from recommender.dataset.readers.files import Folder  # noqa: PLC0415  as below
        from recommender.dataset.readers.images.image_files import read_paths  # noqa: PLC0415

        arrays = read_paths(connection, Folder(path.parent), reading or ImageReading(), where=str(path))
    return form, arrays


def find_files(path: Path) -> FileSet | None:
    """Files of a pattern, or of a partitioned folder of tables; None for any other path.

    Raises DatasetError if a pattern matches no file.
    """
    found = find_file_set(path, FORMATS)
    if found is not None and path.is_dir():
        from recommender.dataset.readers.images.image_files import has_images  # noqa: PLC0415  as below

        return None if has_images(path) else found
    return found


def input_files(address: DatasetAddress | None) -> tuple[Path, ...]:
    """Files of this machine that a dataset is read from; empty if there are none, as for a URL."""
    if not isinstance(address, LocalPath):
        return ()
    path = address.path
    try:
        found = find_files(path)
    except DatasetError:  # the reader reports it
        return ()
    if found is not None:
        return found.files
    return (path,) if is_there(path) else ()


def read_files(
    connection: duckdb.DuckDBPyConnection,
    files: FileSet,
    *,
    delimiter: str | None,
    table: str | None = None,
    reading: ImageReading | None = None,
    settler: Settler,
    reads_image_files: bool = True,
) -> tuple[str, Images | None, RowFiles, str]:
    """Read files of one format as one table `dataset`; options as of `read_file`.

    Returns the format, the column of images, if any, the file of each row, and the digest of the files.
    Raises DatasetError or ColumnError if a file cannot be read, or its format, columns or types are not those of the
    first file.
    """
    for file in files.files:
        check_path(file)
    form = format_of(files.files[0])
    other = next((file for file in files.files if format_of(file) != form), None)
    if other is not None:
        raise DatasetError(
            f"All files must have one format, but {files.files[0]} is {form.name} and {other} is "
            f"{format_of(other).name}. Give a pattern that ends in one extension."
        )
    if form is ARRAYS:
        raise DatasetError(f"Several files must be tables, but {files.path} matches arrays (.npz). Give one file.")
    _check_options(files.path, form, delimiter=delimiter, table=table)
    connection.execute(f"SET max_temp_directory_size = '{max_spill(files.size)}B'")

    def read(file: Path) -> Mixed:
        with uncompressed(file) as plain:
            return _load(connection, plain, form, delimiter=delimiter, table=table)

    settler.mixed, rows, digest = read_file_set(connection, files, read, is_typed=form in {PARQUET, DUCKDB})
    with rows.name_files():
        settler.settle(connection, name=files.name, usual=MISSING_TOKENS if form.name in DELIMITERS else ())
    images = None
    if reads_image_files and _may_hold_paths(connection):
        from recommender.dataset.readers.files import Folder  # noqa: PLC0415  as below
        from recommender.dataset.readers.images.image_files import read_paths  # noqa: PLC0415

        images = read_paths(connection, Folder(files.root), reading or ImageReading(), where=str(files.path))
    return form.name, images, rows, digest


def _may_hold_paths(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the first rows have a value with a file extension; otherwise image readers are not imported."""
    texts = [quoted(name) for name, kind in columns_of(connection).items() if is_text(kind)]
    if not texts:
        return False
    rows = connection.execute(f"SELECT {', '.join(texts)} FROM dataset LIMIT {ROWS_TRIED}").fetchall()
    return any(isinstance(value, str) and FILE_NAME.search(value) for row in rows for value in row)


NEITHER: Final = (
    "It contains neither: images are files such as .png and .jpg in one folder per class, tables .csv, .tsv, .parquet "
    "or .jsonl files."
)


def _read_collection(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    *,
    delimiter: str | None,
    reading: ImageReading,
    settler: Settler,
) -> tuple[str, Images | None]:
    """Read a folder or archive: images in one folder per class, or one table with a column of image paths."""
    from recommender.dataset.readers.files import Folder, open_files  # noqa: PLC0415  NumPy and Pillow are for images only
    from recommender.dataset.readers.images.image_files import (  # noqa: PLC0415
        check_formats,
        has_images,
        read_folders,
        read_member,
        read_paths,
        table_in,
        with_table,
    )

    form = "folder" if path.is_dir() else "archive"
    if path.is_dir() and not has_images(path):
        check_formats(path)
        inside = sorted(child.name for child in path.iterdir() if child.suffix in FORMATS)[:MAX_SHOWN]
        pattern = f", or several with a pattern such as '{path / '*'}{Path(inside[0]).suffix}'" if inside else ""
        fix = f"Give one of its files: {', '.join(inside)}{pattern}." if inside else NEITHER
        raise DatasetError(f"The dataset must be a table or a folder of images, but {path} is a directory. {fix}")
    table = table_in(path, tuple(FORMATS.keys() - {".npz", ".txt"}))
    if table is None:
        if delimiter is not None:
            raise DatasetError(f"A delimiter applies to CSV and TSV, but {path} contains images. Remove --delimiter.")
        return form, read_folders(connection, path, reading)
    base = table.rpartition("/")[0]
    if path.is_dir():
        with digest_while_reading(path / table) as bytes_of_table:
            _read_one(connection, path / table, delimiter=delimiter, settler=settler)
        images = read_paths(connection, Folder(path), reading, where=f"{path / table}", base=base)
        images = None if images is None else with_table(images, bytes_of_table.hexadecimal)
    else:
        read_member(path, table, lambda copy: _read_one(connection, copy, delimiter=delimiter, settler=settler))
        with open_files(path) as files:
            images = read_paths(connection, files, reading, where=f"{table} in {path}", base=base)
    if images is None:
        fix = f"Give the table itself: {path / table}." if path.is_dir() else "Unpack it and give the table itself."
        raise DatasetError(
            "The table of a folder or archive of images must have a column of image paths, relative to the table, but "
            f"{table!r} of {path} has none. {fix}"
        )
    return form, images


def _read_one(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    *,
    delimiter: str | None,
    settler: Settler,
    table: str | None = None,
    value_range: tuple[float, float] | None = None,
) -> tuple[str, Images | Sequences | None]:
    found = format_of(path)
    _check_options(path, found, delimiter=delimiter, table=table)
    with uncompressed(path) as plain:
        return found.name, _read_as(
            connection, plain, found, delimiter=delimiter, table=table, settler=settler, value_range=value_range
        )


def _check_options(path: Path, found: TableFormat, *, delimiter: str | None, table: str | None) -> None:
    """Raise DatasetError on an option that does not apply to a format."""
    if table is not None and found.read_table is None:
        raise DatasetError(f"--table names a sheet or a table of a database, but {path} is {found.name}. Remove it.")
    if delimiter is not None and found.name not in DELIMITERS:
        raise DatasetError(f"A delimiter applies to CSV and TSV, but {path} is {found.name}. Remove --delimiter.")


def _read_as(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    found: TableFormat,
    *,
    delimiter: str | None,
    table: str | None,
    settler: Settler,
    value_range: tuple[float, float] | None = None,
) -> Images | Sequences | None:
    """Read an uncompressed file of a given format."""
    if found.name == "npz":
        from recommender.dataset.readers.formats.arrays import read_arrays  # noqa: PLC0415  NumPy and Arrow are for images only

        check_size(path)
        return read_arrays(connection, path, value_range=value_range)
    settler.mixed = _load(connection, path, found, delimiter=delimiter, table=table)
    settler.settle(connection, name=path.name, usual=MISSING_TOKENS if found.name in DELIMITERS else ())
    return None


def _load(
    connection: duckdb.DuckDBPyConnection, path: Path, found: TableFormat, *, delimiter: str | None, table: str | None
) -> Mixed:
    """Read an uncompressed table into the table `dataset`, without inferring types of text columns."""
    if found.name in DELIMITERS:
        read_delimited(connection, path, delimiter=separator_of(found, delimiter))
        return {}
    check_size(path)
    if found.read_table is not None:
        return found.read_table(connection, path, table) or {}
    return {} if found.read is None else found.read(connection, path) or {}


def separator_of(form: TableFormat, delimiter: str | None) -> str:
    """The character between the cells of a text table. Raises DatasetError if the delimiter is not one character."""
    separator = DELIMITERS[form.name] if delimiter is None else delimiter.replace(r"\t", "\t")
    if len(separator.encode()) != 1 or separator in '"\r\n':
        raise DatasetError(f"A delimiter must be one ASCII character such as ';' or a tab, but got {separator!r}.")
    return separator


def check_size(path: Path) -> None:
    """Raise DatasetError if a file is empty."""
    if path.stat().st_size == 0:
        raise DatasetError(f"The dataset must have rows, but {path} is empty.")


def _read_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    with refuse_damaged(path):
        connection.execute(f"CREATE OR REPLACE TABLE dataset AS {parquet_query(connection, path)}")


def parquet_query(connection: duckdb.DuckDBPyConnection, path: Path, *, is_numbered: bool = False) -> str:
    """SELECT of the rows of a Parquet file, under distinct names. Raises DatasetError if it has too many cells.

    is_numbered: whether rows have their number from 0 as a last column ROW_NUMBER.
    """
    source = f"read_parquet({file_literal(path)}, {PLAIN_PATH})"
    columns = connection.execute(f"FROM {source} LIMIT 0").description or []
    check_columns(str(path), len(columns))
    check_cells(str(path), parquet_rows(connection, path), len(columns), path.stat().st_size)
    names = distinct_names(_parquet_names(connection, path))
    indices = [quoted(name) for name in names if PANDAS_INDEX.fullmatch(name)]
    kept = f"* EXCLUDE ({', '.join(indices)})" if 0 < len(indices) < len(names) else "*"
    if is_numbered:
        source = f"read_parquet({file_literal(path)}, {PLAIN_PATH}, file_row_number = true)"
        names.append(ROW_NUMBER)
    return f"SELECT {kept} FROM {source} AS file({', '.join(map(quoted, names))})"


def parquet_rows(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Number of rows in the metadata of a Parquet file."""
    found = connection.execute(f"SELECT sum(num_rows) FROM parquet_file_metadata({file_literal(path)})").fetchall()
    return int(found[0][0] or 0)


@contextmanager
def refuse_damaged(path: Path) -> Iterator[None]:
    """Convert errors of reading a Parquet file into a DatasetError."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise too_large(str(path)) from None
    except (duckdb.Error, RuntimeError) as error:  # RuntimeError: a column name is not UTF-8
        with open_regular(path) as file:
            is_parquet = file.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC
        if is_parquet:
            raise DatasetError(
                f"The Parquet file {path} is truncated or damaged: {str(error).splitlines()[0].strip()}. "
                "Copy or write it again."
            ) from None
        raise DatasetError(
            f"A file with the extension {path.suffix} must be Parquet and start with PAR1, but {path} does not. "
            f"Supported formats: {READABLE}. Rename the file to match its format."
        ) from None


def _parquet_names(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    """Names of the top-level columns, as written in the file."""
    found = connection.execute(f"SELECT name, num_children FROM parquet_schema({file_literal(path)})").fetchall()
    names, inside = [], 0
    for name, children in found[1:]:  # the first entry is the table
        if not inside:
            names.append(name)
        inside += (children or 0) - (inside > 0)
    return names


def _read_table(connection: duckdb.DuckDBPyConnection, path: Path, table: str | None, *, form: str) -> Mixed | None:
    """Read a sheet of a workbook, or a table of a database."""
    from recommender.dataset.readers.formats.database import read_duckdb, read_sqlite  # noqa: PLC0415  Arrow takes 0.1 s
    from recommender.dataset.readers.formats.workbook import read_workbook  # noqa: PLC0415  as above

    return {"workbook": read_workbook, "sqlite": read_sqlite, "duckdb": read_duckdb}[form](connection, path, table)


CSV: Final = TableFormat(name="csv")
TSV: Final = TableFormat(name="tsv")
PARQUET: Final = TableFormat(name="parquet", read=_read_parquet)
JSON_LINES: Final = TableFormat(name="jsonl", read=read_json_lines)
ARRAYS: Final = TableFormat(name="npz")
WORKBOOK: Final = TableFormat(name="workbook", read_table=partial(_read_table, form="workbook"))
SQLITE: Final = TableFormat(name="sqlite", read_table=partial(_read_table, form="sqlite"))
DUCKDB: Final = TableFormat(name="duckdb", read_table=partial(_read_table, form="duckdb"))
FORMATS: Final[dict[str, TableFormat]] = {
    ".csv": CSV,
    ".txt": CSV,
    ".tsv": TSV,
    ".tab": TSV,
    ".parquet": PARQUET,
    ".pq": PARQUET,
    ".jsonl": JSON_LINES,
    ".ndjson": JSON_LINES,
    ".npz": ARRAYS,
    **dict.fromkeys((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), WORKBOOK),
    **dict.fromkeys((".sqlite", ".sqlite3", ".db"), SQLITE),
    **dict.fromkeys((".duckdb", ".ddb"), DUCKDB),
}
"""The formats of tables by file extension."""


def check_path(path: Path) -> None:
    """Raise DatasetError unless the path is a regular file, or a folder other than the root."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(path) from None
    except OSError as error:
        raise DatasetError(f"The dataset must be a readable file, but {path} is not: {error.strerror}.") from None
    except ValueError:
        raise DatasetError(f"The dataset must be a path, but {str(path)!r} contains a null character.") from None
    if stat.S_ISDIR(mode):
        if path.resolve() == Path(path.resolve().anchor):
            raise DatasetError(
                f"The dataset must be a table or a folder of images, but {path} is the root of the file system. "
                "Give a folder in it."
            )
        return
    if kind := special_kind(mode):
        raise DatasetError(
            f"The dataset must be a regular file or a folder, but {path} is {kind}. "
            "Write its content to a file and give that file."
        )


def _missing(path: Path) -> DatasetError:
    try:
        siblings = [child.name for child in path.parent.iterdir()]
        where = did_you_mean(path.name, siblings)
    except PermissionError:
        where = ""
    except OSError:
        where = f" Its directory {path.parent} does not exist either."
    return DatasetError(f"There is no file {path}.{where}")


def format_of(path: Path) -> TableFormat:
    """Format of a file, by its extension. Raises DatasetError on other extensions."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else "".join(suffixes[-1:])
    if kind in NOT_TABLES:
        raise DatasetError(
            f"The dataset must be a table, but {path} is {NOT_TABLES[kind]}. Supported formats: {READABLE}."
        )
    if kind not in FORMATS:
        raise DatasetError(
            f"The file's extension must be one of a supported format, but {path.name!r} has {kind or 'none'!r}. "
            f"Supported formats: {READABLE}. Rename the file to match its format."
        )
    return FORMATS[kind]
