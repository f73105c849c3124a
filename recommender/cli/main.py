"""The command line: a group whose commands are imported when they are called."""

from __future__ import annotations

import io
import os
import sys
import warnings
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Final

import click
from click.shell_completion import CompletionItem

from recommender.cli.command_defaults import command_defaults, settings_text
from recommender.cli.completion import PROGRAM, completion
from recommender.cli.signals import ended_by, exit_code, raise_on_signals
from recommender.cli.welcome import lesson
from recommender.dataset.address import without_secrets
from rules import __version__
from rules.cli.entry_points import ExtensibleGroup
from rules.cli.output import (
    FINDINGS,
    INTERRUPTED,
    SETTINGS,
    USAGE_ERROR,
    examples,
    renames_on_standard_error,
)
from rules.errors import PcwatError, did_you_mean
from rules.rulebook.project_settings import find_settings
from rules.text.wording import printable

DEFAULT_VERB: Final = "bundle"
OWN_COMMANDS: Final = (DEFAULT_VERB, "profile")
"""Commands of `recommender.cli.commands`, which reads datasets and takes long to import."""
HELP: Final = frozenset({"-h", "--help", "--version"})


class Verbs(ExtensibleGroup):
    """A group whose default command is the recommendation."""

    entry_point_group = "recommend.commands"

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *OWN_COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in OWN_COMMANDS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(import_module("recommender.cli.commands"), cmd_name)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            click.echo(lesson(), nl=False)
            ctx.exit()
        if args and args[0] not in HELP and not self._is_verb(ctx, args[0]):
            self._check_for_a_slip(ctx, args[0])
            args = [DEFAULT_VERB, *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an error about more arguments says how to give several files."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            if "unexpected extra argument" not in error.message:
                raise
            fix = "Give several files as one pattern in quotes, such as 'data/*.csv'."
            raise click.UsageError(f"{error.message}. {fix}", ctx=error.ctx) from None

    def _is_verb(self, ctx: click.Context, word: str) -> bool:
        return self._looks_like_a_verb(word) and word in self.list_commands(ctx)

    def _looks_like_a_verb(self, word: str) -> bool:
        return word.replace("-", "").replace("_", "").isalpha()

    def _check_for_a_slip(self, ctx: click.Context, word: str) -> None:
        """Raise UsageError if a word is similar to a command and is not a file."""
        verbs = [verb for verb in self.list_commands(ctx) if verb != DEFAULT_VERB]
        meant = did_you_mean(word, verbs)
        if meant and self._looks_like_a_verb(word) and not Path(word).exists():
            raise click.UsageError(f"There is no command and no file {word!r}.{meant}", ctx=ctx)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "DATASET [OPTIONS]")
        formatter.write_usage(ctx.command_path, "COMMAND [ARGS] …", prefix="       ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the options of the default command first, because new users need them; then the other commands."""
        default = self.get_command(ctx, DEFAULT_VERB)
        if default is not None:
            with formatter.section("Options of recommend DATASET"):
                options = [param for param in default.params if isinstance(param, click.Option)]
                formatter.write_dl([record for option in options if (record := option.get_help_record(ctx))])
        super().format_options(ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a command; if none matches, a file."""
        return super().shell_complete(ctx, incomplete) or [CompletionItem(incomplete, type="file")]


def main(started: float | None = None) -> None:
    """Run the command line. An error that the user can fix is printed without a traceback; the exit code is 2.

    started: reading of time.monotonic at the start of the process, from which a time budget counts; by default the
    start of the command.
    """
    prepare_process()
    try:
        code = group(prog_name=PROGRAM, standalone_mode=False, obj=started) or 0
        sys.stdout.flush()
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        with suppress(OSError):
            click.echo(without_secrets(shown.getvalue()), err=True, nl=False)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say(f"Stopped by {ended_by()}.")
        code = exit_code()
    except BrokenPipeError:  # the reader of the output has ended, as `head` does
        code = BROKEN_PIPE
    except PcwatError as error:
        _say(f"Error: {error}")
        code = USAGE_ERROR
    except OSError as error:
        _say(f"Error: {_reason(error)}")
        code = USAGE_ERROR
    except RecursionError:
        _say("Error: The input is nested too deeply. Flatten it.")
        code = USAGE_ERROR
    except Exception as error:
        sentence = _dataset_error(error)
        if sentence is None:
            raise
        _say(f"Error: {sentence}")
        code = USAGE_ERROR
    _close_output()
    sys.exit(code)


BROKEN_PIPE: Final = 1  # exit code if the reader of the output has ended, as in click


def prepare_process() -> None:
    """Handle signals, and ignore settings of the environment that turn warnings or characters into tracebacks."""
    raise_on_signals()
    if any(option.partition(":")[0] == "error" for option in sys.warnoptions):
        warnings.simplefilter("ignore")  # with PYTHONWARNINGS=error, a warning of any library would end a training
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _say(sentence: str) -> None:
    """Print to standard error, which may be closed or full."""
    with suppress(OSError):
        click.echo(printable(without_secrets(sentence), keep="\n"), err=True)


def _reason(error: OSError) -> str:
    """Message for an error of the operating system."""
    what = error.strerror or str(error) or type(error).__name__
    where = "The output or a file cannot be used" if error.filename is None else f"{error.filename} cannot be used"
    more = "Free disk space, allow access, or choose another path."
    if isinstance(error, FileNotFoundError) and not _has_working_directory():
        where, more = "The working directory cannot be used", "Change to a directory that exists."
    return f"{where}: {what}. {more}"


def _dataset_error(error: Exception) -> str | None:
    """Message for an error that the values or the size of a dataset cause; None for other errors."""
    import duckdb  # noqa: PLC0415  importing it takes long, and the commands of the rules read no data

    from recommender.dataset.readers.bounds import too_large  # noqa: PLC0415

    if isinstance(error, MemoryError | duckdb.OutOfMemoryException):
        return str(too_large("it"))
    if isinstance(error, duckdb.IOException):
        reason = str(error).splitlines()[0]
        return f"The dataset or temporary files cannot be used: {reason}. Free disk space, or allow access."
    if isinstance(error, duckdb.DataError):
        return f"The dataset contains values that cannot be computed with: {str(error).splitlines()[0]}"
    return None


def _has_working_directory() -> bool:
    try:
        Path.cwd()
    except OSError:
        return False
    return True


def _close_output() -> None:
    """Flush standard output, and drop what cannot be written: Python would report it again at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)


EXIT_CODES: Final = f"""

\b
Exit codes:
  0    success, no findings
  {FINDINGS}    findings of 'recommend audit' or 'recommend rules'
  {USAGE_ERROR}    an error that you can fix; a message on standard error explains how
  {INTERRUPTED}  stopped by Ctrl-C (143 by SIGTERM, 129 by SIGHUP); a search keeps its best model so far"""


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "recommend titanic.csv --target Survived",
        "recommend titanic.csv --target Survived -o bundle.yaml",
        "recommend train titanic.csv --target Survived --budget 10m",
    )
    + EXIT_CODES,
)
@click.version_option(__version__, prog_name="pcwat")
@click.pass_context
def group(context: click.Context) -> None:
    """Recommend a deep-learning strategy for a dataset, and train a model.

    recommend DATASET recommends a metric (P), cost function (C), weight initialization (W), optimizer (A), tuning
    strategy (T) and others, each with its rule and the measured fact that the rule tested.
    """
    context.with_resource(renames_on_standard_error())
    settings, verb = find_settings(Path.cwd()), context.invoked_subcommand
    if settings is None or verb is None:
        return
    context.default_map = command_defaults(group, context, verb, settings, called={DEFAULT_VERB: PROGRAM})
    context.meta[SETTINGS] = settings_text(settings, PROGRAM if verb == DEFAULT_VERB else verb)


group.add_command(completion)
