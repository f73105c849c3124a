"""The plan of a run: what was requested and decided before training."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from executor.runs.files import PLAN, read_json
from recommender.dataset.readers.types.reading import ColumnReading
from recommender.recommendation.recommend import Said
from recommender.roles.horizon import Outlook
from rules.decision.request import ImageReading, SequenceReading
from rules.errors import RunError, did_you_mean
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from pathlib import Path


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
