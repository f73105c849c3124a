"""The whole way from a dataset to a bundle with its reasons, on one screen."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from recommender.dataset.dataset import Dataset
from recommender.dataset.readers.types.times import checked_formats
from recommender.profile.characteristic import by_name, measured_number
from recommender.profile.facts import facts
from recommender.profile.guardrails.status import in_order
from recommender.profile.measure import measure
from recommender.profile.profile import Profile, rarest_class
from recommender.recommendation.bundle_guardrails import check_choices
from recommender.recommendation.bundle_pins import with_bundle
from recommender.recommendation.recommendation import Recommendation
from recommender.recommendation.trial_budget import Sizes, trial_budget
from recommender.roles.horizon import Outlook
from recommender.roles.infer import infer_roles
from rules.decision.engine import decide, rulings
from rules.decision.record import DatasetSeen, Record
from rules.decision.request import Asked, ImageReading, SequenceReading
from rules.errors import ChoiceError, DatasetError
from rules.proof.proved_book import ProvedBook, load_book
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.vocabulary.choices import Slot
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import UNKNOWN, Measurement, Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from recommender.dataset.readers.types.reading import ColumnReading
    from recommender.roles.roles import Roles
    from rules.decision.trace import Pin
    from rules.vocabulary.bundle import Bundle


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a person says about the dataset instead of leaving it to be inferred."""

    targets: tuple[str, ...] = ()
    task: Task | None = None
    kinds: Mapping[str, Kind] | None = None
    time_column: str | None = None
    entity_column: str | None = None
    split_column: str | None = None
    images: ImageReading | None = None
    """How image files are read; None where nothing is said about them."""
    sequences: SequenceReading | None = None
    """How rows are gathered into sequences; None where they are not."""
    outlook: Outlook = field(default_factory=Outlook)
    missing: tuple[str, ...] | None = None
    """Texts that count as missing, besides the empty one; None for the usual ones of the format."""
    date_formats: Mapping[str, str] = field(default_factory=dict)
    """The formats in which columns of dates or times are written, as --date-format takes them."""

    @property
    def reading(self) -> ImageReading | SequenceReading | None:
        """How the dataset is opened. Raises ChoiceError where it is to be read in two ways."""
        if self.images is not None and self.sequences is not None:
            raise ChoiceError("Rows are images or steps of a sequence, not both: leave --image-* or --sequence out.")
        return self.images or self.sequences

    @property
    def times(self) -> frozenset[str]:
        """Columns that the user says are times."""
        named = [column for column, kind in (self.kinds or {}).items() if kind is Kind.DATETIME]
        ordering = [] if self.time_column is None else [self.time_column]
        return frozenset([*named, *ordering]) - self.not_times

    @property
    def not_times(self) -> frozenset[str]:
        """Columns that the user says are something else than times."""
        return frozenset(column for column, kind in (self.kinds or {}).items() if kind is not Kind.DATETIME)

    @property
    def is_silent(self) -> bool:
        """Whether nothing was said."""
        return replace(self, kinds=self.kinds or None) == Said()

    def recorded(self, *, delimiter: str | None, budget: float | None, trials: int | None) -> Asked:
        """What was said, for the record."""
        return Asked(
            targets=self.targets,
            task=None if self.task is None else self.task.value,
            kinds={column: kind.value for column, kind in (self.kinds or {}).items()},
            time_column=self.time_column,
            entity_column=self.entity_column,
            split_column=self.split_column,
            delimiter=delimiter,
            budget=budget,
            trials=trials,
            images=self.images,
            sequences=self.sequences,
            horizon=self.outlook.horizon,
            season=self.outlook.season,
            known=self.outlook.known,
            missing=self.missing,
            date_formats=dict(self.date_formats),
        )

    @classmethod
    def again(cls, asked: Asked) -> Said:
        """What was said, from a record."""
        return cls(
            targets=asked.targets,
            task=None if asked.task is None else Task(asked.task),
            kinds={column: Kind(kind) for column, kind in asked.kinds.items()},
            time_column=asked.time_column,
            entity_column=asked.entity_column,
            split_column=asked.split_column,
            images=asked.images,
            sequences=asked.sequences,
            outlook=Outlook(horizon=asked.horizon, season=asked.season, known=asked.known),
            missing=asked.missing,
            date_formats=asked.date_formats,
        )


