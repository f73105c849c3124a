"""Sets of files with the same columns, named by a pattern or a partitioned folder, and read as one table."""

from __future__ import annotations

import glob
import os
import re
from bisect import bisect_right
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from recommender.dataset.digest import digest_of
from recommender.dataset.readers.bounds import check_count
from recommender.dataset.readers.unchanged import digest_while_reading
from recommender.dataset.sql import columns_of, is_number, is_text, is_time_stamp, literal, quoted
from rules.errors import ColumnError, DatasetError, PcwatError, did_you_mean
from rules.text.regular_file import is_there

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    import duckdb
    import numpy as np

    from recommender.dataset.readers.formats.typed_columns import Mixed

PARTITION: Final = re.compile(r"([^=]+)=(.*)", re.DOTALL)
"""Name of a folder of a partition, as Hive writes it: NAME=VALUE."""
MISSING_PARTITION: Final = "__HIVE_DEFAULT_PARTITION__"
"""Value of a partition whose rows have none."""
PARTITION_TYPES: Final = ("BIGINT", "DATE", "TIMESTAMP")
"""DuckDB types of a partition column; the first that fits all values, else VARCHAR."""
GATHERED: Final = "gathered"
ROW: Final = r"\brow ([0-9][0-9,]*)"


@dataclass(frozen=True, kw_only=True)
class FileSet:
    """Files that are read as one table, sorted by name."""

    path: Path
    """The pattern or folder."""
    root: Path
    """The folder of all files."""
    files: tuple[Path, ...]
    names: tuple[str, ...]
    """Names of the files below the folder, with "/" between folders."""

    @property
    def name(self) -> str:
        """Name in messages: the last folder without special characters, and the pattern."""
        own, root = self.path.resolve(), self.root
        return own.name if own == root else (Path(root.name) / own.relative_to(root)).as_posix()

    @property
    def partitions(self) -> tuple[Mapping[str, str | None], ...]:
        """Names and values of the partition of each file; None for a missing value."""
        return tuple(
            {
                unquote(found[1]): None if found[2] == MISSING_PARTITION else unquote(found[2])
                for folder in name.split("/")[:-1]
                if (found := PARTITION.fullmatch(folder))
            }
            for name in self.names
        )

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.stat().st_size for file in self.files)

    def digest(self, digests: Sequence[str] | None = None) -> str:
        """SHA-256 of the names and contents, in hexadecimal. digests: those of the files, computed if None."""
        contents = map(digest_of, self.files) if digests is None else digests
        listed = "".join(f"{content} {name}\n" for content, name in zip(contents, self.names, strict=True))
        return sha256(listed.encode(errors="surrogateescape")).hexdigest()


@dataclass(frozen=True, kw_only=True)
class RowFiles:
    """The file of each row of a dataset that was read from several files, or in parts."""

    dataset: str
    names: tuple[str, ...]
    """Names of the files; none for a part of one file."""
    starts: tuple[int, ...]
    """First row of each file, from 0."""
    before: int = 0
    """Rows of the dataset before those of the table, which is a part of it."""
    numbers: np.ndarray | None = None
    """Of a sample: number of each row in the dataset, from 0."""

    def with_files(self, message: str) -> str:
        """A message in which the number of a row is its number in its file, with the file's name.

        >>> two = RowFiles(dataset="data/*.csv", names=("a.csv", "b.csv"), starts=(0, 10))
        >>> two.with_files("'x' is NaN in row 12 of data/*.csv.")
        "'x' is NaN in row 2 of b.csv."
        >>> RowFiles(dataset="a.csv", names=(), starts=(), before=1_000).with_files("a.csv has '?' in row 5.")
        "a.csv has '?' in row 1,005."
        """
        rows = re.compile(rf"{ROW}(?: of {re.escape(self.dataset)}|(?! of |[0-9,]*[0-9]))")
        return rows.sub(self._located, message)

    @contextmanager
    def name_files(self) -> Iterator[None]:
        """Name the files of rows in errors."""
        try:
            yield
        except PcwatError as error:
            self.name_in(error)
            raise

    def name_in(self, error: PcwatError) -> None:
        """Name the files of rows in an error."""
        error.args = (self.with_files(str(error)), *error.args[1:])

    def _located(self, found: re.Match[str]) -> str:
        row = int(found[1].replace(",", "")) + self.before
        if self.numbers is not None:
            row = int(self.numbers[row - 1]) + 1
        comma = "," if found[1].endswith(",") else ""
        if not self.names:
            return f"row {row:,}{comma}{found[0][found.end(1) - found.start() :]}"
        at = bisect_right(self.starts, row - 1) - 1
        return f"row {row - self.starts[at]:,} of {self.names[at]}{comma}" if at >= 0 else found[0]


