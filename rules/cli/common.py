"""What the commands have in common: their forms of output and their exit codes."""

from __future__ import annotations

import functools
import json
import logging
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import click
from pydantic import BaseModel
from rich.console import Console

from rules.text.wording import json_shown, printable
from rules.vocabulary.aliases import LOG, forget_reports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

FINDINGS: Final = 1
"""Exit code of a command that found something; 0 is clean."""
USAGE_ERROR: Final = 2
"""Exit code of what a person can mend: a usage error, or what cannot be read."""
INTERRUPTED: Final = 130
"""Exit code after Ctrl-C without a result: 128 and the signal's number, as shells have it."""

format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="A table for people, or JSON for programs.",
)


def examples(*commands: str) -> str:
    r"""The end of a command's help: commands that work as they stand.

    >>> examples("recommend data.csv")
    '\x08\nExamples:\n  recommend data.csv'
    """
    return "\n  ".join(["\b\nExamples:", *commands])  # \b keeps click from reflowing the lines


SETTINGS: Final = "pcwat.settings"
"""Where a context keeps the sentences of what a settings file says."""


class Verbosity(StrEnum):
    """How much a command says beside its result."""

    QUIET = "quiet"
    NORMAL = "normal"
    VERBOSE = "verbose"


def verbosity_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--quiet and --verbose; the command receives them as one `verbosity`."""

    @functools.wraps(command)
    def wrapped(*, quiet: bool, verbose: bool, **rest: Any) -> Any:  # noqa: ANN401  the command's own options
        if quiet and verbose:
            raise click.UsageError("--quiet and --verbose ask for opposites. Leave one of them out.")
        chosen = Verbosity.QUIET if quiet else Verbosity.VERBOSE if verbose else Verbosity.NORMAL
        for sentence in click.get_current_context().meta.get(SETTINGS, ()) if verbose else ():
            told(f"Settings of {sentence}", verbosity=chosen)
        return command(verbosity=chosen, **rest)

    options = (
        click.option("-q", "--quiet", is_flag=True, help="Say nothing but the result and errors."),
        click.option("-v", "--verbose", is_flag=True, help="Say on standard error what happens, and which settings."),
    )
    return functools.reduce(lambda wrapping, option: option(wrapping), reversed(options), wrapped)


def told(sentence: str, *, verbosity: Verbosity) -> None:
    """Say something beside the result on standard error, unless a person wants to hear nothing."""
    if verbosity is not Verbosity.QUIET:
        click.echo(printable(sentence, keep="\n"), err=True)


class _OnStandardError(logging.Handler):
    """Prints each message on standard error, unless --quiet was given."""

    def emit(self, record: logging.LogRecord) -> None:
        context = click.get_current_context(silent=True)
        is_quiet = context is not None and context.params.get("quiet")
        told(record.getMessage(), verbosity=Verbosity.QUIET if is_quiet else Verbosity.NORMAL)


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
    """Write a value to standard output as JSON."""
    emit_json(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def emit_json(text: str) -> None:
    """Write JSON text to standard output, in UTF-8 whatever the terminal's encoding is."""
    click.echo(json_shown(text).encode("utf-8", "backslashreplace"))


def emit_models(value: BaseModel | Iterable[BaseModel]) -> None:
    """Write a model, or several as a list, to standard output as JSON."""
    if isinstance(value, BaseModel):
        emit(value.model_dump(mode="json"))
    else:
        emit([one.model_dump(mode="json") for one in value])


def console() -> Console:
    """Standard output for people."""
    return Console(highlight=False)


def end(*, findings: bool) -> None:
    """End with the exit code of findings, where there are some."""
    if findings:
        raise click.exceptions.Exit(FINDINGS)
