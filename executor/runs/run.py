"""The run directory: what a training leaves behind, how it is read again, and how it predicts."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from executor.evaluation.diagnostics.learning_curve import LearningCurve
from executor.evaluation.diagnostics.next_steps import NextSteps
from executor.evaluation.scores import ImbalanceChoice, Importance, Scores, Sensitivity
from executor.model.signature import Signature
from recommender.run_manifest import GUARDRAILS, RECORD, SCORES, Manifest
from recommender.roles.horizon import Outlook
from recommender.dataset.readers.types.reading import ColumnReading
from recommender.recommendation.recommend import Said
from recommender.roles.infer import Kind
from rules.decision.request import ImageReading, SequenceReading, Unreadable
from rules.vocabulary.bundle import Bundle
from rules.errors import RunError, did_you_mean
from rules.vocabulary.facts import Task
from rules.text.files import write_text
from rules.decision.record import Guardrail, Guardrails, Record
from rules.text.temporary import is_left_over, remove_left_over

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import keras
    import pyarrow as pa


PLAN, BUNDLE, SIGNATURE = "plan.json", "bundle.yaml", "signature.json"
MODEL, PREDICTIONS, SUMMARY = "model.keras", "predictions.csv", "summary.json"
IMPORTANCE, REPORT = "importance.json", "report.html"
File = TypeVar("File", bound=BaseModel)
MAX_STEM: Final = 200  # bytes of a run's name before its number; file systems take 255
RUNS: Final = Path("runs")  # where runs are kept unless a person says otherwise


class Plan(BaseModel):
    """How a run was asked for: all that a resumed run needs to go on as it began."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = "pcwat/run/1"
    dataset: str | None
    """Absolute path of the dataset's file; None for a table in memory."""
    digest: str
    delimiter: str | None
    targets: tuple[str, ...]
    task: Task | None
    kinds: dict[str, str]
    time_column: str | None
    entity_column: str | None
    split_column: str | None
    horizon: int | None = None
    """Steps ahead of a forecast; None where they were inferred. Likewise the steps of a season."""
    season: int | None = None
    known: tuple[str, ...] = ()
    """Columns known in advance."""
    bundle: str
    """SHA-256 of the bundle that is trained: a search goes on only under the bundle with which it began."""
    seed: int
    budget: float | None
    trials: int | None
    at_once: int | None = None
    """Trials that train at once in one graph; None where the number is chosen automatically."""
    single: bool = False
    """Whether one network was asked for, where several together may be better."""
    satisfied_at: float | None = None
    """The P that would satisfy; None where the baselines are the measure."""
    images: ImageReading | None = None
    """How image files are read, where something was said about it."""
    sequences: SequenceReading | None = None
    """How rows are gathered into sequences, where they are."""
    missing: tuple[str, ...] | None = None
    """Texts that count as missing, besides the empty one; None for the usual ones of the format."""
    date_formats: dict[str, str] = Field(default_factory=dict)
    """The formats of dates that were given, by column."""
    readings: dict[str, ColumnReading] = Field(default_factory=dict)
    """How each column of the dataset was read."""
    changed: dict[str, str]
    """Slots in which the trained bundle differs from the rules' choice: slot → what the rules chose."""
    record: str = ""
    """The seal of the run's audit record; empty in plans of older versions."""
    seal: str = ""
    """SHA-256 of all of the above; empty in plans of older versions."""

    def fingerprint(self) -> str:
        """What the seal must equal."""
        # Only what the file holds: a field that a later version adds does not change it.
        own = self.model_dump_json(exclude={"seal"}, exclude_unset=True)
        return f"sha256:{hashlib.sha256(own.encode()).hexdigest()}"

    def sealed(self) -> Plan:
        """The plan with its seal."""
        whole = Plan.model_validate(self.model_dump())  # every field counts as set, as in the file
        return whole.model_copy(update={"seal": whole.fingerprint()})

    def said(self) -> Said:
        return Said(
            targets=self.targets,
            task=self.task,
            kinds={column: Kind(kind) for column, kind in self.kinds.items()},
            time_column=self.time_column,
            entity_column=self.entity_column,
            split_column=self.split_column,
            images=self.images,
            sequences=self.sequences,
            outlook=Outlook(horizon=self.horizon, season=self.season, known=self.known),
            missing=self.missing,
            date_formats=self.date_formats,
        )


