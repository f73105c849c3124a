"""Files that a command writes: never over what it reads, and over what is there only when a person says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.errors import PcwatError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def keep_inputs(output: Path, inputs: Iterable[Path]) -> None:
    """Raise PcwatError if writing would overwrite a file that the command reads, by whatever path it is named."""
    for path in inputs:
        if output.is_file() and path.is_file() and output.samefile(path):
            raise PcwatError(
                f"The output must not overwrite what is read, but {output} is the same file as {path}. Choose another "
                "name for the output."
            )


def keep_existing(output: Path, *, force: bool) -> None:
    """Raise PcwatError if a file is there already, unless it may be overwritten by force."""
    if output.is_file() and not force:
        raise PcwatError(
            f"{output} is there already, and may have been edited. Choose another name, or overwrite it with --force."
        )


def write_text(path: Path, text: str) -> None:
    """Write a file that a person named. Raises PcwatError where that cannot be done."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PcwatError(f"Cannot write {path}: {error.strerror}. Choose another place.") from None