def find_file_set(path: Path, extensions: Collection[str]) -> FileSet | None:
    """Files of a pattern or of a partitioned folder; None for any other path.

    A path that exists is never a pattern. extensions: those of tables, in lower case.
    Raises DatasetError if a pattern matches no file.
    """
    if is_there(path):
        return _partitioned(path, extensions) if path.is_dir() else None
    if "\0" in str(path):
        return None
    prefix, rest = _literal_prefix(path)
    pattern = str(Path(*rest)) if rest else ""
    if not glob.has_magic(pattern):
        return None
    found = glob.iglob(pattern, root_dir=prefix, recursive=True)  # noqa: PTH207  Path.glob matches hidden files
    matches = [Path(prefix, own) for own in found]
    files = [own for own in matches if not own.is_dir() and (_is_table(own, extensions) or own.name[:1] != "_")]
    if not files:
        files = [own for folder in matches if PARTITION.fullmatch(folder.name) for own in _tables(folder, extensions)]
    if not files:
        raise _no_match(path, prefix / rest[0], folders=len(matches))
    return _file_set(path, prefix, files)


def _no_match(path: Path, first: Path, *, folders: int) -> DatasetError:
    """Error about a pattern without files. first: its longest start without special characters, and one more part."""
    must = "A pattern must match at least one file"
    if folders:
        found = f"{folders} folder{'s' * (folders > 1)}, not files"
        return DatasetError(f"{must}, but {path} matches {found}. Add the names of the files, such as {path}/*.csv.")
    if not glob.has_magic(str(first)):
        return DatasetError(f"{must}, but {path} matches none: there is no folder {first}.")
    return DatasetError(
        f"{must}, but {path} matches none. Compare it with the names in {first.parent}; a * does not match / or hidden "
        "files, and ** matches any number of folders."
    )


def _literal_prefix(path: Path) -> tuple[Path, Sequence[str]]:
    """The folder at the start of a path that exists as written, and the remaining parts."""
    parts = path.parts
    prefix = Path(parts[0]) if path.is_absolute() else Path()
    for at in range(path.is_absolute(), len(parts)):
        if not os.path.isdir(prefix / parts[at]):  # noqa: PTH112  Path.is_dir raises OSError on long names
            return prefix, parts[at:]
        prefix /= parts[at]
    return prefix, ()


def _partitioned(path: Path, extensions: Collection[str]) -> FileSet | None:
    """Tables of a folder that is a partition or has partitions; None for any other folder."""
    folders = [path.resolve(), *(own for own in path.iterdir() if own.is_dir())] if os.access(path, os.R_OK) else []
    if not any(PARTITION.fullmatch(own.name) for own in folders):
        return None
    files = list(_tables(path, extensions))
    return _file_set(path, path, files) if files else None


def _tables(path: Path, extensions: Collection[str]) -> Iterator[Path]:
    """Files with the extension of a table in a folder and its folders, without hidden files and those of writers."""
    seen = 0
    for folder, below, files in os.walk(path):
        below[:] = [name for name in below if not name.startswith((".", "_"))]
        check_count(path, seen := seen + len(below) + len(files))
        own = [Path(folder, name) for name in files if not name.startswith((".", "_"))]
        yield from (file for file in own if _is_table(file, extensions))


