"""The verb `recommend plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from executor.runtime.tensorflow_import import check_tensorflow, quiet_tensorflow
from recommender.cli.options import DATASET, dataset_options, strategy_options
from recommender.planning.make_plan import plan as make_plan
from recommender.planning.show_plan import show_plan
from rules.cli.output import emit_models, examples, format_option
from rules.vocabulary.bundle import Bundle

if TYPE_CHECKING:
    from recommender.dataset.address import DatasetAddress
    from recommender.recommendation.recommend import StrategyOptions
    from rules.decision.request import Request


@click.command(
    short_help="Show what a training would do: networks, trials, seconds, memory.",
    epilog=examples(
        "recommend plan titanic.csv --target Survived --budget 1h",
        "recommend plan titanic.csv --target Survived --budget 90s --format json",
        "recommend plan titanic.csv --target Survived --budget 1h --cluster 10.0.0.1:6379",
        "recommend plan titanic.csv --target Survived",
    ),
)
@click.argument("dataset", type=DATASET)
@dataset_options
@strategy_options
@click.option("--bundle", "edited", type=click.Path(path_type=Path), help="Plan this bundle.yaml; --pin overrides it.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N", help="As in train; no effect."
)
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Plan for a Ray cluster, whose workers are counted: local[:N], auto, or HOST:PORT.",
)
@click.option("--single", is_flag=True, help="Keep the single best network, not an ensemble.")
@click.option("--keep-evaluated", is_flag=True, help="Do not train the model again on all rows.")
@click.option("--no-report", is_flag=True, help="Do not write the report, and do not measure what only it shows.")
@click.option(
    "--measure", is_flag=True, help="Train about a second of steps first, to measure this machine; needs TensorFlow."
)
@format_option
def plan(
    *,
    dataset: DatasetAddress,
    request: Request,
    strategy: StrategyOptions,
    edited: Path | None,
    seed: int,
    cluster: str | None,
    single: bool,
    keep_evaluated: bool,
    no_report: bool,
    measure: bool,
    form: str,
) -> None:
    """Show what 'recommend train' would do with DATASET: the first training, further trials, time, memory and disk.

    Nothing is trained. The plan follows from the sizes of dataset and network, and from the speed of this machine,
    which each training measures. It names what the time limit leaves out, and the limit with which it fits.
    Without --budget, the plan is for a search without a time limit.
    """
    del seed  # it changes which rows train, but not how many
    if measure:
        check_tensorflow()
        quiet_tensorflow()
        from executor.pipeline.measurement.machine import measure_machine  # noqa: PLC0415  TensorFlow

        measure_machine()
    found = make_plan(
        dataset,
        request,
        bundle=None if edited is None else Bundle.read(edited),
        book=strategy.layers,
        pins=strategy.pins,
        budget=strategy.budget,
        trials=strategy.trials,
        after=strategy.after,
        single=single,
        keep_evaluated=keep_evaluated,
        report=not no_report,
        cluster=cluster,
    )
    if form == "json":
        emit_models(found)
    else:
        show_plan(found, Console(highlight=False))
