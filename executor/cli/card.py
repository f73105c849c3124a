"""The verb `recommend card`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from executor.runs.files import write
from executor.runs.report.cards.card import FORMS, datasheet, model_card
from executor.runs.report.fairness import measure_fairness
from executor.runs.run import Run
from rules.cli.output import examples, force_option
from rules.text.files import refuse_existing_output, refuse_input_as_output

if TYPE_CHECKING:
    from executor.runs.report.cards.card import CardForm


@click.command(
    short_help="Write a model card or a datasheet as Markdown.",
    epilog=examples(
        "recommend card runs/titanic-1 -o card.md --group Sex",
        "recommend card runs/titanic-1 --format huggingface -o README.md",
        "recommend card runs/titanic-1 --datasheet -o datasheet.md",
    ),
)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--datasheet", "is_datasheet", is_flag=True, help="Write the datasheet of the dataset instead.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    default="markdown",
    show_default=True,
    help="Plain Markdown, or with the metadata of Hugging Face.",
)
@click.option(
    "--group", "groups", multiple=True, metavar="COLUMN", help="Add fairness figures of this column (repeatable)."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file instead of standard output.")
@force_option
def card(
    *, run: Path, is_datasheet: bool, form: CardForm, groups: tuple[str, ...], output: Path | None, force: bool
) -> None:
    """Write the model card of RUN from its record: data, split, strategy, scores, limits, use, versions and digests.

    The document contains nothing that the run does not contain.
    """
    if is_datasheet and (groups or form != "markdown"):
        raise click.UsageError("A datasheet has no metadata and no groups. Leave out --format and --group.")
    finished = Run(run)
    if output is not None:
        refuse_input_as_output(output, run.iterdir())
        refuse_existing_output(output, force=force)
    if is_datasheet:
        text = datasheet(finished)
    else:
        text = model_card(finished, form=form, fairness=[measure_fairness(finished, column) for column in groups])
    if output is None:
        click.echo(text, nl=False)
        return
    write(output, text)
    click.echo(f"Wrote {output}.", err=True)