def _is_table(file: Path, extensions: Collection[str]) -> bool:
    return Path(file.name.lower().removesuffix(".gz")).suffix in extensions


def _file_set(path: Path, folder: Path, files: Sequence[Path]) -> FileSet:
    """Files sorted by name.

    Partitions directly above the folder belong to the names, so that the result does not depend on where a pattern
    starts.
    """
    check_count(path, len(files))
    whole = folder.resolve()
    root = whole
    while PARTITION.fullmatch(root.name):
        root = root.parent
    above = whole.relative_to(root)
    named = {(above / file.relative_to(folder)).as_posix(): file for file in files}
    names = tuple(sorted(named))
    return FileSet(path=path, root=root, files=tuple(named[name] for name in names), names=names)


def read_file_set(
    connection: duckdb.DuckDBPyConnection,
    found: FileSet,
    read: Callable[[Path], Mixed | None],
    *,
    is_typed: bool,
) -> tuple[Mixed, RowFiles, str]:
    """Read files into the table `dataset`, one after the other, with a column for each name of a partition.

    read: reads a file into the table `dataset`. is_typed: whether the format has types; else numbers may be text in
    some files. Returns the columns with values of several types, the file of each row, and the digest of the files.
    Raises DatasetError or ColumnError, with the file and column, if the columns or their types differ.
    """
    partitions = found.partitions
    types = partition_types(connection, partitions)
    mixed: dict[str, dict[str, int]] = {}
    starts, digests, rows = [], [], 0
    wanted: Mapping[str, str] = {}
    for at, (file, partition) in enumerate(zip(found.files, partitions, strict=True)):
        with digest_while_reading(file) as bytes_read:
            kinds = read(file) or {}
        digests.append(bytes_read.hexadecimal)
        for column, value in partition.items():
            _add_partition(connection, file, column, value, kind=types[column])
        for column, firsts in kinds.items():
            for kind, row in firsts:
                mixed.setdefault(column, {}).setdefault(kind, row + rows)
        starts.append(rows)
        rows += connection.execute("SELECT count(*) FROM dataset").fetchall()[0][0]
        given = columns_of(connection)
        if at == 0:
            connection.execute(f"ALTER TABLE dataset RENAME TO {GATHERED}")
            wanted = given
            continue
        if given != wanted:
            _match_columns(wanted, given, found.files[0], file)
            _match_types(connection, wanted, given, (found.files[0], file), is_typed=is_typed)
            wanted = columns_of(connection, GATHERED)
        connection.execute(f"INSERT INTO {GATHERED} BY NAME FROM dataset")
    connection.execute("DROP TABLE IF EXISTS dataset")
    connection.execute(f"ALTER TABLE {GATHERED} RENAME TO dataset")
    several = {column: tuple(firsts.items()) for column, firsts in mixed.items()}
    return several, RowFiles(dataset=found.name, names=found.names, starts=tuple(starts)), found.digest(digests)


def partition_types(
    connection: duckdb.DuckDBPyConnection, partitions: Sequence[Mapping[str, str | None]]
) -> Mapping[str, str]:
    """DuckDB type of each partition column: integers, dates or times if all values are, else text."""
    values: dict[str, list[str]] = {}
    for partition in partitions:
        for column, value in partition.items():
            values.setdefault(column, []).extend([] if value is None else [value])
    types = {}
    for column, own in values.items():
        tests = ", ".join(f"bool_and(TRY_CAST(value AS {kind}) IS NOT NULL)" for kind in PARTITION_TYPES)
        fits = connection.execute(
            f"SELECT {tests} FROM (SELECT unnest(?) AS value)", [[*dict.fromkeys(own)]]
        ).fetchall()
        types[column] = next((kind for kind, fit in zip(PARTITION_TYPES, fits[0], strict=True) if fit), "VARCHAR")
    return types