@dataclass(frozen=True, kw_only=True)
class StrategyOptions:
    """What a person says about the strategy: the book, pins, and the budget."""

    layers: tuple[str, ...]
    is_own_book: bool
    """Whether the book was named on the command line."""
    pins: tuple[Pin, ...]
    budget: float | None
    """Seconds."""
    trials: int | None


def recommend(
    data: object,
    *,
    target: str | Sequence[str] = (),
    task: str | None = None,
    kinds: Mapping[str, str] | None = None,
    time: str | None = None,
    entity: str | None = None,
    split: str | None = None,
    book: Sequence[str | Path] = SHIPPED_LAYERS,
    pins: Sequence[Pin] = (),
    budget: float | None = None,
    trials: int | None = None,
    images: ImageReading | None = None,
    sequences: SequenceReading | None = None,
    horizon: int | None = None,
    season: int | None = None,
    known: Sequence[str] = (),
    missing: Sequence[str] | None = None,
    date_formats: Mapping[str, str] = MappingProxyType({}),
) -> Recommendation:
    """Recommend metric, cost function, initialization, optimizer and tuning strategy for a table or images.

    data: path of a CSV, TSV, Parquet, JSON-lines or .npz file, of a folder or an archive of images, a pandas or polars
    DataFrame, or an Arrow table.
    target: column or columns to predict; proposed where it is left out. time: column that orders the rows in time.
    entity: column whose equal values never lie on both sides of a split, of a forecast the name of a series. split:
    column that names training, validation and test rows. budget: seconds. trials: at most this many.
    images: how image files are read. sequences: how the rows of a long table are gathered into sequences.
    horizon, season, known: of a forecast, the steps ahead, those of a season, and the columns known in advance.
    missing: texts that count as missing, besides the empty one; by default the usual ones of the format.
    date_formats: for a column of dates or times its format: a strptime format, "iso", "quarter", "excel" (day numbers
    of a spreadsheet), "epoch" or "epoch_ms" (seconds or milliseconds since 1970).
    Raises PcwatError with a message for people on anything that a person can mend.

    Examples:
        >>> from recommender.examples import example
        >>> advice = recommend(example("breast_cancer"), target="diagnosis")
        >>> str(advice.bundle.metric)
        'roc_auc'
    """
    said = Said(
        targets=(target,) if isinstance(target, str) else tuple(target),
        task=None if task is None else Task(task),
        kinds={column: Kind(kind) for column, kind in (kinds or {}).items()},
        time_column=time,
        entity_column=entity,
        split_column=split,
        images=images,
        sequences=sequences,
        outlook=Outlook(horizon=horizon, season=season, known=tuple(known)),
        missing=None if missing is None else tuple(missing),
        date_formats=checked_formats(date_formats),
    )
    with nullcontext(data) if isinstance(data, Dataset) else open_dataset(data, said) as dataset:
        return advise(dataset, said, book=load_book(book), pins=pins, budget=budget, trials=trials)