class Summary(BaseModel):
    """What the search did, in numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: str
    trials: int
    """Those that ended."""
    planned: int | None = None
    """The most that were allowed or there were to try; None where only time set a limit."""
    completed: int
    cut_short: int = 0
    """Completed ones that time or Ctrl-C ended before their planned epochs."""
    stopped_by: str
    started_late: bool = False
    """Whether the time limit was over before the search began, so that one trial ran beyond it."""
    best_trial: int
    """Its number in trials.jsonl, where the first is 0."""
    members: dict[int, int] = Field(default_factory=dict)
    """The trials of which the model is the mean, each with the times that it counts; one where it is a single one."""
    members_why: str = ""
    """Why several, or why one alone."""
    best_hyperparameters: dict[str, float | int | str]
    """Those that the search varied."""
    best_configuration: dict[str, bool | float | int | str] = Field(default_factory=dict)
    """The values in force in the best trial: of each hyperparameter that its network has, searched or not, and of each
    parameter of the optimizer."""
    imbalance: ImbalanceChoice | None = None
    """What was done about rare classes, from P to the threshold; None where no class is rare."""
    huber_delta: float | None = None
    """Where the loss turned linear, in standard deviations of the target; None for other losses."""
    sensitivity: tuple[Sensitivity, ...] = ()
    """How much each hyperparameter that the trials varied mattered, the most important first."""
    sensitivity_missing: str = ""
    """Why that was not measured; empty where it was."""
    unvaried: tuple[str, ...] = ()
    """Hyperparameters of the search space of which all trials have one value: the search ended before a second one."""
    curve: LearningCurve | None = None
    """The chosen configuration trained again: from other seeds, and on fewer rows."""
    next_steps: NextSteps | None = None
    """Whether P satisfies, and what to try where it does not."""
    seconds: float
    """From the start to the scores."""
    stages: dict[str, float] = Field(default_factory=dict)
    """Seconds of each stage, in their order."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Of Python and of the packages that made the numbers."""


