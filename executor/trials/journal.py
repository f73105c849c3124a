"""trials.jsonl: one line for each finished trial, from which a killed search is replayed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self
from zipfile import BadZipFile

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from executor.log import log_trials
from rules.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

JOURNAL: Final = "trials.jsonl"
WEIGHTS: Final = "trials"  # the folder of the trials' weights within a run directory


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
    Raises RunError on a journal that is damaged elsewhere than at its end, or cannot be read or mended.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.path = directory / JOURNAL
        try:
            (directory / WEIGHTS).mkdir(parents=True, exist_ok=True)
            self.outcomes: list[Outcome] = list(self._read())
        except OSError as error:
            raise RunError(
                f"Cannot use the run directory {directory}: {error.strerror}. Allow reading and writing there, or name "
                "another place."
            ) from None

    def append(self, outcomes: Sequence[Outcome]) -> None:
        """Keep the outcomes of a round, all or none, so that they outlive a crash of the machine.

        Raises RunError where that cannot be done; the file is as it was before.
        """
        lines = []
        for outcome in outcomes:
            relative = None if outcome.weights is None else outcome.weights.relative_to(self._directory)
            lines.append(outcome.model_copy(update={"weights": relative}).model_dump_json() + "\n")
        before = self.path.stat().st_size if self.path.exists() else 0
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write("".join(lines))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            with suppress(OSError):
                os.truncate(self.path, before)
            raise RunError(f"Cannot write {self.path}: {error.strerror}. Make room, or allow writing there.") from None
        self.outcomes += outcomes
        log_trials(outcomes)

    def _read(self) -> Iterable[Outcome]:
        if not self.path.exists():
            return
        text = self.path.read_bytes()
        lines = text[: text.rfind(b"\n") + 1].splitlines(keepends=True)
        outcomes = [self._parsed(line, number) for number, line in enumerate(lines, start=1)]
        last = [outcome for outcome in outcomes if outcome.round == outcomes[-1].round]
        if last and len(last) < last[0].asked:
            # The process died while it wrote this round; its trials are run again.
            del outcomes[-len(last) :]
        whole = sum(map(len, lines[: len(outcomes)]))
        if whole < len(text):
            os.truncate(self.path, whole)
        yield from outcomes

    def _parsed(self, line: bytes, number: int) -> Outcome:
        try:
            outcome = Outcome.model_validate_json(line)
        except ValidationError as error:
            raise RunError(
                f"Each line of {self.path} must be a finished trial, but line {number} is not: "
                f"{error.errors()[0]['msg']}. Start a new run, or remove the line and those after it."
            ) from None
        weights = None if outcome.weights is None else self._directory / outcome.weights
        return outcome.model_copy(update={"weights": weights})


def weights_path(directory: Path, number: int) -> Path:
    """Where a trial's best weights lie."""
    return directory / WEIGHTS / f"{number:04d}.weights.npz"


def state_path(directory: Path, number: int) -> Path:
    """Where a trial's last weights and optimizer state lie, for the trial that continues it."""
    return directory / WEIGHTS / f"{number:04d}.state.npz"


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays so that the file is there whole or not at all. Raises RunError where that cannot be done."""
    beside = path.with_name(f"partial.{path.name}")
    try:
        np.savez(beside, **dict(arrays))  # type: ignore[arg-type]  # numpy's stub takes any name for allow_pickle
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise RunError(f"Cannot write {path}: {error.strerror}. Make room, or allow writing there.") from None


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read what write_arrays wrote. Raises RunError where the file is missing or damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, EOFError, ValueError, BadZipFile) as error:
        raise RunError(f"A run must hold {path}, but it cannot be read: {error}. Start a new run.") from None


def write_weights(path: Path, weights: Sequence[np.ndarray]) -> None:
    """Write the weights of a trial's best epoch."""
    write_arrays(path, {f"{index:03d}": weight for index, weight in enumerate(weights)})


def read_weights(path: Path) -> list[np.ndarray]:
    """The weights that write_weights wrote."""
    return [weight for _, weight in sorted(read_arrays(path).items())]
