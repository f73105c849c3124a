"""The verbs `recommend train` and `recommend predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import pyarrow as pa
from pyarrow import csv, parquet
from rich.console import Console

from executor.begin import Begun, begin, reopen
from executor.budget import Budget
from executor.progress import SearchProgress
from executor.quiet import quiet_tensorflow
from executor.run import Run, read_plan
from executor.scoreboard import show_scores
from recommender.cli import dataset_options, read_pins, strategy_options
from recommender.dataset import Dataset
from recommender.plan import DEFAULT_BUDGET, seconds
from recommender.render import show
from rules.bundle import Bundle
from rules.choices import Slot
from rules.errors import RunError
from rules.settings import layers

if TYPE_CHECKING:
    from recommender.recommend import Said


@click.command()
@click.argument("dataset", type=click.Path(path_type=Path), required=False)
@dataset_options
@strategy_options
@click.option("--bundle", "edited", type=click.Path(path_type=Path), help="Train this bundle.yaml, edited or not.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same result.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Directory of the run [runs/NAME-1].")
@click.option("--resume", "stopped", type=click.Path(path_type=Path), metavar="RUN", help="Go on with a stopped run.")
def train(
    *,
    dataset: Path | None,
    said: Said,
    delimiter: str | None,
    book: tuple[str, ...],
    pin: tuple[str, ...],
    reason: tuple[str, ...],
    budget: str | None,
    trials: int | None,
    edited: Path | None,
    seed: int,
    output: Path | None,
    stopped: Path | None,
) -> None:
    r"""Recommend a bundle for DATASET, search under it, and keep the model with the best P.

    \b
    recommend train titanic.csv --target Survived --budget 10m
    recommend train titanic.csv --target Survived --bundle mine.yaml
    recommend train --resume runs/titanic-1

    The run directory holds the model (model.keras, which takes raw rows), the bundle, the audit record, the trials,
    the hold-out scores and predictions. Ctrl-C ends the search and keeps the best model so far.
    """
    if (dataset is None) is (stopped is None):
        raise click.UsageError("Name either a DATASET to train on, or a run with --resume.")
    given = None if budget is None else seconds(budget)
    if stopped is not None:
        plan = read_plan(stopped)
        limit = Budget(seconds=given or plan.budget, trials=trials or plan.trials)
        begun = reopen(stopped)
    else:
        limit = Budget(seconds=given if given or trials else DEFAULT_BUDGET, trials=trials)
        bundle = None if edited is None else Bundle.read(edited)
        pins = read_pins(pin, reason)
        begun = begin(
            Dataset.open(str(dataset), delimiter=delimiter),
            said,
            budget=limit,
            bundle=bundle,
            book=layers(book),
            pins=pins,
            seed=seed,
            directory=output,
            delimiter=delimiter,
        )
    with begun.dataset:
        run = _carried_out(begun, limit)
    show_scores(run, Console(highlight=False))


def _carried_out(begun: Begun, limit: Budget) -> Run:
    """Show the strategy, then train under it with progress on standard error."""
    messages = Console(stderr=True, highlight=False)
    if begun.advice is not None:
        show(begun.advice, Console(highlight=False))
    for slot, ruled in begun.plan.changed.items():
        messages.print(f"{slot}: the bundle says {begun.bundle.choice(Slot(slot))}; the rules choose {ruled}.")
    messages.print("Starting TensorFlow …", style="dim")
    quiet_tensorflow()
    from executor.pipeline import carry_out  # noqa: PLC0415  after TensorFlow was silenced

    try:
        with SearchProgress(messages, metric=str(begun.bundle.metric)) as progress:
            return carry_out(begun, budget=limit, progress=progress)
    except KeyboardInterrupt:
        click.echo(f"Stopped. 'recommend train --resume {begun.directory}' goes on.", err=True)
        raise


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("rows", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="CSV, or Parquet by its ending [standard output]."
)
@click.option("--delimiter", metavar="CHARACTER", help="What separates columns, where it is not found out.")
@click.option("--ignore-extra", is_flag=True, help="Leave out columns that the training did not see.")
def predict(*, run: Path, rows: Path, output: Path | None, delimiter: str | None, ignore_extra: bool) -> None:
    r"""Predict ROWS (a table with the columns of the training) with the model of RUN.

    \b
    recommend predict runs/titanic-1 new_passengers.csv -o out.csv

    Of a time series, ROWS is its past, and the answer is the step after the last row.
    """
    finished = Run(run)
    with Dataset.open(str(rows), delimiter=delimiter) as dataset:
        quiet_tensorflow()
        from executor.predict import predict as predicted  # noqa: PLC0415  after TensorFlow was silenced

        answers = predicted(finished, dataset, ignore_extra=ignore_extra)
    if output is None:
        sink = pa.BufferOutputStream()
        csv.write_csv(answers, sink)
        click.echo(sink.getvalue().to_pybytes().decode(), nl=False)
        return
    try:
        if output.suffix == ".parquet":
            parquet.write_table(answers, output)
        else:
            csv.write_csv(answers, output)
    except OSError as error:
        raise RunError(f"Cannot write {output}: {error}. Choose another place.") from None
    click.echo(f"Wrote {answers.num_rows:,} predictions to {output}.", err=True)
