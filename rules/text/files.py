"""Files that a command writes: whole or not at all, never over an input, and over existing ones only with --force."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from rules.errors import PcwatError
from rules.text.temporary import path_beside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


def keep_inputs(output: Path, inputs: Iterable[Path]) -> None:
    """Raise PcwatError if writing would overwrite a file that the command reads, by whatever path it is named."""
    for path in inputs:
        if os.path.isfile(output) and os.path.isfile(path) and output.samefile(path):  # noqa: PTH113  any name
            raise PcwatError(
                f"The output must not overwrite what is read, but {output} is the same file as {path}. Choose another "
                "name for the output."
            )


def keep_existing(output: Path, *, force: bool) -> None:
    """Raise PcwatError if a file exists already, unless it may be overwritten by force."""
    if os.path.isfile(output) and not force:  # noqa: PTH113  Path.is_file raises OSError on names that are too long
        raise PcwatError(
            f"{output} exists already, and may have been edited. Choose another name, or overwrite it with --force."
        )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file in the folder of an output, which takes its place when the block ends without an error.

    A device or a pipe, such as /dev/stdout, is written to directly. Raises OSError as the file system does.
    """
    path = path.resolve() if path.is_symlink() else path
    mode = path.stat().st_mode if path.exists() else None
    if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        yield path
        return
    temporary = path_beside(path)
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))  # less what the umask takes away
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if mode is not None:
            temporary.chmod(stat.S_IMODE(mode))
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_file(path: Path, *, error: type[PcwatError], remedy: str = "Free space, or allow writing.") -> Iterator[Path]:
    """As `replacing`, but raises error, which says what remedies it, where the file cannot be written."""
    try:
        with replacing(path) as temporary:
            yield temporary
    except OSError as problem:
        raise error(f"Cannot write {path}: {problem.strerror or problem}. {remedy}") from None


def write_text(path: Path, text: str, *, error: type[PcwatError] = PcwatError) -> None:
    """Write a file, whole or not at all. Raises error where that cannot be done."""
    try:
        with whole_file(path, error=error, remedy="Free space or allow writing, or name another place.") as temporary:
            temporary.write_text(text, encoding="utf-8")
    except ValueError:
        raise error(f"Cannot write {str(path)!r}: it is not a valid path. Name another place.") from None
