"""trials.jsonl: one line for each finished trial, from which a killed search is replayed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from rules.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterable

JOURNAL: Final = "trials.jsonl"
WEIGHTS: Final = "trials"  # the folder of the trials' weights within a run directory


class Outcome(BaseModel):
    """How a trial ended."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    number: int
    hyperparameters: dict[str, float | int | str]
    """Those that the search varies."""
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
    message: str = ""
    """Why the trial failed, diverged or was cut short."""
    epoch_scores: tuple[float | None, ...] = ()
    """P on the validation rows after each epoch; None where it was not finite."""
    continues: int | None = None
    """The trial from whose weights this one went on."""
    weights: Path | None = None
    """Where the best weights lie; within a run directory until the journal is read or written."""

    @model_validator(mode="after")
    def _a_score_means_completed(self) -> Self:
        if (self.status == "completed") is (self.score is None):
            raise ValueError("a trial has a score if, and only if, it was completed")
        return self


class Journal:
    """The finished trials of a run directory, in their order.

    directory: the run directory; it is made if it is missing.
    Raises RunError on a journal that is damaged elsewhere than at its end.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.path = directory / JOURNAL
        (directory / WEIGHTS).mkdir(parents=True, exist_ok=True)
        self.outcomes: list[Outcome] = list(self._read())

    def append(self, outcome: Outcome) -> None:
        """Keep an outcome, so that it outlives a crash of the machine."""
        relative = None if outcome.weights is None else outcome.weights.relative_to(self._directory)
        line = outcome.model_copy(update={"weights": relative}).model_dump_json()
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.outcomes.append(outcome)

    def _read(self) -> Iterable[Outcome]:
        if not self.path.exists():
            return
        text = self.path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) < len(text):
            # The process died while it wrote this line; its trial is run again.
            os.truncate(self.path, len(whole))
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                outcome = Outcome.model_validate_json(line)
            except ValidationError as error:
                raise RunError(
                    f"Each line of {self.path} must be a finished trial, but line {number} is not: "
                    f"{error.errors()[0]['msg']}. Start a new run, or remove the line and those after it."
                ) from None
            weights = None if outcome.weights is None else self._directory / outcome.weights
            yield outcome.model_copy(update={"weights": weights})


def weights_path(directory: Path, number: int) -> Path:
    """Where a trial's best weights lie."""
    return directory / WEIGHTS / f"{number:04d}.weights.h5"


def state_path(directory: Path, number: int) -> Path:
    """Where a trial's last weights and optimizer state lie, for the trial that continues it."""
    return directory / WEIGHTS / f"{number:04d}.state.npz"
