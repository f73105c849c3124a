"""Outcome of a trial."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

EndedBy = Literal["completed", "shortened", "early_stopping", "diverged", "deadline", "interrupt", "failed"]
"""Why a training ended: all planned epochs; the time limit, with the whole schedule laid over fewer epochs; a score
that no longer improved; scores that were not finite; the time limit in the midst of the schedule; Ctrl-C; an error."""


class Outcome(BaseModel):
    """Outcome of a trial."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    number: int
    round: int = 0
    """Round of the search; its trials were proposed together."""
    asked: int = 1
    """Number of trials of the round."""
    hyperparameters: dict[str, float | int | str]
    """Those that the search varies."""
    configuration: dict[str, bool | float | int | str] = Field(default_factory=dict)
    """Values of all hyperparameters of the network, and of all parameters of the optimizer."""
    status: Literal["completed", "diverged", "failed"]
    """completed: with a score; diverged: without a finite score; failed: with an error."""
    score: float | None
    """Validation score of the best epoch; None unless completed."""
    cost: float | None = None
    """Validation loss of the best epoch, which breaks ties of scores."""
    epochs: int
    """Epochs trained."""
    best_epoch: int | None = None
    """The epoch, from 1, whose weights are kept: the best score, of ties the lowest loss. 0 for the initial weights,
    where they are a solution."""
    planned_epochs: int
    seconds: float
    epoch_seconds: float | None = None
    """Seconds per epoch, without the first steps, which compile; the share of a trial in a stack. None without further
    steps."""
    message: str = ""
    """Reason of a failed, diverged or shortened trial."""
    ended_by: EndedBy
    start_score: float | None = None
    """Validation score of the initial weights, where they are a solution."""
    epoch_scores: tuple[float | None, ...] = ()
    """Validation score of each epoch; None where it was not finite."""
    epoch_rates: tuple[float, ...] = ()
    """Learning rate of the last step of each epoch; 0 without a step."""
    epoch_progress: tuple[float, ...] = ()
    """Share of the schedule before that step."""
    first_weights: dict[str, tuple[float, float]] = Field(default_factory=dict)
    """Mean and standard deviation of each initial weight, by layer and name; of the first fold's network. Empty where
    the trial continues another."""
    training_loss: tuple[float | None, ...] = ()
    """Training loss of each epoch: mean over its steps, with dropout and row weights, and over folds; None where it was
    not finite."""
    gradient_norm: tuple[float | None, ...] = ()
    """L2 norm of the gradient of all weights in each epoch: mean over every eighth step and over folds; None where it
    was not finite."""
    weight_norm: tuple[float | None, ...] = ()
    """L2 norm of all weights in each epoch, likewise."""
    first_layer_share: tuple[float | None, ...] = ()
    """Gradient norm of the kernel of the first hidden layer in each epoch, as a share of the gradient norm."""
    continues: int | None = None
    """The trial that this one continues."""
    weights: Path | None = None
    """File of the best weights."""

    @model_validator(mode="after")
    def _a_score_means_completed(self) -> Self:
        if (self.status == "completed") is (self.score is None):
            raise ValueError("a trial has a score if, and only if, it was completed")
        return self

    @property
    def is_cut_short(self) -> bool:
        """Whether time or Ctrl-C ended it before its planned epochs."""
        return self.ended_by in {"deadline", "interrupt"}