class Run:
    """A finished training. Everything is read from its directory when it is first asked for.

    Raises RunError if the directory does not hold a finished run.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        read_plan(self.directory)
        if not (self.directory / SCORES).exists():
            raise RunError(
                f"{self.directory} holds a run that was not finished. "
                f"'recommend train --resume {self.directory}' continues it."
            )

    def __repr__(self) -> str:
        return f"Run({str(self.directory)!r})"

    def _repr_html_(self) -> str:
        from executor.notebook import shown  # noqa: PLC0415  it reads runs

        return shown(self)

    @cached_property
    def plan(self) -> Plan:
        return read_plan(self.directory)

    @cached_property
    def bundle(self) -> Bundle:
        return Bundle.read(self.directory / BUNDLE)

    @cached_property
    def record(self) -> Record:
        return Record.read_intact(self.directory / RECORD)

    @cached_property
    def seal(self) -> str:
        """SHA-256 of the digests of all files of the run, for 'recommend audit verify RUN --seal'; "" without one."""
        manifest = Manifest.read(self.directory)
        return "" if manifest is None else manifest.seal

    @cached_property
    def signature(self) -> Signature:
        path = self.directory / SIGNATURE
        signature = read_json(path, Signature)
        if reason := signature.contradiction():
            raise RunError(f"{path} was altered: {reason}. Restore the original file, or train again.")
        return signature

    @cached_property
    def scores(self) -> Scores:
        return read_json(self.directory / SCORES, Scores)

    @cached_property
    def summary(self) -> Summary:
        return read_json(self.directory / SUMMARY, Summary)

    @cached_property
    def importance(self) -> Importance | None:
        """How much the model leans on each column; None where that was not measured."""
        path = self.directory / IMPORTANCE
        return read_json(path, Importance) if path.exists() else None

    @cached_property
    def guardrails(self) -> tuple[Guardrail, ...]:
        return read_json(self.directory / GUARDRAILS, Guardrails).guardrails

    @cached_property
    def model(self) -> keras.Model:
        """The Keras model, which takes raw rows: a dict of column name → (rows, 1) array, as signature.json lists."""
        from executor.model.assemble import load  # noqa: PLC0415  TensorFlow takes seconds

        return load(self.directory / MODEL, self.signature)

    def predict(
        self,
        data: object,
        *,
        delimiter: str | None = None,
        ignore_extra: bool = False,
        key: str | Sequence[str] = (),
        unreadable: Unreadable = "refuse",
    ) -> pa.Table:
        """Predict new rows. data: what `recommend` takes. Returns an Arrow table, one row for each row of data.

        The rows keep their order, and labels have the type that they had in training. key: columns of data that are
        written first, to identify the rows.
        Of a series, data is its past, and the predictions are the steps after its last row, for each series a horizon.
        Of image files, the column `file` says which image each row is; unreadable: "leave_out" passes over those that
        cannot be read. Warns of them, of a past that is shorter than what the model looks back to, and of a column of
        predictions whose name is taken by another one, so that "_2" is appended.
        Raises ColumnError on a missing or retyped column, on a key that is no column, and on an unknown column unless
        ignore_extra.
        """
        from executor.model.predict import predict  # noqa: PLC0415  TensorFlow takes seconds

        return predict(self, data, delimiter=delimiter, ignore_extra=ignore_extra, key=key, unreadable=unreadable)


def read_plan(directory: Path) -> Plan:
    """The plan of a run directory. Raises RunError if it is not one, or the plan was altered."""
    try:
        is_run = (directory / PLAN).exists()
        others = [] if is_run else [path.parent.name for path in directory.parent.glob(f"*/{PLAN}")]
    except OSError as error:
        raise RunError(f"{directory} cannot be read: {error.strerror}. Allow reading, or name another run.") from None
    if not is_run:
        near = did_you_mean(directory.name, others)
        raise RunError(
            f"A run is a directory that 'recommend train' wrote, with a {PLAN} in it, but {directory} is not one.{near}"
        )
    plan = read_json(directory / PLAN, Plan)
    if plan.seal and plan.seal != plan.fingerprint():
        raise RunError(
            f"{directory / PLAN} was altered: it does not match its digest. Restore the original file, or train again."
        )
    return plan


def read_json(path: Path, kind: type[File]) -> File:
    """Read a file of a run. Raises RunError if it is missing or damaged."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise RunError(
            f"A run must hold {path.name}, but {path} cannot be read: {error.strerror}. Train again."
        ) from None
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise RunError(f"{path} is damaged: {problem}. Restore it from a copy, or train again.") from None


def fingerprint(bundle: Bundle) -> str:
    """SHA-256 of a bundle's choices, whatever its file looks like."""
    return f"sha256:{hashlib.sha256(bundle.model_dump_json().encode()).hexdigest()}"


def new_directory(name: str, parent: Path = RUNS) -> Path:
    """Make the first free directory NAME-1, NAME-2, … below parent; of a long name, its beginning."""
    plain = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
    stem = plain.encode()[:MAX_STEM].decode(errors="ignore").strip("-") or "run"
    number = 1
    while True:
        directory = parent / f"{stem}-{number}"
        try:
            directory.mkdir(parents=True)
        except FileExistsError:
            number += 1
        except OSError as error:
            raise RunError(f"Cannot make the run directory {directory}: {error.strerror}.") from None
        else:
            return directory


def claimed(directory: Path) -> Path:
    """Make the directory that a person named. Raises RunError if something is in it."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        remove_left_over(directory)
        taken = any(not is_left_over(path) for path in directory.iterdir())
    except OSError as error:
        raise RunError(f"Cannot make the run directory {directory}: {error.strerror}.") from None
    if taken:
        raise RunError(
            f"A new run needs an empty directory, but {directory} holds files. Name another, or continue the run with "
            f"--resume {directory}."
        )
    return directory


def write(path: Path, text: str) -> None:
    """Write a file of a run so that it is there whole or not at all. Raises RunError where that cannot be done."""
    write_text(path, text, error=RunError)


def write_json(path: Path, value: BaseModel) -> None:
    write(path, as_json(value))


def as_json(value: BaseModel) -> str:
    return value.model_dump_json(indent=2) + "\n"
