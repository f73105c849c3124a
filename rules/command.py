"""What the commands have in common: their forms of output and their exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import click
from pydantic import BaseModel
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def emit(value: object) -> None:
    """Write a value to standard output as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


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
