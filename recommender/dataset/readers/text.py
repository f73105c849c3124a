"""Text files of every format: in UTF-8, with one kind of line end."""

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
"""How much of the file's start is looked at for bytes that no text has, and of each part for carriage returns."""
BINARY: Final = {
    b"PAR1": ("a Parquet file", "Name it {stem}.parquet."),
    b"\x89PNG": ("a PNG image", "Name it {stem}.png, and give the folder of such images."),
    b"\xff\xd8\xff": ("a JPEG image", "Name it {stem}.jpg, and give the folder of such images."),
    b"PK\x03\x04": ("an Excel workbook or a zip archive", "Save the sheet as CSV, or name the archive {stem}.zip."),
    b"\x93NUMPY": ("a NumPy array", "Give an .npz archive of named arrays."),
}
"""How other files begin, and what to do with one whose name says text."""
BYTES: Final = "latin-1"
"""The encoding in which every byte is one character, so that line ends are found and nothing else is changed."""


def open_bytes(path: Path) -> IO[bytes]:
    return open_regular(path)


def open_lines(path: Path, *, newline: str | None) -> io.TextIOWrapper:
    r"""The lines of a file, one character a byte; they may end in \n, \r\n or \r.

    newline: "" keeps the line ends, None turns each into \n.
    """
    return io.TextIOWrapper(open_bytes(path), encoding=BYTES, newline=newline)


@contextmanager
def refuse_unreadable(path: Path) -> Iterator[None]:
    """Turn what the file system reports about a file into a DatasetError."""
    try:
        yield
    except OSError as error:
        raise DatasetError(f"The dataset must be a readable file, but {path} is not: {error.strerror}.") from None


def check_text(path: Path, *, must: str) -> None:
    """Raises DatasetError unless the file begins as text does.

    must: what a file of this format holds, for the message about an empty one.
    """
    with open_bytes(path) as file:
        start = file.read(PROBE_BYTES)
    if not start.strip():
        raise DatasetError(
            f"The dataset must have {must}, but {path} is empty. Write or download it again: a copy that "
            "broke off leaves such a file."
        )
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DatasetError(
            f"Text must be UTF-8, but {path} starts like UTF-16. "
            f"Convert it: iconv -f UTF-16 -t UTF-8 {path.name} > utf8_{path.name}"
        )
    if b"\0" in start:
        what, remedy = next(
            (said for begins, said in BINARY.items() if start.startswith(begins)),
            ("binary data", "Give a CSV, TSV, Parquet or JSON-lines file with the matching extension."),
        )
        raise DatasetError(
            f"The dataset must be text with one row a line, but {path} is {what} (a zero byte at position "
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
    r"""The file itself where no line ends in a carriage return, else a copy in which every line ends in \n.

    DuckDB takes the first line end that it meets for that of all rows, also where it lies inside a quoted name.
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
