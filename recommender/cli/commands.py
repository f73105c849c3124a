"""The commands `recommend DATASET`, which is the default, and `recommend profile`."""

from __future__ import annotations

import functools
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console

from recommender.cli.options import DATASET, dataset_options, strategy_options
from recommender.dataset.address import RemoteFile
from recommender.dataset.readers.table import input_files
from recommender.profile.measure import measure
from recommender.recommendation.recommend import advise_on, open_to_profile, to_json
from recommender.recommendation.render import show, show_profile, why
from recommender.roles.infer import infer_roles
from rules.cli.output import (
    Verbosity,
    emit,
    emit_json,
    examples,
    force_option,
    format_option,
    print_status,
    verbosity_options,
)
from rules.text.files import refuse_existing_output, refuse_input_as_output, write_text

if TYPE_CHECKING:
    from recommender.dataset.address import DatasetAddress
    from recommender.recommendation.recommend import StrategyOptions
    from rules.decision.request import Request


class NamelessContext(click.Context):
    """The context of the default command, whose name is not shown."""

    @property
    def command_path(self) -> str:
        return "" if self.parent is None else self.parent.command_path


class DefaultVerb(click.Command):
    context_class = NamelessContext


@click.command(
    "bundle",
    cls=DefaultVerb,
    hidden=True,
    epilog=examples(
        "recommend titanic.csv --target Survived",
        "recommend titanic.csv --target Survived --pin optimizer=adamw --reason 'as in our last paper'",
        "recommend titanic.csv --target Survived -o bundle.yaml --record decision.json",
    ),
)
@click.argument("dataset", type=DATASET)
@dataset_options
@strategy_options
@format_option
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the bundle to this YAML file.")
@force_option
@verbosity_options
@click.option("--record", type=click.Path(path_type=Path), help="Write the audit record to this file.")
def bundle(
    *,
    dataset: DatasetAddress,
    request: Request,
    strategy: StrategyOptions,
    form: str,
    output: Path | None,
    force: bool,
    record: Path | None,
    verbosity: Verbosity,
) -> None:
    """Recommend a bundle for DATASET (CSV, TSV, Parquet, JSON lines, or images: a folder, an archive, an .npz).

    Several files of a table are given as a pattern in quotes, such as 'data/*.parquet', or as a folder of partitions.
    A URL is of a file (https://, s3://, gs://, hf://) or of a PostgreSQL table (postgres://USER@HOST/DB?table=NAME).
    """
    for written in filter(None, (output, record)):
        refuse_input_as_output(written, [*input_files(dataset), *map(Path, strategy.layers)])
        refuse_existing_output(written, force=force)
    say = functools.partial(print_status, verbosity=verbosity)
    advice = advise_on(dataset, request, strategy)
    if verbosity is Verbosity.VERBOSE:
        for layer, digest in advice.record.book.layers.items():
            say(f"Rules of {layer}: {digest}")
    if form == "json":
        emit(to_json(advice))
    else:
        show(advice, Console(highlight=False))
    if record is not None:
        write_text(record, advice.record.to_json())
        say(f"Wrote {record}. Next: recommend audit explain {record}")
    if output is not None:
        notes = {slot: why(decision) for slot, decision in advice.strategy.decisions.items()}
        write_text(output, advice.bundle.to_yaml(notes))
        train = ["recommend", "train", str(dataset), *given_options(without=NOT_FOR_TRAIN), "--bundle", str(output)]
        is_whole = not isinstance(dataset, RemoteFile) or dataset.text == dataset.url
        how = "" if is_whole else " with the complete URL, whose secrets are written as *** here"
        say(f"Wrote {output}. Edit it, then train it{how}:\n  {shlex.join(train)}")


@click.command(
    short_help="Show all measurements of a dataset.",
    epilog=examples("recommend profile titanic.csv --target Survived", "recommend profile titanic.csv --format json"),
)
@click.argument("dataset", type=DATASET)
@dataset_options
@format_option
def profile(*, dataset: DatasetAddress, request: Request, form: str) -> None:
    """Show all measurements of DATASET with unit and interval, and the kind of each column with its reason."""
    with open_to_profile(dataset, request) as opened, opened.name_failing_columns():
        measured = measure(opened, infer_roles(opened, request))
    if form == "json":
        emit_json(measured.model_dump_json(indent=2))
        return
    show_profile(measured, Console(highlight=False))


NOT_FOR_TRAIN: Final = frozenset({"pin", "reason", "author", "form", "output", "force", "record", "quiet", "verbose"})
"""Options of the default command that `train --bundle` does not need: pins are in the bundle."""


def given_options(*, without: frozenset[str]) -> list[str]:
    """The options of the running command, as words of another command line."""
    context = click.get_current_context()
    words = []
    for option in context.command.params:
        value = context.params.get(option.name or "")
        if not isinstance(option, click.Option) or option.name in without or value is None:
            continue
        for one in value if option.multiple else [value]:
            words += [option.opts[0], str(one)]
    return words
