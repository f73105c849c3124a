"""Training and resuming a run: the Python entry points."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from executor.pipeline.execute import execute
from executor.pipeline.prepare import prepare, reopen, resumed_budget
from executor.pipeline.tracking.track import parse_trackers, track_run
from executor.runs.plan import read_plan
from executor.runtime.budget import Budget
from recommender.dataset.address import parse_address
from recommender.dataset.dataset import Dataset
from recommender.recommendation.recommend import open_dataset
from recommender.recommendation.search_space import with_search
from rules.decision.request import Request
from rules.rulebook.rulebook import SHIPPED_LAYERS

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

    from executor.runs.run import Run
    from recommender.recommendation.search_space import Space
    from rules.decision.trace import Pin
    from rules.vocabulary.bundle import Bundle


def train(
    data: object,
    request: Request | None = None,
    *,
    bundle: Bundle | None = None,
    book: Sequence[str | Path] = SHIPPED_LAYERS,
    pins: Sequence[Pin] = (),
    search: Space = (),
    budget: float | None = None,
    trials: int | None = None,
    after: str | os.PathLike[str] | None = None,
    seed: int = 0,
    directory: Path | None = None,
    at_once: int | None = None,
    cluster: str | None = None,
    single: bool = False,
    keep_evaluated: bool = False,
    interval_groups: str | None = None,
    report: bool = True,
    satisfied_at: float | None = None,
    track: str | Sequence[str] = (),
    **fields: object,
) -> Run:
    """Recommend a bundle for a dataset, search under it, and keep the model with the best metric.

    Args:
        data: Path of a table (CSV, TSV, Parquet or JSON lines), of an .npz file, or of a folder or an archive of
            images; a URL of such a file or of a PostgreSQL table; a pandas or polars DataFrame, an Arrow table or a
            Hugging Face `Dataset`; or an open `Dataset`.
        request: Target, task, roles of columns, and how the data is read; None infers all of them. Default None.
        bundle: Bundle that is trained instead of the recommended one; pins replace choices in it. Default None.
        book: Layers of rules, later ones on top of earlier ones: "handbook", "evidence" or paths of YAML files.
            Default the shipped layers.
        pins: Choices that you make yourself; they replace those of the rules. Default ().
        search: Hyperparameters to search, with their values, such as {"units": [64, 512], "dropout": "0..0.5"}, or
            texts such as "units=[64,512]"; all others keep their defaults. Default (): chosen by the rules.
        budget: Time limit in seconds, which always leaves a usable model. Default None.
        trials: Number of trials at most. None runs as many as the budget allows, without one 20. Default None.
        after: A finished run on the same data, or its directory: rules may test the facts that its training measured,
            such as `gradient_flow`. None: they are unmeasured. Default None.
        seed: The same seed gives the same split, trials and model. Default 0.
        directory: Directory of the run; it must be empty or missing. None makes a new one below runs/. Default None.
        at_once: Trials that are trained in parallel in one graph. None chooses the number. Default None.
        cluster: Address of a Ray cluster whose workers train the trials: "local", "local:N" for N workers on this
            machine, "auto" for the cluster that this machine belongs to, or "HOST:PORT". None trains in this process.
            Default None.
        single: Keep the best network even if an average of several is better. Default False.
        keep_evaluated: Keep the evaluated model. By default it is trained again on all rows, including the hold-out,
            after the evaluation, where time allows. Default False.
        interval_groups: Column of categories by whose groups prediction intervals of a regression are measured, so
            that each group is covered. None measures one width for all rows. Default None.
        report: Write report.html, and measure what only it shows: importance of columns, variance between seeds and
            learning curve. `recommend report` writes it later, without these. Default True.
        satisfied_at: Value of the metric that is good enough: below it the run says what to try next. None compares
            with the baselines instead. Default None.
        track: Trackers that get a copy of the finished run: "mlflow", "mlflow:URI", "tensorboard" or
            "tensorboard:DIR". Default ().
        **fields: Fields of `Request` by name, such as `target="price"`; they replace those of `request`.

    Returns:
        The finished run: model, scores on the hold-out, predictions, bundle and audit record.

    Raises:
        PcwatError: If the data, the request, a rule or a choice cannot be used, or no trial completes; the message
            says how to fix it.
        TypeError: If a name among `fields` is no field of `Request`; the message names the nearest.

    Warns:
        UserWarning: If a tracker fails; the run is complete.

    Examples:
        >>> from executor import train
        >>> from recommender.examples import example
        >>> run = train(example("wine"), target="cultivar", trials=2)  # doctest: +SKIP
    """
    request = Request.of(request, fields, called="train")
    pins = with_search(pins, search)
    trackers = parse_trackers(track)
    limit = Budget(seconds=budget, trials=trials)
    clock = limit.start_clock()
    with nullcontext(data) if isinstance(data, Dataset) else open_dataset(data, request) as dataset:
        run = prepare(
            dataset,
            request,
            budget=limit,
            bundle=bundle,
            book=book,
            pins=pins,
            after=after,
            seed=seed,
            directory=directory,
            at_once=at_once,
            cluster=cluster,
            single=single,
            keep_evaluated=keep_evaluated,
            interval_groups=interval_groups,
            report=report,
            satisfied_at=satisfied_at,
        )
        finished = execute(run, clock=clock)
    track_run(finished, trackers)
    return finished


def resume(
    directory: Path,
    *,
    budget: float | None = None,
    data: str | os.PathLike[str] | None = None,
    cluster: str | None = None,
) -> Run:
    """Resume an interrupted run without repeating a finished trial.

    Args:
        directory: Directory of the run.
        budget: Time limit from now on, in seconds. None takes the limit that the run was started with. Default None.
        data: New path or URL of the dataset. None opens the one that the plan names. Default None.
        cluster: Address of the Ray cluster from now on, of a run that was started on one. None takes the same. Default
            None.

    Returns:
        The finished run.

    Raises:
        ClusterError: If the cluster cannot be reached.
        RunError: If the directory is not a run, the run is finished, or its dataset is missing or has changed.

    Examples:
        >>> from executor import resume
        >>> run = resume(Path("runs/wine-1"), budget=60)  # doctest: +SKIP
    """
    plan = read_plan(directory)
    limit = resumed_budget(plan, seconds=budget)
    clock = limit.start_clock()
    address = None if data is None else parse_address(data)
    run = reopen(directory, budget=limit, data=address, cluster=cluster)
    with run.dataset:
        return execute(run, clock=clock)
