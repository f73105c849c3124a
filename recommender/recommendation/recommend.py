"""Recommendation of a bundle for a dataset: roles, profile, facts, decision and record."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recommender.dataset.address import LocalPath, address_of, recorded
from recommender.dataset.dataset import Dataset
from recommender.dataset.readers.row_parts import find_row_sample
from recommender.dataset.readers.types.times import checked_formats
from recommender.profile.characteristic import by_name, measured_number
from recommender.profile.facts import NO_TRAINING, facts
from recommender.profile.guardrails.status import sort_by_status
from recommender.profile.known_split import named_hold_out
from recommender.profile.measure import measure
from recommender.profile.profile import Profile, rarest_class
from recommender.profile.whole import can_be_sampled, check_sample, measure_exactly, sampled_facts
from recommender.recommendation.bundle_guardrails import check_choices
from recommender.recommendation.bundle_pins import with_bundle
from recommender.recommendation.recommendation import Recommendation
from recommender.recommendation.search_space import with_search
from recommender.recommendation.target_constraints import check_target_values
from recommender.recommendation.training_facts import read_training_facts
from recommender.recommendation.training_work import Sizes
from recommender.recommendation.trial_budget import trial_budget
from recommender.roles.infer import infer_roles
from recommender.speed.machine_speed import known_slowdown
from rules.decision.engine import alternatives, decide, slot_choices
from rules.decision.record import DatasetSeen, Record
from rules.decision.request import RecordedRequest, Request
from rules.errors import DatasetError, PcwatError
from rules.proof.proved_book import ProvedBook, load_book
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.vocabulary.choices import Slot
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import UNKNOWN, Measurement, Task

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from recommender.dataset.address import DatasetAddress
    from recommender.dataset.readers.row_parts import RowSample
    from recommender.dataset.readers.types.reading import ColumnReading
    from recommender.recommendation.search_space import Space
    from recommender.roles.roles import Roles
    from rules.decision.engine import Strategy
    from rules.decision.trace import Pin
    from rules.vocabulary.bundle import Bundle


@dataclass(frozen=True, kw_only=True)
class StrategyOptions:
    """The user's options of the strategy: book, pins and budget."""

    layers: tuple[str, ...]
    is_own_book: bool
    """Whether the book was given on the command line."""
    pins: tuple[Pin, ...]
    budget: float | None
    """Seconds."""
    trials: int | None
    after: Path | None = None
    """A finished run of the same data, whose facts of the training rules may test."""


def recommend(
    data: object,
    request: Request | None = None,
    *,
    book: Sequence[str | Path] = SHIPPED_LAYERS,
    pins: Sequence[Pin] = (),
    search: Space = (),
    budget: float | None = None,
    trials: int | None = None,
    after: str | os.PathLike[str] | None = None,
    **fields: object,
) -> Recommendation:
    """Recommend a metric, loss, initializer, optimizer and tuning strategy, among others, for a dataset.

    Args:
        data: Path of a table (CSV, TSV, Parquet or JSON lines), of an .npz file, or of a folder or an archive of
            images; a URL of such a file or of a PostgreSQL table; a pandas or polars DataFrame, an Arrow table or a
            Hugging Face `Dataset`; or an open `Dataset`.
        request: Target, task, roles of columns, and how the data is read; None infers all of them. Default None.
        book: Layers of rules, later ones on top of earlier ones: "handbook", "evidence" or paths of YAML files.
            Default the shipped layers.
        pins: Choices that you make yourself; they replace those of the rules. Default ().
        search: Hyperparameters to search, with their values, such as {"units": [64, 512], "dropout": "0..0.5"}, or
            texts such as "units=[64,512]"; all others keep their defaults. Default (): chosen by the rules.
        budget: Time limit of the training in seconds. None plans for 300 s. Default None.
        trials: Number of trials at most. None plans as many as the budget allows. Default None.
        after: A finished run on the same data, or its directory: rules may test the facts that its training measured,
            such as `gradient_flow`. None: they are unmeasured. Default None.
        **fields: Fields of `Request` by name, such as `target="price"`; they replace those of `request`.

    Returns:
        The bundle, the decision behind each choice, the profile of the data and the audit record.

    Raises:
        PcwatError: If the data, the request or a rule cannot be used; the message says how to fix it.
        TypeError: If a name among `fields` is no field of `Request`; the message names the nearest.

    Examples:
        >>> from recommender.examples import example
        >>> advice = recommend(example("breast_cancer"), target="diagnosis")
        >>> str(advice.bundle.metric)
        'roc_auc'
        >>> request = Request(target="cultivar", kinds={"alcohol": "numeric"})
        >>> str(recommend(example("wine"), request).bundle.metric)
        'accuracy'
    """
    request = Request.of(request, fields, called="recommend")
    with nullcontext(data) if isinstance(data, Dataset) else open_to_profile(data, request) as dataset:
        own = with_search(pins, search)
        return advise(dataset, request, book=load_book(book), pins=own, budget=budget, trials=trials, after=after)


