"""Output of the commands: formats, verbosity and exit codes."""

from __future__ import annotations

import functools
import json
import logging
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from pydantic import BaseModel
from rich.console import Console

from rules.text.files import write_text
from rules.text.wording import escape_json_controls, printable
from rules.vocabulary.aliases import LOG, forget_reports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

FINDINGS: Final = 1
"""Exit code of a command with findings; 0 is without."""
USAGE_ERROR: Final = 2
"""Exit code of an error that the user can fix: a usage error, or an unreadable file."""
INTERRUPTED: Final = 130
"""Exit code after Ctrl-C without a result: 128 plus the signal number, as in shells."""

force_option = click.option("--force", is_flag=True, help="Overwrite existing files.")
explore_output_option = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="explore.html",
    show_default=True,
    help="Write the page to this file.",
)
format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Output format.",
)


def examples(*commands: str) -> str:
    r"""Examples at the end of a command's help.

    >>> examples("recommend data.csv")
    '\x08\nExamples:\n  recommend data.csv'
    """
    return "\n  ".join(["\b\nExamples:", *commands])  # \b keeps click from reflowing the lines


SETTINGS: Final = "pcwat.settings"
"""Key of a context's meta data for sentences about the settings in force."""


class Verbosity(StrEnum):
    """Amount of output in addition to the result."""

    QUIET = "quiet"
    NORMAL = "normal"
    VERBOSE = "verbose"


def verbosity_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options --quiet and --verbose, which the command receives as one `verbosity`."""

    @functools.wraps(command)
    def wrapped(*, quiet: bool, verbose: bool, **rest: Any) -> Any:  # noqa: ANN401  the command's own options
        if quiet and verbose:
            raise click.UsageError("--quiet and --verbose exclude each other. Remove one of them.")
        chosen = Verbosity.QUIET if quiet else Verbosity.VERBOSE if verbose else Verbosity.NORMAL
        for sentence in click.get_current_context().meta.get(SETTINGS, ()) if verbose else ():
            print_status(f"Settings of {sentence}", verbosity=chosen)
        return command(verbosity=chosen, **rest)

    options = (
        click.option("-q", "--quiet", is_flag=True, help="Print only results and errors."),
        click.option("-v", "--verbose", is_flag=True, help="Print progress and settings to standard error."),
    )
    return functools.reduce(lambda wrapping, option: option(wrapping), reversed(options), wrapped)


def print_status(sentence: str, *, verbosity: Verbosity) -> None:
    """Print a message to standard error, unless --quiet is set."""
    if verbosity is not Verbosity.QUIET:
        click.echo(printable(sentence, keep="\n"), err=True)


class _OnStandardError(logging.Handler):
    """Prints each message on standard error, unless --quiet was given."""

    def emit(self, record: logging.LogRecord) -> None:
        context = click.get_current_context(silent=True)
        is_quiet = context is not None and context.params.get("quiet")
        print_status(record.getMessage(), verbosity=Verbosity.QUIET if is_quiet else Verbosity.NORMAL)


@contextmanager
def renames_on_standard_error() -> Iterator[None]:
    """Print a line for each former name that is read, until the block ends."""
    handler = _OnStandardError()
    LOG.addHandler(handler)
    forget_reports()
    try:
        yield
    finally:
        LOG.removeHandler(handler)


def emit(value: object) -> None:
    """Print a value as JSON to standard output."""
    emit_json(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def emit_json(text: str) -> None:
    """Print JSON text to standard output, always in UTF-8."""
    click.echo(escape_json_controls(text).encode("utf-8", "backslashreplace"))


def emit_models(value: BaseModel | Iterable[BaseModel]) -> None:
    """Print a model, or several as a list, as JSON to standard output."""
    if isinstance(value, BaseModel):
        emit(value.model_dump(mode="json"))
    else:
        emit([one.model_dump(mode="json") for one in value])


def console() -> Console:
    """Rich console on standard output."""
    return Console(highlight=False)


def write_page(path: Path, text: str) -> None:
    """Write an HTML page, and say where."""
    write_text(path, text)
    click.echo(f"Wrote {path}. Open it in a browser.", err=True)


def end(*, findings: bool) -> None:
    """Exit with FINDINGS if there are findings."""
    if findings:
        raise click.exceptions.Exit(FINDINGS)
