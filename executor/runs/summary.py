"""The summary of a run."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from executor.evaluation.diagnostics.learning_curve import LearningCurve
from executor.evaluation.diagnostics.next_steps import NextSteps
from executor.evaluation.scores import ImbalanceChoice, Sensitivity
from executor.runs.delivery import Continuation, Delivery
from executor.search.records.training_size import TrainingSize
from executor.search.records.trials import StoppedBy
from recommender.speed.device_speed import DeviceChoice
from rules.decision.record import RecordedFact


class Summary(BaseModel):
    """Summary of a search."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: str
    trials: int
    """Number of trials."""
    planned: int | None = None
    """Maximum number of trials; None where only time is limited."""
    workers: int | None = None
    """The most workers of a cluster that trained trials; None where this machine did."""
    devices: DeviceChoice | None = None
    """The devices that trained the trials, with the measured speeds; None where there was nothing to choose."""
    completed: int
    cut_short: int = 0
    """Completed trials that time or Ctrl-C ended before their planned epochs."""
    size: TrainingSize | None = None
    """Size of a full training that the time limit allowed; None without a time limit, and in runs of older versions."""
    reduction: str = ""
    """How the time limit made the training smaller than the bundle plans, and the budget for the full one."""
    gradients: str = ""
    """Trials with vanishing or exploding gradients, and a remedy; empty without one."""
    training_facts: dict[str, RecordedFact] = Field(default_factory=dict)
    """Facts of the training that rules may test in the next one (--after); empty in runs of older versions."""
    stopped_by: StoppedBy
    started_late: bool = False
    """Whether the time limit had passed before the search, so that one trial ran beyond it."""
    best_trial: int
    """Number in trials.jsonl, from 0."""
    members: dict[int, int] = Field(default_factory=dict)
    """Trials of the model and their number of selections; one trial without an ensemble."""
    members_why: str = ""
    """Why an ensemble, or a single trial, was selected."""
    best_hyperparameters: dict[str, float | int | str]
    """Searched hyperparameters."""
    best_configuration: dict[str, bool | float | int | str] = Field(default_factory=dict)
    """Values of all hyperparameters of the best trial, searched or not, and of all parameters of its optimizer."""
    imbalance: ImbalanceChoice | None = None
    """Treatment of class imbalance; None without a rare class."""
    huber_delta: float | None = None
    """Delta of the Huber loss, in standard deviations of the target; None for other losses."""
    sensitivity: tuple[Sensitivity, ...] = ()
    """Importance of hyperparameters, the most important first."""
    sensitivity_missing: str = ""
    """Why importance was not measured; empty where it was."""
    unvaried: tuple[str, ...] = ()
    """Hyperparameters of the space with a single value in all trials, because the search ended early."""
    curve: LearningCurve | None = None
    """Seed variance and learning curve of the selected configuration."""
    next_steps: NextSteps | None = None
    """Recommended next steps."""
    continuation: Continuation | None = None
    """How the model of another run was trained further; None for a new run."""
    delivery: Delivery | None = None
    """Rows that trained the delivered model; None in runs of older versions."""
    seconds: float
    """Seconds from the start to the scores."""
    stages: dict[str, float] = Field(default_factory=dict)
    """Seconds of each stage."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Versions of Python and packages."""
