"""The summary of a run."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from executor.evaluation.diagnostics.learning_curve import LearningCurve
from executor.evaluation.diagnostics.next_steps import NextSteps
from executor.evaluation.scores import ImbalanceChoice, Sensitivity
from executor.search.records.trials import StoppedBy


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
    stopped_by: StoppedBy
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