def advise(
    dataset: Dataset,
    said: Said,
    *,
    book: ProvedBook,
    bundle: Bundle | None = None,
    pins: Sequence[Pin] = (),
    budget: float | None = None,
    trials: int | None = None,
) -> Recommendation:
    """Infer roles, measure the profile, derive the facts, and let the book decide.

    bundle: taken instead of the book's choices; pins go before both.
    """
    with dataset.naming_columns():
        roles = roles_of(dataset, said)
        profile = measure(dataset, roles)
    # What a trial trains does not hang on how many there are: the rules choose it before the plan, and again with it.
    unplanned = facts(profile, trial_budget=Measurement(value=UNKNOWN, source="not planned yet"))
    pinned = pins if bundle is None else with_bundle(bundle, pins, book=book, facts=unplanned)
    chosen = rulings(book, unplanned, pins=pinned)
    plan = trial_budget(
        _sizes(dataset, roles, profile),
        architecture=chosen[Slot.ARCHITECTURE].choice,
        validation=chosen[Slot.VALIDATION].choice,
        budget=budget,
        trials=trials,
    )
    measured = {**unplanned, "trial_budget": plan}
    if bundle is not None:
        pins = with_bundle(bundle, pins, book=book, facts=measured)
    strategy = decide(book, measured, pins=pins)
    seen = DatasetSeen(
        name=dataset.name,
        path=None if dataset.path is None else str(dataset.path.resolve()),
        digest=dataset.digest,
        rows=dataset.row_count,
        task=roles.task,
        task_reason=roles.task_reason,
        targets=roles.targets,
        target_reason=roles.target_reason,
        kinds={name: role.kind.value for name, role in roles.columns.items()},
        rare_class=rarest_class(profile),
    )
    asked = said.recorded(delimiter=dataset.delimiter, budget=budget, trials=trials)
    guardrails = in_order((*profile.guardrails, *check_choices(strategy.bundle, profile)))
    record = Record.of(strategy, dataset=seen, asked=asked, proved=book, guardrails=guardrails)
    return Recommendation(
        bundle=strategy.bundle, strategy=strategy, profile=profile, roles=roles, record=record, book=book
    )


def _sizes(dataset: Dataset, roles: Roles, profile: Profile) -> Sizes:
    return Sizes(
        rows=dataset.row_count,
        columns=len(roles.features),
        numbers=sum(roles.columns[name].kind is Kind.NUMERIC for name in roles.features),
        images=dataset.images if roles.has_images else None,
        words=measured_number(by_name(profile.characteristics), "text_words") if roles.has_texts_alone else 0.0,
    )


def advise_on(path: Path, said: Said, strategy: StrategyOptions, *, delimiter: str | None) -> Recommendation:
    """Open a file and recommend, as the command line asks.

    Raises PcwatError with a message for people on anything that a person can mend.
    """
    book = load_book(strategy.layers)
    with open_dataset(path, said, delimiter=delimiter) as dataset:
        return advise(dataset, said, book=book, pins=strategy.pins, budget=strategy.budget, trials=strategy.trials)


def open_dataset(
    data: object,
    said: Said,
    *,
    delimiter: str | None = None,
    readings: Mapping[str, ColumnReading] | None = None,
) -> Dataset:
    """Open a path or a frame as the user says that it is to be read. readings: how columns were read before.

    Raises DatasetError and ColumnError as `Dataset.open` does.
    """
    return Dataset.open(
        data,
        delimiter=delimiter,
        reading=said.reading,
        missing=said.missing,
        readings=readings,
        formats=said.date_formats,
        times=said.times,
        not_times=said.not_times,
        kept=said.targets,
    )


def roles_of(dataset: Dataset, said: Said) -> Roles:
    """What each column is and what is to be predicted, with what a person said taken as given.

    Raises DatasetError as `infer_roles` does, and where something was said about image files but there are none.
    """
    if said.images is not None and (dataset.images is None or dataset.images.source is None):
        raise DatasetError(
            "How image files are read is said for a folder, an archive or a table with their paths, but "
            f"{dataset.name} holds none. Leave --image-size, --image-fit and --unreadable-images out."
        )
    return infer_roles(
        dataset,
        targets=said.targets,
        task=said.task,
        kinds=said.kinds or {},
        time_column=said.time_column,
        entity_column=said.entity_column,
        split_column=said.split_column,
        outlook=said.outlook,
    )


def to_json(advice: Recommendation) -> dict[str, Any]:
    """The recommendation as plain values: the bundle, the audit record, and the profile."""
    return {
        "bundle": advice.bundle.model_dump(mode="json"),
        "record": advice.record.model_dump(mode="json"),
        "profile": advice.profile.model_dump(mode="json"),
    }
