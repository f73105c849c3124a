"""The outcome of a trial."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

EndedBy = Literal["completed", "early_stopping", "diverged", "deadline", "interrupt", "failed"]
"""Why a training ended: all planned epochs; a score that no longer improved; scores that were not finite; the time
limit; Ctrl-C; an error."""


class Outcome(BaseModel):
    """How a trial ended."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    number: int
    round: int = 0
    """Trials of one round were asked for together, and ran at once as far as they fit."""
    asked: int = 1
    """Trials of the round."""
    hyperparameters: dict[str, float | int | str]
    """Those that the search varies."""
    configuration: dict[str, bool | float | int | str] = Field(default_factory=dict)
    """The values in force: of each hyperparameter that the network has, and of each parameter of the optimizer."""
    status: Literal["completed", "diverged", "failed"]
    """completed: some epoch has a score; diverged: none has a finite one; failed: an error was raised."""
    score: float | None
    """P on the validation rows at the best epoch; None unless completed."""
    cost: float | None = None
    """C on the validation rows at the best epoch: it decides between trials with the same score."""
    epochs: int
    """Epochs trained."""
    best_epoch: int | None = None
    """The epoch, counted from 1, whose weights are kept: of those with the best score the one with the lowest cost."""
    planned_epochs: int
    seconds: float
    epoch_seconds: float | None = None
    """Seconds of an epoch, without the first steps, which compile; its share where trials ran at once. None where no
    further steps were taken."""
    message: str = ""
    """Why the trial failed, diverged or was cut short."""
    ended_by: EndedBy
    epoch_scores: tuple[float | None, ...] = ()
    """P on the validation rows after each epoch; None where it was not finite."""
    epoch_rates: tuple[float, ...] = ()
    """Learning rate of the last step of each epoch; 0 where the time was over before the first step."""
    epoch_progress: tuple[float, ...] = ()
    """Share of the training that was done before that step: where the schedule of learning rates stood."""
    first_weights: dict[str, tuple[float, float]] = Field(default_factory=dict)
    """Mean and standard deviation of each weight before the first step, by layer and name; of several folds those of
    the first one's network. Empty where the trial continues another."""
    training_loss: tuple[float | None, ...] = ()
    """C in each epoch, as the trial was trained on it: the mean over the epoch's steps, before each step, with dropout
    and row weights, and over the networks of all folds; None where it was not finite."""
    gradient_norm: tuple[float | None, ...] = ()
    """L2 norm of the gradient of all weights in each epoch: the mean over every eighth of the epoch's steps, from the
    first on, and over the networks of all folds; None where it was not finite."""
    continues: int | None = None
    """The trial from whose weights this one went on."""
    weights: Path | None = None
    """Where the best weights lie; within a run directory until the journal is read or written."""

    @model_validator(mode="after")
    def _a_score_means_completed(self) -> Self:
        if (self.status == "completed") is (self.score is None):
            raise ValueError("a trial has a score if, and only if, it was completed")
        return self

    @property
    def is_cut_short(self) -> bool:
        """Whether time or Ctrl-C ended it before its planned epochs."""
        return self.ended_by in {"deadline", "interrupt"}
