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
"""Exit code of a command that found something; 0 is clean, 2 a usage error or what cannot be read."""

format_option = click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)


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