def _add_partition(
    connection: duckdb.DuckDBPyConnection, file: Path, column: str, value: str | None, *, kind: str
) -> None:
    """Add a partition column to the table `dataset`. Raises ColumnError if the file has it with another value."""
    constant = f"CAST({'NULL' if value is None else literal(value)} AS {kind})"
    own = quoted(column)
    if column in columns_of(connection):
        differs = f"TRY_CAST({own} AS {kind}) IS DISTINCT FROM {constant}"
        wrong = connection.execute(
            f"SELECT rowid + 1, CAST({own} AS VARCHAR) FROM dataset WHERE {differs} ORDER BY rowid LIMIT 1"
        ).fetchall()
        if wrong:
            raise ColumnError(
                f"A column that is also in a folder's name must have its value in all rows, but {column!r} is "
                f"{wrong[0][1]!r} in row {wrong[0][0]:,} of {file}. Rename the column or the folder."
            )
        connection.execute(f"ALTER TABLE dataset DROP COLUMN {own}")
    connection.execute(f"ALTER TABLE dataset ADD COLUMN {own} {kind} DEFAULT {constant}")
    connection.execute(f"ALTER TABLE dataset ALTER COLUMN {own} DROP DEFAULT")


def _match_columns(wanted: Mapping[str, str], given: Mapping[str, str], first: Path, file: Path) -> None:
    """Raise DatasetError unless a file has the columns of the first file, in any order."""
    for column in wanted:
        if column not in given:
            raise _different_columns(file, column, first, given.keys() - wanted.keys())
    for column in given:
        if column not in wanted:
            raise _different_columns(first, column, file, wanted.keys() - given.keys())


def _different_columns(lacks: Path, column: str, has: Path, others: Collection[str]) -> DatasetError:
    """others: columns that only the file has that lacks the column."""
    return DatasetError(
        f"All files must have the same columns, but {lacks} has no column {column!r}, which {has} has."
        f"{did_you_mean(column, sorted(others))} Add the column to the file, also if it is empty, "
        "or give a pattern that matches only files with the same columns."
    )


def _match_types(
    connection: duckdb.DuckDBPyConnection,
    wanted: Mapping[str, str],
    given: Mapping[str, str],
    files: tuple[Path, Path],
    *,
    is_typed: bool,
) -> None:
    """Convert columns of other types to the common type of both. Raises ColumnError if there is none."""
    for column, kind in given.items():
        if kind == (before := wanted[column]):
            continue
        if _is_empty(connection, column, "dataset"):
            _convert(connection, "dataset", column, before, using="NULL")
            continue
        if _is_empty(connection, column, GATHERED):
            _convert(connection, GATHERED, column, kind, using="NULL")
            continue
        if _are_alike(before, kind):
            common = _common(connection, before, kind)
        elif not is_typed and all(is_number(own) or is_text(own) for own in (before, kind)):
            common = "VARCHAR"
        else:
            raise ColumnError(
                f"A column must have the same type in all files, but {column!r} is {before} in {files[0]} and {kind} "
                f"in {files[1]}. Convert it in one of them."
            )
        for table, own in ((GATHERED, before), ("dataset", kind)):
            if own != common:
                _convert(connection, table, column, common, using=quoted(column))


def _convert(connection: duckdb.DuckDBPyConnection, table: str, column: str, kind: str, *, using: str) -> None:
    connection.execute(f"ALTER TABLE {table} ALTER COLUMN {quoted(column)} TYPE {kind} USING CAST({using} AS {kind})")


def _is_empty(connection: duckdb.DuckDBPyConnection, column: str, table: str) -> bool:
    return not connection.execute(f"SELECT count({quoted(column)}) FROM {table}").fetchall()[0][0]


def _are_alike(first: str, second: str) -> bool:
    return any(is_kind(first) and is_kind(second) for is_kind in (is_number, is_text, is_time_stamp))


def _common(connection: duckdb.DuckDBPyConnection, first: str, second: str) -> str:
    """The type to which DuckDB converts both."""
    both = f"SELECT CAST(NULL AS {first}) AS one UNION ALL SELECT CAST(NULL AS {second})"
    return str(connection.execute(f"SELECT DISTINCT typeof(one) FROM ({both})").fetchall()[0][0])
