"""The verbs `recommend train` and `recommend predict`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
from rich.console import Console

from executor.cli.open_model import import_tensorflow_for, open_model
from executor.cli.progress_line import SearchProgress, row_progress
from executor.model.calibration.conformal_sets import DEFAULT_COVERAGE
from executor.model.predict import find_row_parts
from executor.model.predict import predict as predict_rows
from executor.model.validate_rows import open_rows
from executor.pipeline.prepare import PreparedRun, prepare, reopen, resumed_budget
from executor.pipeline.tracking.track import parse_trackers, track_run
from executor.runs.drift.new_rows import check_comparable
from executor.runs.files import write_json
from executor.runs.plan import read_plan
from executor.runs.prediction_file import CSV, PARQUET, check_ending, open_writer, write_parts
from executor.runs.run import Run
from executor.runs.scoreboard import print_result
from executor.runtime.budget import Budget
from executor.runtime.log import listen_to_log
from executor.runtime.tensorflow_import import check_tensorflow, quiet_tensorflow
from recommender.cli.options import DATASET, dataset_options, option_of, strategy_options
from recommender.cli.signals import ended_by, exit_code
from recommender.dataset.readers.table import input_files
from recommender.planning.cluster_address import parse_cluster
from recommender.recommendation.recommend import open_dataset
from recommender.recommendation.render import show
from recommender.recommendation.trial_budget import DEFAULT_BUDGET
from recommender.run_manifest import SCORES
from rules.cli.output import Verbosity, examples, force_option, print_status, verbosity_options
from rules.decision.request import Request
from rules.errors import ClusterError, RunError
from rules.text.files import atomic_file, refuse_existing_output, refuse_input_as_output
from rules.text.wording import printable
from rules.vocabulary.bundle import Bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import pyarrow as pa

    from executor.data.raw_table import RawTable
    from executor.runs.drift.new_rows import DriftReport
    from executor.runs.export.predictor import Predictor
    from executor.runtime.clock import Clock
    from recommender.dataset.address import DatasetAddress
    from recommender.dataset.readers.row_parts import RowParts
    from recommender.recommendation.recommend import StrategyOptions
    from rules.decision.request import Unreadable

    Writer = Callable[[Path | IO[bytes]], int]


def _without_settings(context: click.Context, _option: click.Parameter, stopped: Path | None) -> Path | None:
    """Ignore settings files where a run is resumed: it continues with its own options."""
    if stopped is not None:
        context.default_map = None
    return stopped


@click.command(
    short_help="Train: search with the recommended strategy, keep the best model.",
    epilog=examples(
        "recommend train titanic.csv --target Survived --budget 10m",
        "recommend train titanic.csv --target Survived --bundle mine.yaml",
        "recommend train titanic.csv --target Survived --search 'units=[64,512]' --search dropout=0..0.5",
        "recommend train titanic.csv --target Survived --trials 100 --cluster local:4",
        "recommend train --resume runs/titanic-1",
        "recommend train --continue runs/titanic-1 new_passengers.csv",
    ),
)
@click.argument("dataset", type=DATASET, required=False)
@dataset_options
@strategy_options
@click.option("--bundle", "edited", type=click.Path(path_type=Path), help="Train this bundle.yaml; --pin overrides it.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N", help="Same seed, same result."
)
@click.option(
    "--at-once",
    type=click.IntRange(min=1),
    metavar="N",
    help="Trials trained in parallel in one graph; 1 trains them sequentially [chosen automatically].",
)
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Train the trials on a Ray cluster: local[:N] for N workers on this machine, auto, or HOST:PORT.",
)
@click.option("--single", is_flag=True, help="Keep the single best network, not an ensemble.")
@click.option(
    "--keep-evaluated",
    is_flag=True,
    help="Keep the evaluated model, instead of training it again on all rows, including the hold-out.",
)
@click.option(
    "--interval-groups",
    metavar="COLUMN",
    help="Measure the prediction intervals of a regression for each category of this column.",
)
@click.option(
    "--no-report",
    is_flag=True,
    help="Do not write the report, and do not measure what only it shows, such as the importance of columns.",
)
@click.option(
    "--satisfied-at",
    type=float,
    metavar="VALUE",
    help="Target value of the metric; if it is missed, next steps are recommended [better than every baseline].",
)
@click.option(
    "--track",
    "tracked",
    multiple=True,
    metavar="TOOL[:PLACE]",
    help="Copy the finished run to mlflow[:URI] or tensorboard[:DIR] (repeatable).",
)
@verbosity_options
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Directory of the run [runs/NAME-1].")
@click.option(
    "--continue",
    "parent",
    type=click.Path(path_type=Path),
    metavar="RUN",
    is_eager=True,
    callback=_without_settings,
    help="Train the model of a finished run further, on the new rows of DATASET.",
)
@click.option(
    "--resume",
    "stopped",
    type=click.Path(path_type=Path),
    metavar="RUN",
    is_eager=True,
    callback=_without_settings,
    help="Resume an interrupted run. Runs stopped with Ctrl-C are already complete.",
)
def train(
    *,
    dataset: DatasetAddress | None,
    request: Request,
    strategy: StrategyOptions,
    edited: Path | None,
    seed: int,
    at_once: int | None,
    cluster: str | None,
    single: bool,
    keep_evaluated: bool,
    interval_groups: str | None,
    no_report: bool,
    satisfied_at: float | None,
    tracked: tuple[str, ...],
    verbosity: Verbosity,
    output: Path | None,
    parent: Path | None,
    stopped: Path | None,
) -> None:
    """Recommend a bundle for DATASET, search its hyperparameters, and keep the model with the best metric.

    The run directory contains the model (model.keras, which reads raw rows), the bundle, the audit record, the trials,
    the report, and scores and predictions on the hold-out. Ctrl-C ends the search and keeps the best model so far.
    """
    if parent is not None and stopped is not None:
        raise click.UsageError("A run is either resumed or continued with new rows. Leave out --resume or --continue.")
    if dataset is None and stopped is None:
        raise click.UsageError("Give either a DATASET to train on, or a run with --resume.")
    check_tensorflow()
    trackers = parse_trackers(tracked)
    if cluster is not None:
        parse_cluster(cluster)
    given, trials = strategy.budget, strategy.trials
    started = click.get_current_context().obj  # the start of the process; None where Python calls the command
    if stopped is not None:
        others: dict[str, object] = {"--bundle": edited, "-o": output, "--seed": seed}
        others |= {"--at-once": at_once, "--single": single, "--keep-evaluated": keep_evaluated}
        others |= {"--no-report": no_report, "--interval-groups": interval_groups}
        others |= {"--satisfied-at": satisfied_at is not None}
        _refuse_more(request, strategy, others)
        plan = read_plan(stopped)
        limit = resumed_budget(plan, seconds=given, trials=trials)
        clock = limit.start_clock(start=started)
        prepared = reopen(stopped, budget=limit, data=dataset, cluster=cluster)
    elif parent is not None:
        others = {"--bundle": edited, "--at-once": at_once, "--single": single, "--keep-evaluated": keep_evaluated}
        _refuse_more(request, strategy, others | {"--trials": trials, "--cluster": cluster}, resumes=False)
        limit = Budget(seconds=given or DEFAULT_BUDGET, trials=1)
        clock = limit.start_clock(start=started)
        former = Run(parent)
        quiet_tensorflow()
        from executor.pipeline.continuation.prepare import (  # noqa: PLC0415  after TensorFlow was silenced
            open_new_rows,
            prepare_continuation,
        )

        prepared = prepare_continuation(
            former,
            open_new_rows(former, dataset),
            budget=limit,
            seed=seed,
            directory=output,
            report=not no_report,
            satisfied_at=satisfied_at,
        )
    else:
        limit = Budget(seconds=given if given or trials else DEFAULT_BUDGET, trials=trials)
        clock = limit.start_clock(start=started)
        bundle = None if edited is None else Bundle.read(edited)
        prepared = prepare(
            open_dataset(dataset, request),
            request,
            budget=limit,
            bundle=bundle,
            book=strategy.layers,
            pins=strategy.pins,
            after=strategy.after,
            seed=seed,
            directory=output,
            at_once=at_once,
            cluster=cluster,
            single=single,
            keep_evaluated=keep_evaluated,
            interval_groups=interval_groups,
            report=not no_report,
            satisfied_at=satisfied_at,
        )
    with prepared.dataset:
        run = _execute(prepared, clock, verbosity)
    if verbosity is Verbosity.QUIET:
        click.echo(run.directory)
    else:
        print_result(run, Console(highlight=False))
        print_status(f"Seal: {run.seal}", verbosity=verbosity)
    say = partial(print_status, verbosity=verbosity)
    track_run(run, trackers, warn=lambda sentence: click.echo(printable(f"Warning: {sentence}"), err=True), say=say)
    if run.summary.stopped_by == "interrupt":
        print_status(f"Stopped by {ended_by()}; the run is finished with the best model so far.", verbosity=verbosity)
        raise click.exceptions.Exit(exit_code())


def _refuse_more(
    request: Request, strategy: StrategyOptions, others: dict[str, object], *, resumes: bool = True
) -> None:
    """Refuse options that would change a run that is resumed, or else continued."""
    own = {
        "--pin": strategy.pins,
        "--book": strategy.is_own_book,
        "--after": strategy.after,
        "options about the dataset": request != Request(),
    }
    given = [name for name, value in (own | others).items() if value]
    if given and not resumes:
        raise click.UsageError(
            "A continued run keeps the target, the choices and the preprocessing of its parent, but got "
            f"{', '.join(given)}. Leave it out, or start a new run."
        )
    if given:
        raise click.UsageError(
            "A resumed run keeps its options, so --resume takes only --budget, --trials and --cluster, but got "
            f"{', '.join(given)}. Leave it out, or start a new run."
        )


def _execute(prepared: PreparedRun, clock: Clock, verbosity: Verbosity) -> Run:
    """Show the strategy, then train under it with progress on standard error; the verbosity sets what is printed."""
    messages = Console(stderr=True, highlight=False)
    quiet = verbosity is Verbosity.QUIET
    if prepared.advice is not None and not quiet:
        show(prepared.advice, Console(highlight=False))
    if not quiet:
        if prepared.plan.streaming is not None:
            messages.print(prepared.plan.streaming.sentence, style="dim")
        messages.print("Starting TensorFlow …", style="dim")
    quiet_tensorflow()
    from executor.pipeline.execute import execute  # noqa: PLC0415  after TensorFlow was silenced

    try:
        with ExitStack() as during:
            progress = during.enter_context(SearchProgress(messages, metric=str(prepared.bundle.metric), quiet=quiet))
            if verbosity is Verbosity.VERBOSE:
                during.enter_context(
                    listen_to_log(lambda sentence: messages.print(sentence, style="dim", markup=False))
                )
            return execute(prepared, clock=clock, progress=progress)
    except (KeyboardInterrupt, RunError, ClusterError, OSError):
        if not (prepared.directory / SCORES).exists():  # else the run is finished and only its report was interrupted
            click.echo(f"To continue: recommend train --resume {prepared.directory}", err=True)
        raise


@click.command(
    short_help="Predict new rows with the model of a run.",
    epilog=examples(
        "recommend predict runs/titanic-1 new_passengers.csv -o out.csv",
        "recommend predict runs/titanic-1 new_passengers.csv -o out.csv --drift drift.json",
    ),
)
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("rows", type=DATASET)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A .csv, .tsv or .parquet file [standard output]."
)
@force_option
@option_of("--delimiter")
@option_of("--table")
@click.option("--ignore-extra", is_flag=True, help="Ignore columns that were not in training.")
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="COLUMN",
    help="Write this column of ROWS next to the predictions (repeatable).",
)
@option_of("--unreadable-images")
@click.option(
    "--quantiles", is_flag=True, help="Write the columns 'quantile 0.1' to 'quantile 0.9' of a forecast, too."
)
@click.option("--sets", is_flag=True, help="Write the column 'set': classes that contain the true one in 90 % of rows.")
@click.option(
    "--coverage", type=click.FloatRange(0.5, 0.99), metavar="SHARE", help="Coverage of the sets, 0.5 to 0.99 [0.9]."
)
@click.option("--by-class", is_flag=True, help="Let the sets cover each class, not only all rows on average.")
@click.option(
    "--drift",
    "drift_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a JSON report of how ROWS differ from the training rows.",
)
@verbosity_options
def predict(
    *,
    run: Path,
    rows: DatasetAddress,
    output: Path | None,
    force: bool,
    delimiter: str | None,
    table: str | None,
    ignore_extra: bool,
    keys: tuple[str, ...],
    unreadable_images: str | None,
    quantiles: bool,
    sets: bool,
    coverage: float | None,
    by_class: bool,
    drift_file: Path | None,
    verbosity: Verbosity,
) -> None:
    """Predict ROWS (a table with the columns of the training, or a folder of images) with the model of RUN.

    RUN is a run, or a directory that 'recommend export' wrote, which predicts without TensorFlow.

    The predictions keep the order of the rows. For a time series, ROWS is its history, and the predictions are the
    steps of the horizon after its last row.
    """
    if (coverage is not None or by_class) and not sets:
        raise click.UsageError("--coverage and --by-class are options of prediction sets. Add --sets.")
    model = open_model(run)
    if verbosity is Verbosity.VERBOSE and isinstance(model, Run):
        seen = model.record.dataset
        print_status(
            f"{run} was trained on {seen.name} ({seen.rows:,} rows) to predict {', '.join(seen.targets)}.",
            verbosity=verbosity,
        )
    for path in (output, drift_file):
        if path is not None:
            refuse_input_as_output(path, [*input_files(rows), *run.iterdir()])
            refuse_existing_output(path, force=force)
    if output is not None:
        check_ending(output)
    ending = CSV if output is None else output.suffix.lower()
    options: dict[str, Any] = {
        "ignore_extra": ignore_extra,
        "key": keys,
        "say": partial(print_status, verbosity=verbosity),
        "as_text": ending != PARQUET,
        "quantiles": quantiles,
        "coverage": (coverage or DEFAULT_COVERAGE) if sets else None,
        "by_class": by_class,
    }
    parts = None if drift_file is not None else find_row_parts(model.signature, rows, delimiter=delimiter, table=table)
    if parts is not None:
        write = _parts_writer(model, parts, ending=ending, verbosity=verbosity, options=options)
    else:
        measured: list[DriftReport] = []
        compute = model.outcome_of if drift_file is None else _with_drift(model, measured, drift_file, output)
        unreadable: Unreadable = "leave_out" if unreadable_images == "leave-out" else "refuse"
        with open_rows(
            model.signature, rows, delimiter=delimiter, table=table, unreadable=unreadable, keys=keys
        ) as dataset:
            import_tensorflow_for(model)
            predictions = predict_rows(compute, model.signature, dataset, **options)
        if drift_file is not None:
            write_json(drift_file, measured[0])
            print_status(measured[0].sentence, verbosity=verbosity)
        write = _table_writer(predictions, ending=ending)
    if output is None:
        write(sys.stdout.buffer)  # bytes: UTF-8, whatever the terminal's encoding is
        return
    with atomic_file(output, error=RunError, remedy="Choose another place.") as temporary:
        count = write(temporary)
    print_status(f"Wrote {count:,} predictions to {output}.", verbosity=verbosity)


def _parts_writer(
    model: Run | Predictor, parts: RowParts, *, ending: str, verbosity: Verbosity, options: Mapping[str, Any]
) -> Writer:
    """Function that predicts the parts of a table and writes them to a target, with a progress line."""

    def write(target: Path | IO[bytes]) -> int:
        with row_progress("Predicting rows", verbosity) as progress:
            return write_parts(model, parts, target, ending=ending, progress=progress, **options)

    return write


def _table_writer(rows: pa.Table, *, ending: str) -> Writer:
    """Function that writes a table to a target, and returns the number of rows."""

    def write(target: Path | IO[bytes]) -> int:
        with open_writer(target, ending) as write_rows:
            write_rows(rows)
        return int(rows.num_rows)

    return write


def _with_drift(
    model: Run | Predictor, measured: list[DriftReport], drift_file: Path, output: Path | None
) -> Callable[[RawTable], np.ndarray]:
    """Function that computes outputs and measures the drift of their rows. Raises RunError where that cannot be."""
    if not isinstance(model, Run):
        raise RunError(
            "--drift needs a run, which keeps the distributions of its training rows, but got an exported model. Name "
            "the run, or leave --drift out."
        )
    check_comparable(model.signature)
    if output is not None and drift_file.resolve() == output.resolve():
        raise RunError(f"--drift must name another file than -o, but both are {output}. Choose another name.")
    return partial(model.outcome_with_drift, report=measured.append)
