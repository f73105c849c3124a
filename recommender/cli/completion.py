"""The command `recommend completion`: the completion script of a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import get_completion_class

from rules.cli.output import examples
from rules.errors import PcwatError

if TYPE_CHECKING:
    from click.shell_completion import ShellComplete

PROGRAM: Final = "recommend"
VARIABLE: Final = "_RECOMMEND_COMPLETE"  # of click: a shell sets it to ask for completions
SHELLS: Final = ("bash", "zsh", "fish")


@click.command(
    short_help="Print the completion script for a shell.",
    epilog=examples(
        'eval "$(recommend completion bash)"     # in ~/.bashrc',
        'eval "$(recommend completion zsh)"      # in ~/.zshrc',
        "recommend completion fish > ~/.config/fish/completions/recommend.fish",
    ),
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Print the script with which SHELL completes commands, options and files."""
    click.echo(completer(context.find_root().command, shell).source(), nl=False)


def completer(command: click.Command, shell: str) -> ShellComplete:
    """The completion of a command in a shell. Raises PcwatError if the shell is not supported."""
    found = get_completion_class(shell)
    if found is None:
        raise PcwatError(f"Shell must be one of {', '.join(SHELLS)}, but got {shell!r}.")
    return found(command, {}, PROGRAM, VARIABLE)
