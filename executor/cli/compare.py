"""The verb `recommend compare`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

from executor.pipeline.measurement.alternatives import check_names, check_slot
from executor.pipeline.measurement.comparison import gain_text, length_text
from executor.runtime.tensorflow_import import quiet_tensorflow
from recommender.cli.options import DATASET, dataset_options, read_pins
from recommender.dataset.readers.table import input_files
from recommender.recommendation.recommend import open_dataset
from recommender.recommendation.trial_budget import seconds as seconds_of
from rules.cli.output import (
    Verbosity,
    emit_json,
    examples,
    force_option,
    format_option,
    print_status,
    verbosity_options,
)
from rules.cli.parameters import SlotName, book_option
from rules.cli.render import plain_table
from rules.rulebook.project_settings import layers
from rules.text.files import refuse_existing_output, refuse_input_as_output, write_text
from rules.text.wording import printable

if TYPE_CHECKING:
    from executor.pipeline.measurement.comparison import Comparison
    from recommender.dataset.address import DatasetAddress
    from rules.decision.request import Request
    from rules.vocabulary.choices import Slot


@click.command(
    short_help="Train the choices of one slot side by side.",
    epilog=examples(
        "recommend compare titanic.csv --target Survived --slot initializer -o compare.html",
        "recommend compare titanic.csv --target Survived --slot optimizer --choices adam,sgd_momentum",
    ),
)
@click.argument("dataset", type=DATASET)
@dataset_options
@click.option(
    "--slot", required=True, type=SlotName(), metavar="SLOT", help="Slot whose choices are compared, such as optimizer."
)
@click.option("--choices", default="", metavar="NAME,…", help="Names of the choices [all that are admissible].")
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Trainings of each choice.")
@click.option("--budget", metavar="DURATION", default="1m", show_default=True, help="Time limit, e.g. 90s or 10m.")
@click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="Epochs of each training [by the budget].")
@click.option(
    "--rows", type=click.IntRange(min=50), default=5_000, show_default=True, metavar="N", help="Rows at most."
)
@click.option(
    "--pin", multiple=True, metavar="SLOT=CHOICE", help="Choice of another slot in all trainings; repeatable."
)
@book_option
@verbosity_options
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write a page with curves to this HTML file.")
@force_option
@format_option
def compare(
    *,
    dataset: DatasetAddress,
    request: Request,
    slot: Slot,
    choices: str,
    seeds: int,
    budget: str,
    epochs: int | None,
    rows: int,
    pin: tuple[str, ...],
    book: tuple[str, ...],
    verbosity: Verbosity,
    output: Path | None,
    force: bool,
    form: str,
) -> None:
    """Train the admissible choices of one slot on DATASET, and compare their scores with paired intervals.

    All other choices, the split, the seeds and the number of epochs are the same. An optimizer is trained with three
    learning rates, of which the best on validation rows counts. The hold-out is neither trained on nor scored.
    """
    started = time.monotonic()
    limit, names = seconds_of(budget), tuple(name.strip() for name in choices.split(",") if name.strip())
    pins = tuple(read_pins(pin, ["for a comparison"] if pin else []))
    check_names(names, check_slot(slot, pins))
    if output is not None:
        refuse_input_as_output(output, input_files(dataset))
        refuse_existing_output(output, force=force)
    with open_dataset(dataset, request) as opened:
        quiet_tensorflow()
        from executor.pipeline.measurement.compare import compare as compare_choices  # noqa: PLC0415  TensorFlow

        found = compare_choices(
            opened,
            request,
            slot=slot,
            choices=names,
            seeds=seeds,
            budget=limit - (time.monotonic() - started),
            epochs=epochs,
            rows=rows,
            book=layers(book),
            pins=pins,
            progress=lambda sentence: print_status(sentence, verbosity=verbosity),
        )
    if output is not None:
        from executor.pipeline.measurement.comparison_page import render_comparison  # noqa: PLC0415  Altair

        write_text(output, render_comparison(found))
    if form == "json":
        emit_json(found.model_dump_json(indent=2))
    else:
        show_comparison(found, Console(highlight=False))
    if output is not None:
        print_status(f"Wrote {output}.", verbosity=verbosity)


def show_comparison(comparison: Comparison, console: Console) -> None:
    """Print the scores and the result of a comparison."""
    table = plain_table(comparison.slot.label, comparison.metric, "Gain")
    table.columns[1].no_wrap = table.columns[2].no_wrap = True
    for one in comparison.choices:
        gain = gain_text(one) + (" (recommended)" if one.is_recommended else "")
        table.add_row(Text(one.choice), str(one.score), gain)
    console.print(table)
    console.print()
    console.print(Text(printable(comparison.result)))
    for name, reason in comparison.left_out.items():
        console.print(Text(printable(f"{name} was not trained: {reason}"), style="yellow"))
    length = length_text(comparison)
    sentence = f"{length}; {comparison.test_rows:,} test rows; 95 % intervals over test rows and seeds."
    console.print(Text(sentence, style="dim"))
