"""How the delivered model was made: on some rows, on all rows, or from the model of another run."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from rules.text.numbers import number


class Delivery(BaseModel):
    """How the delivered model was made from the evaluated one."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    is_refitted: bool
    """Whether the delivered model was trained again, on all rows."""
    rows: int
    """Rows that trained the delivered model."""
    evaluated_rows: int
    """Rows that trained the evaluated model; with cross-validation those of all its networks together."""
    seeds: int = 0
    """Networks of each selected trial, from different initial weights; 0 unless refitted."""
    is_averaged: bool = False
    """Whether the evaluated network has half of the weight in the delivered model."""
    epochs: dict[int, int] = Field(default_factory=dict)
    """Trial → epochs on all rows: those of its best validation score, or fewer."""
    is_shortened: bool = False
    """Whether a trial has fewer epochs than to its best validation score, because time was short."""
    seconds: float = 0.0
    """Seconds of training and saving, also where they were in vain."""
    why: str = ""
    """Why the evaluated model is delivered; empty where it is not."""

    @property
    def sentence(self) -> str:
        """Which model is delivered, and which one the scores are of."""
        if not self.is_refitted:
            return f"The model is the evaluated one: {self.why}."
        count = self.seeds * len(self.epochs)
        networks = "1 network" if count == 1 else f"{count} networks"
        fewer = ", for fewer epochs than were selected, because time was short" if self.is_shortened else ""
        half = f"; the other half of its mean is the evaluated one, trained on {self.evaluated_rows:,} rows"
        rest = f"{fewer}{half if self.is_averaged else ''}"
        return (
            f"The model has {networks} trained again on all {self.rows:,} rows, including the hold-out{rest}."
            " The scores are those of the evaluated model; --keep-evaluated keeps that one."
        )


class Change(BaseModel):
    """Score of the model of a run before and after its training was continued; None where it is undefined."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    rows: int
    before: float | None
    after: float | None

    def __str__(self) -> str:
        before, after = ("undefined" if one is None else number(one) for one in (self.before, self.after))
        return f"{before} before, {after} after ({self.rows:,} rows)"


class Continuation(BaseModel):
    """How the model of a run was trained further on new rows."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    parent: str
    """Seal of the run whose model was trained further."""
    parent_dataset: str
    """Digest of the dataset of that run."""
    metric: str
    learning_rate: float
    """Highest rate; it decays to 0."""
    epochs: int
    """Epochs trained."""
    best_epoch: int
    """The epoch whose weights are kept, by the validation score; 0 for the weights of the parent run."""
    rows: int
    """New rows that were trained on."""
    new_hold_out: Change
    old_hold_out: Change | None = None
    """Scores on the hold-out of the parent run; None where they were not measured."""
    old_missing: str = ""
    """Why they were not measured; empty where they were."""
    knew_hold_out: bool = False
    """Whether the parent's model was trained with its hold-out, so that its score before is too good."""
    drift: str
    """Whether the new rows differ from the training rows of the parent run."""

    @property
    def sentences(self) -> list[str]:
        """What was trained, forgetting, and drift."""
        kept = f"the weights of epoch {self.best_epoch} are kept"
        if not self.best_epoch:
            kept = "no epoch has a better validation score, so its weights are kept"
        known = " The model before was trained with these rows." if self.knew_hold_out else ""
        old = f"{self.old_hold_out}.{known}"
        if self.old_hold_out is None:
            old = f"not measured, because {self.old_missing}."
        return [
            f"The model of the parent run was trained for {self.epochs} epochs on {self.rows:,} new rows; {kept}.",
            f"{self.metric} on the new hold-out: {self.new_hold_out}.",
            f"{self.metric} on the hold-out of the parent run: {old}",
            self.drift,
        ]
