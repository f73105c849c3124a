"""Comparison of the choices of one slot on one dataset, as it is printed, drawn and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from rules.text.html import html_table
from rules.text.numbers import number
from rules.text.wording import counted
from rules.vocabulary.choices import Slot
from rules.vocabulary.direction import Direction

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLOSED: Final = ConfigDict(frozen=True, extra="forbid")


class ScoreInterval(BaseModel):
    """A score or a difference of scores with its 95 % interval; None where it is undefined."""

    model_config = _CLOSED

    value: float | None
    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.value is None:
            return "undefined"
        if self.low is None or self.high is None:
            return number(self.value)
        return f"{number(self.value)} ({number(self.low)} to {number(self.high)})"


class ComparedTraining(BaseModel):
    """One training of one choice."""

    model_config = _CLOSED

    seed: int
    score: float | None
    """Value of the metric on test rows; None if the training diverged or failed."""
    validation_score: float | None
    epochs: int
    best_epoch: int | None
    seconds: float
    epoch_scores: tuple[float | None, ...]
    """Value of the metric on validation rows after each epoch."""
    training_loss: tuple[float | None, ...]
    """Training loss of each epoch."""
    message: str = ""
    """Reason of a failed training."""


class ComparedChoice(BaseModel):
    """A choice and its trainings."""

    model_config = _CLOSED

    choice: str
    parameters: dict[str, Any]
    is_recommended: bool
    score: ScoreInterval
    """Mean over the seeds of the metric on test rows."""
    gain: ScoreInterval | None
    """Gain over the reference on the same test rows with the same seeds: positive is better, whether the metric is
    maximised or minimised. None for the reference."""
    seconds: float
    trainings: tuple[ComparedTraining, ...]

    @property
    def name(self) -> str:
        """The name without parameters."""
        return str(self.parameters["name"])

    @property
    def is_better(self) -> bool:
        return self.gain is not None and self.gain.low is not None and self.gain.low > 0

    @property
    def is_worse(self) -> bool:
        return self.gain is not None and self.gain.high is not None and self.gain.high < 0


class Comparison(BaseModel):
    """Choices of one slot, trained on the same rows with the same seeds.

    Attributes:
        dataset: Name of the dataset.
        targets: Columns to predict.
        task: Kind of prediction.
        slot: The slot whose choices are compared.
        metric: Performance metric, and its direction.
        reference: The choice that the others are compared with: the recommended one, or the first of `choices`.
        rules: Rules that make the recommended choice.
        rows: Rows of training, validation and test, without the hold-out.
        seeds: Trainings of each choice.
        epochs: Epochs of a training at most.
        full_epochs: Epochs that `recommend train` plans for a trial.
        choices: The choices, the best mean score first.
        left_out: Choices that were not trained, with the reason.

    Examples:
        >>> from executor import compare
        >>> found = compare("titanic.csv", target="Survived", slot="loss")  # doctest: +SKIP
        >>> [(one.choice, one.gain) for one in found.choices]  # doctest: +SKIP
    """

    model_config = _CLOSED

    format: Literal["pcwat/comparison/1"] = "pcwat/comparison/1"
    dataset: str
    digest: str
    targets: tuple[str, ...]
    task: str
    slot: Slot
    metric: str
    direction: Direction
    reference: str
    rules: tuple[str, ...]
    rows: int
    test_rows: int
    seeds: int
    epochs: int
    full_epochs: int
    seconds: float
    choices: tuple[ComparedChoice, ...]
    left_out: dict[str, str]
    version: str

    @property
    def result(self) -> str:
        """The result in one or two sentences."""
        best, others = self.choices[0], [one for one in self.choices if one.gain is not None]
        if best.score.value is None:
            return f"No training of the {self.slot} has a score."
        reference = next(one.name for one in self.choices if one.gain is None)
        better = [one.name for one in others if one.is_better]
        worse = [one.name for one in others if one.is_worse]
        parts = [_clause(better, f"better than {reference}"), _clause(worse, f"worse than {reference}")]
        clear = " and ".join(part for part in parts if part)
        rest = "no other choice" if clear else "no choice"
        if len(better) + len(worse) < len(others):
            unclear = f"{rest} differs from {reference} beyond the noise of {self.test_rows:,} test rows"
            clear = f"{clear}; {unclear}" if clear else unclear
        return f"{best.name} has the best mean {self.metric} on test rows, {number(best.score.value)}: {clear}."

    def _repr_html_(self) -> str:
        rows = ((one.choice, str(one.score), gain_text(one)) for one in self.choices)
        return html_table(self.result, (self.slot.label, self.metric, "Gain"), rows)


def _clause(names: Sequence[str], relation: str) -> str:
    """Names with their relation to the reference; empty without names."""
    if not names:
        return ""
    *first, last = names
    listed = f"{', '.join(first)} and {last}" if first else last
    return f"{listed} {'are' if first else 'is'} {relation}"


def gain_text(choice: ComparedChoice) -> str:
    """The gain of a choice with its interval, or that it is the reference."""
    return "reference" if choice.gain is None else str(choice.gain)


def length_text(comparison: Comparison) -> str:
    """How long and how often each choice was trained."""
    short = (
        "" if comparison.epochs >= comparison.full_epochs else f" of the {comparison.full_epochs} of a full training"
    )
    return f"{counted(comparison.epochs, 'epoch')}{short}, {counted(comparison.seeds, 'seed')}"
