"""The plan of a training: what `train` would do, with intervals and the next larger time limits."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

from recommender.dataset.dataset import Dataset
from recommender.dataset.split_shares import HOLD_OUT_SHARE
from recommender.planning.cluster_address import parse_cluster
from recommender.planning.ray_connection import count_workers
from recommender.planning.reductions import duration, reductions
from recommender.planning.stages import Figures, Situation, figures
from recommender.planning.training_memory import plan_streaming
from recommender.planning.training_plan import (
    FirstTraining,
    FurtherTrials,
    MachineSpeed,
    PlannedModel,
    PlannedStage,
    PlannedValue,
    StageName,
    TrainingPlan,
)
from recommender.profile.characteristic import by_name, measured_number
from recommender.recommendation.recommend import advise, open_dataset, sizes_of
from recommender.recommendation.search_space import with_search
from recommender.recommendation.training_work import MAX_SEEDS, TRIALS_WITHOUT_BUDGET, training_work
from recommender.recommendation.trial_budget import DEFAULT_BUDGET, KNOWN_SPREAD, UNKNOWN_SPREAD
from recommender.speed.device_speed import (
    TrainedSize,
    Work,
    choose_devices,
    known_speeds,
    requested_device,
    requested_of,
)
from recommender.speed.machine_speed import known_slowdown
from recommender.training_cost import USUAL_SLOWDOWN, batch_size, small_batch_size, steps_of
from rules.decision.request import Request
from rules.errors import ChoiceError
from rules.proof.proved_book import load_book
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.text.numbers import number
from rules.vocabulary.choices import BagOfNgrams, Gru, Holdout, InceptionTime, MiniRocket, TextCnn
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from recommender.recommendation.recommendation import Recommendation
    from recommender.recommendation.search_space import Space
    from rules.decision.trace import Pin
    from rules.vocabulary.bundle import Bundle


NO_WORKER: Final = "The cluster has no worker at the moment; the plan is for one."
AS_FAST: Final = "The plan assumes workers that are as fast as the cores of this machine."


def plan(
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
    single: bool = False,
    keep_evaluated: bool = False,
    report: bool = True,
    cluster: str | None = None,
    **fields: object,
) -> TrainingPlan:
    """Plan what `train` would do with a dataset and a time limit, without a training and without TensorFlow.

    The plan follows from the sizes of the dataset and of the network, and from the speed of this machine, which
    trainings measure and remember.

    Args:
        data: Path of a dataset, a table in memory, or an open `Dataset`, as in `train`.
        request: Target, task, roles of columns, and how the data is read; None infers all of them. Default None.
        bundle: Bundle that is trained instead of the recommended one; pins replace choices in it. Default None.
        book: Layers of rules, as in `train`. Default the shipped layers.
        pins: Choices that you make yourself. Default ().
        search: Hyperparameters to search, as in `train`. Default (): chosen by the rules.
        budget: Time limit in seconds. None plans a search without a limit. Default None.
        trials: Number of trials at most. Default None.
        after: A finished run on the same data, whose facts of the training rules may test. Default None.
        single: Keep the single best network, not an ensemble. Default False.
        keep_evaluated: Do not train the model again on all rows. Default False.
        report: Write the report, and measure what only it shows. Default True.
        cluster: Address of the Ray cluster whose workers train, as in `train`: they are counted, and assumed to be as
            fast as cores of this machine. None plans a training on this machine. Default None.
        **fields: Fields of `Request` by name, such as `target="price"`; they replace those of `request`.

    Returns:
        The plan: bundle, first training, further trials, seconds of each stage, memory and disk.

    Raises:
        PcwatError: If the data, the request, a rule or a choice cannot be used, the time limit is not positive, or the
            cluster cannot be reached.
        TypeError: If a name among `fields` is no field of `Request`.

    Examples:
        >>> from recommender import plan
        >>> from recommender.examples import example
        >>> planned = plan(example("wine"), target="cultivar", budget=600)
        >>> planned.first.networks, planned.first.epochs
        (5, 256)
    """
    if budget is not None and not 0 < budget < float("inf"):
        raise ChoiceError(f"A time limit must be a positive number of seconds, but got {budget!r}.")
    if trials is not None and trials < 1:
        raise ChoiceError(f"A training has at least 1 trial, but got trials={trials!r}.")
    request = Request.of(request, fields, called="plan")
    found = None if cluster is None else count_workers(parse_cluster(cluster))
    with nullcontext(data) if isinstance(data, Dataset) else open_dataset(data, request) as dataset:
        advice = advise(
            dataset,
            request,
            book=load_book(book),
            bundle=bundle,
            pins=with_search(pins, search),
            budget=budget,
            trials=trials,
            after=after,
        )
        at = _situation(
            dataset,
            advice,
            budget=budget,
            trials=trials,
            single=single,
            keeps_evaluated=keep_evaluated,
            has_report=report,
            workers=None if found is None else max(1, found),
        )
    planned = plan_of(advice, at, slowdown=known_slowdown())
    if found is None:
        return planned
    notes = (*planned.notes, *((NO_WORKER,) if found < 1 else ()), AS_FAST)
    return planned.model_copy(update={"cluster": cluster, "workers": at.workers, "notes": notes})


def plan_of(advice: Recommendation, at: Situation, *, slowdown: float | None) -> TrainingPlan:
    """Plan the training of a recommendation. slowdown: measured on this machine; None if unknown."""
    spread = UNKNOWN_SPREAD if slowdown is None else KNOWN_SPREAD
    speed = USUAL_SLOWDOWN if slowdown is None else slowdown
    found = [figures(at, speed * factor) for factor in (1.0, spread, 1 / spread)]
    expected, seen = found[0], advice.record.dataset

    def interval(of: Callable[[Figures], float]) -> PlannedValue:
        values = [of(one) for one in found]
        return PlannedValue(value=_rounded(values[0]), low=_rounded(min(values)), high=_rounded(max(values)))

    def stage(name: StageName) -> PlannedStage:
        return PlannedStage(name=name, seconds=interval(lambda one: one.stages.get(name, 0.0)))

    largest = at.work.sizes[0]
    return TrainingPlan(
        dataset=seen.name,
        rows=seen.rows,
        columns=at.columns,
        task=seen.task,
        targets=seen.targets,
        bundle=advice.bundle,
        budget=at.budget,
        speed=_speed(slowdown),
        first=FirstTraining(
            networks=expected.size.networks,
            folds=expected.size.networks // expected.size.repeats if expected.size.networks > 1 else None,
            repeats=expected.size.repeats,
            epochs=expected.epochs,
            hyperparameters=dict(expected.size.hyperparameters),
            seconds=interval(lambda one: one.first_seconds),
            planned_networks=largest.networks,
            planned_repeats=largest.repeats,
            planned_epochs=at.work.epochs,
            planned_seconds=_rounded(expected.full_seconds),
        ),
        trials=FurtherTrials(
            further=interval(lambda one: one.trials - 1),
            seconds_each=_rounded(expected.seconds_each),
            ends=_end(at, expected),
        ),
        model=PlannedModel(networks=expected.networks, all_rows_networks=expected.all_rows_networks),
        stages=tuple(stage(name) for name in expected.stages),
        seconds=interval(lambda one: one.seconds),
        memory_bytes=interval(lambda one: one.memory),
        disk_bytes=interval(lambda one: one.disk),
        overruled=tuple(reductions(at, expected, speed)),
        notes=tuple(_notes(at)),
        devices=devices_line(at, expected),
    )


def _situation(
    dataset: Dataset,
    advice: Recommendation,
    *,
    budget: float | None,
    trials: int | None,
    single: bool,
    keeps_evaluated: bool,
    has_report: bool,
    workers: int | None,
) -> Situation:
    bundle, roles, facts = advice.bundle, advice.roles, advice.record.facts
    sizes = sizes_of(dataset, roles, advice.profile)
    validation = bundle.validation
    streaming = plan_streaming(roles, advice.profile, bundle.architecture, rows=sizes.rows)
    keeps_networks = isinstance(validation, Holdout) and not validation.refit
    is_forecast = roles.task is Task.FORECASTING
    has_steps = isinstance(bundle.architecture, MiniRocket) and roles.has_sequences
    known = by_name(advice.profile.characteristics)
    horizon = facts["horizon"].value
    work = training_work(sizes, architecture=bundle.architecture, validation=validation)
    return Situation(
        work=work if workers is None else work.on_workers(workers),
        rows=sizes.rows,
        hold_out=round(HOLD_OUT_SHARE * sizes.rows) if sizes.hold_out is None else sizes.hold_out,
        columns=sizes.columns,
        outputs=roles.outputs * (int(horizon) if is_forecast and isinstance(horizon, int | float) else 1),
        steps=measured_number(known, "mean_sequence") * measured_number(known, "channels") if has_steps else 0.0,
        words=sizes.words,
        network=_network(bundle, has_images=sizes.images is not None, is_forecast=is_forecast),
        has_images=sizes.images is not None,
        is_forecast=is_forecast,
        is_refitted=(is_forecast or roles.has_texts_alone) and not keeps_networks,
        is_searched=bool(bundle.searched),
        budget=budget,
        trials=trials,
        streaming=streaming,
        single=single or not validation.ensemble,
        keeps_evaluated=keeps_evaluated or keeps_networks or sizes.images is not None,
        has_report=has_report,
        workers=workers,
    )


def _network(bundle: Bundle, *, has_images: bool, is_forecast: bool) -> str:
    """Name of the kind of network, with which its measured speeds are kept."""
    if has_images or is_forecast:
        return "cnn" if has_images else "forecaster"
    names = {TextCnn: "text_cnn", BagOfNgrams: "term_bag", InceptionTime: "inception", Gru: "recurrent"}
    return names.get(type(bundle.architecture), "tabular")


def devices_line(at: Situation, expected: Figures) -> str:
    """The devices that train, by the speeds that trainings on this machine measured; empty without any."""
    if at.workers is not None:
        return ""
    rows = at.work.training_rows
    batch = batch_size(rows) if at.network == "tabular" else small_batch_size(rows)
    known = known_speeds(TrainedSize(network=at.network, columns=at.work.width, batch=batch))
    allowed = requested_of([one.devices[0] for one in known]) if known else ()
    if not allowed:
        requested_device()  # called for its error
        return ""
    trials = at.trials if at.is_searched else MAX_SEEDS
    work = Work(
        networks=None if trials is None else trials * expected.size.networks,
        each=expected.size.networks,
        steps=at.work.trained_share * at.work.epochs * steps_of(rows, batch),
        seconds=at.budget,
    )
    speeds = [one for one in known if one.devices[0] in allowed]
    choice = choose_devices(speeds, work, reason="known" if len(allowed) == len(known) else "requested")
    return f"{choice.sentence} The plan has the seconds of the CPU."


def _speed(slowdown: float | None) -> MachineSpeed:
    if slowdown is None:
        return MachineSpeed(
            slowdown=USUAL_SLOWDOWN,
            is_measured=False,
            sentence="The speed of this machine was never measured: the plan is for two idle cores, with wide "
            "intervals. Every training measures it, and so does --measure.",
        )
    return MachineSpeed(
        slowdown=slowdown,
        is_measured=True,
        sentence=f"The speed of this machine is {number(USUAL_SLOWDOWN / slowdown)} times that of two idle cores, by "
        "its last trainings.",
    )


def _end(at: Situation, expected: Figures) -> str:
    """When the search ends, after "it ends"."""
    if not at.is_searched:
        seeds = "; further trials are other seeds of the default configuration" if expected.trials > 1 else ""
        return f"there, because nothing is searched{seeds}"
    if at.trials is not None and expected.trials == at.trials:
        return "with the number of --trials"
    if at.budget is None:
        return f"with trial {TRIALS_WITHOUT_BUDGET}"
    return "when no further trial fits into the time limit"


def _notes(at: Situation) -> Iterator[str]:
    if at.streaming is not None:
        yield at.streaming.sentence
    if at.budget is None and at.trials is None:
        yield (
            f"This plan has no time limit. The command 'recommend train' without --budget stops after "
            f"{duration(DEFAULT_BUDGET)}."
        )


def _rounded(value: float) -> float:
    """Three significant digits."""
    return float(f"{value:.3g}")
