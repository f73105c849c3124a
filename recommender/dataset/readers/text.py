"""Text files of all formats: UTF-8 checks and uniform line endings."""

from __future__ import annotations

import io
import shutil
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final

from rules.errors import DatasetError
from rules.text.regular_file import open_regular
from rules.text.temporary import working_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROBE_BYTES: Final = 65_536
"""Bytes at the start of a file that are checked for binary content, and block size of the search for line endings."""
BINARY: Final = {
    b"PAR1": ("a Parquet file", "Name it {stem}.parquet."),
    b"\x89PNG": ("a PNG image", "Name it {stem}.png, and give the folder of such images."),
    b"\xff\xd8\xff": ("a JPEG image", "Name it {stem}.jpg, and give the folder of such images."),
    b"PK\x03\x04": ("an Excel workbook or a zip archive", "Save the sheet as CSV, or name the archive {stem}.zip."),
    b"\x93NUMPY": ("a NumPy array", "Give an .npz archive of named arrays."),
}
"""Magic numbers of binary formats, their names, and how to fix a file with a wrong extension."""
BYTES: Final = "latin-1"
"""Encoding with one character per byte, so that converting line endings changes nothing else."""


def open_bytes(path: Path) -> IO[bytes]:
    return open_regular(path)


def open_lines(path: Path, *, newline: str | None) -> io.TextIOWrapper:
    r"""Open a file as lines that end in \n, \r\n or \r, one character per byte.

    newline: "" keeps the line endings, None converts them to \n.
    """
    return io.TextIOWrapper(open_bytes(path), encoding=BYTES, newline=newline)


@contextmanager
def refuse_unreadable(path: Path) -> Iterator[None]:
    """Convert an OSError into a DatasetError."""
    try:
        yield
    except OSError as error:
        raise DatasetError(f"The dataset must be a readable file, but {path} is not: {error.strerror}.") from None


def check_text(path: Path, *, must: str) -> None:
    """Raise DatasetError unless the file starts with UTF-8 text.

    must: content of a file of this format, for the message about an empty file.
    """
    with open_bytes(path) as file:
        start = file.read(PROBE_BYTES)
    if not start.strip():
        raise DatasetError(
            f"The dataset must have {must}, but {path} is empty. Write or download it again; the copy may be "
            "incomplete."
        )
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DatasetError(
            f"Text must be UTF-8, but {path} starts like UTF-16. "
            f"Convert it: iconv -f UTF-16 -t UTF-8 {path.name} > utf8_{path.name}"
        )
    if b"\0" in start:
        what, remedy = next(
            (found for magic, found in BINARY.items() if start.startswith(magic)),
            ("binary data", "Give a CSV, TSV, Parquet or JSON-lines file with the matching extension."),
        )
        raise DatasetError(
            f"The dataset must be text with one row per line, but {path} is {what} (null byte at position "
            f"{start.index(0):,}). {remedy.format(stem=path.stem)}"
        )


def not_utf8(path: Path, *, line: int | None, byte: int | None) -> DatasetError:
    shown = "" if byte is None else f" (byte 0x{byte:02x})"
    return DatasetError(
        f"Text must be UTF-8, but line {line or '?'} of {path} is not{shown}. "
        f"If it is Latin-1, convert it: iconv -f ISO-8859-1 -t UTF-8 {path.name} > utf8_{path.name}"
    )


@contextmanager
def same_line_ends(path: Path) -> Iterator[Path]:
    r"""Yield the file itself if it has no carriage returns, otherwise a copy in which every line ends in \n.

    DuckDB assumes that all rows have the first line ending, even if it is inside a quoted name.
    """
    with open_bytes(path) as file:
        plain = not any(b"\r" in part for part in iter(lambda: file.read(PROBE_BYTES), b""))
    if plain:
        yield path
        return
    with working_folder() as directory:
        copy = directory / "lines.csv"
        with open_lines(path, newline=None) as lines, copy.open("w", encoding=BYTES, newline="\n") as target:
            shutil.copyfileobj(lines, target)
        yield copy
