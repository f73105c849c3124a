"""Atomic writing of output files; inputs are never overwritten, existing files only with --force."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from rules.errors import PcwatError
from rules.text.temporary import temporary_path_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


def refuse_input_as_output(output: Path, inputs: Iterable[Path]) -> None:
    """Raise PcwatError if the output is one of the files that the command reads, under any path."""
    for path in inputs:
        if os.path.isfile(output) and os.path.isfile(path) and output.samefile(path):  # noqa: PTH113  any name
            raise PcwatError(
                f"The output must not overwrite an input, but {output} is the same file as {path}. Choose another "
                "name for the output."
            )


def refuse_existing_output(output: Path, *, force: bool) -> None:
    """Raise PcwatError if the output exists already, unless force is set."""
    if os.path.isfile(output) and not force:  # noqa: PTH113  Path.is_file raises OSError on names that are too long
        raise PcwatError(f"{output} already exists. Choose another name, or use --force to overwrite it.")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary file that replaces the output atomically when the block ends without an error.

    Devices and pipes, such as /dev/stdout, are written directly. Raises OSError if the file system does.
    """
    path = path.resolve() if path.is_symlink() else path
    mode = path.stat().st_mode if path.exists() else None
    if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        yield path
        return
    temporary = temporary_path_for(path)
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))  # the umask applies
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
def atomic_file(
    path: Path, *, error: type[PcwatError], remedy: str = "Free disk space, or allow writing."
) -> Iterator[Path]:
    """Same as `atomic_path`, but raise error, with the remedy, if the file cannot be written."""
    try:
        with atomic_path(path) as temporary:
            yield temporary
    except OSError as problem:
        raise error(f"Cannot write {path}: {problem.strerror or problem}. {remedy}") from None


def write_text(path: Path, text: str, *, error: type[PcwatError] = PcwatError) -> None:
    """Write a text file atomically. Raises error if it cannot be written."""
    try:
        with atomic_file(
            path, error=error, remedy="Free disk space, allow writing, or choose another path."
        ) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except ValueError:
        raise error(f"Cannot write {str(path)!r}: it is not a valid path. Choose another path.") from None
