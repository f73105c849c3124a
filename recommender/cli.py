"""The command line: `recommend DATASET` recommends; other verbs are found by name and loaded only when asked for."""

from __future__ import annotations

import json
import shlex
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console

from recommender.dataset import Dataset, local_path
from recommender.options import dataset_options, strategy_options
from recommender.profile import measure
from recommender.recommend import advise_on, roles_of, to_json
from recommender.render import show, show_profile, why
from rules import __version__
from rules.errors import PcwatError, did_you_mean
from rules.output import keep_existing, keep_inputs, write_text
from rules.wording import printable

if TYPE_CHECKING:
    from recommender.recommend import Said, StrategyOptions

VERBS: Final = "recommend.commands"  # the entry-point group in which other packages offer their verbs
DEFAULT_VERB: Final = "bundle"
USAGE_ERROR: Final = 2


class Verbs(click.Group):
    """A group whose default verb is the recommendation itself."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {"-h", "--help", "--version"} and not self._is_verb(ctx, args[0]):
            self._check_for_a_slip(ctx, args[0])
            args = [DEFAULT_VERB, *args]
        return super().parse_args(ctx, args)

    def _is_verb(self, ctx: click.Context, word: str) -> bool:
        return self._looks_like_a_verb(word) and word in self.list_commands(ctx)

    def _looks_like_a_verb(self, word: str) -> bool:
        return word.replace("-", "").replace("_", "").isalpha()

    def _check_for_a_slip(self, ctx: click.Context, word: str) -> None:
        """Raise UsageError if a word that is no file is nearly a verb."""
        verbs = [verb for verb in self.list_commands(ctx) if verb != DEFAULT_VERB]
        meant = did_you_mean(word, verbs)
        if meant and self._looks_like_a_verb(word) and not Path(word).exists():
            raise click.UsageError(f"There is neither a command nor a file {word!r}.{meant}", ctx=ctx)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "DATASET [OPTIONS]")
        formatter.write_usage(ctx.command_path, "COMMAND [ARGS] …", prefix="       ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the default verb's options, for they are what a newcomer needs; then the other verbs."""
        default = self.get_command(ctx, DEFAULT_VERB)
        if default is not None:
            with formatter.section("Options of recommend DATASET"):
                options = [param for param in default.params if isinstance(param, click.Option)]
                formatter.write_dl([record for option in options if (record := option.get_help_record(ctx))])
        super().format_options(ctx, formatter)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *entry_points(group=VERBS).names})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        for found in entry_points(group=VERBS, name=cmd_name):
            command: click.Command = found.load()
            return command
        return None


class NamelessContext(click.Context):
    """The context of a verb that is not typed, and so is not shown."""

    @property
    def command_path(self) -> str:
        return "" if self.parent is None else self.parent.command_path


class DefaultVerb(click.Command):
    context_class = NamelessContext


def main() -> None:
    """Run the command line. An error that a person can mend is one paragraph and exit code 2, without a traceback."""
    try:
        group(prog_name="recommend")
    except PcwatError as error:
        message = printable(str(error), keep="\n")
        click.echo(f"Error: {message}", err=True)
        sys.exit(USAGE_ERROR)


@click.group(
    cls=Verbs,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: recommend titanic.csv --target Survived",
)
@click.version_option(__version__, prog_name="pcwat")
def group() -> None:
    """Which deep-learning strategy fits a dataset, and why.

    recommend DATASET gives the metric (P), cost function (C), weight initialization (W), optimizer (A) and tuning
    strategy (T) for a table, each with the rule and the measured fact behind it.
    """


@group.command(DEFAULT_VERB, cls=DefaultVerb, hidden=True)
@click.argument("dataset", type=local_path)
@dataset_options
@strategy_options
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the bundle as an editable YAML file.")
@click.option("--force", is_flag=True, help="Overwrite the file of -o.")
@click.option("--record", type=click.Path(path_type=Path), help="Write the audit record, for 'recommend audit'.")
def bundle(
    *,
    dataset: Path,
    said: Said,
    delimiter: str | None,
    strategy: StrategyOptions,
    form: str,
    output: Path | None,
    force: bool,
    record: Path | None,
) -> None:
    """Recommend a bundle for DATASET (CSV, TSV, Parquet, JSON lines, or images: a folder, an archive, an .npz)."""
    for written in filter(None, (output, record)):
        keep_inputs(written, [dataset, *map(Path, strategy.layers)])
    if output is not None:
        keep_existing(output, force=force)
    advice = advise_on(dataset, said, strategy, delimiter=delimiter)
    if form == "json":
        click.echo(json.dumps(to_json(advice), indent=2, ensure_ascii=False))
    else:
        show(advice, Console(highlight=False))
    if record is not None:
        write_text(record, advice.record.to_json())
        click.echo(f"Wrote {record}. Question it: recommend audit explain {record}", err=True)
    if output is not None:
        notes = {slot: why(decision) for slot, decision in advice.strategy.decisions.items()}
        write_text(output, advice.bundle.to_yaml(notes))
        train = ["recommend", "train", str(dataset), *given_options(without=NOT_FOR_TRAIN), "--bundle", str(output)]
        click.echo(f"Wrote {output}. Edit it, and train it with\n  {shlex.join(train)}", err=True)


@group.command()
@click.argument("dataset", type=local_path)
@dataset_options
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def profile(*, dataset: Path, said: Said, delimiter: str | None, form: str) -> None:
    """Show what was measured of DATASET: every number with unit and interval, every column's kind with its reason."""
    with Dataset.open(dataset, delimiter=delimiter, reading=said.reading) as opened:
        measured = measure(opened, roles_of(opened, said))
    if form == "json":
        click.echo(measured.model_dump_json(indent=2))
        return
    show_profile(measured, Console(highlight=False))


NOT_FOR_TRAIN: Final = frozenset({"pin", "reason", "author", "form", "output", "force", "record"})
"""Options of the default verb that `train --bundle` need not be given: pins are in the bundle."""


def given_options(*, without: frozenset[str]) -> list[str]:
    """The options of the running command as a person gave them, ready for another command line."""
    context = click.get_current_context()
    words = []
    for option in context.command.params:
        value = context.params.get(option.name or "")
        if not isinstance(option, click.Option) or option.name in without or value is None:
            continue
        for one in value if option.multiple else [value]:
            words += [option.opts[0], str(one)]
    return words
