"""Reading of UTF-8 text files of bounded size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from rules.errors import PcwatError

MAX_BYTES: Final = 16_000_000  # bytes of a settings file, book or bundle; the shipped books together have 0.1 MB


def read_text(path: Path, *, what: str, error: type[PcwatError]) -> str:
    """Read a text file; what: its format, for messages.

    Raises error if the file is missing, not a regular file, too large, unreadable, or not UTF-8.
    """
    try:
        if path.exists() and not path.is_file():
            raise error(f"{path} is not a regular file. Give the path of a {what} text file in UTF-8.")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise error(f"There is no file {path}. Give the path of an existing {what} file.") from None
    except OSError as problem:
        raise error(f"{path} cannot be read: {problem.strerror}. Give the path of a readable {what} file.") from None
    except ValueError:
        raise error(f"{str(path)!r} is not a valid path. Give the path of a {what} file.") from None
    if len(content) > MAX_BYTES:
        raise error(f"{path} must have at most {MAX_BYTES:,} bytes, but has more. Give the path of a {what} file.")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise error(f"{path} is not a {what} text file in UTF-8.") from None
