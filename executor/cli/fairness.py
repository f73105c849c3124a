"""The verb `recommend fairness`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from executor.evaluation.fairness import MIN_GROUP_ROWS
from executor.runs.report.fairness import measure_fairness, show_fairness
from executor.runs.run import Run
from executor.runtime.tensorflow_import import quiet_tensorflow
from recommender.cli.options import DATASET
from rules.cli.output import console, emit_models, examples, format_option

if TYPE_CHECKING:
    from recommender.dataset.address import DatasetAddress


@click.command(
    short_help="Compare scores, rates and errors of groups of rows.",
    epilog=examples(
        "recommend fairness runs/titanic-1 --group Sex",
        "recommend fairness runs/titanic-1 labelled.csv --group Sex --format json",
    ),
)
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("rows", type=DATASET, required=False)
@click.option("--group", required=True, metavar="COLUMN", help="Column whose values are the groups.")
@click.option("--positive", metavar="CLASS", help="The positive outcome [the rare class, or each of several].")
@click.option(
    "--min-rows",
    type=click.IntRange(min=2),
    default=MIN_GROUP_ROWS,
    show_default=True,
    metavar="N",
    help="Suppress groups with fewer rows.",
)
@format_option
def fairness(
    *, run: Path, group: str, rows: DatasetAddress | None, positive: str | None, min_rows: int, form: str
) -> None:
    """Compare groups of rows: metric, selection rate, true and false positive rate, and calibration of each.

    ROWS are rows with known targets; without them, the groups of the hold-out are compared.

    Differences and ratios between groups have 95 % bootstrap intervals. For numeric targets, errors are compared. The
    column is read from the dataset of RUN, which must be unchanged; the model need not read it.
    """
    finished = Run(run)
    if rows is not None:
        quiet_tensorflow()
    found = measure_fairness(finished, group, rows=rows, positive=positive, min_rows=min_rows)
    if form == "json":
        emit_models(found)
    else:
        show_fairness(found, console())
