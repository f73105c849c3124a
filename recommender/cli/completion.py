"""The verb `recommend completion`: the script by which a shell completes commands, options and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import get_completion_class

from rules.cli.common import examples
from rules.errors import PcwatError

if TYPE_CHECKING:
    from click.shell_completion import ShellComplete

PROGRAM: Final = "recommend"
VARIABLE: Final = "_RECOMMEND_COMPLETE"  # click's own: it is set where a shell asks for completions
SHELLS: Final = ("bash", "zsh", "fish")


@click.command(
    short_help="Print the script that completes commands with the tab key.",
    epilog=examples(
        'eval "$(recommend completion bash)"     # in ~/.bashrc',
        'eval "$(recommend completion zsh)"      # in ~/.zshrc',
        "recommend completion fish > ~/.config/fish/completions/recommend.fish",
    ),
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Print the script by which SHELL completes commands, options and files when the tab key is pressed."""
    click.echo(completer(context.find_root().command, shell).source(), nl=False)


def completer(command: click.Command, shell: str) -> ShellComplete:
    """What completes a command in a shell. Raises PcwatError where that shell cannot be used for it."""
    found = get_completion_class(shell)
    if found is None:
        raise PcwatError(f"Completions are written for {', '.join(SHELLS)}, but got {shell!r}. Choose one of these.")
    return found(command, {}, PROGRAM, VARIABLE)
