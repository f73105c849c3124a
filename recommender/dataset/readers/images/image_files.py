"""Image files as rows: from folders named after classes, or a table with a column of paths."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from recommender.dataset.readers.files import BROKEN, Folder, open_files
from recommender.dataset.readers.formats.gzipped import named_in_errors
from recommender.dataset.readers.images.decoding import MAX_NAMED, decode
from recommender.dataset.readers.images.file_names import OTHER_SUFFIXES, SUFFIXES
from recommender.dataset.split_names import PART_WORDS, TRAINING_WORDS
from recommender.dataset.sql import category_text, chunks, columns_of, is_text, quoted, replace_dataset
from rules.errors import DatasetError
from rules.text.temporary import working_folder
from rules.text.wording import counted, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import duckdb

    from recommender.dataset.readers.files import Files
    from recommender.dataset.readers.formats.arrays import Images
    from rules.decision.request import ImageReading

IMAGE, CLASS, PART = "image", "class", "split"
"""Columns for images in folders: pixels, and names of their folders."""
PATHS_TRIED: Final = 100
"""Values of a column that are tried as paths; if none exists, the column is text."""


def read_folders(connection: duckdb.DuckDBPyConnection, path: Path, reading: ImageReading) -> Images:
    """Read a folder or archive of images into the table `dataset`, with columns image, class, and optionally split.

    Images are in folders named after their classes, which may be in folders such as train and test. Images outside of
    class folders have no class, as for prediction.
    Raises DatasetError if there are no images, or if one is unreadable and not to be skipped.
    """
    with open_files(path) as files:
        names = [name for name in files.names if PurePosixPath(name).suffix.lower() in SUFFIXES]
        if not names:
            check_formats(path)
            raise DatasetError(
                f"A folder or archive must contain images ({', '.join(sorted(SUFFIXES))}), but {path} contains none. "
                "Put each image into a folder named after its class, or give a table with a column of paths."
            )
        places = _places(names)
        connection.register("places", pa.table(places))
        connection.execute("CREATE OR REPLACE TABLE dataset AS FROM places")
        connection.unregister("places")
        images = decode(connection, files, names, name=IMAGE, reading=reading, where=str(path))
        images = _with_source(images, other=tuple(sorted({*files.names} - {*names})))
    replace_dataset(
        connection,
        f"SELECT pixels.cell AS {IMAGE}, dataset.* FROM dataset POSITIONAL JOIN pixels WHERE pixels.cell IS NOT NULL",
    )
    connection.execute("ALTER TABLE dataset DROP COLUMN row")
    connection.execute("DROP TABLE pixels")
    return images


def read_paths(
    connection: duckdb.DuckDBPyConnection, files: Files, reading: ImageReading, *, where: str, base: str = ""
) -> Images | None:
    """Replace a column of paths by the images; return None if there is no such column.

    A column contains paths if all values have the extension of an image, and one of the first values exists.
    base: folder to which paths are relative. Raises DatasetError as read_folders does.
    """
    columns = _path_columns(connection, files, base)
    if not columns:
        return None
    if len(columns) > 1:
        raise DatasetError(
            f"A table may have one column of image paths, but {where} has {len(columns)}: "
            f"{', '.join(map(repr, columns))}. Remove all but one."
        )
    ((column, _),) = columns.items()
    found = connection.execute(f"SELECT {quoted(column)} FROM dataset").fetchall()
    names = [None if value is None else _joined(base, value) for (value,) in found]
    images = decode(connection, files, names, name=column, reading=reading, where=where)
    replace_dataset(
        connection,
        f"SELECT dataset.* REPLACE (pixels.cell AS {quoted(column)}) "
        "FROM dataset POSITIONAL JOIN pixels WHERE pixels.cell IS NOT NULL",
    )
    connection.execute("DROP TABLE pixels")
    if isinstance(files, Folder):
        images = _with_source(images, outside=tuple(files.outside(dict.fromkeys(filter(None, names)))))
    return images


def _with_source(images: Images, *, other: tuple[str, ...] = (), outside: tuple[str, ...] = ()) -> Images:
    """Images with the names of skipped files and of files outside the folder."""
    return (
        images
        if images.source is None
        else replace(images, source=replace(images.source, other=other, outside=outside))
    )


def has_images(path: Path) -> bool:
    """Whether a folder or archive contains images."""
    with open_files(path) as files:
        return any(PurePosixPath(name).suffix.lower() in SUFFIXES for name in files.names)


def check_formats(path: Path) -> None:
    """Raise DatasetError if a folder or archive contains images only in unsupported formats."""
    with open_files(path) as files:
        others = [name for name in files.names if PurePosixPath(name).suffix.lower() in OTHER_SUFFIXES]
    if others:
        shown = listed([repr(name) for name in others], most=MAX_NAMED)
        raise DatasetError(
            f"Images must be in a supported format ({', '.join(sorted(SUFFIXES))}), but {path} contains only "
            f"{counted(len(others), 'image file')} in others: {shown}. Convert them to .jpg or .png."
        )


def with_table(images: Images, digest: str) -> Images:
    """Images whose digest includes the table of their paths. digest: SHA-256 of the table in hexadecimal."""
    if images.source is None:
        return images
    both = hashlib.sha256(f"{digest} {images.source.digest}".encode()).hexdigest()
    return replace(images, source=replace(images.source, digest=both))


def table_in(path: Path, suffixes: Sequence[str]) -> str | None:
    """Name of the table at the top of a folder or archive; None if there is none. Raises DatasetError on several."""
    with open_files(path) as files:
        top = _common_folder(files.names)
        names = [
            name
            for name in files.names
            if str(PurePosixPath(name).parent) in {".", top} and PurePosixPath(name).suffix.lower() in suffixes
        ]
    if len(names) > 1:
        raise DatasetError(
            f"A folder or archive of images may contain one table, but {path} contains {len(names)}: "
            f"{', '.join(map(repr, names[:MAX_NAMED]))}. Keep the one with the paths, or give its path."
        )
    return names[0] if names else None


def read_member(path: Path, name: str, read: Callable[[Path], object]) -> None:
    """Call a function with a temporary copy of one file of an archive."""
    with open_files(path) as files, working_folder() as folder:
        copy = folder / f"table{PurePosixPath(name).suffix.lower()}"
        try:
            copy.write_bytes(files.read(name))
        except BROKEN as error:
            raise DatasetError(
                f"The table {name!r} of {path} cannot be read: {error}. Create the archive again."
            ) from None
        with named_in_errors(copy, f"{name} in {path}"):
            read(copy)


def _places(names: Sequence[str]) -> dict[str, Sequence[int] | Sequence[str | None]]:
    """Class of each image, and its part of a split if folders are named after parts."""
    common = len(PurePosixPath(_common_folder(names)).parts)
    folders = [PurePosixPath(name).parts[common:-1] for name in names]
    found: dict[str, Sequence[int] | Sequence[str | None]] = {"row": list(range(len(names)))}
    outer = {parts[0].strip().lower() for parts in folders if parts}
    has_parts = bool(outer) and outer <= PART_WORDS and bool(outer & TRAINING_WORDS) and all(map(len, folders))
    if has_parts:
        found[PART] = [parts[0] for parts in folders]
        folders = [parts[1:] for parts in folders]
    if any(folders):
        found[CLASS] = [parts[0] if parts else None for parts in folders]
    return found


def _common_folder(names: Sequence[str]) -> str:
    """Folder that contains all files in subfolders; "" if there is none."""
    common: tuple[str, ...] = ()
    parents = {PurePosixPath(name).parts[:-1] for name in names}
    while parents and len({parts[:1] for parts in parents}) == 1 and all(len(parts) > 1 for parts in parents):
        common += next(iter(parents))[:1]
        parents = {parts[1:] for parts in parents}
    return "/".join(common)


def _path_columns(connection: duckdb.DuckDBPyConnection, files: Files, base: str) -> Mapping[str, str]:
    """Columns of image paths, each with one that exists."""
    texts = [name for name, kind in columns_of(connection).items() if is_text(kind)]
    pattern = "|".join(suffix.removeprefix(".") for suffix in sorted(SUFFIXES | OTHER_SUFFIXES))
    found = {}
    for some in chunks(texts):
        tests = ", ".join(
            f"bool_and(regexp_matches({category_text(name, 'VARCHAR')}, '\\.({pattern})\\s*$', 'i'))" for name in some
        )
        (are_paths,) = connection.execute(f"SELECT {tests} FROM dataset").fetchall()
        for name in (name for name, is_one in zip(some, are_paths, strict=True) if is_one):
            first = connection.execute(
                f"SELECT {quoted(name)} FROM dataset WHERE {quoted(name)} IS NOT NULL LIMIT {PATHS_TRIED}"
            ).fetchall()
            there = next((value for (value,) in first if _is_there(files, _joined(base, value))), None)
            if there is not None:
                found[name] = there
    return found


def _joined(base: str, value: str) -> str:
    path = value.strip().replace("\\", "/")
    return path if not base else f"{base}/{path}"


def _is_there(files: Files, name: str) -> bool:
    try:
        files.read(name)
    except (KeyError, *BROKEN):
        return False
    return True