def advise(
    dataset: Dataset,
    request: Request,
    *,
    book: ProvedBook,
    bundle: Bundle | None = None,
    pins: Sequence[Pin] = (),
    budget: float | None = None,
    trials: int | None = None,
    after: str | os.PathLike[str] | None = None,
) -> Recommendation:
    """Infer roles, measure the profile, derive the facts, and decide by the book.

    bundle: replaces the book's choices; pins take precedence over both. after: a finished run on the same data.
    Raises RunError if the facts of its training cannot be used.
    """
    with dataset.name_failing_columns():
        roles = infer_roles(dataset, request)
        profile = measure(dataset, roles)
    training = NO_TRAINING if after is None else read_training_facts(after, dataset=dataset, targets=roles.targets)

    def strategy_of(profile: Profile) -> Strategy:
        # The number of trials depends on the network of a trial, so rules decide first without and then with it.
        unplanned = facts(profile, trial_budget=Measurement(value=UNKNOWN, source="not planned yet"), training=training)
        pinned = pins if bundle is None else with_bundle(bundle, pins, book=book, facts=unplanned)
        chosen = slot_choices(book, unplanned, pins=pinned)
        plan = trial_budget(
            sizes_of(dataset, roles, profile),
            architecture=chosen[Slot.ARCHITECTURE].choice,
            validation=chosen[Slot.VALIDATION].choice,
            budget=budget,
            trials=trials,
            slowdown=known_slowdown(),
        )
        measured = {**unplanned, "trial_budget": plan}
        own = pins if bundle is None else with_bundle(bundle, pins, book=book, facts=measured)
        return decide(book, measured, pins=own)

    strategy = strategy_of(profile)
    while dataset.drawn is not None and (names := sampled_facts(profile, fragile_facts(strategy))):
        profile = check_sample(dataset, measure_exactly(dataset, roles, profile, names))
        strategy = strategy_of(profile)
    for own in alternatives(strategy.bundle):
        check_target_values(own, profile, roles.labels)
    seen = DatasetSeen(
        name=dataset.name,
        path=recorded(dataset.address),
        digest=dataset.digest,
        rows=dataset.total_rows,
        task=roles.task,
        task_reason=roles.task_reason,
        targets=roles.targets,
        target_reason=roles.target_reason,
        kinds={name: role.kind.value for name, role in roles.columns.items()},
        rare_class=rarest_class(profile),
    )
    asked = RecordedRequest.recorded(request, delimiter=dataset.delimiter, budget=budget, trials=trials)
    guardrails = sort_by_status((*profile.guardrails, *check_choices(strategy.bundle, profile)))
    record = Record.of(strategy, dataset=seen, request=asked, proved=book, guardrails=guardrails)
    return Recommendation(
        bundle=strategy.bundle, strategy=strategy, profile=profile, roles=roles, record=record, book=book
    )


def fragile_facts(strategy: Strategy) -> frozenset[str]:
    """Facts in whose interval a threshold lies that changes a choice."""
    return frozenset(one.fact for decision in strategy.decisions.values() for one in decision.fragile)


def sizes_of(dataset: Dataset, roles: Roles, profile: Profile) -> Sizes:
    """Properties of a dataset on which the duration of a trial depends."""
    is_sequence = roles.has_sequences
    return Sizes(
        rows=dataset.total_rows,
        columns=len(roles.features),
        numbers=sum(roles.columns[name].kind is Kind.NUMERIC for name in roles.features),
        images=dataset.images if roles.has_images else None,
        words=measured_number(by_name(profile.characteristics), "text_words") if roles.has_texts_alone else 0.0,
        outputs=roles.outputs if is_sequence else 1,
        has_classes=is_sequence and roles.task.is_classification,
        hold_out=named_hold_out(dataset, roles) if is_sequence else None,
    )


def advise_on(address: DatasetAddress, request: Request, strategy: StrategyOptions) -> Recommendation:
    """Open a dataset and recommend a bundle, for the command line. Raises PcwatError where the user can fix it."""
    book = load_book(strategy.layers)
    with open_to_profile(address, request) as dataset:
        return advise(
            dataset,
            request,
            book=book,
            pins=strategy.pins,
            budget=strategy.budget,
            trials=strategy.trials,
            after=strategy.after,
        )


def open_to_profile(data: object, request: Request) -> Dataset:
    """Open a dataset whose profile is measured: of large Parquet files, only a random sample of rows is read.

    All rows are read where they depend on each other, and where the sample raises an error. Raises as `open_dataset`.
    """
    if sample := _row_sample(data, request):
        dataset = None
        try:
            dataset = Dataset.open(sample, times=request.times, not_times=request.not_times)
            with dataset.name_failing_columns():
                if can_be_sampled(dataset, infer_roles(dataset, request)):
                    return dataset
        except PcwatError:
            pass  # about all rows, it is raised below
        if dataset is not None:
            dataset.close()
    return open_dataset(data, request)


def _row_sample(data: object, request: Request) -> RowSample | None:
    """Sample of the rows of large files, if a request reads them in the usual way and their order does not matter."""
    has_options = request.delimiter or request.reading or request.missing is not None or request.date_formats
    if has_options or request.task is Task.FORECASTING:
        return None
    try:
        address = address_of(data)
    except DatasetError:
        return None
    return find_row_sample(address.path, table=request.table) if isinstance(address, LocalPath) else None


def open_dataset(data: object, request: Request, *, readings: Mapping[str, ColumnReading] | None = None) -> Dataset:
    """Open an address or a frame with the options of a request. readings: how columns were read in training.

    Raises ChoiceError on an invalid date format, and DatasetError and ColumnError as `Dataset.open` does.
    """
    return Dataset.open(
        data,
        delimiter=request.delimiter,
        table=request.table,
        reading=request.reading,
        missing=request.missing,
        readings=readings,
        formats=checked_formats(request.date_formats),
        times=request.times,
        not_times=request.not_times,
        kept=request.target,
    )


def to_json(advice: Recommendation) -> dict[str, Any]:
    """JSON values of a recommendation: bundle, audit record and profile."""
    return {
        "bundle": advice.bundle.model_dump(mode="json"),
        "record": advice.record.model_dump(mode="json"),
        "profile": advice.profile.model_dump(mode="json"),
    }
