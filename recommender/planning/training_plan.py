"""The plan of a training: values and intervals."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from rules.vocabulary.bundle import Bundle
from rules.vocabulary.facts import Task


class StageName(StrEnum):
    """Stages of a run in their order, with the names that summary.json has, and those before and after them."""

    START_UP = "start-up"
    READING = "reading and encoding"
    SEARCH = "search"
    CURVE = "training again"
    SAVING = "choosing and saving"
    EVALUATION = "hold-out and baselines"
    ALL_ROWS = "training on all rows"
    REPORT = "report"


class PlannedValue(BaseModel):
    """An estimate, and an interval for the speed of the machine."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    value: float
    low: float
    high: float


class MachineSpeed(BaseModel):
    """Speed of the machine that the plan assumes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    slowdown: float
    """Seconds of a training step, relative to the cost model."""
    is_measured: bool
    """Whether a training, or --measure, measured it on this machine."""
    sentence: str


class FirstTraining(BaseModel):
    """The first, full training of the default configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    networks: int
    """Networks of a trial: one per fold and repeat, or one on a single validation set."""
    folds: int | None
    """None where a single validation set is used."""
    repeats: int
    epochs: int
    """Epochs that are expected to fit; networks may stop earlier."""
    hyperparameters: dict[str, int] = Field(default_factory=dict)
    """Of a smaller network than the default one; empty for that one."""
    seconds: PlannedValue
    planned_networks: int
    """Networks of a trial without a time limit."""
    planned_repeats: int
    planned_epochs: int
    planned_seconds: float
    """Seconds of the full training on this machine, without a time limit."""


class FurtherTrials(BaseModel):
    """Trials after the first one."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    further: PlannedValue
    """Number of them."""
    seconds_each: float
    ends: str
    """When the search ends, such as "when no further trial fits into the time limit"."""


class PlannedModel(BaseModel):
    """The model of the run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    networks: int
    """Networks of the evaluated model, whose outputs are averaged; a search may select more trials than one."""
    all_rows_networks: int
    """Networks that are trained on all rows after the evaluation; 0 where no time is left or it is not requested."""


class PlannedStage(BaseModel):
    """A stage of the run."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: StageName
    seconds: PlannedValue


class Overruled(BaseModel):
    """A part of the full training that the time limit reduces or leaves out."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    what: str
    """The part, such as "cross-validation"."""
    sentence: str
    """What is done instead, and the seconds that the part needs."""
    budget: float | None
    """Smallest time limit with which the part is expected to fit, in seconds; None where no limit is known."""
    remedy: str = ""
    """The option that sets this limit, and what it brings; empty where no limit is known."""


class TrainingPlan(BaseModel):
    """What `train` would do with a dataset and a time limit, by the cost model.

    Attributes:
        dataset: Name of the dataset.
        rows: Number of rows.
        columns: Number of feature columns.
        task: The task.
        targets: Target columns.
        bundle: The recommended bundle, with your choices.
        budget: Time limit in seconds; None for a search without a limit.
        cluster: Address of the cluster that trains; None where this machine does.
        workers: Its workers at the moment, at least one; None without a cluster.
        speed: Speed of this machine.
        first: The first, full training of the default configuration.
        trials: Trials after it.
        model: Networks of the model.
        stages: Seconds of each stage.
        seconds: Seconds of the whole run.
        memory_bytes: Peak memory of the process.
        disk_bytes: Size of the run directory.
        overruled: What the time limit reduces or leaves out, with the limits that it needs.
        notes: Further sentences, such as the effect of a default.
        devices: The devices that train, with their measured speeds; empty where none are known.

    Examples:
        >>> from recommender import plan
        >>> from recommender.examples import example
        >>> planned = plan(example("wine"), target="cultivar", budget=60)
        >>> planned.first.planned_networks, planned.budget
        (5, 60.0)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    dataset: str
    rows: int
    columns: int
    task: Task
    targets: tuple[str, ...]
    bundle: Bundle
    budget: float | None
    cluster: str | None = None
    workers: int | None = None
    speed: MachineSpeed
    first: FirstTraining
    trials: FurtherTrials
    model: PlannedModel
    stages: tuple[PlannedStage, ...]
    seconds: PlannedValue
    memory_bytes: PlannedValue
    disk_bytes: PlannedValue
    overruled: tuple[Overruled, ...] = ()
    notes: tuple[str, ...] = ()
    devices: str = ""

    def seconds_of(self, stage: StageName) -> float:
        """Expected seconds of a stage; 0 for one that the run does not have."""
        return next((one.seconds.value for one in self.stages if one.name == stage), 0.0)
