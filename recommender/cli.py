"""The command line: `recommend DATASET` recommends; other verbs are found by name and loaded only when asked for."""

from __future__ import annotations

import functools
import json
import shlex
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console

from recommender.dataset import Dataset, local_path
from recommender.output import keep_existing, keep_inputs
from recommender.plan import seconds
from recommender.profile import measure
from recommender.recommend import Said, advise, roles_of, to_json
from recommender.render import show, show_profile, why
from recommender.roles import Kind
from recommender.wording import printable
from rules import __version__
from rules.choices import Slot, names, parse_choice
from rules.decision import Pin
from rules.document import parse
from rules.engine import load_book
from rules.errors import ChoiceError, PcwatError, did_you_mean
from rules.facts import Task
from rules.settings import layers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


def dataset_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options by which a person says what the data is; the command receives them as one `said`."""

    @functools.wraps(command)
    def wrapped(
        *,
        target: tuple[str, ...],
        task: str | None,
        kind: tuple[str, ...],
        time: str | None,
        entity: str | None,
        split: str | None,
        **rest: Any,  # noqa: ANN401  the wrapped command's own options, untouched
    ) -> Any:  # noqa: ANN401

        said = Said(
            targets=target,
            task=_task(task),
            kinds=_kinds(kind),
            time_column=time,
            entity_column=entity,
            split_column=split,
        )
        return command(said=said, **rest)

    options = (
        click.option("--target", multiple=True, metavar="COLUMN", help="Column to predict; repeat it for several."),
        click.option("--task", metavar="TASK", help="binary, multiclass, regression, … instead of the inferred one."),
        click.option(
            "--kind", multiple=True, metavar="COLUMN=KIND", help="Read a column as numeric, categorical, text, …"
        ),
        click.option("--time", metavar="COLUMN", help="Column that orders the rows in time."),
        click.option(
            "--entity", metavar="COLUMN", help="Column whose equal values never lie on both sides of a split."
        ),
        click.option("--split", metavar="COLUMN", help="Column that names train, validation and test rows."),
        click.option("--delimiter", metavar="CHARACTER", help="What separates columns, where it is not found out."),
    )
    return functools.reduce(lambda wrapping, option: option(wrapping), reversed(options), wrapped)


@dataclass(frozen=True, kw_only=True)
class StrategyOptions:
    """What a person says about the strategy: the book, pins, and the budget in seconds and trials."""

    layers: tuple[str, ...]
    is_own_book: bool
    """Whether the book was named on the command line."""
    pins: tuple[Pin, ...]
    budget: float | None
    trials: int | None


def strategy_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that change which bundle comes out; the command receives them as one `strategy`."""

    @functools.wraps(command)
    def wrapped(
        *,
        book: tuple[str, ...],
        pin: tuple[str, ...],
        reason: tuple[str, ...],
        author: str,
        budget: str | None,
        trials: int | None,
        **rest: Any,  # noqa: ANN401  the wrapped command's own options, untouched
    ) -> Any:  # noqa: ANN401
        strategy = StrategyOptions(
            layers=layers(book),
            is_own_book=bool(book),
            pins=tuple(read_pins(pin, reason, author=author)),
            budget=None if budget is None else seconds(budget),
            trials=trials,
        )
        return command(strategy=strategy, **rest)

    options = (
        click.option(
            "--book",
            multiple=True,
            metavar="BOOK",
            help="'handbook' for the notes alone; a path of your own rules puts them on top of the shipped ones.",
        ),
        click.option("--pin", multiple=True, metavar="SLOT=CHOICE", help="Choose yourself, e.g. optimizer=adamw."),
        click.option("--reason", multiple=True, metavar="TEXT", help="Why you pin; one for all pins, or one for each."),
        click.option("--author", default="", metavar="NAME", help="Who pins; it is recorded with the reason."),
        click.option("--budget", metavar="DURATION", help="Wall-clock limit of the training, e.g. 90s or 10m [5m]."),
        click.option("--trials", type=click.IntRange(min=1), metavar="N", help="At most so many trials."),
    )
    return functools.reduce(lambda wrapping, option: option(wrapping), reversed(options), wrapped)


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
    """Recommend a bundle for DATASET (CSV, TSV, Parquet or JSON lines)."""
    if output is not None:
        keep_inputs(output, [dataset, *map(Path, strategy.layers)])
        keep_existing(output, force=force)
    with Dataset.open(dataset, delimiter=delimiter) as opened:
        advice = advise(
            opened,
            said,
            book=load_book(strategy.layers),
            pins=strategy.pins,
            budget=strategy.budget,
            trials=strategy.trials,
        )
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
    with Dataset.open(dataset, delimiter=delimiter) as opened:
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


def write_text(path: Path, text: str) -> None:
    """Write a file that a person named. Raises PcwatError where that cannot be done."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PcwatError(f"Cannot write {path}: {error.strerror}. Choose another place.") from None


def read_pins(pins: Sequence[str], reasons: Sequence[str], *, author: str = "") -> list[Pin]:
    """Read --pin SLOT=CHOICE with its --reason; CHOICE is a name, or a YAML mapping with parameters.

    Raises ChoiceError on an unknown slot or choice, a slot pinned twice, and a pin or a reason that stands alone.
    """
    if not pins and reasons:
        raise ChoiceError("--reason says why a choice is pinned, but none is: add --pin SLOT=CHOICE, or leave it out.")
    if not pins:
        return []
    if not all(because.strip() for because in reasons):
        raise ChoiceError("A pinned choice is recorded with its reason, but a --reason is empty. Say why you pin.")
    if len(reasons) not in {1, len(pins)}:
        raise ChoiceError(
            f"A pinned choice is recorded with its reason: give --reason once for all pins, or once for each of the "
            f"{len(pins)}, but got {len(reasons)}."
        )
    shared = list(reasons) * len(pins) if len(reasons) == 1 else reasons
    read: dict[Slot, Pin] = {}
    for pin, because in zip(pins, shared, strict=True):
        slot, equals, value = pin.partition("=")
        if slot not in set(Slot):
            raise ChoiceError(f"--pin takes SLOT=CHOICE with a slot of {', '.join(Slot)}, but got {pin!r}."
                              f"{did_you_mean(slot, Slot)}")  # fmt: skip
        if not equals or not value.strip():
            raise ChoiceError(
                f"--pin takes SLOT=CHOICE, but {pin!r} names no choice. The {slot} is one of "
                f"{', '.join(names(Slot(slot)))}."
            )
        if slot in read:
            raise ChoiceError(f"Each slot is pinned once, but {slot} is pinned again by {pin!r}. Keep one of the two.")
        choice = parse_choice(Slot(slot), parse(value, source=f"--pin {slot}", error=ChoiceError).data)
        read[Slot(slot)] = Pin(slot=Slot(slot), choice=choice, reason=because, author=author)
    return list(read.values())


def _task(word: str | None) -> Task | None:

    if word is None or word in set(Task):
        return None if word is None else Task(word)
    raise ChoiceError(f"--task is one of {', '.join(Task)}, but got {word!r}.{did_you_mean(word, Task)}")


def _kinds(pairs: Sequence[str]) -> dict[str, Kind]:

    kinds = {}
    for pair in pairs:
        column, equals, word = pair.rpartition("=")
        if not equals or word not in set(Kind):
            raise ChoiceError(f"--kind takes COLUMN=KIND with a kind of {', '.join(Kind)}, but got {pair!r}."
                              f"{did_you_mean(word, Kind)}")  # fmt: skip
        kinds[column] = Kind(word)
    return kinds
